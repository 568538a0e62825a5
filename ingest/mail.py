"""E-mail: who wrote what to whom, the body as a mail program shows it, and the files that it carries."""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass, field
from email import policy
from email.headerregistry import HeaderRegistry, UniqueUnstructuredHeader
from email.parser import BytesParser
from itertools import pairwise
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, cast

from ingest.errors import Unreadable
from ingest.markup import html_blocks
from ingest.types import MAX_BYTES, Attachment, Block, Parsed, one_line, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from email.message import EmailMessage

MOST_ATTACHMENTS: Final = 200
_LONGEST_HEADER: Final = 2_000  # characters that are shown of one; enough for about fifty recipients
_LONGEST_RAW: Final = 20_000  # characters that are looked at; parsing takes the square of them
_MOST_PARTS: Final = 5_000
_MOST_BOUNDARIES: Final = 50_000  # lines that may be one; most of them are lines of a table, drawn with dashes
_TOO_MANY_PARTS: Final = f"it is a mail of more than {_MOST_PARTS:,} parts"
_SHOWN: Final = ("From", "To", "Cc", "Date", "Subject")
_FIRST_LINE: Final = re.compile(rb"(?:From [^\r\n]*\r?\n)?[!-9;-~]{1,76}:")  # RFC 5322, 2.2
_QUOTED: Final = re.compile(r"^(?:>[ \t]?)+", re.MULTILINE)
_WRAP: Final = 72  # characters; a line is wrapped when the next word would have gone beyond (RFC 5322, 2.1.1: 78)
_SEALED: Final = frozenset({"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})
_SIGNED_ONLY: Final = frozenset({"signed-data", "certs-only"})  # of pkcs7-mime; RFC 8551, 3.2.2
_SIGNATURES: Final = frozenset(
    {"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"}
)
_TNEF: Final = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_FORWARDED: Final = "forwarded.eml"


class _Bounded(policy.EmailPolicy):
    """The rules of today's mail, with a bound on what is parsed of one header."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        return super().header_fetch_parse(name, value[:_LONGEST_RAW])


def _as_written() -> HeaderRegistry:
    """Decode the names of people and nothing more: half of all mails write them in no valid way."""
    registry = HeaderRegistry()
    for name in ("from", "sender", "reply-to", "to", "cc", "bcc"):
        registry.map_to_type(name, UniqueUnstructuredHeader)  # type: ignore[arg-type]  # the stubs know no such mixture
    return registry


POLICY: Final = _Bounded(header_factory=_as_written())


def read_mail(data: bytes) -> Parsed:
    """Read an e-mail: its header lines, then its body, and what is attached. Its title is its subject.

    Raises:
        Unreadable: It is encrypted, or no e-mail.
    """
    if not _FIRST_LINE.match(data):
        raise Unreadable("a .eml that is no e-mail: it does not begin with header lines")
    if data.count(b"\n--") > _MOST_BOUNDARIES:  # before each of them becomes a part
        raise Unreadable(_TOO_MANY_PARTS)
    return blocks_of_mail(cast("EmailMessage", BytesParser(policy=POLICY).parsebytes(data)))


def blocks_of_mail(message: EmailMessage) -> Parsed:
    """Read a mail that is taken apart already.

    Raises:
        Unreadable: It is encrypted, or no e-mail.
    """
    headers = [(name, one_line(str(message[name]))) for name in _SHOWN if message[name]]
    if not headers:
        raise Unreadable("a .eml that is no e-mail: it names neither sender nor recipient nor subject")
    if _is_sealed(message):
        raise Unreadable("this e-mail is encrypted, it cannot be read without its key")
    found = _Found()
    body = tuple(_body(message, found))
    top = Block("\n".join(f"{name}: {_cut(value)}" for name, value in headers))
    if any(len(value) > _LONGEST_HEADER for _, value in headers):
        found.notes.append("header lines cut short: they name very many recipients")
    return Parsed(dict(headers).get("Subject", ""), (top, *body), found.all_notes(), tuple(found.attachments))


@dataclass(slots=True)
class _Found:
    """What was come across in a mail beside its text."""

    attachments: list[Attachment] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: int = 0
    size: int = 0
    parts: int = 0

    def attach(self, name: str, data: bytes) -> None:
        if len(self.attachments) >= MOST_ATTACHMENTS or self.size + len(data) > MAX_BYTES:
            self.left_out += 1
        else:
            self.attachments.append(Attachment(name, data))
            self.size += len(data)

    def all_notes(self) -> tuple[str, ...]:
        limits = f"at most {MOST_ATTACHMENTS}, and {MAX_BYTES // 1_000_000} MB, are read of one mail"
        more = (f"attachments left out: {self.left_out}; {limits}",) if self.left_out else ()
        return (*dict.fromkeys(self.notes), *more)


def _is_sealed(part: EmailMessage) -> bool:
    if part.get_content_type() not in _SEALED:
        return False
    kind = part.get_param("smime-type")
    return not (isinstance(kind, str) and kind.lower() in _SIGNED_ONLY)


def _body(part: EmailMessage, found: _Found) -> Iterator[Block]:
    """Give what a mail program shows of a part, and put aside what it offers to save."""
    found.parts += 1
    if found.parts > _MOST_PARTS:
        raise Unreadable(_TOO_MANY_PARTS)
    kind = part.get_content_type()
    if part.get_content_maintype() == "multipart":
        yield from _multipart(kind, part, found)
    elif kind in {"text/plain", "text/html"} and not part.is_attachment() and not part.get_filename():
        yield from _text(part)
    else:
        _put_aside(part, found)


def _multipart(kind: str, part: EmailMessage, found: _Found) -> Iterator[Block]:
    parts = _parts(part)
    if kind in _SEALED:
        found.notes.append("a part of this mail is encrypted, it cannot be read")
    elif kind == "multipart/alternative":
        yield from _best(parts, found)
    else:
        for one in parts:
            yield from _body(one, found)


def _parts(part: EmailMessage) -> Sequence[EmailMessage]:
    payload: Any = part.get_payload()
    return payload if isinstance(payload, list) else ()


def _best(parts: Sequence[EmailMessage], found: _Found) -> Iterator[Block]:
    """Give the richest form that says anything: they stand in the order of rising richness (RFC 2046, 5.1.4)."""
    for one in reversed(parts):
        blocks = list(_body(one, found))
        if any(block.text for block in blocks):
            yield from blocks
            return


def _text(part: EmailMessage) -> tuple[Block, ...]:
    text = _decoded(part)
    return html_blocks(text) if part.get_content_subtype() == "html" else _plain_blocks(text)


def _decoded(part: EmailMessage) -> str:
    try:
        content = part.get_content()
    except LookupError:  # an encoding that does not exist
        content = _payload(part).decode("utf-8", "replace")
    return content if isinstance(content, str) else ""


def _payload(part: EmailMessage) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _put_aside(part: EmailMessage, found: _Found) -> None:
    kind, name = part.get_content_type(), one_line(part.get_filename() or "")
    if kind in _TNEF or name.lower() == "winmail.dat":
        found.notes.append("winmail.dat not read: Outlook's own form of attachments; ask the sender for ordinary ones")
    elif _is_sealed(part):
        found.notes.append("a part of this mail is encrypted, it cannot be read")
    elif kind == "message/rfc822":
        for one in _parts(part):
            found.attach(name if name.lower().endswith(".eml") else _FORWARDED, one.as_bytes(policy=policy.compat32))
    elif kind not in _SIGNATURES and not _is_decoration(part):
        extension = "" if PurePath(name).suffix else (mimetypes.guess_extension(kind) or "")
        found.attach(f"{name or 'unnamed'}{extension}", _payload(part))


def _is_decoration(part: EmailMessage) -> bool:
    """Tell a picture that stands within the text, such as a logo, from one that was attached."""
    return part.get_content_maintype() == "image" and not part.is_attachment()


def _cut(value: str) -> str:
    return value if len(value) <= _LONGEST_HEADER else f"{value[:_LONGEST_HEADER].rpartition(' ')[0]} …"


def _plain_blocks(text: str) -> tuple[Block, ...]:
    """Part a text at its blank lines, and keep the short lines of an address or a signature apart."""
    unquoted = _QUOTED.sub("", printable(text))
    return tuple(Block(_unwrapped(paragraph)) for paragraph in re.split(r"\n\s*\n", unquoted))


def _unwrapped(paragraph: str) -> str:
    lines = [line.strip() for line in paragraph.split("\n") if line.strip() not in {"", "--"}]
    if not lines:
        return ""
    parts = [lines[0]]
    for before, line in pairwise(lines):
        parts += [" " if len(before) + 1 + len(line.split()[0]) > _WRAP else "\n", line]
    return "".join(parts)
