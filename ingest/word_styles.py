"""What the styles and lists of a Word document say of a paragraph: heading, item, hidden."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ingest.counting import written

if TYPE_CHECKING:
    from collections.abc import Iterator

W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_OFF: Final = frozenset({"0", "false", "off", "none"})
_HEADING: Final = re.compile(r"heading ([1-9])")
_TINY: Final = 2  # half points: what is smaller than this, or of this size, nobody reads
_DEEPEST_BASIS: Final = 20
_PLACE: Final = re.compile(r"%([1-9])")


def is_on(element: Any) -> bool:
    """Say whether a property is there and not switched off."""
    return element is not None and element.get(W + "val", "1").lower() not in _OFF


@dataclass(frozen=True, slots=True)
class Look:
    """What a paragraph is. `depth` is that of a heading, `list_id` that of its list; empty for none."""

    depth: int = 0
    list_id: str = ""
    level: int = 0
    hidden: bool = False


class Styles:
    """The styles of a document."""

    def __init__(self, root: Any) -> None:
        """Take the root of `word/styles.xml`."""
        self._styles = {style.get(W + "styleId"): style for style in root.iter(W + "style")}

    def look(self, paragraph: Any) -> Look:
        """Say what a paragraph is, by its own properties and by those of its style."""
        properties = paragraph.find(W + "pPr")
        style = None if properties is None else properties.find(W + "pStyle")
        chain = list(self._chain(None if style is None else style.get(W + "val")))
        sources = [] if properties is None else [properties]
        sources += [found for one in chain if (found := one.find(W + "pPr")) is not None]
        list_id, level = _list_of(sources)
        depth = _depth(sources, chain)
        return Look(depth, list_id, level, any(_hides(one.find(W + "rPr")) for one in chain))

    def hides(self, run: Any) -> bool:
        """Say whether a stretch of text is not shown."""
        properties = run.find(W + "rPr")
        if properties is None:
            return False
        if (own := properties.find(W + "vanish")) is not None:
            return is_on(own)
        style = properties.find(W + "rStyle")
        styles = self._chain(style.get(W + "val")) if style is not None else ()
        return _hides(properties) or any(_hides(one.find(W + "rPr")) for one in styles)

    def _chain(self, name: str | None) -> Iterator[Any]:
        """Give a style and those that it is based on; a circle ends after some rounds."""
        for _ in range(_DEEPEST_BASIS):
            style = self._styles.get(name)
            if style is None:
                return
            yield style
            basis = style.find(W + "basedOn")
            name = None if basis is None else basis.get(W + "val")


def _hides(properties: Any) -> bool:
    if properties is None:
        return False
    size = properties.find(W + "sz")
    points = "" if size is None else size.get(W + "val", "")
    return is_on(properties.find(W + "vanish")) or (points.isascii() and points.isdigit() and int(points) <= _TINY)


def _list_of(sources: list[Any]) -> tuple[str, int]:
    list_id, level = "", ""
    for source in sources:
        numbered = source.find(W + "numPr")
        if numbered is not None:
            list_id = list_id or _value(numbered.find(W + "numId"))
            level = level or _value(numbered.find(W + "ilvl"))
    if list_id in {"", "0"}:  # 0 takes a paragraph out of the list of its style
        return "", 0
    return list_id, int(level) if level in set("012345678") else 0


def _depth(sources: list[Any], chain: list[Any]) -> int:
    for source in sources:
        outline = _value(source.find(W + "outlineLvl"))
        if outline:
            return int(outline) + 1 if outline in set("012345678") else 0
    for style in chain:
        name = _value(style.find(W + "name")).lower()
        if found := _HEADING.fullmatch(name):
            return int(found[1])
        if name == "title":
            return 1
    return 0


def _value(element: Any) -> str:
    return "" if element is None else element.get(W + "val", "")


class Numbering:
    """The lists of a document, and how far each has counted."""

    def __init__(self, root: Any) -> None:
        """Take the root of `word/numbering.xml`."""
        self._abstract = {one.get(W + "abstractNumId"): one for one in root.iter(W + "abstractNum")}
        self._lists = {one.get(W + "numId"): one for one in root.iter(W + "num")}
        self._counts: defaultdict[str, dict[int, int]] = defaultdict(dict)
        self._begun: set[tuple[str, int]] = set()

    def mark(self, look: Look) -> str:
        """Count one item further, and give the mark that stands before it: `-`, `3.`, `2.1`; none outside of lists."""
        if not look.list_id:
            return ""
        one = self._lists.get(look.list_id)
        abstract = "" if one is None else _value(one.find(W + "abstractNumId"))
        levels = self._levels(abstract)
        counts = self._counts[abstract]  # lists of one definition go on counting where the other stopped
        self._count(look, one, levels, counts)
        level = levels.get(look.level)
        if level is None or _value(level.find(W + "numFmt")) in {"bullet", ""}:
            return "-"
        if _value(level.find(W + "numFmt")) == "none":
            return ""

        def number(place: re.Match[str]) -> str:
            at = int(place[1]) - 1
            kind = _value(levels[at].find(W + "numFmt")) if at in levels else "decimal"
            return written(counts.get(at, 1), kind)

        return _PLACE.sub(number, _value(level.find(W + "lvlText"))).strip()

    def _levels(self, abstract: str) -> dict[int, Any]:
        root = self._abstract.get(abstract)
        return {} if root is None else dict(enumerate(root.iter(W + "lvl")))

    def _count(self, look: Look, one: Any, levels: dict[int, Any], counts: dict[int, int]) -> None:
        restart = None
        if (look.list_id, look.level) not in self._begun and one is not None:
            self._begun.add((look.list_id, look.level))
            overrides = one.iter(W + "lvlOverride")
            own = next((found for found in overrides if found.get(W + "ilvl") == str(look.level)), None)
            restart = None if own is None else own.find(W + "startOverride")
        level = levels.get(look.level)
        first = _first(restart if restart is not None else (None if level is None else level.find(W + "start")))
        counts[look.level] = first if restart is not None or look.level not in counts else counts[look.level] + 1
        for deeper in [at for at in counts if at > look.level]:
            del counts[deeper]


def _first(element: Any) -> int:
    value = _value(element)
    return int(value) if value.isascii() and value.isdigit() and len(value) < 6 else 1
