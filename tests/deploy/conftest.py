"""The sample company as the tests read it: its rules, and each document's text by its own format's library."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import docx
import openpyxl  # type: ignore[import-untyped]  # it has no stubs
import pypdfium2  # type: ignore[import-untyped]  # it has no stubs
import pytest
import yaml
from bs4 import BeautifulSoup

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SAMPLE: Final = Path(__file__).parents[2] / "deploy" / "sample"


@pytest.fixture(scope="session")
def sample() -> Path:
    return SAMPLE


@pytest.fixture(scope="session")
def company() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((SAMPLE / "company.yaml").read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="session")
def texts() -> Mapping[str, str]:
    """Give the text of each document by its path below `documents`."""
    root = SAMPLE / "documents"
    return {str(path.relative_to(root)): READERS[path.suffix](path) for path in root.rglob("*") if path.is_file()}


def _plain(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _docx(path: Path) -> str:
    document = docx.Document(str(path))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def _pdf(path: Path) -> str:
    with pypdfium2.PdfDocument(path) as document:
        return "\n".join(page.get_textpage().get_text_range() for page in document)


def _xlsx(path: Path) -> str:
    book = openpyxl.load_workbook(path)
    rows = [row for sheet in book for row in sheet.iter_rows(values_only=True)]
    return "\n".join(" ".join(str(cell) for cell in row if cell is not None) for row in rows)


def _html(path: Path) -> str:
    return BeautifulSoup(path.read_bytes(), "lxml").get_text("\n")


def _eml(path: Path) -> str:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body(("plain",))
    assert body is not None
    return "\n".join([message["From"], message["To"], message["Subject"], body.get_content()])


READERS: Final[dict[str, Callable[[Path], str]]] = {
    ".csv": _plain,
    ".docx": _docx,
    ".eml": _eml,
    ".html": _html,
    ".md": _plain,
    ".pdf": _pdf,
    ".xlsx": _xlsx,
}
