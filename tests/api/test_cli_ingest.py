"""The command line takes folders in: what it says of good files, bad files, and folders that are none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

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


def test_a_second_run_takes_only_what_changed(ntk: Ntk, tmp_path: Path, site: Site, documents: Path) -> None:
    def ingest() -> dict[str, int]:
        made: dict[str, int] = json.loads(
            ntk("ingest", documents, "--collection", "canteen", "--readers", "user:anna", "--level", "internal",
                "--data", site.data, "--json").out.splitlines()[-1])  # fmt: skip
        return made

    assert (ingest()["added"], ingest()["unchanged"]) == (1, 1)
    (documents / "menu.md").write_text("# Canteen\n\nThe canteen serves pea soup on every Friday.\n", "utf-8")
    assert ingest()["changed"] == 1
    answered = ntk("ask", "When does the canteen serve pea soup?", "--data", site.data, key=site.anna)
    assert "Friday" in answered.out
    assert "Tuesday" not in answered.out


def test_a_file_that_cannot_be_read_is_reported_and_the_rest_goes_on(ntk: Ntk, site: Site, documents: Path) -> None:
    (documents / "broken.docx").write_bytes(b"PK\x03\x04 no document")
    (documents / "note.xyz").write_text("?")
    made = ntk("ingest", documents, "--collection", "canteen", "--readers", "user:anna", "--level", "internal",
               "--data", site.data)  # fmt: skip
    assert made.code == Exit.PARTLY
    assert "1 added" in made.out
    assert "broken.docx" in made.out
    assert "note.xyz" in made.out


def test_when_no_file_can_be_read_the_answer_is_no(ntk: Ntk, site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "junk"
    folder.mkdir()
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 no document")
    made = ntk("ingest", folder, "--collection", "junk", "--readers", "user:anna", "--level", "internal",
               "--data", site.data)  # fmt: skip
    assert made.code == Exit.NO
    assert "broken.pdf" in made.out


def test_a_folder_that_is_not_there(ntk: Ntk, site: Site, tmp_path: Path) -> None:
    ran = ntk("ingest", tmp_path / "absent", "--collection", "x", "--readers", "user:anna", "--level", "public",
              "--data", site.data)  # fmt: skip
    refused(ran, "no-such-folder", Exit.MISUSE)
    # Nothing was left behind: the collection is still new, and wants its readers.
    refused(ntk("ingest", site.data.parent / "documents", "--collection", "x", "--data", site.data),
             "bad-label", Exit.MISUSE, "--level", "--readers")  # fmt: skip


def test_an_empty_folder(ntk: Ntk, site: Site, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = ntk("ingest", tmp_path / "empty", "--collection", "x", "--readers", "user:anna", "--level", "public",
              "--data", site.data)  # fmt: skip
    refused(ran, "empty-folder", Exit.MISUSE)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--readers", "group:nobody-is-in-it", "--level", "public"], "unknown-name"),
        (["--readers", "user:absent", "--level", "public"], "unknown-name"),
        (["--readers", "anna", "--level", "public"], "bad-name"),
        (["--readers", "user:anna, user:ben", "--level", "public"], "bad-name"),
        (["--readers", "user:anna", "--level", "Public"], "bad-label"),
        (["--readers", "user:anna", "--level", "secret"], "bad-label"),
        (["--readers", "user:anna", "--level", "public", "--compartment", "GDPR"], "bad-label"),
        (["--readers", "user:anna"], "bad-label"),
        (["--level", "public"], "bad-label"),
    ],
)
def test_a_collection_that_cannot_be_made(ntk: Ntk, site: Site, documents: Path, options: list[str], code: str) -> None:
    ran = ntk("ingest", documents, "--collection", "canteen", *options, "--data", site.data)
    assert ran.code in (Exit.NO, Exit.MISUSE)
    assert f"({code})" in ran.err


def test_another_label_for_a_collection_that_is_there(ntk: Ntk, site: Site, documents: Path) -> None:
    ran = ntk("ingest", documents, "--collection", "finance", "--level", "public", "--data", site.data)
    refused(ran, "already-there", Exit.NO, "confidential")
