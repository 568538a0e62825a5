"""HTML and Markdown: what a browser would show, as blocks.

Scripts, comments and hidden elements are dropped before a word is read: text that no reader
sees is where instructions to a language model are hidden.
"""

from __future__ import annotations

import codecs
import re
from typing import Any, Final

import lxml.html  # type: ignore[import-untyped]  # lxml ships no types
from markdown_it import MarkdownIt

from ingest.errors import Unreadable
from ingest.html_tables import flatten_tables
from ingest.page import blocks_of_page
from ingest.types import Block, Parsed, first_heading

_UNSEEN: Final = ("script", "style", "noscript", "template", "svg", "iframe", "object", "head", "nav", "dialog")
_ZERO: Final = r"0*(?:\.0+)?(?:px|pt|em|rem|%)?(?:;|!|$)"
_TINY: Final = r"[01]?(?:\.\d+)?(?:px|pt)(?:;|!|$)"
_INVISIBLE: Final = re.compile(
    r"(?:^|;)(?:display:none|visibility:(?:hidden|collapse)|mso-hide:all"
    rf"|opacity:{_ZERO}|font-size:(?:{_ZERO}|{_TINY}))",
    re.IGNORECASE,
)
# A block of settings on top, between lines of three dashes, as site generators write it.
_FRONT_MATTER: Final = re.compile(
    r"---[ \t]*\n(?=[\w-]+[ \t]*:)(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE
)
_FRONT_TITLE: Final = re.compile(r"^title[ \t]*:[ \t]*(['\"]?)(.+?)\1[ \t]*$", re.MULTILINE | re.IGNORECASE)
_LABELS: Final = {"iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252"}  # WHATWG Encoding, 4.2
_MARKS: Final = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_NAMED: Final = re.compile(
    rb"""(?:<meta[^>]{0,200}charset|<\?xml[^>]{0,200}encoding)\s*=\s*["']?([a-z0-9_.:-]{2,40})""", re.IGNORECASE
)
_DEEPEST: Final = 100  # lists and quotes within each other; what is deeper is dropped without a word
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": True, "maxNesting": _DEEPEST}).enable(["table", "strikethrough"])


def read_markdown(text: str) -> Parsed:
    """Read Markdown (CommonMark with tables). Its title is the one in the front matter, or its first heading."""
    title = ""
    if front := _FRONT_MATTER.match(text):
        text = text[front.end() :]
        title = found[2] if (found := _FRONT_TITLE.search(front[1])) else ""
    tokens = _MARKDOWN.parse(text)
    if any(token.level >= _DEEPEST - 1 for token in tokens):
        raise Unreadable("it is nested too deeply")
    blocks = html_blocks(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))
    return Parsed(title or first_heading(blocks), blocks)


def read_html(text: str) -> Parsed:
    """Read an HTML page. Its title is its first heading, or what the tab of the browser shows."""
    root = _page(text)
    tab = root.findtext(".//title") or ""
    blocks = _seen(root)
    return Parsed(first_heading(blocks) or tab, blocks)


def named_encoding(data: bytes) -> str:
    """Give the encoding of 8 bits that markup names, or nothing if it names none that exists."""
    named = _NAMED.search(data[:2_000])
    name = named[1].decode("ascii").lower() if named else ""
    try:
        name = codecs.lookup(_LABELS.get(name, name)).name if name else ""
    except LookupError:
        return ""
    # What could be read here as ASCII is no UTF-16; and codecs of Python's own are no encodings of a text.
    return "" if name.startswith(("utf-16", "utf-8")) or not _is_of_text(name) else name


def _is_of_text(encoding: str) -> bool:
    try:
        return b" a".decode(encoding) == " a"
    except (LookupError, ValueError):
        return False


def decode_markup(data: bytes, otherwise: str = "utf-8") -> str:
    """Decode markup by its mark, else by the encoding that it names, else by the one that is given.

    What cannot be decoded becomes the sign for it.
    """
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    return data.decode(named_encoding(data) or otherwise, "replace")


def html_blocks(html: str) -> tuple[Block, ...]:
    """Turn HTML, a page or a part of one, into blocks of what can be seen of it."""
    return _seen(_page(html)) if html.strip() else ()


def _page(html: str) -> Any:
    # As bytes: lxml refuses a text that declares its encoding, and what it declares is not to be trusted.
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    root = lxml.html.document_fromstring(html.encode("utf-8", "replace"), parser=parser, ensure_head_body=True)
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        # Beyond 256 levels, or 10 million characters in one place, the rest is dropped without a word.
        raise Unreadable("it is nested too deeply or too large")
    return root


def _seen(root: Any) -> tuple[Block, ...]:
    _drop_unseen(root)
    flatten_tables(root)
    return blocks_of_page(root)


def _drop_unseen(root: Any) -> None:
    hidden = [element for element in root.iter() if _is_unseen(element)]
    for element in hidden:
        if element.getparent() is not None:
            element.drop_tree()


def _is_unseen(element: Any) -> bool:
    if element.tag in _UNSEEN or element.get("hidden") is not None:
        return True
    style = element.get("style")
    return bool(style) and _INVISIBLE.search("".join(style.split())) is not None
