"""Electronic books: the chapters in their reading order, each an HTML page."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from ingest.archive import open_archive
from ingest.errors import Unreadable
from ingest.markup import decode_markup, html_blocks
from ingest.types import Block, Parsed, first_heading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.archive import Archive

_CONTAINER: Final = "META-INF/container.xml"
_OPF: Final = "{http://www.idpf.org/2007/opf}"
_TITLE: Final = "{http://purl.org/dc/elements/1.1/}title"
_PAGES: Final = frozenset({"application/xhtml+xml", "text/html", "text/x-oeb1-document"})


def read_epub(data: bytes) -> Parsed:
    """Read an electronic book. Its title is the one that it names.

    Raises:
        Unreadable: It is encrypted, a zip bomb, or no electronic book.
    """
    archive = open_archive(data, "an .epub that is no electronic book", needs=_CONTAINER)
    container = archive.xml(_CONTAINER)
    package = next((found.get("full-path", "") for found in container.iter("{*}rootfile")), "")
    root = archive.xml(package)
    encrypted = _encrypted(archive)
    blocks: list[Block] = []
    for name in _spine(root, posixpath.dirname(package)):
        if name in encrypted:
            raise Unreadable("it is encrypted (DRM), it cannot be read without its licence")
        blocks += html_blocks(decode_markup(archive.read(name)))
    title = next((found.text or "" for found in root.iter(_TITLE)), "")
    return Parsed(title or first_heading(tuple(blocks)), tuple(blocks))


def _spine(root: Any, folder: str) -> Iterator[str]:
    """Give the pages in the order in which they are read; the table of contents, which only repeats, is left out."""
    items = {item.get("id"): item for item in root.iter(_OPF + "item")}
    for reference in root.iter(_OPF + "itemref"):
        item = items.get(reference.get("idref"))
        if item is None or item.get("media-type") not in _PAGES or "nav" in item.get("properties", "").split():
            continue
        yield posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))


def _encrypted(archive: Archive) -> frozenset[str]:
    """Name the parts that are encrypted; most books that name any only hide their fonts."""
    root = archive.xml("META-INF/encryption.xml")
    return frozenset(unquote(found.get("URI", "")) for found in root.iter("{*}CipherReference"))
