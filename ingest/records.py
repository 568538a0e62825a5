"""JSON: each value on a line behind the names that lead to it, each record a block.

`{"city": {"name": "Oslo"}}` becomes `city.name: Oslo`. Numbers stay as they are written.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from ingest.errors import Unreadable
from ingest.types import Block, Parsed, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST: Final = 64
_MOST_CHARACTERS: Final = 200_000_000  # of the lines; long names over many values multiply
_NESTING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[{]|[\]}]', re.DOTALL)


class _Pairs(list[tuple[str, Any]]):
    """The members of an object in their order, those of the same name as well."""


def read_json(text: str) -> Parsed:
    """Read one JSON value. It has no title of its own.

    Raises:
        Unreadable: It is no JSON, or nested deeper than 64 levels.
    """
    return Parsed("", tuple(_bounded(_blocks(_value(text)))))


def read_json_lines(text: str) -> Parsed:
    """Read a JSON value on each line.

    Raises:
        Unreadable: A line is no JSON, or nested deeper than 64 levels.
    """
    lines = (line for line in text.split("\n") if line.strip())
    return Parsed("", tuple(_bounded(block for line in lines for block in _record(_value(line)))))


def _value(text: str) -> Any:
    depth = 0
    for found in _NESTING.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > _DEEPEST:
            raise Unreadable(f"it is nested too deeply: more than {_DEEPEST} levels")
    try:
        # Figures as they stand: 1.10 is no 1.1, and an integer of a million digits would take minutes.
        return json.loads(text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=str)
    except ValueError:
        raise Unreadable("it is no JSON: it is cut short, or something else with that suffix") from None


def _blocks(value: Any) -> Iterator[Block]:
    """Give a block for each record of a list, and for each part of an object that has parts of its own."""
    if isinstance(value, _Pairs):
        plain = _Pairs(pair for pair in value if not isinstance(pair[1], list))
        yield from _record(plain)
        for name, part in value:
            if isinstance(part, list):
                yield from _listed(part, (name,))
    elif isinstance(value, list):
        yield from _listed(value, ())
    else:
        yield from _record(value)


def _listed(part: list[Any], path: tuple[str, ...]) -> Iterator[Block]:
    if isinstance(part, _Pairs) or not any(isinstance(item, list) for item in part):
        yield from _record(part, path)
    else:
        for item in part:
            yield from _record(item, path)


def _record(value: Any, path: tuple[str, ...] = ()) -> Iterator[Block]:
    text = "\n".join(_lines(value, path))
    if text:
        yield Block(text)


def _lines(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, _Pairs):
        for name, part in value:
            yield from _lines(part, (*path, one_line(name)))
    elif isinstance(value, list) and any(isinstance(item, list) for item in value):
        for item in value:
            yield from _lines(item, path)
    else:
        said = ", ".join(filter(None, map(_written, value))) if isinstance(value, list) else _written(value)
        if said:
            yield f"{'.'.join(path)}: {said}" if path else said


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value).strip()


def _bounded(blocks: Iterator[Block]) -> Iterator[Block]:
    room = _MOST_CHARACTERS
    for block in blocks:
        room -= len(block.text)
        if room < 0:
            raise Unreadable("its names and values make more text than is read")
        yield block
