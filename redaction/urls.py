"""Find links, and names of accounts, in folded text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from redaction.context import hint

if TYPE_CHECKING:
    from collections.abc import Iterator

_URL: Final = re.compile(
    r"(?<![\w@.])(?:"
    r"(?:https?|ftp|sftp|ssh|git|file|smb)://[^\s<>\"'|]{1,2000}"
    r"|www\.[\w-]{1,63}\.[^\s<>\"'|]{1,2000}"
    r"|(?:[\w-]{1,63}\.){1,5}[a-z]{2,24}/[^\s<>\"'|]{0,2000}"
    r"|(?:[\w-]{1,63}\.){1,5}(?:com|org|net|edu|gov|info|biz|io|dev|app|eu|example)(?![\w-]|\.\w)"
    r")",
    re.IGNORECASE,
)
_ENDING: Final = ".,;:!?)]}*'"
_MENTION: Final = re.compile(r"(?<![\w@./:+-])@([A-Za-z_][\w.-]{1,38}\w)(?![\w@(:/])")
_TO_MANY: Final = frozenset({"all", "everyone", "everybody", "here", "channel", "team", "group"})
_NETWORK: Final = (
    r"twitter|x|instagram|insta|facebook|linkedin|github|gitlab|telegram|skype|slack|snapchat|tiktok|mastodon|discord"
    r"|reddit|signal|threema"
)
_ACCOUNT: Final = re.compile(
    rf"\b(?:(?:{_NETWORK})(?: (?:id|name|handle|user|username|account))?|user ?name|screen ?name|nick ?name|handle)"
    r"(?:\s?[:=]|\sis)\s{0,2}@?([A-Za-z0-9_][\w.-]{1,38}\w)",
    re.IGNORECASE,
)


_may_be_named: Final = hint(rf"(?:{_NETWORK}|user ?name|screen ?name|nick ?name|handle)[ \w]{{0,12}}\s?(?:[:=]|is\b)")


def urls(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and the link itself, for each that has a scheme, begins with www, or has a path behind a host."""
    if "." not in text and "/" not in text:
        return
    for match in _URL.finditer(text):
        link = match[0].rstrip(_ENDING)
        yield match.start(), match.start() + len(link), link


def handles(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and name of each account: "@jdoe", "Skype: jane.doe"; one that means many people is none."""
    if "@" in text:
        for match in _MENTION.finditer(text):
            if match[1].lower() not in _TO_MANY:
                yield match.start(), match.end(), match[1].lower()
    if _may_be_named(text):
        for match in _ACCOUNT.finditer(text):
            yield match.start(1), match.end(1), match[1].lower()
