"""A folder of all that somebody might put into one to break its reader: the run goes on, with a reason for each."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import docx
import pytest

from api.errors import Exit
from tests.api.conftest import make_site
from tests.containers import part_of, saved, with_parts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from retrieval.embed import Embed
    from tests.api.conftest import Ntk, Site

DEEP = 100_000
MB = 1_000_000
DOCUMENT = "word/document.xml"
ENTITY = '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
LAUGHS = '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE d SYSTEM "http://outside.example/d.dtd">'


@pytest.fixture
def site(tmp_path: Path, hash_embed: Embed) -> Site:
    return make_site(tmp_path, hash_embed)


def word(members: Mapping[str, bytes | str] | None = None, prologue: str = "") -> bytes:
    """Make a Word document, with other members than its own, or something before its XML."""
    made = docx.Document()
    made.add_paragraph("The lamp of the pier is green.")
    plain = saved(made)
    if prologue:
        plain = with_parts(plain, {DOCUMENT: prologue + part_of(plain, DOCUMENT).partition("?>")[2]})
    return with_parts(plain, members or {})


def hostile(folder: Path) -> dict[str, str]:
    """Fill a folder, and give for each name a word that its reason has to hold; none for what is to be read."""
    files: dict[str, tuple[bytes, str]] = {
        "good.md": (b"# Lamp\n\nThe lamp of the pier is green.\n", ""),
        "good.docx": (word(), ""),
        "bomb.docx": (word({"word/media/big.xml": b"\0" * 300 * MB}), "unpack"),
        "many.docx": (word({f"word/media/{number}": b"" for number in range(10_001)}), "10,000"),
        "entity.docx": (word(prologue=ENTITY), "entit"),
        "laughs.docx": (word(prologue=LAUGHS), "entit"),
        "outside.docx": (word(prologue=OUTSIDE), ""),
        "deep.json": (b"[" * DEEP + b"]" * DEEP, "deep"),
        "line.csv": (b"Pier,Lamp\n" + b"lamp," * 9 * MB, "1,000,000 cells"),
        "cell.csv": (b"Pier,Lamp\n" + b"l" * 49 * MB + b",2\n", "a cell of more than"),
        "line.html": (b"<html><body><p>" + b"lamp " * 9 * MB, "too large"),
        "deep.html": (b"<html><body>" + b"<div>" * DEEP + b"text", "deep"),
        "cut.docx": (word()[:2000], "cut short"),
        "noise.pdf": (b"%PDF-1.7\n" + os.urandom(20_000), "damaged"),
        "noise.md": (os.urandom(20_000), "UTF-8"),
        "empty.txt": (b"", "empty"),
        "picture.png": (b"\x89PNG\r\n\x1a\n", "not read"),
    }
    for name, (content, _) in files.items():
        (folder / name).write_bytes(content)
    os.mkfifo(folder / "pipe.md")
    (folder / "loop").symlink_to(folder)
    (folder / "secrets.md").symlink_to("/etc/passwd")
    links = {"pipe.md": "regular", "loop": "link", "secrets.md": "link"}
    return {name: why for name, (_, why) in files.items()} | links


def test_each_file_has_its_reason_and_the_rest_comes_in(ntk: Ntk, site: Site, tmp_path: Path) -> None:
    """IN-01, IN-02, IN-04, IN-05, IN-07, IN-08."""
    folder = tmp_path / "share"
    folder.mkdir()
    reasons = hostile(folder)
    ran = ntk("ingest", folder, "--collection", "share", "--readers", "user:anna", "--level", "internal", "--json",
              "--data", site.data)  # fmt: skip
    assert ran.code == Exit.PARTLY
    told: list[dict[str, Any]] = [json.loads(line) for line in ran.out.splitlines()]
    outcomes = {line["path"]: line for line in told if line["event"] == "file"}
    assert outcomes.keys() == reasons.keys()
    for name, why in reasons.items():
        said = "; ".join(outcomes[name]["reasons"])
        assert (outcomes[name]["outcome"] == "added") == (not why), (name, said)
        assert why in said, (name, said)
        assert "root:" not in said
    assert told[-1]["added"] == sum(not why for why in reasons.values())
