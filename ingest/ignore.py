"""`.ntkignore`: what of a folder is not to be taken in, in the syntax of gitignore.

A file of this name applies to its folder and to all below. The one nearest to an entry that has something
to say about it decides; in one file, the last line that matches. What lies below a folder that is left out
cannot be brought back, since nobody looks there.

The patterns are translated here. `pathspec` answers for files alone: it cannot say whether a folder is to be
entered, and `docs/**` with `!docs/keep.md` needs just that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import re2

from ingest.errors import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

IGNORE_NAME: Final = ".ntkignore"
IGNORE_BYTES: Final = 64_000  # a larger file is no list that somebody wrote
_QUIET: Final = re2.Options()
_QUIET.log_errors = False  # a line that is no pattern is told to whom it concerns
_MOST_LINES: Final = 1_000
_ANYWHERE: Final = "(?:.*/)?"
_WILD: Final = {"*": "[^/]*", "?": "[^/]"}
# No pattern names these, but `*` has to match them: a line break, and what in a name is no UTF-8.
_UNMATCHABLE: Final = str.maketrans(dict.fromkeys([10, *range(0xD800, 0xE000)], "\ufffd"))


@dataclass(frozen=True, slots=True)
class Ignore:
    """The patterns of one file, and how many names lead from the root to the folder that it lies in."""

    depth: int
    patterns: re2.Set
    leaves_out: tuple[bool, ...]  # of each pattern; the others bring back


def parse_ignore(data: bytes, depth: int) -> Ignore:
    """Read the content of a `.ntkignore`.

    Raises:
        Unreadable: A line is no pattern, and which; or it is no text, or too much of it.
    """
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        raise Unreadable(f"{IGNORE_NAME} is no UTF-8 text: save it as UTF-8") from None
    if len(lines) > _MOST_LINES:
        raise Unreadable(f"{IGNORE_NAME} has more than {_MOST_LINES:,} lines: ignore whole folders instead")
    leaves_out, patterns = (
        list[bool](),
        re2.Set.FullMatchSet(_QUIET),
    )  # with it, a line of stars takes no longer than others
    for number, line in enumerate(lines, 1):
        written = _without_blanks_behind(line)
        if not written or written.startswith("#"):
            continue
        try:
            patterns.Add(_expression(written.removeprefix("!")))
        except (ValueError, re2.error):
            raise Unreadable(f"line {number} of {IGNORE_NAME} is no pattern: correct it, or remove it") from None
        leaves_out.append(not written.startswith("!"))
    try:
        patterns.Compile()
    except re2.error:
        raise Unreadable(f"the patterns of {IGNORE_NAME} are too long: ignore whole folders instead") from None
    return Ignore(depth, patterns, tuple(leaves_out))


def is_ignored(place: Sequence[str], ignores: Sequence[Ignore], *, folder: bool) -> bool:
    """Tell whether a file or folder is left out.

    Args:
        place: The names that lead to it from the root. No folder on the way is left out.
        ignores: The files that apply to it, the nearest last.
        folder: It is a folder.
    """
    for ignore in reversed(ignores):
        path = "/".join(place[ignore.depth :]) + "/" * folder
        if ignore.leaves_out and (matching := ignore.patterns.Match(path.translate(_UNMATCHABLE))):
            last: int = max(matching)
            return ignore.leaves_out[last]
    return False


def _without_blanks_behind(line: str) -> str:
    kept = line.removesuffix("\r").rstrip(" \t")
    escaped = (len(kept) - len(kept.rstrip("\\"))) % 2 == 1
    return kept + line[len(kept) : len(kept) + 1].strip("\r") * escaped


def _expression(pattern: str) -> str:
    """Translate a pattern, without its `!`, into an expression for paths of which those of folders end with a slash."""
    body = pattern.removesuffix("/")
    behind = "/" if body != pattern else "/?"
    if "/" not in body:
        return f"{_ANYWHERE}{_segment(body)}{behind}"
    *above, last = body.removeprefix("/").split("/")
    before = "".join(_ANYWHERE if name == "**" else f"{_segment(name)}/" for name in above)
    return f"{before}{'.+' if last == '**' else _segment(last)}{behind}"


def _segment(name: str) -> str:
    """Translate the pattern of one name.

    Raises:
        ValueError: It matches no name: it is empty, ends with a backslash, or has a set that is none.
    """
    if not name:
        raise ValueError
    if not name.strip("*"):
        return "[^/]+"  # no name is empty
    return "".join(_parts(name))


def _parts(name: str) -> Iterator[str]:
    at = 0
    while at < len(name):
        if name[at] in _WILD:
            yield _WILD[name[at]]
            at += 1
        elif name[at] == "[":
            expression, at = _set(name, at + 1)
            yield expression
        else:
            character, at = _literal(name, at)
            yield re2.escape(character)


def _set(name: str, at: int) -> tuple[str, int]:
    """Translate the set whose content begins here, and say where the rest of the name begins."""
    negated = name.startswith(("!", "^"), at)
    first = at = at + negated
    ranges = "/" if negated else ""
    while at < len(name) and (name[at] != "]" or at == first):
        named = name.startswith("[:", at)
        low, at = _literal(name, at)
        high = low
        if name.startswith("-", at) and not name.startswith("-]", at):
            high, at = _literal(name, at + 1)
        # `[[:alpha:]]` is taken for no set either, rather than for another one than was meant.
        if low > high or low <= "/" <= high or named:
            raise ValueError
        ranges += f"\\x{{{ord(low):x}}}-\\x{{{ord(high):x}}}"
    if at >= len(name):
        raise ValueError
    return f"[{'^' * negated}{ranges}]", at + 1


def _literal(name: str, at: int) -> tuple[str, int]:
    at += name.startswith("\\", at)
    if at >= len(name):
        raise ValueError
    return name[at], at + 1
