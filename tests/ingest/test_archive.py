"""An archive is checked as a whole before a part of it is read."""

from __future__ import annotations

import struct
import zipfile
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from ingest.archive import MOST_BYTES, MOST_ENTRIES, open_archive
from ingest.errors import Unreadable
from ingest.parse import parse_bytes
from tests.containers import zipped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = "an .x that is no archive of ours"
LOCAL, DIRECTORY, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def reason(data: bytes) -> str:
    """Tell why an archive is refused."""
    with pytest.raises(Unreadable) as refused:
        open_archive(data, NAME, needs="a.xml")
    return str(refused.value)


def raw_zip(*parts: tuple[str, bytes, int, int]) -> bytes:
    """Make an archive entry by entry: name, packed bytes, the size that is claimed, the place that is claimed.

    A place below zero means where the part really is.
    """
    body, directory = b"", b""
    for name, packed, size, place in parts:
        at = len(body) if place < 0 else place
        fields = struct.pack("<HHHHHIII", 20, 0, 8, 0, 0, 0, len(packed), size)
        body += LOCAL + fields + struct.pack("<HH", len(name), 0) + name.encode() + packed
        directory += DIRECTORY + struct.pack("<H", 20) + fields
        directory += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, at) + name.encode()
    return body + directory + END + struct.pack("<HHHHIIH", 0, 0, len(parts), len(parts), len(directory), len(body), 0)


def deflated(data: bytes) -> bytes:
    """Pack bytes as a zip does."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def test_the_parts_of_an_archive_are_read_by_their_names() -> None:
    archive = open_archive(zipped({"a.xml": "<a>words</a>", "b": b"\0\1"}), NAME, needs="a.xml")
    assert (archive.read("b"), archive.read("c")) == (b"\0\1", b"")
    assert (archive.xml("a.xml").text, archive.xml("c").tag) == ("words", "none")
    right = raw_zip(("a.xml", deflated(b"<a/>"), 4, -1))  # the maker of the attacks below can do right
    assert open_archive(right, NAME, needs="a.xml").names == {"a.xml"}


def test_what_is_no_archive_or_lacks_what_it_needs_is_refused() -> None:
    """Covers IN-07."""
    good = zipped({"a.xml": "<a/>"})
    assert "cut short" in reason(b"words")
    assert "cut short" in reason(good[:-10])
    assert "cut short" in reason(b"#!/bin/sh\n" + good)  # a polyglot: an archive is read from its end
    assert reason(zipped({"b.xml": "<a/>"})) == NAME


def test_a_bomb_is_refused_before_it_is_unpacked_whole() -> None:
    """Covers IN-05."""
    assert "100 times" in reason(zipped({"x": "", "a.xml": b"\0" * 2_000_000}))
    noise = deflated(b"\0" * 50_000_000)
    many = [(f"{number}", noise, 50_000_000, -1) for number in range(5)]
    filler = ("filler", deflated(b""), 0, -1)
    assert "100 times" in reason(raw_zip(filler, *many))


def test_an_archive_that_unpacks_to_more_than_the_limit_is_refused() -> None:
    """Covers IN-05: with enough ballast its ratio is harmless."""
    ballast = zlib.compress(b"", 0) + bytes(range(256)) * 10_000
    content = b"\0" * (MOST_BYTES // 4)
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("ballast", ballast)
        for number in range(5):
            archive.writestr(f"{number}", content, zipfile.ZIP_DEFLATED)
    assert "more than 200 MB" in reason(buffer.getvalue())


def test_many_repeated_words_are_no_bomb() -> None:
    """Permitted twin of the bombs: a sheet of empty cells packs as tightly."""
    assert open_archive(zipped({"x": "", "a.xml": b"<a>" + b" " * 900_000 + b"</a>"}), NAME, needs="a.xml")


def test_sizes_that_are_lies_are_found_by_counting() -> None:
    """Covers IN-05: what is claimed is never believed."""
    bomb = deflated(b"\0" * 150_000_000)
    assert "100 times" in reason(raw_zip(("a.xml", bomb, 10, -1)))
    assert "not of the sizes" in reason(raw_zip(("a.xml", deflated(b"<a/>"), 5, -1)))


def test_parts_that_overlap_are_refused() -> None:
    """Covers IN-05: one packed stretch that a thousand entries share unpacks a thousand times."""
    packed = deflated(b"<a/>")
    assert "overlap" in reason(raw_zip(("a.xml", packed, 4, -1), ("b.xml", packed, 4, 0)))


def test_more_parts_than_a_document_has_are_refused() -> None:
    """Covers IN-05."""
    parts = {f"{number}": b"" for number in range(MOST_ENTRIES)}
    assert "more than 10,000 parts" in reason(zipped({"a.xml": "<a/>", **parts}))


def test_an_archive_within_is_never_opened() -> None:
    """Covers IN-05: nested, it stays so many bytes."""
    inner = zipped({"bomb": b"\0" * 900_000})
    assert open_archive(zipped({"a.xml": "<a/>", "inner.zip": inner}), NAME, needs="a.xml").read("inner.zip") == inner


def test_names_are_compared_and_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Covers IN-03."""
    monkeypatch.chdir(tmp_path)
    names = ["../../escape", "/etc/passwd", "..\\escape", "C:\\escape", "CON", "n" * 300, "exe.\u202etxt", "a\tb"]
    archive = open_archive(zipped({"a.xml": "<a/>", **dict.fromkeys(names, b"x")}), NAME, needs="a.xml")
    assert archive.read("../../escape") == b"x"
    assert list(tmp_path.iterdir()) == []


def test_two_parts_of_one_name_are_refused() -> None:
    """Two programs would read two documents."""
    packed = deflated(b"<a/>")
    assert "same name" in reason(raw_zip(("a.xml", packed, 4, -1), ("A.XML", packed, 4, -1)))


def test_an_encrypted_part_is_called_so() -> None:
    data = bytearray(zipped({"a.xml": "<a/>"}))
    data[data.index(DIRECTORY) + 8] |= 1
    assert reason(bytes(data)) == "it is encrypted, it cannot be read without its password"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_xml_that_declares_entities_is_refused_in_every_encoding(encoding: str) -> None:
    """Covers IN-02."""
    entity = '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    assert "declares entities" in reason(zipped({"x": "", "a.xml": entity.encode(encoding)}))
    plain = '<!DOCTYPE a PUBLIC "-//x" "http://pier.example/a.dtd"><a>words</a>'
    assert open_archive(zipped({"x": "", "a.xml": plain.encode(encoding)}), NAME, needs="a.xml")


@pytest.mark.parametrize(
    "xml",
    [
        "<a/>".encode("utf-32"),
        "<a/>".encode("utf-32-be"),
        '<?xml version="1.0"?><a/>'.encode("cp500"),
        b'<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-ENTITY',
    ],
)
def test_xml_in_an_encoding_that_hides_its_words_is_refused(xml: bytes) -> None:
    """Covers IN-02."""
    assert "encoding that is not read" in reason(zipped({"a.xml": xml}))


@pytest.mark.parametrize("place", [0, 999_976, 1_000_003])  # at 20 more it begins
def test_an_entity_is_found_wherever_it_stands(place: int) -> None:
    """Covers IN-02: the part is looked at in pieces of a million bytes."""
    noise = b"".join(str(number).encode() for number in range(200_000))[:place]
    xml = b"<!--" + noise + b"--><!DOCTYPE a [<!ENTITY b 'c'>]><a/>"
    assert "declares entities" in reason(zipped({"a.xml": xml}))


def test_a_dtd_outside_is_not_fetched(tmp_path: Path) -> None:
    """Covers IN-02."""
    (tmp_path / "a.dtd").write_text("<!ENTITY b 'the outside secret'>")
    xml = f'<!DOCTYPE a SYSTEM "{(tmp_path / "a.dtd").as_uri()}"><a>words &b;</a>'
    careless = etree.fromstring(xml.encode(), etree.XMLParser(load_dtd=True, no_network=False, resolve_entities=True))
    assert "outside secret" in "".join(careless.itertext())
    root = open_archive(zipped({"a.xml": xml}), NAME, needs="a.xml").xml("a.xml")
    assert "outside secret" not in "".join(str(text) for text in root.itertext())
    (tmp_path / "a.dtd").write_text("<what opens this finds an error")
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(xml.encode(), etree.XMLParser(load_dtd=True, no_network=False))
    assert open_archive(zipped({"a.xml": xml}), NAME, needs="a.xml").xml("a.xml").tag == "a"


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("suffix", "member"),
    [
        (".docx", "word/document.xml"),
        (".docx", "docProps/core.xml"),
        (".xlsx", "xl/workbook.xml"),
        (".xlsx", "xl/worksheets/sheet1.xml"),
        (".pptx", "ppt/slides/slide1.xml"),
        (".odt", "content.xml"),
        (".epub", "book/package.opf"),
        (".epub", "book/one page.xhtml"),
    ],
)
@pytest.mark.parametrize("kind", ["file", "laughs", "svg"])
def test_no_document_expands_or_fetches_an_entity(
    suffix: str, member: str, kind: str, documents: Mapping[str, bytes], tmp_path: Path
) -> None:
    """Covers IN-02."""
    secret = tmp_path / "secret.txt"
    secret.write_text("the outside secret")
    entities = {"file": f'<!ENTITY e SYSTEM "{secret.as_uri()}">', "laughs": f'<!ENTITY l0 "ha">{LAUGHS}', "svg": ""}
    head = f"<!DOCTYPE x [{entities[kind]}]>".encode()
    with zipfile.ZipFile(BytesIO(documents[suffix])) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    if kind == "svg":
        parts["media/picture.svg"] = f"<!DOCTYPE x [{entities['file']}]><svg>&e;</svg>".encode()
    else:
        before, end, body = parts[member].rpartition(b"?>")
        parts[member] = before + end + head + body.replace(b"lamp on", b"lamp &e;&l9; on")
    with pytest.raises(Unreadable, match="declares entities"):
        parse_bytes(zipped(parts), f"a{suffix}")
    assert "lamp" in parse_bytes(documents[suffix], f"a{suffix}").text.lower()
