"""The commands of administration: whose command it is, what waits for a second person, what is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from api.errors import Exit
from tests.api.conftest import make_site, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from retrieval.embed import Embedder
    from tests.api.conftest import Ntk, Ran
    from tests.sites import Site

    Run = Callable[..., Ran]

QUESTION = "How much is paid for hotels a night?"


@pytest.fixture
def site(tmp_path: Path, embedder: Embedder) -> Site:
    """The installation with the vectors of the real model, which the commands load."""
    return make_site(tmp_path, embedder)


@pytest.fixture
def run(ntk: Ntk, site: Site) -> Run:
    """Give a command for the small installation; as the console, unless a key is given."""
    return lambda *arguments, key="": ntk(*arguments, "--data", site.data, key=key)


@pytest.fixture
def keys(run: Run, site: Site) -> dict[str, str]:
    """Two administrators beside Anna, who reads, and Ben, who does not."""
    made = {"anna": site.anna, "ben": site.ben}
    for name in ("ada", "olga"):
        assert run("user", "add", f"user:{name}", "--name", name.title()).code == Exit.YES
        made[name] = run("key", "new", f"user:{name}").out.strip()
        granted = run(
            "policy", "allow", f"user:{name}", "root:all", "manage", key=made["ada"] if name == "olga" else ""
        )
        if name == "olga":  # by then there is one who could be second, so that one is needed
            assert granted.code == Exit.PARTLY
            refused(run("approve", approval_in(granted), key=made["ada"]), "no-such-approval", Exit.NO)
            assert run("policy", "allow", "user:olga", "coll:finance", "manage").code == Exit.YES
    return made


def approval_in(ran: Ran) -> str:
    return ran.out.split()[-1]


def values(ran: Ran) -> list[Any]:
    return [json.loads(line) for line in ran.out.splitlines()]


def test_rules_are_given_and_taken_and_hold_from_the_next_question_on(run: Run, site: Site) -> None:
    assert run("ask", QUESTION, key=site.ben).code == Exit.NO
    given = run("policy", "allow", "user:ben", "coll:finance")
    assert (given.code, given.out) == (Exit.YES, "user:ben may read on coll:finance.\n")
    assert "180 euros" in run("ask", QUESTION, key=site.ben).out
    assert run("policy", "deny", "user:ben", "coll:finance").code == Exit.YES
    assert run("ask", QUESTION, key=site.ben).code == Exit.NO
    assert run("policy", "remove", "user:ben", "coll:finance", "--deny").code == Exit.YES
    assert "180 euros" in run("ask", QUESTION, key=site.ben).out
    assert run("policy", "remove", "user:ben", "coll:finance").code == Exit.YES
    assert run("ask", QUESTION, key=site.ben).code == Exit.NO
    refused(run("policy", "remove", "user:ben", "coll:finance"), "unknown-name", Exit.NO, "user:ben")


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("allow", "user:nobody", "coll:finance"), "unknown-name", Exit.NO),
        (("allow", "ben", "coll:finance"), "bad-edit", Exit.MISUSE),
        (("allow", "user:ben", "coll:fin*"), "bad-edit", Exit.MISUSE),
        (("allow", "user:ben", "coll:none"), "unknown-name", Exit.NO),
        (("allow", "user:ben", "coll:finance", "Read"), "bad-rule", Exit.MISUSE),
        (("deny", "user:ben", "coll:finance", "see"), "bad-rule", Exit.MISUSE),
        (("allow", "user:ben", "coll:finance", "--epoch", "1"), "policy-moved", Exit.NO),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_its_reason(run: Run, arguments: Any, code: str, exit_code: Exit) -> None:
    refused(run("policy", *arguments), code, exit_code)


def test_a_command_is_that_of_the_key(run: Run, keys: dict[str, str]) -> None:
    refused(run("policy", "allow", "user:ben", "coll:finance", key=keys["anna"]), "not-allowed", Exit.NO)
    refused(run("user", "add", "user:cy", "--name", "Cy", key=keys["ben"]), "not-allowed", Exit.NO)
    refused(run("user", "add", "user:cy", "--name", "Cy", key="ntk_" + "x" * 43), "not-signed-in", Exit.NO)
    assert run("user", "add", "user:cy", "--name", "Cy", key=keys["ada"]).code == Exit.YES
    assert run("policy", "deny", "user:cy", "coll:finance", key=keys["olga"]).code == Exit.YES
    refused(run("policy", "allow", "user:cy", "coll:finance", key=keys["olga"]), "not-allowed", Exit.NO)


def test_what_lets_the_asker_in_waits_for_somebody_else(run: Run, keys: dict[str, str]) -> None:
    asked = run("policy", "allow", "user:ada", "coll:finance", "--reason", "To help out.", key=keys["ada"])
    assert asked.code == Exit.PARTLY
    assert run("ask", QUESTION, key=keys["ada"]).code == Exit.NO
    refused(run("approve", approval_in(asked), key=keys["ada"]), "no-such-approval", Exit.NO)
    refused(run("approve", approval_in(asked), key=keys["ben"]), "no-such-approval", Exit.NO)
    refused(run("approve", approval_in(asked)), "not-allowed", Exit.NO, "a second person is a person")
    refused(run("approve", "none", key=keys["olga"]), "no-such-approval", Exit.NO)
    assert run("approve", key=keys["ben"]).out == "Nothing waits for you.\n"


def test_an_administrator_by_two_and_what_he_then_agrees_to(run: Run, keys: dict[str, str]) -> None:
    asked = run("policy", "allow", "user:olga", "root:all", "manage", "--reason", "She stands in for Ada.")
    assert asked.code == Exit.PARTLY
    listed = run("approve", key=keys["ada"]).out
    assert approval_in(asked) in listed
    assert "She stands in for Ada." in listed
    assert run("approve", approval_in(asked), key=keys["ada"]).code == Exit.YES
    waiting = run("user", "clear", "user:ben", "restricted", "--json", key=keys["ada"])
    assert waiting.code == Exit.PARTLY
    assert run("approve", json.loads(waiting.out)["approval"], "--reject", key=keys["olga"]).code == Exit.YES
    refused(run("approve", json.loads(waiting.out)["approval"], key=keys["olga"]), "no-such-approval", Exit.NO)


def test_the_last_administrator_stays(run: Run, keys: dict[str, str]) -> None:
    refused(run("user", "disable", "user:ada"), "nobody-left", Exit.NO)
    refused(run("policy", "remove", "user:ada", "root:all", "manage"), "nobody-left", Exit.NO)
    assert run("user", "disable", "user:ben").code == Exit.YES
    refused(run("ask", QUESTION, key=keys["ben"]), "not-signed-in", Exit.NO)
    assert run("user", "enable", "user:ben").code == Exit.YES


def test_the_console_can_be_shut(run: Run, keys: dict[str, str]) -> None:
    assert run("policy", "remove", "svc:command-line", "root:all", "manage", key=keys["ada"]).code == Exit.YES
    refused(run("user", "add", "user:cy", "--name", "Cy"), "not-allowed", Exit.NO)
    assert run("key", "new", "user:anna").code == Exit.YES  # somebody has to hand out the first ones
    refused(run("policy", "export"), "not-allowed", Exit.NO)


def test_a_key_is_made_by_the_person_himself_or_at_the_console(run: Run, keys: dict[str, str]) -> None:
    """Who could make a key of somebody else would be let in as him, and the trail would name the wrong one."""
    for who in ("ben", "ada"):
        refused(run("key", "new", "user:anna", key=keys[who]), "not-allowed", Exit.NO)
    refused(run("key", "revoke", keys["anna"][:10], key=keys["ben"]), "unknown-name", Exit.NO)
    made = run("key", "new", "user:ben", key=keys["ben"])
    assert made.code == Exit.YES
    assert run("key", "revoke", made.out[:10], key=keys["ben"]).code == Exit.YES
    assert run("key", "revoke", keys["anna"][:10], key=keys["ada"]).code == Exit.YES


def test_places_are_made_moved_labelled_and_cut(run: Run, site: Site) -> None:
    assert run("place", "add", "coll:archive", "--level", "internal").code == Exit.YES
    (made,) = values(run("place", "add", "Old papers", "--in", "coll:finance", "--json"))
    folder = made["place"]
    assert [row["place"] for row in values(run("place", "list", "coll:finance", "--json"))] == [folder]
    assert run("place", "move", folder, "coll:archive").code == Exit.YES
    assert run("place", "label", folder, "confidential", "--compartment", "gdpr").code == Exit.YES
    assert run("place", "inherit", folder, "--cut").code == Exit.YES
    (row,) = values(run("place", "list", "coll:archive", "--json"))
    label = "confidential+gdpr"
    assert row == {"place": folder, "name": "Old papers", "label": label, "holds": label, "inherit": False}
    assert "Old papers" in run("place", "list", "coll:archive").out
    refused(run("place", "move", "coll:archive", folder), "bad-name", Exit.MISUSE)
    refused(run("place", "owner", "doc:none", "user:anna"), "unknown-name", Exit.NO)
    refused(run("place", "label", folder, "secret"), "bad-label", Exit.MISUSE)
    assert run("place", "add", "coll:other").code == Exit.MISUSE


def test_lists_are_for_those_who_administer(run: Run, keys: dict[str, str]) -> None:
    assert {"user": "user:anna", "name": "Anna", "active": True, "clearance": "confidential"} in values(
        run("user", "list", "--json", key=keys["ada"])
    )
    assert run("user", "list", key=keys["anna"]).out == ""
    assert {"member": "user:anna", "group": "group:finance"} in values(run("group", "list", "--json"))
    rules = values(run("policy", "list", "--json", key=keys["olga"]))
    assert {rule["object"] for rule in rules} == {"coll:finance"}
    assert run("policy", "list", "--subject", "user:ben").out == ""


def test_which_way_a_search_takes_is_told_to_administrators_of_the_whole_alone(run: Run, keys: dict[str, str]) -> None:
    """It counts what others may see: who manages a place is told of the place, and no number."""
    told = run("policy", "explain", "user:anna", "coll:finance", "--search", key=keys["ada"])
    assert told.code == Exit.YES
    assert "His searches: 1 of 1 chunks are visible, whole shelves looked up, all chunks passed through: " in told.out
    (value,) = values(run("policy", "explain", "user:ben", "coll:finance", "--search", "--json", key=keys["ada"]))
    assert (value["search"]["visible"], value["search"]["points"], value["search"]["wide"]) == (0, 1, False)
    refused(run("policy", "explain", "user:anna", "coll:finance", "--search", key=keys["olga"]), "not-allowed", Exit.NO)


def test_an_explanation_is_for_who_manages_the_place(run: Run, site: Site, keys: dict[str, str]) -> None:
    yes = run("policy", "explain", "user:anna", "coll:finance", key=keys["olga"])
    assert yes.code == Exit.YES
    assert "group:finance" in yes.out
    no = run("policy", "explain", "user:ben", "coll:finance")
    assert no.code == Exit.NO
    hidden = run("policy", "explain", "user:anna", "coll:finance", key=keys["ben"])
    refused(hidden, "unknown-name", Exit.NO)
    absent = run("policy", "explain", "user:anna", "coll:absent", key=keys["ben"])
    assert absent.err == hidden.err.replace("coll:finance", "coll:absent")


def test_a_simulation_tells_who_gains_and_changes_nothing(run: Run, site: Site) -> None:
    told = run(
        "policy", "simulate", "--add", "user:ben, coll:finance, read, allow", "--remove", "user:anna, group:finance"
    )
    assert told.code == Exit.YES
    assert "user:ben gains" in told.out
    assert "user:anna loses" in told.out
    assert run("ask", QUESTION, key=site.ben).code == Exit.NO
    assert run("ask", QUESTION, key=site.anna).code == Exit.YES
    refused(run("policy", "simulate", "--add", "nonsense"), "bad-edit", Exit.MISUSE)
    refused(run("policy", "simulate", "--add", "user:ben, coll:finance, read, Deny"), "bad-edit", Exit.MISUSE)
    refused(run("policy", "simulate", "--add", "user:ben, group:x", key=site.ben), "not-allowed", Exit.NO)


def test_a_review_is_exported_and_signed_by_a_person(run: Run, keys: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "review.csv"
    assert "user:anna" in run("policy", "review").out
    (written,) = values(run("policy", "review", "--export", file, "--json"))
    assert "user:anna" in file.read_text("utf-8")
    refused(run("policy", "review", "--export", file), "unusable-file", Exit.MISUSE)
    refused(run("policy", "review", "--sign", file), "not-allowed", Exit.NO, "NTK_KEY")
    (signed,) = values(run("policy", "review", "--sign", file, "--json", key=keys["ada"]))
    assert signed["digest"] == written["digest"]
    assert run("policy", "allow", "user:ben", "coll:finance").code == Exit.YES
    refused(run("policy", "review", "--sign", file, key=keys["ada"]), "policy-moved", Exit.NO)


def test_a_policy_goes_out_and_comes_in_again(run: Run, tmp_path: Path) -> None:
    exported = run("policy", "export").out
    assert "p, group:finance, coll:finance, read, allow" in exported
    file = tmp_path / "policy.csv"
    file.write_text(exported + "p, user:ben, coll:finance, read, allow\n", "utf-8")
    dry = run("policy", "import", file, "--dry-run")
    assert "user:ben gains" in dry.out
    assert run("policy", "export").out == exported
    assert run("policy", "import", file).code == Exit.YES
    file.write_text(exported, "utf-8")
    assert run("policy", "import", file, "--replace").code == Exit.YES
    assert run("policy", "export").out == exported
    file.write_text(exported + "p, user:ben, coll:finance, read, Deny\n", "utf-8")
    ran = run("policy", "import", file)
    assert ran.code == Exit.MISUSE
    assert f"line {len(exported.splitlines()) + 1}" in ran.err
    refused(run("policy", "import", tmp_path / "none.csv"), "unusable-file", Exit.MISUSE)


def test_the_records_make_the_policy_again(run: Run, keys: dict[str, str]) -> None:
    assert run("audit", "replay").code == Exit.YES


def test_emergency_access_waits_opens_and_ends(run: Run, keys: dict[str, str]) -> None:
    asked = run("break-glass", "open", "coll:finance", "--minutes", "5", "--reason", "A burst pipe.", key=keys["ben"])
    assert asked.code == Exit.PARTLY
    assert run("approve", approval_in(asked), key=keys["olga"]).code == Exit.YES
    ran = run("ask", QUESTION, key=keys["ben"])
    assert "180 euros" in ran.out
    (opened,) = values(run("break-glass", "list", "--json", key=keys["ben"]))[0]
    assert run("break-glass", "end", opened["id"], key=keys["ben"]).code == Exit.YES
    assert run("ask", QUESTION, key=keys["ben"]).code == Exit.NO
    refused(run("break-glass", "open", "coll:finance", "--minutes", "5", "--reason", "x"), "not-allowed", Exit.NO)
