"""Presentations: what is shown, slide by slide."""

from __future__ import annotations

from typing import Any

import pptx
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches, Pt

from ingest.slides import read_pptx
from ingest.types import Block
from tests.containers import saved, zipped


def shows(*titles: str) -> Any:
    """Make a presentation of slides with a title and room for points."""
    presentation = pptx.Presentation()
    for title in titles:
        presentation.slides.add_slide(presentation.slide_layouts[1]).shapes.title.text = title
    return presentation


def test_each_slide_stands_under_its_title_with_its_points_as_a_list() -> None:
    presentation = shows("Pier lamps", "North pier")
    body = presentation.slides[1].placeholders[1].text_frame
    body.text = "green"
    below = body.add_paragraph()
    below.text, below.level = "at dusk", 1
    parsed = read_pptx(saved(presentation))
    assert parsed.blocks == (Block("Pier lamps", 1), Block("North pier", 1), Block("- green\n  - at dusk"))
    assert parsed.title == "Pier lamps"


def test_a_title_comes_first_even_where_it_was_drawn_last() -> None:
    presentation = shows("Pier lamps")
    slide = presentation.slides[0]
    box = slide.shapes.add_textbox(0, 0, Inches(1), Inches(1))
    box.text_frame.text = "Words in a box."
    slide.shapes._spTree.append(slide.shapes.title._element)
    assert [block.text for block in read_pptx(saved(presentation)).blocks] == ["Pier lamps", "Words in a box."]


def test_a_table_of_a_slide_keeps_its_headers_and_its_merged_cells() -> None:
    presentation = shows("Lamps")
    table = presentation.slides[0].shapes.add_table(3, 2, 0, 0, Inches(3), Inches(2)).table
    for row, said in enumerate((("Pier", "Lamp"), ("North", "green"), ("", "red"))):
        for column, text in enumerate(said):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    assert read_pptx(saved(presentation)).blocks[1].text == "Pier: North; Lamp: green\nPier: North; Lamp: red"


def test_shapes_within_groups_are_read() -> None:
    presentation = shows("Lamps")
    outer = presentation.slides[0].shapes.add_group_shape()
    inner = outer.shapes.add_group_shape()
    inner.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "Deep words."
    assert read_pptx(saved(presentation)).blocks[1].text == "Deep words."


def test_a_chart_is_a_table_of_what_it_draws() -> None:
    presentation = shows("Lamps")
    data = CategoryChartData()  # type: ignore[no-untyped-call]  # its makers left out a return type
    data.categories = ["North", "South"]
    data.add_series("green", (3, 5))  # type: ignore[no-untyped-call]  # same
    presentation.slides[0].shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(3), Inches(3), data)
    assert read_pptx(saved(presentation)).blocks[1].text == "North; green: 3\nSouth; green: 5"


def test_notes_of_the_speaker_stand_below_their_slide() -> None:
    presentation = shows("Lamps", "Ropes")
    presentation.slides[0].notes_slide.notes_text_frame.text = "Say it slowly."
    assert [block.text for block in read_pptx(saved(presentation)).blocks] == ["Lamps", "Say it slowly.", "Ropes"]


def test_hidden_slides_and_hidden_shapes_are_left_out() -> None:
    """Covers PI-04."""
    presentation = shows("Lamps", "secret")
    presentation.slides[1]._element.set("show", "0")
    box = presentation.slides[0].shapes.add_textbox(0, 0, Inches(1), Inches(1))
    box.text_frame.text = "secret"
    box._element.nvSpPr.cNvPr.set("hidden", "1")
    box._element.nvSpPr.cNvPr.set("descr", "secret")
    small = presentation.slides[0].shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame
    small.text, small.paragraphs[0].runs[0].font.size = "secret", Pt(1)
    seen = presentation.slides[0].shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame
    seen.text, seen.paragraphs[0].runs[0].font.size = "seen", Pt(6)
    parsed = read_pptx(saved(presentation))
    assert "secret" not in parsed.text
    assert "seen" in parsed.text
    assert parsed.notes == ("hidden slides left out: 1",)


def test_what_a_master_shows_on_every_slide_stands_once_and_its_hints_not_at_all() -> None:
    presentation = shows("Lamps", "Ropes")
    marking = presentation.slide_master.shapes._spTree
    box = presentation.slides[0].shapes.add_textbox(0, 0, Inches(1), Inches(1))
    box.text_frame.text = "Strictly confidential"
    marking.append(box._element)
    text = read_pptx(saved(presentation)).text
    assert text.count("Strictly confidential") == 1
    assert "Click to edit" not in text


def test_slides_are_read_in_the_order_in_which_they_are_shown() -> None:
    presentation = shows("Lamps", "Ropes")
    order = presentation.slides._sldIdLst
    order.append(order[0])
    assert [block.text for block in read_pptx(saved(presentation)).blocks] == ["Ropes", "Lamps"]


def test_a_slide_that_lies_outside_of_the_file_is_no_slide() -> None:
    """Covers IN-03."""
    of = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = "http://schemas.openxmlformats.org/presentationml/2006/main"
    listed = '<p:sldIdLst><p:sldId r:id="a"/><p:sldId r:id="b"/></p:sldIdLst>'
    relations = '<Relationship Id="a" Target="file:///etc/passwd" TargetMode="External"/>'
    relations += '<Relationship Id="b" Target="../../../../etc/passwd"/>'
    parts = {
        "x": "",
        "ppt/presentation.xml": f'<p:presentation xmlns:p="{main}" xmlns:r="{of}">{listed}</p:presentation>',
        "ppt/_rels/presentation.xml.rels": f"<Relationships>{relations}</Relationships>",
    }
    assert read_pptx(zipped(parts)).blocks == ()
