"""The command line around ingestion: what would be done, what is deleted, what waits, and the index made again."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from api.doctor import State, examine
from api.errors import Exit
from tests.api.conftest import make_site, refused

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.embed import Embedder
    from tests.api.conftest import Ntk, Site


@pytest.fixture
def site(tmp_path: Path, embedder: Embedder) -> Site:
    """The installation with the vectors of the real model, which the commands load."""
    return make_site(tmp_path, embedder)


def events(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines()]


def canteen(ntk: Ntk, site: Site, documents: Path, *options: str) -> Any:
    return ntk("ingest", documents, "--collection", "canteen", "--readers", "user:anna", "--level", "internal",
               *options, "--data", site.data)  # fmt: skip


def test_a_dry_run_says_what_would_come_in_for_whom_and_does_nothing(ntk: Ntk, site: Site, documents: Path) -> None:
    (documents / "pay").mkdir()
    (documents / "pay" / "slip.md").write_text("# Slip\n\nThe bonus is paid in June.\n", "utf-8")
    (documents / "pay" / ".ntk.yaml").write_text("readers: [group:strangers]\n", "utf-8")
    ran = canteen(ntk, site, documents, "--dry-run", "--json")
    assert ran.code == Exit.PARTLY
    told = events(ran.out)
    folders = {line["folder"]: line for line in told if line["event"] == "folder"}
    assert folders["."]["who"] == ["user:anna"]
    assert folders["."]["label"] == "internal"
    assert (told[-1]["added"], told[-1]["held"]) == (1, 1)
    assert "group:strangers" in str(told[-1]["quarantine"])
    # Nothing was left behind: the collection is still new.
    refused(ntk("ingest", documents, "--collection", "canteen", "--data", site.data), "bad-label", Exit.MISUSE)
    shown = canteen(ntk, site, documents, "--dry-run").out
    assert "Would be: 1 added" in shown
    assert "user:anna" in shown


def test_what_is_gone_from_the_folder_is_deleted_within_the_brake(ntk: Ntk, site: Site, documents: Path) -> None:
    """IN-12."""
    for number in range(12):
        (documents / f"{number}.md").write_text(f"# Rule {number}\n\nRule {number} is about the bread.\n", "utf-8")
    assert canteen(ntk, site, documents).code == Exit.YES
    for number in range(12):
        (documents / f"{number}.md").unlink()
    braked = canteen(ntk, site, documents)
    assert braked.code == Exit.PARTLY
    assert "--max-delete 12" in braked.err
    dry = canteen(ntk, site, documents, "--max-delete", "12", "--dry-run", "--json")
    assert events(dry.out)[-1]["removed"] == 12
    gone = canteen(ntk, site, documents, "--max-delete", "12", "--json")
    assert (gone.code, events(gone.out)[-1]["removed"]) == (Exit.YES, 12)
    asked = ntk("ask", "Which rule is about the bread?", "--data", site.data, key=site.anna)
    assert "bread" not in asked.out


@pytest.mark.parametrize("wrong", ["-1", "ten", "10%%", "200%", ""])
def test_a_brake_that_is_none(ntk: Ntk, site: Site, documents: Path, wrong: str) -> None:
    assert canteen(ntk, site, documents, "--max-delete", wrong).code == Exit.MISUSE


def test_events_come_one_by_one(ntk: Ntk, site: Site, documents: Path) -> None:
    (documents / "broken.docx").write_bytes(b"PK\x03\x04 no document")
    told = events(canteen(ntk, site, documents, "--json").out)
    assert [line["event"] for line in told] == ["begin", "file", "file", "end"]
    by_path = {line["path"]: line for line in told if line["event"] == "file"}
    assert (by_path["menu.md"]["outcome"], by_path["broken.docx"]["outcome"]) == ("added", "failed")
    assert by_path["broken.docx"]["reasons"]
    assert told[-1]["formats"] == {"docx": {"failed": 1}, "md": {"added": 1}}


def test_what_waits_is_listed_with_its_reason_and_can_be_kept_out(ntk: Ntk, site: Site, documents: Path) -> None:
    (documents / ".ntk.yaml").write_text("owner: user:stranger\n", "utf-8")
    assert canteen(ntk, site, documents).code == Exit.NO
    (row,) = events(ntk("quarantine", "list", "--data", site.data, "--json").out)
    assert (row["collection"], "user:stranger" in row["reasons"][0]) == ("coll:canteen", True)
    (waits,) = [finding for finding in examine(site.data) if finding.thing == "documents"]
    assert waits.meaning == "1 answer; 1 wait in quarantine: see ntk quarantine list"
    shown = ntk("quarantine", "show", row["document"], "--data", site.data)
    assert "user:stranger" in shown.out
    assert ntk("quarantine", "reject", row["document"], "--data", site.data).code == Exit.YES
    assert ntk("quarantine", "list", "--data", site.data).out == (
        "Nothing that is yours to decide on is in quarantine.\n"
    )
    refused(ntk("quarantine", "show", row["document"], "--data", site.data), "unknown-name", Exit.NO)


def test_a_lost_index_is_made_again_from_the_database(ntk: Ntk, site: Site) -> None:
    """FT-04."""
    ask = ("ask", "What may a night in a hotel cost?", "--data", site.data)
    before = ntk(*ask, key=site.anna).out
    assert "180 euros" in before
    shutil.rmtree(site.data / "index")
    refused(ntk(*ask, key=site.anna), "index-down", Exit.NO, "ntk reindex")
    made = ntk("reindex", "--data", site.data, "--json")
    assert json.loads(made.out)["documents"] == 1
    assert ntk(*ask, key=site.anna).out == before
    assert sorted(path.name for path in site.data.iterdir() if path.name.startswith("index")) == ["index"]


def test_a_damaged_index_is_made_again_as_well(ntk: Ntk, site: Site) -> None:
    for path in (site.data / "index").rglob("*"):
        if path.is_file():
            path.write_bytes(b"?")
    assert ntk("reindex", "--data", site.data).code == Exit.YES
    assert "180 euros" in ntk("ask", "What may a night in a hotel cost?", "--data", site.data, key=site.anna).out


def test_an_index_that_another_model_made_is_refused_and_made_again(ntk: Ntk, site: Site) -> None:
    """FT-04: a folder that came back from a back-up without its database."""
    (site.data / "index" / "model.txt").write_text("another/384")
    refused(ntk("ask", "Any?", "--data", site.data, key=site.anna), "embedder-mismatch", Exit.NO, "another/384")
    (index,) = (finding for finding in examine(site.data) if finding.thing == "index")
    assert (index.state, "ntk reindex" in index.meaning) == (State.MISSING, True)
    assert ntk("reindex", "--data", site.data).code == Exit.YES
    assert "180 euros" in ntk("ask", "What may a night in a hotel cost?", "--data", site.data, key=site.anna).out
