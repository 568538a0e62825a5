from __future__ import annotations

import email
import email.policy
import zipfile
from typing import TYPE_CHECKING

import docx
import openpyxl  # type: ignore[import-untyped]  # it has no stubs
import pypdfium2  # type: ignore[import-untyped]  # it has no stubs
import pytest
from bs4 import BeautifulSoup

from deploy.sample.make import WRITERS, Table, make, read_blocks, to_pdf

if TYPE_CHECKING:
    from pathlib import Path


def content_of(path: Path) -> object:
    """Give what a file holds; of a zip its unpacked parts, since builds of zlib may pack them differently."""
    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    with zipfile.ZipFile(path) as parts:
        return [(part.filename, part.date_time, parts.read(part)) for part in parts.infolist()]


def test_two_runs_give_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    first, second = (make(sample / "sources", tmp_path / name) for name in ("first", "second"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert len(first) == len(list((sample / "sources").rglob("*.md"))) > 10


def test_no_trace_of_the_time_of_the_run_is_left(sample: Path, tmp_path: Path) -> None:
    for path in make(sample / "sources", tmp_path):
        if path.suffix in {".docx", ".xlsx"}:
            with zipfile.ZipFile(path) as parts:
                about = parts.read("docProps/core.xml").decode()
                assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
            assert about.count("2026-03-20T09:00:00Z") == 2


def test_the_documents_are_what_the_sources_say(sample: Path, tmp_path: Path) -> None:
    made = {path.relative_to(tmp_path): content_of(path) for path in make(sample / "sources", tmp_path)}
    kept = sample / "documents"
    assert made == {path.relative_to(kept): content_of(path) for path in kept.rglob("*") if path.suffix in WRITERS}, (
        "run `python deploy/sample/make.py`"
    )


def test_word_documents_have_heading_styles_and_a_table(sample: Path) -> None:
    for path in (sample / "documents").rglob("*.docx"):
        document = docx.Document(str(path))
        used = [paragraph.style.name for paragraph in document.paragraphs if paragraph.style]
        assert used[0] == "Title"
        assert used.count("Heading 1") >= 3
        assert len(document.tables) == 1


def test_pdfs_have_two_pages_with_text_on_both(sample: Path) -> None:
    for path in (sample / "documents").rglob("*.pdf"):
        with pypdfium2.PdfDocument(path) as document:
            pages = [page.get_textpage().get_text_range() for page in document]
        assert len(pages) == 2
        assert min(len(page.split()) for page in pages) > 60


def test_workbooks_have_two_sheets_with_numbers_as_numbers(sample: Path) -> None:
    for path in (sample / "documents").rglob("*.xlsx"):
        sheets = openpyxl.load_workbook(path).worksheets
        assert len(sheets) == 2
        assert any(isinstance(cell, int) for row in sheets[0].iter_rows(values_only=True) for cell in row)


def test_pages_have_headings_and_a_table_and_ask_for_nothing_from_elsewhere(sample: Path) -> None:
    for path in (sample / "documents").rglob("*.html"):
        page = BeautifulSoup(path.read_bytes(), "lxml")
        assert len(page.find_all("h1")) == 1
        assert len(page.find_all("h2")) >= 3
        assert len(page.find_all("tr")) >= 4
        assert not page.find_all(src=True)
        assert not page.find_all(href=True)


def test_mails_have_headers_and_a_signature(sample: Path) -> None:
    for path in (sample / "documents").rglob("*.eml"):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert not message.defects
        assert all(message[name] for name in ("From", "To", "Subject", "Date", "Message-ID"))
        assert "\n--\n" in str(message.get_content())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("no-title.html.md", "A paragraph.\n\n# Too late"),
        ("empty.html.md", ""),
        ("ragged.html.md", "# Title\n\n| a | b |\n|---|---|\n| 1 |"),
        ("unknown.pptx.md", "# Title"),
        ("not-in-the-font.pdf.md", "# Title \N{SNOWMAN}"),
        ("no-pages.docx.md", "# Title\n\n---"),
        ("no-pages.xlsx.md", "# Title\n\n---"),
    ],
)
def test_a_malformed_source_is_refused_by_its_name(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=name):
        make(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_well_formed_source_is_written_to_its_place(tmp_path: Path) -> None:
    (tmp_path / "in" / "a").mkdir(parents=True)
    (tmp_path / "in" / "a" / "page.html.md").write_text("# Fish & chips\n\nOne\nline", encoding="utf-8")
    assert make(tmp_path / "in", tmp_path / "out") == [tmp_path / "out" / "a" / "page.html"]
    page = (tmp_path / "out" / "a" / "page.html").read_text(encoding="utf-8")
    assert "<h1>Fish &amp; chips</h1>\n<p>One line</p>" in page


def test_a_table_keeps_its_empty_cells() -> None:
    table = read_blocks("# Title\n\n| a | |\n|---|---|\n| | b |")[1]
    assert table == Table((("a", ""), ("", "b")))


def test_a_pdf_takes_the_characters_of_western_europe() -> None:
    assert to_pdf(read_blocks("# Café, 5 °C, £3 & <none>")).startswith(b"%PDF-")
