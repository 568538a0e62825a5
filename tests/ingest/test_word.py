"""Word documents: what stands on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import docx
import pytest

from ingest.errors import Unreadable
from ingest.parse import parse_bytes
from ingest.types import Block
from ingest.word import read_docx
from tests.containers import saved, zipped
from tests.ingest.blocks import texts

if TYPE_CHECKING:
    from collections.abc import Mapping


def test_headings_come_from_styles_and_short_paragraphs_are_text() -> None:
    document = docx.Document()
    document.add_heading("Pier lamps", level=0)
    document.add_heading("North", level=2)
    document.add_paragraph("Green lamp")
    parsed = read_docx(saved(document))
    assert parsed.blocks == (Block("Pier lamps", 1), Block("North", 2), Block("Green lamp"))
    assert parsed.title == "Pier lamps"


def test_lists_and_tables_of_a_document_are_kept_in_their_place() -> None:
    document = docx.Document()
    document.add_paragraph("before", style="List Bullet")
    document.add_paragraph("also", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for row, said in zip(table.rows, (("Pier", "Lamp"), ("North", "green")), strict=True):
        for cell, text in zip(row.cells, said, strict=True):
            cell.text = text
    document.add_paragraph("After it.")
    assert texts(read_docx(saved(document))) == ["- before\n- also", "Pier: North; Lamp: green", "After it."]


def test_merged_cells_of_a_document_keep_their_columns() -> None:
    document = docx.Document()
    table = document.add_table(rows=3, cols=2)
    for row, said in zip(table.rows, (("Pier", "Lamp"), ("North", "green"), ("", "red")), strict=True):
        for cell, text in zip(row.cells, said, strict=True):
            cell.text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    assert read_docx(saved(document)).text == "Pier: North; Lamp: green\nPier: North; Lamp: red"


def test_a_running_header_stands_once() -> None:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Confidential"
    document.add_paragraph("First words.")
    second = document.add_section()
    second.header.is_linked_to_previous = False
    second.header.paragraphs[0].text = "Confidential"
    document.add_paragraph("More words.")
    assert texts(read_docx(saved(document))) == ["Confidential", "First words.", "More words."]


def test_an_encrypted_member_of_a_zip_is_refused_as_encrypted(documents: Mapping[str, bytes]) -> None:
    content = bytearray(documents[".docx"])
    at = content.index(b"PK\x01\x02")
    while not content[at + 46 :].startswith(b"word/document.xml"):
        at = content.index(b"PK\x01\x02", at + 1)
    content[at + 8] |= 1  # the flag of an encrypted member, in the directory of the zip
    with pytest.raises(Unreadable, match="encrypted"):
        read_docx(bytes(content))
    assert read_docx(documents[".docx"]).title == "Pier lamps"


MAIN = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OF = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
CHOICES = "http://schemas.openxmlformats.org/markup-compatibility/2006"
RUN = "<w:r>{}<w:t>{}</w:t></w:r>"


def word(body: str, **parts: str) -> bytes:
    """Make a document of a body, in its XML, and of further parts by their names."""
    names = f'xmlns:w="{MAIN}" xmlns:r="{OF}" xmlns:mc="{CHOICES}"'
    more = {f"word/{name}.xml": f"<w:{name} {names}>{text}</w:{name}>" for name, text in parts.items()}
    document = f"<w:document {names}><w:body>{body}</w:body></w:document>"
    return zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": document, **more})


def paragraph(text: str, properties: str = "") -> str:
    """Make a paragraph."""
    return f"<w:p>{properties and f'<w:pPr>{properties}</w:pPr>'}{RUN.format('', text)}</w:p>"


@pytest.mark.parametrize(
    "hidden",
    [
        "<w:del><w:r><w:t>secret</w:t></w:r></w:del>",
        "<w:r><w:delText>secret</w:delText></w:r>",
        "<w:moveFrom><w:r><w:t>secret</w:t></w:r></w:moveFrom>",
        RUN.format("<w:rPr><w:vanish/></w:rPr>", "secret"),
        RUN.format('<w:rPr><w:sz w:val="2"/></w:rPr>', "secret"),
        RUN.format('<w:rPr><w:rStyle w:val="Unseen"/></w:rPr>', "secret"),
        "<w:r><w:instrText>secret</w:instrText></w:r>",
        "<mc:AlternateContent><mc:Fallback><w:r><w:t>secret</w:t></w:r></mc:Fallback></mc:AlternateContent>",
        '<w:commentRangeStart w:id="1"/><w:r><w:commentReference w:id="1"/></w:r>',
    ],
)
def test_what_a_page_does_not_show_is_left_out(hidden: str) -> None:
    """Covers PI-04."""
    styles = '<w:style w:styleId="Unseen"><w:rPr><w:vanish/></w:rPr></w:style>'
    comments = '<w:comment w:id="1"><w:p><w:r><w:t>secret</w:t></w:r></w:p></w:comment>'
    parsed = read_docx(word(f"<w:p>{RUN.format('', 'seen')}{hidden}</w:p>", styles=styles, comments=comments))
    assert parsed.text == "seen"


@pytest.mark.parametrize(
    "shown",
    [
        "<w:ins><w:r><w:t>more</w:t></w:r></w:ins>",
        "<w:moveTo><w:r><w:t>more</w:t></w:r></w:moveTo>",
        RUN.format('<w:rPr><w:vanish w:val="0"/></w:rPr>', "more"),
        RUN.format('<w:rPr><w:sz w:val="16"/></w:rPr>', "more"),
        "<w:hyperlink><w:r><w:t>more</w:t></w:r></w:hyperlink>",
        "<w:smartTag><w:r><w:t>more</w:t></w:r></w:smartTag>",
        "<w:sdt><w:sdtContent><w:r><w:t>more</w:t></w:r></w:sdtContent></w:sdt>",
        "<w:fldSimple><w:r><w:t>more</w:t></w:r></w:fldSimple>",
    ],
)
def test_what_a_page_shows_is_kept_in_whatever_it_is_wrapped(shown: str) -> None:
    """Permitted twin of what is left out."""
    assert read_docx(word(f"<w:p>{RUN.format('', 'seen ')}{shown}</w:p>")).text == "seen more"


def test_a_paragraph_of_a_hidden_style_and_a_deleted_row_are_left_out() -> None:
    """Covers PI-04."""
    styles = '<w:style w:styleId="H"><w:rPr><w:vanish/></w:rPr></w:style>'
    row = "<w:tr>{}<w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr>"
    rows = row.format("", paragraph("a"), paragraph("b"))
    rows += row.format("<w:trPr><w:del/></w:trPr>", paragraph("secret"), paragraph("secret"))
    hidden = paragraph("secret", '<w:pStyle w:val="H"/>')
    assert read_docx(word(f"{hidden}<w:tbl>{rows}</w:tbl>", styles=styles)).text == "a; b"


def test_content_controls_around_paragraphs_and_tables_are_looked_into() -> None:
    body = f"<w:sdt><w:sdtContent>{paragraph('words')}</w:sdtContent></w:sdt>"
    assert read_docx(word(body)).text == "words"


def test_boxes_and_footnotes_stand_right_after_their_paragraph() -> None:
    box = f"<w:r><w:pict><w:txbxContent>{paragraph('box')}</w:txbxContent></w:pict></w:r>"
    reference = '<w:r><w:footnoteReference w:id="2"/></w:r>'
    body = f"<w:p>{RUN.format('', 'before')}{reference}{box}</w:p>{paragraph('after')}"
    notes = f'<w:footnote w:id="2">{paragraph("note")}</w:footnote>'
    assert texts(read_docx(word(body, footnotes=notes))) == ["before", "note", "box", "after"]


def numbered(level: int, number: int = 1) -> str:
    """Put a paragraph into a list."""
    return f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'


def test_lists_have_the_numbers_that_the_page_shows() -> None:
    levels = "".join(
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/><w:lvlText w:val="{text}"/></w:lvl>'
        for at, (kind, text) in enumerate((("decimal", "%1."), ("lowerLetter", "%1.%2)"), ("bullet", "x")))
    )
    numbering = f'<w:abstractNum w:abstractNumId="0">{levels}</w:abstractNum>'
    numbering += (
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="0"/>'
    )
    numbering += '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride></w:num>'
    items = [("one", 0, 1), ("a", 1, 1), ("b", 1, 1), ("dot", 2, 1), ("two", 0, 1), ("a again", 1, 1), ("seven", 0, 2)]
    body = "".join(paragraph(text, numbered(level, number)) for text, level, number in items)
    assert read_docx(word(body, numbering=numbering)).text.split("\n") == [
        "1. one",
        "  1.a) a",
        "  1.b) b",
        "    - dot",
        "2. two",
        "  2.a) a again",
        "7. seven",
    ]


def test_a_numbered_heading_has_its_number() -> None:
    level = '<w:lvl w:ilvl="0"><w:numFmt w:val="upperRoman"/><w:lvlText w:val="Part %1:"/></w:lvl>'
    numbering = f'<w:abstractNum w:abstractNumId="0">{level}</w:abstractNum>'
    numbering += '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
    body = paragraph("Lamps", f'<w:outlineLvl w:val="1"/>{numbered(0)}')
    assert read_docx(word(body, numbering=numbering)).blocks == (Block("Part I: Lamps", 2),)


def test_a_heading_is_known_through_the_styles_that_its_own_is_based_on() -> None:
    styles = '<w:style w:styleId="Mine"><w:basedOn w:val="H2"/></w:style>'
    styles += '<w:style w:styleId="H2"><w:name w:val="heading 2"/><w:basedOn w:val="Mine"/></w:style>'  # in a circle
    assert read_docx(word(paragraph("Lamps", '<w:pStyle w:val="Mine"/>'), styles=styles)).blocks == (Block("Lamps", 2),)


def test_a_frame_around_text_is_no_table() -> None:
    body = f"<w:tbl><w:tr><w:tc>{paragraph('one')}{paragraph('two')}</w:tc></w:tr></w:tbl>"
    assert texts(read_docx(word(body))) == ["one", "two"]


def test_a_formula_is_written_on_one_line() -> None:
    m = "http://schemas.openxmlformats.org/officeDocument/2006/math"
    square = "<m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>"
    body = f'<w:p xmlns:m="{m}">{RUN.format("", "area ")}<m:oMath>{square}</m:oMath></w:p>'
    assert read_docx(word(body)).text == "area x^2"


def test_tables_within_tables_are_read_to_the_depth_that_xml_has() -> None:
    """Covers IN-08."""
    deep = "<w:tbl><w:tr><w:tc>" * 40 + paragraph("words") + "</w:tc></w:tr></w:tbl>" * 40
    assert read_docx(word(deep)).text == "words"
    with pytest.raises(Unreadable, match="damaged"):
        parse_bytes(word("<w:sdt>" * 100_000), "a.docx")
