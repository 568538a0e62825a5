"""HTML and Markdown give what a reader sees, and no more."""

from __future__ import annotations

import pytest

from ingest.markup import read_html, read_markdown
from ingest.types import Block


def seen(html: str) -> str:
    """Give the text of a page."""
    return read_html(f"<html><body>{html}</body></html>").text


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>secret</script>",
        "<style>secret {}</style>",
        "<!-- secret -->",
        "<!--[if mso]><p>secret</p><![endif]-->",
        "<template><p>secret</p></template>",
        "<noscript>secret</noscript>",
        "<p hidden>secret</p>",
        "<div hidden=''><p>a</p><p>secret</p></div>",
        "<p style='display: none'>secret</p>",
        "<p style='color:red; DISPLAY : NONE !important'>secret</p>",
        "<span style='visibility:hidden'>secret</span>",
        "<span style='font-size:0px'>secret</span>",
        "<span style='opacity: 0;'>secret</span>",
        "<span style='mso-hide:all'>secret</span>",
        "<input type=hidden value=secret>",
        "<img alt=secret src=x.png>",
        "<svg><text>secret</text></svg>",
        "<object>secret</object>",
        "<a href='https://secret.example/' title='secret'>link</a>",
        "<table><tr><th>A<th hidden>secret</tr><tr><td>1<td style='display:none'>secret</tr></table>",
        "<span style='font-size:1px'>secret</span>",
    ],
)
def test_what_a_browser_does_not_show_is_dropped(hidden: str) -> None:
    """Covers PI-04, as far as an element itself says that it is hidden."""
    text = seen(f"<p>before</p>{hidden}<p>after</p>")
    assert "secret" not in text
    assert text.startswith("before")
    assert text.endswith("after")


@pytest.mark.parametrize(
    "shown",
    [
        "<p style='font-size:0.8em; opacity:0.5'>words</p>",
        "<p style='font-size:11px'>words</p>",
        "<p style='backface-visibility:hidden'>words</p>",
        "<p style='display:block'>words</p>",
        "<details><summary>More</summary><p>words</p></details>",
        "<form><p>words</p></form>",
        "<figure><figcaption>words</figcaption></figure>",
        "<label>words</label>",
        "<font color=red>words</font>",
        "<my-widget>words</my-widget>",
    ],
)
def test_what_a_browser_shows_is_kept(shown: str) -> None:
    """Permitted twin of what is dropped."""
    assert "words" in seen(f"<p>before</p>{shown}")


def test_hidden_parts_of_markdown_are_dropped_as_well() -> None:
    text = read_markdown("before\n\n<!-- secret -->\n\n<div style='display:none'>secret</div>\n\nafter").text
    assert text == "before\n\nafter"


def test_headings_have_their_depth() -> None:
    parsed = read_markdown("# One\n\nText here.\n\n### Three\n\nMore text.")
    assert parsed.blocks == (Block("One", 1), Block("Text here."), Block("Three", 3), Block("More text."))
    assert parsed.title == "One"


def test_a_short_paragraph_is_no_heading() -> None:
    assert read_markdown("Opening hours\n\nText here.").blocks[0] == Block("Opening hours")


def test_a_list_stays_together_and_numbered_steps_keep_their_numbers() -> None:
    parsed = read_markdown("Do:\n- one\n- two\n  - inner\n\nThen:\n\n3. **third**\n4. fourth\n")
    assert [block.text for block in parsed.blocks] == ["Do:", "- one\n- two\n  - inner", "Then:", "3. third\n4. fourth"]


def test_the_second_paragraph_of_a_step_is_kept_below_it() -> None:
    assert read_markdown("1. first\n\n   with more\n\n2. second\n").text == "1. first\n\nwith more\n\n2. second"


def test_code_keeps_its_lines() -> None:
    assert read_markdown("```\nif x:\n    y()\n```").text == "if x:\n    y()"


def test_a_markdown_table_keeps_its_headers() -> None:
    assert read_markdown("| City | Office |\n|---|---|\n| Ostrey | HQ |").text == "City: Ostrey; Office: HQ"


def test_front_matter_gives_the_title_and_is_dropped() -> None:
    parsed = read_markdown("---\ntitle: 'Sick leave'\nauthor: Author Nobody\n---\n\n# Other\n\nText here.")
    assert parsed.title == "Sick leave"
    assert "Nobody" not in parsed.text


def test_a_rule_on_top_is_no_front_matter() -> None:
    parsed = read_markdown("---\n\nOnly a rule above.\n\n---\n\nText here.")
    assert parsed.text == "Only a rule above.\n\nText here."


def test_the_title_of_a_page_is_its_heading_or_else_what_the_tab_shows() -> None:
    assert read_html("<title>Tab &amp; co</title><h1>Head</h1><p>Text here.").title == "Head"
    assert read_html("<title>Tab &amp; co</title><p>Text here.").title == "Tab & co"


def test_a_page_that_declares_another_encoding_is_read_as_it_was_decoded() -> None:
    page = '<?xml version="1.0" encoding="iso-8859-1"?><html><meta charset="iso-8859-1"><p>Café</p></html>'
    assert read_html(page).text == "Café"


def test_merged_cells_are_written_into_every_place_that_they_cover() -> None:
    table = (
        "<table><tr><th>Pier</th><th colspan=2>Lamps</th></tr>"
        "<tr><td rowspan=2>North</td><td>green</td><td>1</td></tr><tr><td>red</td><td>2</td></tr></table>"
    )
    assert seen(table) == "Pier: North; Lamps: green; Lamps: 1\nPier: North; Lamps: red; Lamps: 2"


def test_a_span_of_a_million_cells_costs_nothing() -> None:
    """Covers IN-08."""
    table = f"<table><tr><td colspan={10**9}>a</td><td>b</td></tr><tr><td rowspan={10**9}>c</td><td>d</td></tr></table>"
    assert len(seen(table)) < 1_000


def test_row_headers_beside_their_values_make_pairs() -> None:
    assert seen("<table><tr><th>Name</th><td>Ada</td></tr><tr><th>Pier</th><td>North</td></tr></table>") == (
        "Name: Ada\nPier: North"
    )


def test_blocks_within_a_cell_do_not_run_into_each_other() -> None:
    table = "<table><tr><th>A</th><th>B</th></tr><tr><td><p>one</p><p>two</p></td><td>x<br>y</td></tr></table>"
    assert seen(table) == "A: one two; B: x y"


def test_a_table_that_arranges_a_page_becomes_its_parts() -> None:
    page = (
        "<table><tr><td><h1>Head</h1><p>Text here.</p></td><td>side</td></tr>"
        "<tr><td><table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table></td><td>foot</td></tr></table>"
    )
    assert [block.text for block in read_html(page).blocks] == ["Head", "Text here.", "side", "A: 1; B: 2", "foot"]


def test_the_caption_of_a_table_stands_above_it() -> None:
    table = "<table><caption>Lamps</caption><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>"
    assert seen(table) == "Lamps\nA: 1; B: 2"
