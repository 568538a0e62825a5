"""Electronic books."""

from __future__ import annotations

import pytest

from ingest.epub import read_epub
from ingest.errors import Unreadable
from tests.containers import zipped

CONTAINER = '<container><rootfiles><rootfile full-path="book/package.opf"/></rootfiles></container>'
XHTML = 'media-type="application/xhtml+xml"'


def book(pages: dict[str, str], manifest: str = "", spine: str = "", encryption: str = "") -> bytes:
    """Make a book of pages, each listed and read in this order unless it is said otherwise."""
    manifest = manifest or "".join(f'<item id="{name}" href="{name}" {XHTML}/>' for name in pages)
    spine = spine or "".join(f'<itemref idref="{name}"/>' for name in pages)
    package = f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{manifest}</manifest><spine>{spine}</spine>'
    parts = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "book/package.opf": f"{package}</package>",
        **{f"book/{name}": text for name, text in pages.items()},
    }
    return zipped({**parts, **({"META-INF/encryption.xml": encryption} if encryption else {})})


def page(text: str) -> str:
    """Make a page."""
    return f'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body>{text}</body></html>'


def test_pages_are_read_in_the_order_of_the_spine_and_not_in_that_of_the_archive() -> None:
    pages = {"b.xhtml": page("<p>second words</p>"), "a.xhtml": page("<h1>First</h1><p>first words</p>")}
    spine = '<itemref idref="a.xhtml"/><itemref idref="b.xhtml"/>'
    parsed = read_epub(book(pages, spine=spine))
    assert [block.text for block in parsed.blocks] == ["First", "first words", "second words"]
    assert parsed.title == "First"


def test_the_table_of_contents_and_what_is_no_page_are_left_out() -> None:
    pages = {"a.xhtml": page("<p>words</p>"), "nav.xhtml": page("<p>contents</p>"), "c.svg": "<svg/>"}
    manifest = (
        f'<item id="a.xhtml" href="a.xhtml" {XHTML}/><item id="nav.xhtml" properties="nav" href="nav.xhtml" {XHTML}/>'
    )
    manifest += '<item id="c.svg" href="c.svg" media-type="image/svg+xml"/>'
    assert read_epub(book(pages, manifest)).text == "words"


def test_what_a_page_hides_is_left_out() -> None:
    """Covers PI-04."""
    assert (
        read_epub(book({"a.xhtml": page("<p>words</p><p hidden=''>secret</p><script>secret</script>")})).text == "words"
    )


def test_a_page_outside_of_the_book_is_no_page() -> None:
    """Covers IN-03."""
    manifest = f'<item id="a" href="../../../../etc/passwd" {XHTML}/><item id="b" href="http://pier.example/" {XHTML}/>'
    assert read_epub(book({}, manifest, '<itemref idref="a"/><itemref idref="b"/>')).blocks == ()


def test_a_book_whose_pages_are_encrypted_is_refused_and_one_whose_fonts_are_hidden_is_read() -> None:
    def locked(name: str) -> str:
        return f'<encryption xmlns:e="x"><e:CipherReference URI="{name}"/></encryption>'

    pages = {"a page.xhtml": page("<p>words</p>")}
    with pytest.raises(Unreadable, match=r"encrypted.*, it cannot be read"):
        read_epub(book(pages, encryption=locked("book/a%20page.xhtml")))
    assert read_epub(book(pages, encryption=locked("book/font.otf"))).text == "words"
