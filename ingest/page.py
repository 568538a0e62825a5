"""A page of HTML as paragraphs, headings, lists and tables, as a browser would set them.

Only what the elements are counts, not how a style sheet sets them. What is hidden has to be gone before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ingest.flow import DEEPEST, Paragraph, blocks_of_parts
from ingest.types import Block, clean

if TYPE_CHECKING:
    from ingest.tables import Table

_BLANKS: Final = re.compile(r"[ \t\n\r\f]+")
_HEADINGS: Final = {f"h{depth}": depth for depth in range(1, DEEPEST + 1)}
_LISTS: Final = frozenset({"ul", "ol", "menu", "dir"})
_BLOCKS: Final = frozenset({
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "html", "legend", "li", "main",
    "nav", "optgroup", "p", "search", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr",
})  # fmt: skip
_LEFT_OUT: Final = frozenset({"datalist", "rp", "rt", "textarea"})


def blocks_of_page(root: Any) -> tuple[Block, ...]:
    """Turn the elements of a page into blocks."""
    page = _Page()
    page.inside(root)
    page.end()
    return blocks_of_parts(page.parts)


@dataclass(slots=True)
class _Page:
    """What was read of a page, and the paragraph that is being read."""

    parts: list[Paragraph | Table | Block] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    depth: int = 0
    mark: str = ""
    level: int = -1  # of the list that this stands in; -1 outside of all

    def inside(self, element: Any) -> None:
        """Read the text of an element and all that stands in it."""
        self._add(element.text)
        for child in element:
            if isinstance(child.tag, str) and child.tag not in _LEFT_OUT:
                self._child(child, child.tag)
            self._add(child.tail)

    def end(self) -> None:
        """End the paragraph, if one has begun."""
        text = "".join(self.text)
        self.text.clear()
        if not text.strip():
            return
        if self.depth:
            self.parts.append(Paragraph(text if self.mark in {"", "-"} else f"{self.mark} {text}", self.depth))
        else:
            self.parts.append(Paragraph(text, mark=self.mark, level=max(self.level, 0)))
        self.mark = ""  # the second paragraph of an item has none

    def _add(self, text: str | None) -> None:
        if text:
            self.text.append(_BLANKS.sub(" ", text))

    def _child(self, child: Any, tag: str) -> None:
        if tag == "br":
            self.text.append("\n")
        elif tag == "pre":
            self.end()
            self.parts.append(Block(clean(child.text_content())))
        elif tag in _HEADINGS:
            self._heading(child, _HEADINGS[tag])
        elif tag in _LISTS:
            self._list(child, numbered=tag == "ol")
        elif tag in _BLOCKS:
            self.end()
            self.inside(child)
            self.end()
        else:
            self.inside(child)
            if tag == "option":
                self.text.append(" ")

    def _heading(self, element: Any, depth: int) -> None:
        self.end()
        self.depth = depth
        self.inside(element)
        self.end()
        self.depth = 0

    def _list(self, element: Any, *, numbered: bool) -> None:
        self.end()
        self.level += 1
        number = _number(element.get("start"), 1)
        for child in element:
            if child.tag == "li":
                number = _number(child.get("value"), number)
                self.mark = f"{number}." if numbered else "-"
                self.inside(child)
                number += 1
            elif isinstance(child.tag, str):  # a list within a list, but not within an item of it
                self._child(child, child.tag)
            self.end()
            self.mark = ""
        self.level -= 1


def _number(value: str | None, otherwise: int) -> int:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 6 else otherwise
