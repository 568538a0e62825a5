"""What folders declare: labels, readers, owners, inheritance, and what happens when it changes or is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from acl.admin.nodes import own_label
from acl.admin.second import approve
from acl.errors import NotAllowed
from acl.labels import Compartment, Label, Level
from acl.names import NodeId, UserId
from acl.read import whats_of
from ingest.run import Options
from retrieval.tags import drain
from store import schema
from store.engine import snapshot
from tests.intake import take_in

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.outcome import Summary
    from tests.worlds import World

HOUSE = NodeId("coll:house")
ANNA, BEN = UserId("user:anna"), UserId("user:ben")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "share"
    (root / "pay" / "slips").mkdir(parents=True)
    (root / "gate.md").write_text("# Gate\n\nThe gate closes at ten in the evening.\n", "utf-8")
    (root / "pay" / "slips" / "may.md").write_text("# May\n\nThe bonus of May is paid in June.\n", "utf-8")
    return root


@pytest.fixture
def house(world: World) -> World:
    world.collection("house", Label(Level.INTERNAL))
    world.allow("group:staff", HOUSE)
    world.user("anna", groups=["staff"], clearance=Level.CONFIDENTIAL)
    world.user("ben", clearance=Level.CONFIDENTIAL)
    return world


def declare(folder: Path, text: str) -> None:
    (folder / ".ntk.yaml").write_text(text, "utf-8")


def run(world: World, folder: Path, **options: UserId) -> Summary:
    return take_in(world, folder, HOUSE, options=Options(**options))  # type: ignore[arg-type]  # owner alone


def finds(world: World, user: UserId, question: str, word: str) -> bool:
    return any(word in snippet.text for snippet in world.find(question, user).snippets)


def document(world: World, word: str) -> tuple[Label, str | None]:
    """Give label and owner of the document whose file holds a word."""
    with snapshot(world.store.engine) as connection:
        for row in connection.execute(select(schema.document)):
            chunks = select(schema.chunk.c.begins).where(schema.chunk.c.document_id == row.id)
            named = connection.scalar(select(schema.node.c.name).where(schema.node.c.id == row.node_id))
            if connection.execute(chunks).first() is not None and named == word:
                return whats_of(connection, [row.id])[row.id].label, row.owner
    raise LookupError(word)


def test_readers_and_label_hold_for_the_folder_and_all_below(house: World, folder: Path) -> None:
    declare(folder / "pay", "level: confidential\nreaders: [user:ben]\n")
    run(house, folder)
    assert finds(house, BEN, "bonus of May", "bonus")
    assert not finds(house, BEN, "gate closes", "gate")
    assert finds(house, ANNA, "bonus of May", "bonus")  # by the rule above, which is inherited
    assert document(house, "slips")[0] == Label(Level.CONFIDENTIAL)


def test_a_folder_that_inherits_nothing_is_for_its_own_readers_alone(house: World, folder: Path) -> None:
    declare(folder / "pay", "inherit: false\nowner: user:ben\nlevel: internal\nreaders: [user:ben]\n")
    assert run(house, folder).held == {}
    assert finds(house, BEN, "bonus of May", "bonus")
    assert not finds(house, ANNA, "bonus of May", "bonus")
    assert finds(house, ANNA, "gate closes", "gate")


@pytest.mark.parametrize("missing", ["owner: user:ben", "level: internal", "readers: [user:ben]"])
def test_a_folder_that_inherits_nothing_and_says_not_all_waits(house: World, folder: Path, missing: str) -> None:
    said = "inherit: false\nowner: user:ben\nlevel: internal\nreaders: [user:ben]\n"
    declare(folder / "pay", said.replace(f"{missing}\n", ""))
    made = run(house, folder)
    assert list(made.held) == ["pay/slips/may.md"]
    assert not finds(house, ANNA, "bonus of May", "bonus")
    declare(folder / "pay", said)
    assert run(house, folder).held == {}
    assert finds(house, BEN, "bonus of May", "bonus")


@pytest.mark.parametrize("text", ["readers: [group:strangers]\n", "owner: user:nobody\n", "level: secret\n", "a: [b\n"])
def test_a_declaration_that_is_wrong_holds_back_all_below_it(house: World, folder: Path, text: str) -> None:
    """AZ-07: what was meant to be closed must not come in as if nothing had been said."""
    declare(folder / "pay", text)
    made = run(house, folder)
    assert list(made.held) == ["pay/slips/may.md"]
    assert ".ntk.yaml" in made.held["pay/slips/may.md"][0]
    assert not finds(house, ANNA, "bonus of May", "bonus")
    assert finds(house, ANNA, "gate closes", "gate")


def test_a_declaration_that_becomes_wrong_takes_away_what_answered(house: World, folder: Path) -> None:
    run(house, folder)
    assert finds(house, ANNA, "bonus of May", "bonus")
    declare(folder / "pay", "readers: [group:strangers]\n")
    assert list(run(house, folder).held) == ["pay/slips/may.md"]
    assert not finds(house, ANNA, "bonus of May", "bonus")


def test_who_is_dropped_from_the_readers_reads_no_more(house: World, folder: Path) -> None:
    declare(folder / "pay", "readers: [user:ben]\n")
    run(house, folder)
    assert finds(house, BEN, "bonus of May", "bonus")
    declare(folder / "pay", "level: internal\n")
    run(house, folder)
    assert not finds(house, BEN, "bonus of May", "bonus")


def test_a_rule_that_somebody_made_by_hand_outlives_the_declaration(house: World, folder: Path) -> None:
    run(house, folder)
    with snapshot(house.store.engine) as connection:
        pay = connection.scalar(select(schema.node.c.id).where(schema.node.c.name == "pay"))
    house.allow(BEN, str(pay))
    declare(folder / "pay", "readers: [group:staff]\n")
    run(house, folder)
    (folder / "pay" / ".ntk.yaml").unlink()
    run(house, folder)
    assert finds(house, BEN, "bonus of May", "bonus")


def test_the_owner_is_the_nearest_that_is_named_else_who_takes_it_in(house: World, folder: Path) -> None:
    declare(folder / "pay", "owner: user:ben\n")
    run(house, folder, owner=ANNA)
    assert document(house, "slips")[1] == BEN
    assert document(house, "house")[1] == ANNA


def test_a_raised_label_holds_at_once_and_a_lowered_one_waits_for_a_second_person(house: World, folder: Path) -> None:
    for name in ("first", "second"):
        house.user(name)
        house.allow(f"user:{name}", action="manage")
    run(house, folder)
    declare(folder / "pay", "level: restricted\n")
    assert run(house, folder).warnings == []
    assert not finds(house, ANNA, "bonus of May", "bonus")
    declare(folder / "pay", "level: internal\n")
    made = run(house, folder)
    assert not made.is_whole
    assert len(made.warnings) == 1
    assert not finds(house, ANNA, "bonus of May", "bonus")
    assert run(house, folder).warnings == made.warnings  # asked for once, however often it runs
    approve(house.store.engine, house.ledger, UserId("user:second"), made.warnings[0].rsplit(" ", 1)[-1])
    assert drain(house.store.engine, house.index, datetime.now(UTC)).failed == {}
    assert finds(house, ANNA, "bonus of May", "bonus")
    assert run(house, folder).is_whole


def test_a_declaration_that_says_nothing_of_the_label_leaves_it_as_it_is(house: World, folder: Path) -> None:
    """AZ-12: what a collection or folder was labelled by hand is not lowered by a file that names an owner."""
    run(house, folder)
    pay = house.folder(HOUSE, "wages", Label(Level.CONFIDENTIAL))
    (folder / "wages").mkdir()
    (folder / "wages" / "april.md").write_text("# April\n\nThe wages of April are paid in May.\n", "utf-8")
    for place in (folder, folder / "wages"):
        declare(place, "owner: user:ben\n")
    assert run(house, folder).warnings == []
    with snapshot(house.store.engine) as connection:
        assert own_label(connection, HOUSE) == Label(Level.INTERNAL)
        assert own_label(connection, pay) == Label(Level.CONFIDENTIAL)
    declare(folder / "wages", "compartments: [gdpr]\n")
    run(house, folder)
    with snapshot(house.store.engine) as connection:
        assert own_label(connection, pay) == Label(Level.CONFIDENTIAL, frozenset({Compartment("gdpr")}))


def test_a_declaration_that_says_nothing_of_inheritance_leaves_it_as_it_is(house: World, folder: Path) -> None:
    """A folder that was cut off by hand, or by a line that is gone, is not opened by a file that names an owner."""
    closed = "owner: user:ben\nlevel: internal\nreaders: [user:ben]\n"
    declare(folder / "pay", f"inherit: false\n{closed}")
    run(house, folder)
    declare(folder / "pay", closed)
    run(house, folder)
    assert not finds(house, ANNA, "bonus of May", "bonus")
    assert finds(house, BEN, "bonus of May", "bonus")
    declare(folder / "pay", f"inherit: true\n{closed}")
    run(house, folder)
    assert drain(house.store.engine, house.index, datetime.now(UTC)).failed == {}
    assert finds(house, ANNA, "bonus of May", "bonus")


def test_a_new_folder_whose_file_says_nothing_of_inheritance_inherits(house: World, folder: Path) -> None:
    declare(folder / "pay", "level: internal\n")
    run(house, folder)
    assert finds(house, ANNA, "bonus of May", "bonus")


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("level: public\n", Label(Level.INTERNAL, frozenset({Compartment("gdpr")}))),
        ("compartments: [pci]\n", Label(Level.INTERNAL, frozenset({Compartment("gdpr"), Compartment("pci")}))),
        ("level: confidential\n", Label(Level.CONFIDENTIAL, frozenset({Compartment("gdpr")}))),
    ],
)
def test_the_top_folder_can_raise_the_label_of_its_collection_and_not_lower_it(
    house: World, folder: Path, said: str, label: Label
) -> None:
    own = Label(Level.INTERNAL, frozenset({Compartment("gdpr")}))
    made = house.collection("files", own)
    declare(folder, said)
    assert take_in(house, folder, made).warnings == []
    with snapshot(house.store.engine) as connection:
        assert own_label(connection, made) == label


def test_nobody_gives_away_by_a_file_what_is_not_his(house: World, folder: Path) -> None:
    house.allow(BEN, HOUSE, "write")
    declare(folder / "pay", "readers: [group:staff]\n")
    with pytest.raises(NotAllowed):
        take_in(house, folder, HOUSE, actor=BEN)
    (folder / "pay" / ".ntk.yaml").unlink()
    assert take_in(house, folder, HOUSE, actor=BEN).added == 2
