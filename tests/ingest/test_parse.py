"""Every format gives its text or a reason, and nothing else."""

from __future__ import annotations

import random
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from ingest.errors import ParserMoved, Unreadable
from ingest.parse import _TEXTS, FORMATS, parse_bytes
from tests.containers import with_parts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ingest.types import Parsed

SHEET = "xl/worksheets/sheet1.xml"
OLD_OFFICE = {".doc", ".ppt", ".xls"}  # see test_libreoffice.py


def reason(content: bytes, name: str) -> str:
    """Tell why this file is refused."""
    with pytest.raises(Unreadable) as refused:
        parse_bytes(content, name)
    return str(refused.value)


def test_every_format_gives_its_text(documents: Mapping[str, bytes], sentence: str) -> None:
    assert set(documents) == FORMATS - OLD_OFFICE
    for suffix, content in documents.items():
        parsed = parse_bytes(content, f"lamps{suffix.upper()}")
        assert sentence in parsed.text, suffix
        assert all(block.text == block.text.strip() != "" for block in parsed.blocks), suffix


def test_the_title_is_the_first_heading_or_the_subject_or_else_the_file_name(documents: Mapping[str, bytes]) -> None:
    titles = {suffix: parse_bytes(content, f"north\u202epier{suffix}").title for suffix, content in documents.items()}
    from_name = {".csv", ".json", ".jsonl", ".ndjson", ".tsv", ".xlsm", ".xlsx"}
    assert {suffix for suffix, title in titles.items() if title == "Pier lamps"} == set(documents) - from_name
    assert {titles[suffix] for suffix in from_name} == {r"north\u202epier"}
    assert parse_bytes(b"Just one sentence, no heading.", "notes of may.txt").title == "notes of may"


def test_the_metadata_of_a_file_is_dropped(documents: Mapping[str, bytes]) -> None:
    for suffix in (".docx", ".epub", ".odt", ".pdf", ".pptx"):
        parsed = parse_bytes(documents[suffix], f"lamps{suffix}")
        assert "Author Nobody" not in f"{parsed.title}{parsed.text}{parsed.notes}"


def test_what_has_another_suffix_is_not_read_and_the_page_that_lists_them_is_named() -> None:
    """Covers IN-07."""
    for name in ("run.exe", "README"):
        assert "docs/explanation/formats.md" in reason(b"hello", name)


@pytest.mark.parametrize("content", [b"", b" \n\t ", b"\xef\xbb\xbf", b"\xff\xfe", b"\xef\xbb\xbf \n"])
def test_a_file_without_content_is_called_empty(content: bytes) -> None:
    """Covers IN-07."""
    for suffix in _TEXTS:
        assert reason(content, f"a{suffix}") == "it is empty"
    assert parse_bytes(b"x1", "a.txt").text == "x1"


def test_a_zero_byte_file_of_any_format_is_called_empty() -> None:
    """Covers IN-07."""
    assert {reason(b"", f"a{suffix}") for suffix in FORMATS} == {"it is empty"}


def test_a_page_of_nothing_but_pictures_holds_no_text() -> None:
    parsed = parse_bytes(b"<html><body><img src='a.png' alt=''></body></html>", "a.html")
    assert (parsed.title, parsed.blocks, parsed.notes) == ("a", (), ("it holds no text",))


@pytest.mark.parametrize(
    ("content", "suffix", "why"),
    [
        (b"%PDF-1.7 and so on", ".txt", "a PDF"),
        (b"%PDF-1.7 <html><p>both</p></html>", ".html", "a PDF"),  # a polyglot
        (b"{\\rtf1 words}", ".txt", "rich text"),
        (b"<!DOCTYPE html><p>words", ".txt", "HTML page"),
        (b"\n <html lang=en><p>words", ".csv", "HTML page"),
        (b"words without a tag, 1 < 2", ".html", "no tag"),
        (b"PK\x03\x04\x14\x00words", ".txt", "a ZIP archive"),
        (b"\x89PNG\r\n\x1a\n<html>", ".html", "no UTF-8"),
        (b"\xff" * 64, ".md", "no UTF-8"),
        (b"caf\xe9", ".txt", "no UTF-8"),
        ("words".encode("utf-16-le"), ".txt", "binary data"),  # without its mark it could be anything
        ("words".encode("utf-32"), ".txt", "binary data"),
        (b"words\0words", ".csv", "binary data"),
        (b"words words", ".pdf", "does not begin with %PDF"),
        (b"  %PDF-1.7", ".pdf", "does not begin with %PDF"),
        (b"GIF89a=1;//<html><p>words", ".html", "a picture"),
        (b"{\\rtf1 words}", ".json", "rich text"),
        (b"words words", ".json", "no JSON"),
        (b"words words", ".rtf", "no rich text"),
        (b"words words", ".msg", "no file of Office"),
        (b"words words", ".doc", "no file of Office"),
        (b"words words", ".odt", "no OpenDocument text"),
        (b"words words", ".epub", "no electronic book"),
        (b"words words", ".pptx", "no PowerPoint presentation"),
        (b"words words", ".docx", "no Word document"),
        (b"words words", ".xlsx", "no Excel workbook"),
        (b"words words", ".eml", "no e-mail"),
        (b"Subject: a\0b\n\nwords", ".eml", "binary data"),
    ],
)
def test_a_content_that_is_not_what_the_suffix_says_is_refused_with_the_reason(
    content: bytes, suffix: str, why: str
) -> None:
    """Covers IN-07."""
    assert why in reason(content, f"a{suffix}")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_marked_unicode_is_read(encoding: str) -> None:
    """Permitted twin of the refused encodings."""
    assert parse_bytes("Café, 2 €.".encode(encoding), "a.txt").text == "Café, 2 €."


def test_the_formats_are_told_apart_by_content_among_zips(documents: Mapping[str, bytes]) -> None:
    """Covers IN-07."""
    zips = (".docx", ".epub", ".odt", ".pptx", ".xlsx")
    for claimed in zips:
        for real in zips:
            if real != claimed:
                assert f"{claimed} that is no" in reason(documents[real], f"a{claimed}")


def test_a_file_of_one_byte_gives_its_text_or_a_reason(documents: Mapping[str, bytes]) -> None:
    """Covers IN-07."""
    for suffix in FORMATS:
        for byte in (b"x", b"{", b"<", b"\xff", b"\0", b"P"):
            assert _said(byte, suffix)


def test_a_pdf_that_is_a_zip_as_well_is_refused_under_either_name(documents: Mapping[str, bytes]) -> None:
    """Covers IN-07: each program would read another document."""
    both = documents[".pdf"] + documents[".docx"]
    assert "in one file" in reason(both, "a.pdf")
    assert "no Word document" in reason(both, "a.docx")
    ends_like_one = documents[".pdf"] + b"PK\x05\x06"  # too short to be the end of a ZIP
    assert "Pier lamps" in _said(ends_like_one, ".pdf")


def test_a_page_is_decoded_as_it_names_and_as_nothing_that_it_does_not_name() -> None:
    """Covers IN-07."""
    assert _said(b"<html><meta charset='windows-1252'><p>caf\xe9 \x80", ".html") == "caf\xe9 \u20ac"
    assert _said(b"<html><meta charset='iso-8859-2'><p>m\xb1ka", ".html") == "m\u0105ka"
    for named in (b"", b"<meta charset='nonsense'>", b"<meta charset='utf-16'>", b"<meta charset='rot13'>"):
        assert "no UTF-8" in reason(b"<html>" + named + b"<p>caf\xe9", "a.html")


def test_control_characters_and_lone_surrogates_do_not_come_through() -> None:
    mail = b"Subject: \x1b[31mred\nContent-Type: text/plain; charset=utf-8\n\nbad \xff\xed\xa0\x80 \x07byte\n"
    parsed = parse_bytes(mail, "a.eml")
    text = parsed.title + parsed.text
    assert "red" in text
    assert "byte" in text
    assert not [character for character in text if ord(character) < 32 and character not in "\n\t"]
    assert text.encode("utf-8")


def test_a_heading_as_long_as_a_paragraph_is_text() -> None:
    long, short = parse_bytes(f"# {'word ' * 60}\n\n# Short".encode(), "a.md").blocks
    assert (long.depth, short.depth) == (0, 1)


@pytest.mark.parametrize("deep", [b"<div>" * 100_000 + b"words", b"<ul><li>" * 3_000 + b"words"])
def test_a_page_nested_too_deeply_is_refused(deep: bytes) -> None:
    """Covers IN-08."""
    assert "nested too deeply" in reason(deep, "a.html")
    assert parse_bytes(b"<div>" * 100 + b"words", "a.html").text == "words"


@pytest.mark.parametrize("deep", ["> " * 100_000, "- " * 5_000, "1. " * 200])
def test_markdown_nested_too_deeply_is_refused(deep: str) -> None:
    """Covers IN-08: its parser drops what is deeper, without a word."""
    assert "nested too deeply" in reason(f"{deep}words".encode(), "a.md")
    assert "words" in parse_bytes(f"{deep[:60]}words".encode(), "a.md").text


def test_a_table_of_more_cells_than_are_read_is_refused() -> None:
    """Covers IN-08: five million of them."""
    for suffix, row in ((".csv", b"1,2,3,4,5\n"), (".tsv", b"1\t2\t3\t4\t5\n")):
        assert "more than 1,000,000 cells" in reason(row * 1_000_000, f"a{suffix}")
        assert len(parse_bytes(row * 100, f"a{suffix}").text.split("\n")) == 100


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<b>x</b>" * 200_000, "a.html"),
        (b"<i>" * 100 + b"x " * 100_000, "a.html"),
        (b"word " * 200_000, "a.txt"),
        (b"word," * 200_000, "a.csv"),
        (b"*a " * 5_000, "a.md"),
        (b"[" * 5_000, "a.md"),
        (rb"{\rtf1 " + b"{}" * 200_000 + b"word}", "a.rtf"),
        (b"Subject: " + b"word " * 1_000_000 + b"\n\nwords", "a.eml"),
    ],
)
def test_very_long_lines_and_very_many_tags_are_read(content: bytes, name: str) -> None:
    """Covers IN-08: in a time that grows with their length, and not with its square."""
    assert parse_bytes(content, name).text


@pytest.mark.parametrize("name", ["a.html", "a.md"])
def test_a_page_with_more_text_in_one_place_than_its_reader_takes_is_refused(name: str) -> None:
    """Covers IN-08: the rest would be dropped without a word."""
    assert "too large" in reason(b"<p>" + b"word " * 3_000_000, name)


def test_a_pdf_may_begin_with_a_mark_of_its_encoding(documents: Mapping[str, bytes], sentence: str) -> None:
    assert sentence in parse_bytes(b"\xef\xbb\xbf" + documents[".pdf"], "a.pdf").text


def test_what_a_parser_throws_becomes_a_reason_without_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def throwing(error: Exception) -> None:
        def read(text: str) -> Parsed:
            raise error

        monkeypatch.setitem(_TEXTS, ".txt", read)

    for error, why in (
        (ValueError("quotes the secret"), "damaged"),
        (RecursionError("quotes the secret"), "nested too deeply"),
        (MemoryError("quotes the secret"), "memory"),
    ):
        throwing(error)
        with pytest.raises(Unreadable) as refused:
            parse_bytes(b"the secret", "a.txt")
        assert why in str(refused.value)
        assert ".txt" in str(refused.value)
        assert "secret" not in str(refused.value)
        assert refused.value.__context__ is None  # a log would print it
    throwing(ParserMoved("install the other one"))
    with pytest.raises(ParserMoved):
        parse_bytes(b"words", "a.txt")


def test_a_feature_that_a_parser_warns_about_is_no_reason_to_refuse(documents: Mapping[str, bytes]) -> None:
    plain = b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
    assert "North" in _said(with_parts(documents[".xlsx"], {"xl/styles.xml": plain}), ".xlsx")


def test_the_reason_for_a_wrong_encoding_does_not_carry_the_document() -> None:
    with pytest.raises(Unreadable) as refused:
        parse_bytes(b"the secret caf\xe9", "a.txt")
    assert refused.value.__context__ is None  # a decoding error holds all the bytes


def test_half_a_document_is_refused_or_read_as_far_as_it_goes(documents: Mapping[str, bytes]) -> None:
    for suffix in (".docx", ".xlsx"):
        content = documents[suffix]
        assert "cut short" in reason(content[: len(content) // 2], f"a{suffix}")
    assert "damaged" in reason(documents[".pdf"][:200], "a.pdf")


def test_a_damaged_member_of_a_zip_is_refused_and_not_thrown(documents: Mapping[str, bytes]) -> None:
    for suffix, member in ((".docx", "word/document.xml"), (".xlsx", "xl/workbook.xml"), (".odt", "content.xml")):
        assert f"this {suffix} is damaged" in reason(with_parts(documents[suffix], {member: b"<broken"}), f"a{suffix}")


def test_entities_in_html_are_not_fetched(tmp_path: Path) -> None:
    """Covers IN-02."""
    secret = tmp_path / "secret.txt"
    secret.write_text("the outside secret")
    page = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]><html><p>&e; words &amp; more</p>'
    assert "words & more" in _said(page.encode(), ".html")
    assert "outside secret" not in _said(page.encode(), ".html")


def _said(content: bytes, suffix: str) -> str:
    try:
        parsed = parse_bytes(content, f"a{suffix}")
        return parsed.text or "; ".join(parsed.notes)
    except Unreadable as refused:
        return str(refused)


@pytest.mark.parametrize("suffix", sorted(FORMATS - OLD_OFFICE))
def test_flipped_bytes_give_text_or_a_reason_and_nothing_else(suffix: str, documents: Mapping[str, bytes]) -> None:
    """Covers IN-07."""
    chance = random.Random(suffix)
    for _ in range(8):
        assert _said(_flipped(documents[suffix], chance), suffix).encode("utf-8")


@pytest.mark.parametrize(
    ("suffix", "member"),
    [
        (".docx", "word/document.xml"),
        (".xlsx", SHEET),
        (".pptx", "ppt/slides/slide1.xml"),
        (".odt", "content.xml"),
        (".epub", "book/package.opf"),
    ],
)
def test_flipped_bytes_within_a_zip_give_text_or_a_reason(
    suffix: str, member: str, documents: Mapping[str, bytes]
) -> None:
    """Covers IN-07: outside, the checksums of the zip would catch most of them."""
    chance = random.Random(suffix)
    with zipfile.ZipFile(BytesIO(documents[suffix])) as archive:
        xml = archive.read(member)
    for _ in range(12):
        assert _said(with_parts(documents[suffix], {member: _flipped(xml, chance)}), suffix).encode("utf-8")


def _flipped(content: bytes, chance: random.Random) -> bytes:
    flipped = bytearray(content)
    for _ in range(chance.choice((1, 3, 20))):
        flipped[chance.randrange(len(flipped))] = chance.randrange(256)
    return bytes(flipped)
