"""OpenDocument texts."""

from __future__ import annotations

import pytest

from ingest.errors import Unreadable
from ingest.open_document import read_odt
from ingest.types import Block
from tests.containers import zipped

NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{full or name}:1.0"'
    for name, full in (
        ("office", ""), ("text", ""), ("table", ""), ("style", ""), ("draw", "drawing"), ("svg", "svg-compatible"),
        ("fo", "xsl-fo-compatible"),
    )
)  # fmt: skip
HIDDEN = '<style:style style:name="H" style:family="text"><style:text-properties text:display="none"/></style:style>'


def odt(body: str, styles: str = "", masters: str = "", manifest: str = "<m/>") -> bytes:
    """Make a document of a body, in its XML."""
    content = f"<office:automatic-styles>{styles}</office:automatic-styles><office:body><office:text>{body}"
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f"<office:document-content {NAMES}>{content}</office:text></office:body>"
            "</office:document-content>",
            "styles.xml": f"<office:document-styles {NAMES}>{masters}</office:document-styles>",
            "META-INF/manifest.xml": manifest,
        }
    )


def said(body: str, styles: str = "", masters: str = "") -> list[str]:
    """List what the blocks of a document say."""
    return [block.text for block in read_odt(odt(body, styles, masters)).blocks]


def test_headings_have_their_level_and_paragraphs_their_blanks_and_breaks() -> None:
    parsed = read_odt(
        odt(
            '<text:h text:outline-level="2">Pier lamps</text:h>'
            "<text:p>a<text:s/>b<text:tab/>c<text:line-break/>d</text:p>"
        )
    )
    assert parsed.blocks == (Block("Pier lamps", 2), Block("a b c\nd"))
    assert parsed.title == "Pier lamps"


def test_lists_have_their_marks_and_their_levels() -> None:
    style = (
        '<text:list-style style:name="L"><text:list-level-style-number text:level="1" style:num-suffix="." '
        'style:num-format="1" text:start-value="3"/><text:list-level-style-bullet text:level="2"/></text:list-style>'
    )
    inner = "<text:list><text:list-item><text:p>inner</text:p></text:list-item></text:list>"
    items = f"<text:list-item><text:p>one</text:p>{inner}</text:list-item>"
    items += "<text:list-item><text:p>two</text:p></text:list-item>"
    assert said(f'<text:list text:style-name="L">{items}</text:list>', style) == ["3. one\n  - inner\n4. two"]


def test_a_table_keeps_its_headers_and_its_merged_cells() -> None:
    def row(*cells: str) -> str:
        return f"<table:table-row>{''.join(cells)}</table:table-row>"

    def cell(text: str, span: str = "") -> str:
        return f"<table:table-cell {span}><text:p>{text}</text:p></table:table-cell>"

    head = f"<table:table-header-rows>{row(cell('Pier'), cell('Lamp'))}</table:table-header-rows>"
    first = row(cell("North", 'table:number-rows-spanned="2"'), cell("green"))
    second = row("<table:covered-table-cell/>", cell("red"))
    assert said(f"<table:table>{head}{first}{second}</table:table>") == [
        "Pier: North; Lamp: green\nPier: North; Lamp: red"
    ]


def test_a_cell_that_claims_a_million_columns_is_read_by_what_it_holds() -> None:
    """Covers IN-08."""
    wide = '<table:table-cell table:number-columns-repeated="99999999"><text:p>x</text:p></table:table-cell>'
    assert len(said(f"<table:table><table:table-row>{wide}</table:table-row></table:table>")[0]) < 1_000


@pytest.mark.parametrize(
    "hidden",
    [
        '<text:p>seen<text:span text:style-name="H">secret</text:span></text:p>',
        "<text:p>seen<office:annotation><text:p>secret</text:p></office:annotation></text:p>",
        "<text:p>seen</text:p><text:tracked-changes><text:p>secret</text:p></text:tracked-changes>",
        "<text:p>seen<text:hidden-text>secret</text:hidden-text></text:p>",
        '<text:p>seen</text:p><text:section text:display="none"><text:p>secret</text:p></text:section>',
        "<text:p>seen<draw:frame><svg:title>secret</svg:title><svg:desc>secret</svg:desc></draw:frame></text:p>",
        '<text:p>seen</text:p><text:p text:style-name="H">secret</text:p>',
        '<text:p>seen<text:span text:style-name="Tiny">secret</text:span></text:p>',
    ],
)
def test_what_is_not_shown_is_left_out(hidden: str) -> None:
    """Covers PI-04."""
    sizes = "".join(
        f'<style:style style:name="{name}"><style:text-properties fo:font-size="{size}"/></style:style>'
        for name, size in (("Tiny", "1pt"), ("Small", "7.5pt"))
    )
    assert said(hidden, HIDDEN + sizes) == ["seen"]
    assert said('<text:p><text:span text:style-name="Small">seen</text:span></text:p>', HIDDEN + sizes) == ["seen"]


def test_boxes_and_footnotes_stand_right_after_their_paragraph() -> None:
    body = "<text:note-body><text:p>note</text:p></text:note-body>"
    note = f"<text:note><text:note-citation>1</text:note-citation>{body}</text:note>"
    box = "<draw:frame><draw:text-box><text:p>box</text:p></draw:text-box></draw:frame>"
    assert said(f"<text:p>before{note}{box} and on</text:p><text:p>after</text:p>") == [
        "before and on",
        "note",
        "box",
        "after",
    ]


def test_a_running_header_stands_once() -> None:
    header = "<style:header><text:p>Confidential</text:p></style:header>"
    assert said("<text:p>words</text:p>", masters=header * 2) == ["Confidential", "words"]


def test_an_encrypted_document_is_refused_as_encrypted() -> None:
    manifest = "<m:manifest xmlns:m='x'><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>"
    with pytest.raises(Unreadable, match=r"encrypted, it cannot be read"):
        read_odt(odt("", manifest=manifest))


def test_a_spreadsheet_under_this_suffix_is_refused() -> None:
    """Covers IN-07."""
    parts = {"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<a/>"}
    with pytest.raises(Unreadable, match="no OpenDocument text"):
        read_odt(zipped(parts))
