"""Small documents of every format, made at run time, that all say the same sentence."""

from __future__ import annotations

from email.message import EmailMessage
from io import BytesIO
from typing import TYPE_CHECKING

import docx
import openpyxl  # type: ignore[import-untyped]  # it ships no types
import pytest
from reportlab.lib.pdfencrypt import StandardEncryption  # type: ignore[import-untyped]  # it ships no types
from reportlab.lib.styles import getSampleStyleSheet  # type: ignore[import-untyped]  # it ships no types
from reportlab.platypus import Paragraph, SimpleDocTemplate  # type: ignore[import-untyped]  # it ships no types

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SENTENCE = "The lamp on the north pier is green."


def _docx() -> bytes:
    document = docx.Document()
    document.add_heading("Pier lamps", level=1)
    document.add_paragraph(SENTENCE)
    document.core_properties.author = "Author Nobody"
    return _saved(document.save)


def _xlsx() -> bytes:
    workbook = openpyxl.Workbook()
    workbook.active.title = "Lamps"
    workbook.active.append(["Pier", "Remark"])
    workbook.active.append(["North", SENTENCE])
    return _saved(workbook.save)


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
    return _saved(lambda file: SimpleDocTemplate(file, author="Author Nobody", encrypt=encrypt).build(story))


def _saved(save: Callable[[BytesIO], object]) -> bytes:
    buffer = BytesIO()
    save(buffer)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def sentence() -> str:
    """What each of the documents says."""
    return SENTENCE


@pytest.fixture(scope="session")
def documents() -> Mapping[str, bytes]:
    """One document for each suffix."""
    html = f"<!doctype html><title>Tab</title><h1>Pier lamps</h1><p>{SENTENCE}</p>".encode()
    return {
        ".csv": f"Pier,Remark\nNorth,{SENTENCE}\n".encode(),
        ".docx": _docx(),
        ".eml": _eml(),
        ".htm": html,
        ".html": html,
        ".md": f"# Pier lamps\n\n{SENTENCE}\n".encode(),
        ".pdf": _pdf(),
        ".txt": f"Pier lamps\n\n{SENTENCE}\n".encode(),
        ".xlsx": _xlsx(),
    }


@pytest.fixture(scope="session")
def encrypted_pdf() -> bytes:
    """A PDF that asks for a password to be opened."""
    return _pdf(password="open sesame")
