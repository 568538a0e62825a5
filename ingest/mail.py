"""E-mail: who wrote what to whom, and the body. Attachments are counted and not yet read."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ingest.errors import Unreadable
from ingest.markup import html_blocks
from ingest.types import Block, Parsed, one_line, printable

if TYPE_CHECKING:
    from email.message import EmailMessage

_SHOWN: Final = ("From", "To", "Cc", "Date", "Subject")
_FIRST_LINE: Final = re.compile(rb"(?:From [^\r\n]*\r?\n)?[!-9;-~]{1,76}:")  # RFC 5322, 2.2
_QUOTED: Final = re.compile(r"^(?:>[ \t]?)+", re.MULTILINE)
_WRAP: Final = 72  # characters; a line is wrapped when the next word would have gone beyond (RFC 5322, 2.1.1: 78)
_SEALED: Final = frozenset({"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})


def read_mail(data: bytes) -> Parsed:
    """Read an e-mail: its header lines, then its body. Its title is its subject.

    Raises:
        Unreadable: It is encrypted, or no e-mail.
    """
    if not _FIRST_LINE.match(data):
        raise Unreadable("a .eml that is no e-mail: it does not begin with header lines")
    message = message_from_bytes(data, policy=policy.default)
    headers = [(name, one_line(str(message[name]))) for name in _SHOWN if message[name]]
    if not headers:
        raise Unreadable("a .eml that is no e-mail: it names neither sender nor recipient nor subject")
    if message.get_content_type() in _SEALED:
        raise Unreadable("this e-mail is encrypted, it cannot be read without its key")
    top = Block("\n".join(f"{name}: {value}" for name, value in headers))
    attached = sum(1 for _ in message.iter_attachments()) if message.is_multipart() else 0
    notes = (f"attachments left out: {attached}",) if attached else ()
    return Parsed(dict(headers).get("Subject", ""), (top, *_body(message)), notes)


def _body(message: EmailMessage) -> tuple[Block, ...]:
    """Read what a mail program would show: the HTML where there is some that says anything, else the text."""
    for kind, read in (("html", html_blocks), ("plain", _plain_blocks)):
        part = message.get_body(preferencelist=(kind,))
        content = part.get_content() if part is not None else ""
        blocks = read(content) if isinstance(content, str) else ()
        if any(block.text for block in blocks):
            return blocks
    return ()


def _plain_blocks(text: str) -> tuple[Block, ...]:
    """Part a text at its blank lines, and keep the short lines of an address or a signature apart."""
    unquoted = _QUOTED.sub("", printable(text))
    return tuple(Block(_unwrapped(paragraph)) for paragraph in re.split(r"\n\s*\n", unquoted))


def _unwrapped(paragraph: str) -> str:
    lines = [line.strip() for line in paragraph.split("\n") if line.strip() not in {"", "--"}]
    if not lines:
        return ""
    joined = lines[0]
    for before, line in pairwise(lines):
        joined += (" " if len(before) + 1 + len(line.split()[0]) > _WRAP else "\n") + line
    return joined
