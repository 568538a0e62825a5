"""A small file of YAML as plain values, each with its line; without the parts of YAML that surprise.

No tags, so that nothing is constructed; no anchors and aliases, so that nothing grows; no key twice, of which
the last would win in silence; no depth. What YAML takes for a number, a date or
`yes` is no text here, and does not become one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

from ingest.errors import Unreadable
from ingest.types import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

Place = tuple[str | int, ...]
_Loader = Any  # yaml.SafeLoader, whose parser has no types

_DEEPEST: Final = 4
_SHOWN: Final = 40  # characters of a key that is not understood
_TEXT: Final = "tag:yaml.org,2002:str"
_NOTHING: Final = "tag:yaml.org,2002:null"
_TRUTHS: Final = {"true": True, "false": False}  # YAML 1.1 has yes, no, on and off as well, YAML 1.2 has not

NO_TEXT: Final = object()
"""Stands for a scalar that YAML takes for a number, a date, `yes` or `no`."""


def read_yaml(data: bytes) -> tuple[dict[str, Any], dict[Place, int]]:
    """Read a mapping of texts, lists and truth values.

    Returns:
        The mapping, empty for an empty file; and the line of each key and each part of a list, by its place.

    Raises:
        Unreadable: It is no such file, with the line and what to do.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("it is no UTF-8 text: save it as UTF-8") from None
    try:
        return _document(yaml.SafeLoader(text))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        raise _refused(line, "here it is no YAML: check blanks at the beginning, colons, brackets and quotes") from None
    except yaml.reader.ReaderError as error:
        raise _refused(text.count("\n", 0, error.position), "it has a character that YAML does not allow") from None


def _document(loader: _Loader) -> tuple[dict[str, Any], dict[Place, int]]:
    lines: dict[Place, int] = {}
    if not loader.check_event(yaml.StreamStartEvent):
        raise _refused(0, "it is no YAML")
    loader.get_event()
    if loader.check_event(yaml.StreamEndEvent):
        return {}, lines
    loader.get_event()
    value = _value(loader, (), lines)
    loader.get_event()
    if not loader.check_event(yaml.StreamEndEvent):
        raise _refused(loader.peek_event().start_mark.line, "a second document begins here: leave one")
    if value is None:
        return {}, lines
    if not isinstance(value, dict):
        raise _refused(0, "it has no keys: write lines such as `level: internal`")
    return value, lines


def _value(loader: _Loader, place: Place, lines: dict[Place, int]) -> Any:
    event = _plain(loader)
    lines.setdefault(place, event.start_mark.line + 1)
    if len(place) >= _DEEPEST:
        raise _refused(event.start_mark.line, "it is nested too deeply: write a key and its value, or a list of values")
    match event:
        case yaml.MappingStartEvent():
            return dict(_pairs(loader, place, lines))
        case yaml.SequenceStartEvent():
            return list(_parts(loader, place, lines))
        case _:
            return _scalar(loader, event)


def _pairs(loader: _Loader, place: Place, lines: dict[Place, int]) -> Iterator[tuple[str, Any]]:
    seen = set[str]()
    while not loader.check_event(yaml.MappingEndEvent):
        key = _plain(loader)
        line: int = key.start_mark.line
        if not isinstance(key, yaml.ScalarEvent):
            raise _refused(line, "a key has to be a word")
        if key.value in seen:
            raise _refused(line, f"{shown(key.value)[:_SHOWN]} stands there twice: leave one")
        seen.add(key.value)
        lines[*place, key.value] = line + 1
        yield key.value, _value(loader, (*place, key.value), lines)
    loader.get_event()


def _parts(loader: _Loader, place: Place, lines: dict[Place, int]) -> Iterator[Any]:
    number = 0
    while not loader.check_event(yaml.SequenceEndEvent):
        yield _value(loader, (*place, number), lines)
        number += 1
    loader.get_event()


def _plain(loader: _Loader) -> Any:
    """Give the next event, if it is nothing that YAML would have to follow or to construct."""
    event: Any = loader.get_event()
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        raise _refused(
            event.start_mark.line, "names of parts (& and *) are not taken: write the value out, or in quotes"
        )
    if event.tag is not None:
        raise _refused(event.start_mark.line, "tags (!) are not taken: write the value alone, or in quotes")
    return event


def _scalar(loader: _Loader, event: Any) -> Any:
    tag = loader.resolve(yaml.ScalarNode, event.value, event.implicit)
    if tag == _TEXT:
        return event.value
    return None if tag == _NOTHING else _TRUTHS.get(event.value.lower(), NO_TEXT)


def _refused(line: int, why: str) -> Unreadable:
    return Unreadable(f"line {line + 1}: {why}")
