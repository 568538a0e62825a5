"""Small documents of every format, made at run time, that all say the same sentence."""

from __future__ import annotations

from email.message import EmailMessage
from io import BytesIO
from typing import TYPE_CHECKING

import docx
import openpyxl  # type: ignore[import-untyped]  # it ships no types
import pptx
import pytest
from reportlab.lib.pdfencrypt import StandardEncryption  # type: ignore[import-untyped]  # it ships no types
from reportlab.lib.styles import getSampleStyleSheet  # type: ignore[import-untyped]  # it ships no types
from reportlab.platypus import Paragraph, SimpleDocTemplate  # type: ignore[import-untyped]  # it ships no types

from tests.containers import outlook, saved, zipped

if TYPE_CHECKING:
    from collections.abc import Mapping

SENTENCE = "The lamp on the north pier is green."


def _docx() -> bytes:
    document = docx.Document()
    document.add_heading("Pier lamps", level=1)
    document.add_paragraph(SENTENCE)
    document.core_properties.author = "Author Nobody"
    return saved(document)


def _xlsx() -> bytes:
    workbook = openpyxl.Workbook()
    workbook.active.title = "Lamps"
    workbook.active.append(["Pier", "Remark"])
    workbook.active.append(["North", SENTENCE])
    return saved(workbook)


def _pptx() -> bytes:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "Pier lamps"
    slide.placeholders[1].text = SENTENCE
    presentation.core_properties.author = "Author Nobody"
    return saved(presentation)


def _odt() -> bytes:
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "text", "style")
    )
    body = f"<text:h text:outline-level='1'>Pier lamps</text:h><text:p>{SENTENCE}</text:p>"
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f"<office:document-content {names}><office:body><office:text>{body}</office:text>"
            "</office:body></office:document-content>",
            "styles.xml": f"<office:document-styles {names}/>",
            "meta.xml": "<creator>Author Nobody</creator>",
        }
    )


def _epub() -> bytes:
    container = '<container><rootfiles><rootfile full-path="book/package.opf"/></rootfiles></container>'
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        "<dc:title>Pier lamps</dc:title><dc:creator>Author Nobody</dc:creator></metadata><manifest>"
        '<item id="a" href="one%20page.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/></spine></package>'
    )
    page = f"<html xmlns='http://www.w3.org/1999/xhtml'><body><h1>Pier lamps</h1><p>{SENTENCE}</p></body></html>"
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container,
            "book/package.opf": package,
            "book/one page.xhtml": page,
        }
    )


def _msg() -> bytes:
    return outlook({0x001A: "IPM.Note", 0x0037: "Pier lamps", 0x0C1A: "Ada Example", 0x1000: SENTENCE})


def _eml() -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "Ada Example <ada@pier.example>", "Ben Example <ben@pier.example>"
    message["Subject"] = "Pier lamps"
    message.set_content(SENTENCE)
    return message.as_bytes()


def _pdf(password: str | None = None) -> bytes:
    styles = getSampleStyleSheet()
    story = [Paragraph("Pier lamps", styles["Title"]), Paragraph(SENTENCE, styles["Normal"])]
    encrypt = StandardEncryption(password, canPrint=0) if password else None
    buffer = BytesIO()
    SimpleDocTemplate(buffer, author="Author Nobody", encrypt=encrypt).build(story)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def sentence() -> str:
    """What each of the documents says."""
    return SENTENCE


@pytest.fixture(scope="session")
def documents() -> Mapping[str, bytes]:
    """One document for each suffix but those of the old Office, which nothing here can write."""
    html = f"<!doctype html><title>Tab</title><h1>Pier lamps</h1><p>{SENTENCE}</p>".encode()
    return {
        ".csv": f"Pier,Remark\nNorth,{SENTENCE}\n".encode(),
        ".docx": _docx(),
        ".docm": _docx(),
        ".eml": _eml(),
        ".epub": _epub(),
        ".htm": html,
        ".html": html,
        ".json": f'{{"pier": "North", "remark": "{SENTENCE}"}}'.encode(),
        ".jsonl": f'{{"pier": "North"}}\n{{"remark": "{SENTENCE}"}}\n'.encode(),
        ".ndjson": f'{{"pier": "North"}}\n{{"remark": "{SENTENCE}"}}\n'.encode(),
        ".md": f"# Pier lamps\n\n{SENTENCE}\n".encode(),
        ".msg": _msg(),
        ".odt": _odt(),
        ".pdf": _pdf(),
        ".pptm": _pptx(),
        ".pptx": _pptx(),
        ".rtf": rf"{{\rtf1\ansi{{\stylesheet{{\s1 heading 1;}}}}\pard\s1 Pier lamps\par\pard {SENTENCE}\par}}".encode(),
        ".tsv": f"Pier\tRemark\nNorth\t{SENTENCE}\n".encode(),
        ".txt": f"Pier lamps\n\n{SENTENCE}\n".encode(),
        ".xlsm": _xlsx(),
        ".xlsx": _xlsx(),
    }


@pytest.fixture(scope="session")
def encrypted_pdf() -> bytes:
    """A PDF that asks for a password to be opened."""
    return _pdf(password="open sesame")
