"""Markdown and HTML to what a reader sees of them: text, without a link, an image or a tag.

Both are parsed as a browser's side would; rules on the raw text lose to reference links, entities
and nesting (EchoLeak, CVE-2025-32711, went out through a reference-style image).
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final

import nh3
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

_CITATION_LABEL: Final = re.compile(r"\^?\d+(?:\s*[,;-]\s*\^?\d+)*")
_LINE_BREAK: Final = re.compile(r"</?(?:br|p|div|li|tr|td|th|h[1-6])\b", re.IGNORECASE)
_BLANK_LINES: Final = re.compile(r"[ \t]*\n(?:[ \t]*\n)+")
_INVISIBLE: Final = frozenset({"script", "style", "template", "title", "iframe", "object", "noscript", "svg", "math"})
_LINES: Final = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "td", "th", "blockquote"})


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802  the name that the library calls
        """Take every target for a link: one that were not, such as javascript:, would stay as text."""
        return True


_MARKDOWN: Final = _Markdown("commonmark")


def plain(text: str, known: frozenset[str]) -> str:
    """Give the visible text of Markdown with HTML in it.

    Images leave their description, links their text; lists keep bullets and numbers; tags, comments
    and link definitions leave nothing. What it gives may be Markdown again: an escaped link, a tag
    made of entities.

    Args:
        text: As the model wrote it.
        known: The addresses that may stay behind the text of their link, from `egress.links.addresses`.
    """
    targets = {_MARKDOWN.normalizeLink(address): address for address in known}
    return _BLANK_LINES.sub("\n\n", _Blocks(targets).render(_MARKDOWN.parse(text))).strip()


class _Blocks:
    """Writes blocks one below the other, list items with their marks."""

    def __init__(self, targets: dict[str, str]) -> None:
        self._targets = targets
        self._written = ""
        self._depth = 0
        self._mark = ""
        self._in_item = False  # one has been written in the current list
        self._tight = False

    def render(self, tokens: Sequence[Token]) -> str:
        for token in tokens:
            match token.type:
                case "bullet_list_open" | "ordered_list_open":
                    self._in_item = self._in_item and self._depth > 0
                    self._depth += 1
                case "bullet_list_close" | "ordered_list_close":
                    self._depth -= 1
                case "list_item_open":
                    self._mark = f"{token.info}{token.markup} " if token.info else "- "
                case "paragraph_open":
                    self._tight = token.hidden
                case "inline":
                    self._write(_inline(token.children or [], self._targets))
                case "fence" | "code_block":
                    self._write(token.content)
                case "html_block":
                    self._write(_html(token.content))
        return self._written

    def _write(self, text: str) -> None:
        lines = [line.strip() for line in text.strip().split("\n")]
        if not any(lines):
            return
        indent = "  " * (self._depth - 1)
        block = f"\n{indent}{' ' * len(self._mark)}".join(lines)
        gap = "\n" if self._tight and self._in_item else "\n\n"
        self._written += (gap if self._written else "") + indent + self._mark + block
        self._mark, self._in_item, self._tight = "", self._depth > 0, False


def _inline(tokens: Sequence[Token], targets: dict[str, str]) -> str:
    """Give the visible text of one block's inside."""
    pieces: list[str] = []
    links: list[tuple[int, str]] = []
    for token in tokens:
        match token.type:
            case "text" | "code_inline":
                pieces.append(token.content)
            case "softbreak" | "hardbreak":
                pieces.append("\n")
            case "image":
                pieces.append(_inline(token.children or [], {}))
            case "html_inline":
                pieces.append("\n" if _LINE_BREAK.match(token.content) else "")
            case "link_open":
                links.append((len(pieces), str(token.attrGet("href"))))
            case "link_close":
                start, target = links.pop()
                pieces[start:] = [_link("".join(pieces[start:]), targets.get(target))]
    return "".join(pieces)


def _link(label: str, address: str | None) -> str:
    """Give the label of a link, and its address behind it if that may stay."""
    if _CITATION_LABEL.fullmatch(label):
        return f"[{label}]"  # [1](…) and, with a definition of 1 further down, [1]
    return label if address is None or address == label else f"{label} ({address})"


class _VisibleText(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  the library's signature
        self.pieces.append("\n" if tag in _LINES else "")

    def handle_endtag(self, tag: str) -> None:
        self.pieces.append("\n" if tag in _LINES else "")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def _html(text: str) -> str:
    # Read as a browser reads it, by rules that recover from anything; what is left holds no tag but these, all closed.
    kept = nh3.clean(text, tags=set(_LINES), clean_content_tags=set(_INVISIBLE), attributes={}, link_rel=None)
    parser = _VisibleText()
    parser.feed(kept)
    parser.close()
    return "".join(parser.pieces)
