"""Elements of `unstructured` as blocks: headings with a depth, whole lists.

Everything else that an element carries (paths, dates, languages, links) ends here.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from ingest.types import Block, clean, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LEFT_OUT: Final = frozenset({"Image", "PageBreak", "PageNumber"})
_DEEPEST: Final = 6
_NUMBERED: Final = re.compile(r"\(?\w{1,4}[.)]\s")


def blocks_of(elements: Iterable[Any]) -> tuple[Block, ...]:
    """Turn elements into blocks, in their order; running headers and footers stand once."""
    kept = [element for element in _unrepeated(elements) if element.category not in _LEFT_OUT]
    blocks: list[Block] = []
    for is_list, group in groupby(kept, key=lambda element: bool(element.category == "ListItem")):
        if is_list:
            blocks.append(Block("\n".join(_item(element) for element in group)))
        else:
            blocks.extend(_block(element) for element in group)
    return tuple(blocks)


def _block(element: Any) -> Block:
    if element.category == "Title":
        return Block(one_line(element.text), min((element.metadata.category_depth or 0) + 1, _DEEPEST))
    return Block(clean(element.text))


def _item(element: Any) -> str:
    text = one_line(element.text)
    indent = "  " * (min(max(element.metadata.category_depth or 1, 1), _DEEPEST) - 1)
    return f"{indent}{text}" if _NUMBERED.match(text) else f"{indent}- {text}"


def _unrepeated(elements: Iterable[Any]) -> Iterator[Any]:
    seen: set[str] = set()
    for element in elements:
        if element.category in {"Header", "Footer"}:
            if element.text in seen:
                continue
            seen.add(element.text)
        yield element
