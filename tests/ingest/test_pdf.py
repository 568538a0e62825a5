"""PDF: paragraphs, headings and reasons."""

from __future__ import annotations

import threading
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pypdfium2  # type: ignore[import-untyped]  # it ships no types
import pytest
from reportlab.lib.styles import getSampleStyleSheet  # type: ignore[import-untyped]  # it ships no types
from reportlab.lib.utils import ImageReader  # type: ignore[import-untyped]  # it ships no types
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]  # it ships no types
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate  # type: ignore[import-untyped]  # it ships no types

from ingest.errors import Unreadable
from ingest.ocr import can_recognise
from ingest.pdf import _LOCK, read_pdf
from ingest.types import Block

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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


def scanned(*pages: list[str]) -> bytes:
    """Make a PDF of pictures of pages."""
    document = pypdfium2.PdfDocument(drawn(*pages))
    buffer = BytesIO()
    canvas = Canvas(buffer)
    for number in range(len(document)):
        page = document[number]
        bitmap = page.render(scale=300 / 72)
        canvas.drawImage(ImageReader(bitmap.to_pil()), 0, 0, *page.get_size())
        canvas.showPage()
        bitmap.close()
        page.close()
    document.close()
    canvas.save()
    return buffer.getvalue()


def test_without_the_extra_a_scan_is_refused_with_the_hint_and_a_page_of_it_is_noted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreadable, match="no text layer; install the ocr extra"):
        read_pdf(drawn([], []))
    parsed = read_pdf(drawn(["Words of one part."], []))
    assert parsed.notes == ("pages without a text layer left out: 1; install the ocr extra, and the program tesseract",)


@pytest.mark.skipif(not can_recognise(), reason="the ocr extra, or the program tesseract, is not installed")
def test_with_the_extra_a_scan_is_recognised_paragraph_by_paragraph() -> None:
    parsed = read_pdf(
        scanned(["The keeper walks to the end of the pier", "at dusk.", "", "", "He looks at each lamp."])
    )
    assert [block.text for block in parsed.blocks] == [
        "The keeper walks to the end of the pier at dusk.",
        "He looks at each lamp.",
    ]
    assert parsed.notes == ("pages recognised from pictures: 1",)


@pytest.mark.skipif(not can_recognise(), reason="the ocr extra, or the program tesseract, is not installed")
def test_pages_without_anything_are_no_loss_and_a_document_of_them_is_refused() -> None:
    assert read_pdf(drawn(["Words of one part."], [])).notes == ()
    with pytest.raises(Unreadable, match="no text was recognised"):
        read_pdf(drawn([], []))


@pytest.mark.skipif(not can_recognise(), reason="the ocr extra, or the program tesseract, is not installed")
def test_when_the_time_is_over_the_pages_that_are_left_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.ocr._SECONDS", 0)
    parsed_pages = drawn(["Words of one part."], [])
    assert read_pdf(parsed_pages).notes[0].startswith("pages without a text layer left out: 1; recognising")


def test_a_pdf_of_more_pages_than_are_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Covers IN-01."""
    monkeypatch.setattr("ingest.pdf.MOST_PAGES", 2)
    with pytest.raises(Unreadable, match="more than 2 pages"):
        read_pdf(drawn(["a b c."], ["d e f."], ["g h i."]))
    assert read_pdf(drawn(["a b c."], ["d e f."])).text


def objects(*bodies: str, trailer: str = "") -> bytes:
    """Make a PDF of these objects, counted from 1; the first is its catalog."""
    content = b"%PDF-1.7\n"
    places = []
    for number, body in enumerate(bodies, start=1):
        places.append(len(content))
        content += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    start = len(content)
    size = len(bodies) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<</Size {size}/Root 1 0 R{trailer}>>\n"
    end += f"startxref\n{start}\n"
    return content + end.encode() + b"%%EOF"


CATALOG = "<</Type/Catalog/Pages 2 0 R>>"
BOMB = zlib.compress(b" " * 30_000_000).decode("latin-1")


@pytest.mark.parametrize(
    "attack",
    [
        objects(CATALOG, "<</Type/Pages/Kids[2 0 R]/Count 1>>"),
        objects(CATALOG, "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Pages/Kids[2 0 R]/Count 1/Parent 2 0 R>>"),
        objects(CATALOG, "<</Type/Pages/Kids[]/Count 2000000000>>"),
        objects(
            "<</Type/Catalog/Pages 2 0 R/Outlines 3 0 R>>",
            "<</Type/Pages/Kids[]/Count 0>>",
            "<</First 3 0 R/Next 3 0 R>>",
        ),
        objects(CATALOG, "<</Type/Pages/Kids[]/Count 0>>", trailer="/Prev 9"),
        objects(
            CATALOG,
            "<</Type/Pages/Kids[3 0 R]/Count 1>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>",
            f"<</Length {len(BOMB)}/Filter/FlateDecode>>\nstream\n{BOMB}\nendstream",
        ),
        objects(
            CATALOG,
            "<</Type/Pages/Kids[3 0 R]/Count 1>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99999999 99999999]>>",
        ),
    ],
    ids=["loop", "long loop", "many pages", "outlines", "tables", "bomb", "huge page"],
)
def test_a_pdf_that_is_made_to_exhaust_its_reader_is_refused(attack: bytes) -> None:
    """Covers IN-01."""
    with pytest.raises(Unreadable):
        read_pdf(attack)


def test_the_maker_of_these_can_make_a_good_one() -> None:
    """Permitted twin of the attacks."""
    text = "BT /F 12 Tf 9 9 Td (Words of one part.) Tj ET"
    good = objects(
        CATALOG,
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        f"<</Length {len(text)}>>\nstream\n{text}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    assert read_pdf(good).text == "Words of one part."


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
