"""PDF: paragraphs, headings and reasons."""

from __future__ import annotations

import threading
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from reportlab.lib.styles import getSampleStyleSheet  # type: ignore[import-untyped]  # it ships no types
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]  # it ships no types
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate  # type: ignore[import-untyped]  # it ships no types

from ingest.errors import Unreadable
from ingest.pdf import _LOCK, read_pdf
from ingest.types import Block

if TYPE_CHECKING:
    from collections.abc import Mapping

STYLES = getSampleStyleSheet()
LONG = "The keeper walks to the end of the pier at dusk and looks at each lamp in turn before he goes home. " * 4


def built(*story: tuple[str, str], **options: Any) -> bytes:
    """Make a PDF of paragraphs, each with the name of its style."""
    buffer = BytesIO()
    flowables = [PageBreak() if style == "break" else Paragraph(text, STYLES[style]) for text, style in story]
    SimpleDocTemplate(buffer).build(flowables, **options)
    return buffer.getvalue()


def drawn(*pages: list[str]) -> bytes:
    """Make a PDF of lines, all in one font."""
    buffer = BytesIO()
    canvas = Canvas(buffer)
    for page in pages:
        for at, line in enumerate(page):
            canvas.drawString(72, 800 - 14 * at, line)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def test_lines_are_joined_to_the_paragraphs_that_they_were_wrapped_from() -> None:
    parsed = read_pdf(built((LONG, "Normal"), (LONG, "BodyText")))
    assert parsed.blocks == (Block(LONG.strip()), Block(LONG.strip()))


def test_larger_lines_are_headings_by_their_size() -> None:
    text = (LONG, "Normal")
    parsed = read_pdf(built(("Pier lamps", "Title"), ("North", "Heading2"), text, ("South", "Heading2"), text))
    assert [(block.text, block.depth) for block in parsed.blocks if block.depth] == [
        ("Pier lamps", 1),
        ("North", 2),
        ("South", 2),
    ]
    assert parsed.title == "Pier lamps"


def test_a_bold_line_of_the_same_size_is_a_heading_and_a_bold_sentence_is_not() -> None:
    heading, sentence, text = ("<b>North pier</b>", "Normal"), ("<b>Mind the step.</b>", "Normal"), (LONG, "Normal")
    assert [block.depth for block in read_pdf(built(heading, text, sentence, text)).blocks] == [1, 0, 0, 0]


def test_a_document_all_in_bold_has_no_headings_for_it() -> None:
    parsed = read_pdf(built(("<b>North pier</b>", "Normal"), (f"<b>{LONG}</b>", "Normal")))
    assert not any(block.depth for block in parsed.blocks)


def test_a_large_line_with_nothing_below_it_is_no_heading() -> None:
    assert [block.depth for block in read_pdf(built((LONG, "Normal"), ("The end", "Title"))).blocks] == [0, 0]


def test_without_a_heading_there_is_no_title() -> None:
    assert read_pdf(built((LONG, "Normal"))).title == ""


def test_a_word_that_is_broken_at_a_lines_end_is_made_whole_and_compounds_are_kept() -> None:
    lines = ["All infor-", "mation on the well-", "known Anne-", "Marie and her well-known lamp."]
    assert read_pdf(drawn(lines)).text == "All information on the well-known Anne-Marie and her well-known lamp."


def test_a_paragraph_with_a_broken_word_is_one() -> None:
    whole = "The keeper walks to the end of the pier at dusk and"
    broken = ["The keeper on his way home from the pier al-", "ways looks at every lamp, and at the sea, and"]
    assert len(read_pdf(drawn([whole] * 6 + broken + [whole] * 3)).blocks) == 1


def test_rows_of_a_table_stay_on_their_own_lines() -> None:
    rows = ["Pier Lamp", "North green", "South red"]
    parsed = read_pdf(drawn([f"{LONG[:90]}."] * 12, rows))
    assert parsed.blocks[-1].text == "\n".join(rows)


def test_what_runs_along_the_edge_of_most_pages_stands_once_and_page_numbers_do_not_at_all() -> None:
    pages = [["Pier Company", f"Words of part {word} here.", f"Page {at + 1} of 4"] for at, word in enumerate("abcd")]
    text = read_pdf(drawn(*pages)).text
    assert text.count("Pier Company") == 1
    assert "Page" not in text
    assert all(f"part {word}" in text for word in "abcd")


def test_a_line_that_only_two_pages_share_is_kept_on_both() -> None:
    pages = [["Pier Company", "Words of part a."], ["Pier Company", "Words of part b."], ["Other", "Words of part c."]]
    assert read_pdf(drawn(*pages)).text.count("Pier Company") == 2


def test_figures_at_the_end_of_each_page_are_no_page_numbers() -> None:
    pages = [["Words of one part.", price] for price in ("199", "299", "399", "499")]
    assert all(price in read_pdf(drawn(*pages)).text for price in ("199", "299", "399", "499"))


def test_a_page_without_text_is_noted() -> None:
    assert read_pdf(drawn(["Words of one part."], [])).notes == ("pages without a text layer left out: 1 of 2",)


def test_a_scan_is_refused_with_the_hint_to_ocr() -> None:
    with pytest.raises(Unreadable, match="OCR is needed"):
        read_pdf(drawn([], []))


def test_an_encrypted_pdf_is_refused_as_encrypted(encrypted_pdf: bytes, documents: Mapping[str, bytes]) -> None:
    with pytest.raises(Unreadable, match="encrypted"):
        read_pdf(encrypted_pdf)
    assert read_pdf(documents[".pdf"]).title == "Pier lamps"


@pytest.mark.parametrize("content", [b"%PDF-", b"%PDF-1.7\n" + b"\xff" * 500, b"%PDF-1.7\n%%EOF"])
def test_a_pdf_that_is_none_inside_is_refused_as_damaged(content: bytes) -> None:
    """Covers IN-07."""
    with pytest.raises(Unreadable, match="damaged"):
        read_pdf(content)


def test_one_document_is_read_at_a_time(documents: Mapping[str, bytes]) -> None:
    """PDFium corrupts its memory when two threads enter it."""
    titles: list[str] = []
    reader = threading.Thread(target=lambda: titles.append(read_pdf(documents[".pdf"]).title))
    with _LOCK:
        reader.start()
        reader.join(timeout=0.3)
        assert titles == []
    reader.join()
    assert titles == ["Pier lamps"]
