"""Rich text."""

from __future__ import annotations

import pytest

from ingest.errors import Unreadable
from ingest.parse import parse_bytes
from ingest.rtf import read_rtf
from ingest.types import Block

FONTS = rb"{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset238 B;}{\f2\fcharset128 C;}{\f3\fcharset204 D;}}"
STYLES = rb"{\stylesheet{\s0 Normal;}{\s1 heading 1;}{\s2\sbasedon1 heading 2;}}"


def said(body: bytes) -> list[str]:
    """List what the blocks of a body say."""
    return [block.text for block in read_rtf(rb"{\rtf1\ansi\ansicpg1252" + FONTS + STYLES + body + b"}").blocks]


def test_paragraphs_and_headings_are_told_apart_by_their_style() -> None:
    body = rb"\pard\s1 Pier lamps\par\pard\s2 North\par\pard The lamp\line is green.\par\pard\outlinelevel2 Deep\par"
    parsed = read_rtf(rb"{\rtf1" + STYLES + body + b"}")
    assert parsed.blocks == (
        Block("Pier lamps", 1),
        Block("North", 2),
        Block("The lamp\nis green."),
        Block("Deep", 3),
    )
    assert parsed.title == "Pier lamps"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb"caf\'e9", "café"),
        (rb"{\f1 \'c8l\'e1nek}", "Článek"),
        (rb"{\f2 \'83\'5c\'83\x8b\'83Q}", "ソ"),  # the second byte may be a letter
        (rb"{\f3 \'ec\'e0\'ff\'ea}", "маяк"),
        (rb"\u1084?\u1072?\u1103?\u1082?", "маяк"),
        (rb"\uc2\u8364\'80xy", "€y"),
        (rb"{\uc0\u8364}5", "€5"),
        (rb"\u-10179?\u-8704?", "😀"),
        (rb"a\~b\_c\-d\{e\}\\", "a b-cd{e}\\"),
        (rb"\ldblquote a\rdblquote\emdash b", "“a”—b"),
    ],
)
def test_a_character_is_decoded_by_its_font(body: bytes, text: str) -> None:
    assert said(body + rb"\par")[0].startswith(text)


def test_lists_have_the_marks_that_are_shown() -> None:
    item = rb"{\listtext\pard 1.\tab}one\par{\listtext\pard 2.\tab}\ilvl1 two\par\pard{\pntext\'b7\tab}three\par"
    assert said(item) == ["1. one\n  2. two\n- three"]


def test_rows_are_a_table_with_its_headers() -> None:
    def row(*cells: bytes) -> bytes:
        return rb"\trowd\pard\intbl " + b"".join(cell + rb"\cell " for cell in cells) + rb"\row"

    rows = row(b"Pier", b"Lamp") + row(b"North", rb"green\par or red")
    assert said(rows + rb"\pard after\par") == ["Pier: North; Lamp: green or red", "after"]


@pytest.mark.parametrize(
    "hidden",
    [
        rb"{\v secret}",
        rb"\v secret\v0 ",
        rb"{\fs2 secret}",
        rb"{\deleted secret}",
        rb"{\*\annotation secret}",
        rb"{\*\unknown secret}",
        rb"{\info{\author secret}{\title secret}}",
        rb"{\field{\*\fldinst secret}{\fldrslt }}",
        rb"{\*\shppict{\pict 73656372\'65\'74}}",
        rb"{\object{\*\objdata secret}}",
    ],
)
def test_what_is_not_shown_is_left_out(hidden: bytes) -> None:
    """Covers PI-04."""
    assert said(rb"seen" + hidden + rb" words\par") == ["seen words"]


def test_the_shown_text_of_fields_boxes_and_objects_is_kept() -> None:
    """Permitted twin of what is left out."""
    assert said(rb'{\field{\*\fldinst HYPERLINK "x"}{\fldrslt words}}\par') == ["words"]
    assert said(rb"{\shp{\*\shpinst{\sp{\sn name}{\sv value}}{\shptxt words\par}}}\par") == ["words"]
    assert said(rb"{\object{\*\objdata 00}{\result words}}\par") == ["words"]
    assert said(rb"{\fs12 words}\par") == ["words"]


def test_a_footnote_stands_right_after_its_paragraph_and_a_header_once() -> None:
    body = rb"{\header Confidential\par}words{\footnote note} on\par{\header Confidential\par}more\par"
    assert said(body) == ["Confidential", "words on", "note", "more"]


def test_binary_data_is_passed_over_whatever_it_holds() -> None:
    assert said(rb"a{\pict\bin6 }}}{{\}b\par") == ["ab"]


@pytest.mark.parametrize(
    "body", [b"words", rb"words\par}}}} more", rb"{{{{words", rb"words\'", rb"words\u", b"words\\"]
)
def test_what_is_not_well_formed_gives_what_can_be_read(body: bytes) -> None:
    assert said(body)[0].startswith("words")


def test_groups_nested_too_deeply_are_refused() -> None:
    """Covers IN-08."""
    with pytest.raises(Unreadable, match="nested too deeply"):
        parse_bytes(rb"{\rtf1 " + b"{" * 100_000 + b"words", "a.rtf")
    assert parse_bytes(rb"{\rtf1 " + b"{" * 500 + b"words", "a.rtf").text == "words"
