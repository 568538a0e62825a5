"""Messages of Outlook ([MS-OXMSG]): turned into ordinary mails, and read like those.

A property of a message is a stream in the container, named by its number and its type. Nothing else is
needed of it, so nothing else is loaded.
"""

from __future__ import annotations

import codecs
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import HeaderParser
from email.utils import format_datetime
from io import BytesIO
from typing import TYPE_CHECKING, Final

import olefile  # type: ignore[import-untyped]  # it ships no types

from ingest.errors import Unreadable
from ingest.mail import MOST_ATTACHMENTS, POLICY, blocks_of_mail
from ingest.markup import decode_markup
from ingest.ole import kind_of_ole
from ingest.types import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest.types import Parsed

_SUBJECT, _BODY, _HTML, _HEADERS = 0x0037, 0x1000, 0x1013, 0x007D
_SENDER, _SENDER_ADDRESS, _SENDER_SMTP = 0x0C1A, 0x0C1F, 0x5D01
_RECIPIENT, _RECIPIENT_ADDRESS, _RECIPIENT_SMTP, _RECIPIENT_KIND = 0x3001, 0x3003, 0x39FE, 0x0C15
_SENT, _CODE_PAGE, _BODY_CODE_PAGE, _CLASS = 0x0039, 0x3FFD, 0x3FDE, 0x001A
_DATA, _LONG_NAME, _SHORT_NAME, _DISPLAY_NAME = 0x3701, 0x3707, 0x3704, 0x3001
_KINDS: Final = {1: "To", 2: "Cc"}  # 3 is Bcc, which nobody but its sender sees
_HEADERS_OF_ROOT, _HEADERS_OF_NESTED, _HEADERS_OF_PART = 32, 24, 8  # bytes before the fixed properties; 2.4.1
_PROPERTIES: Final = "__properties_version1.0"
_TIME: Final = 0x0040
_SINCE_1601: Final = datetime(1601, 1, 1, tzinfo=UTC)
_MOST_RECIPIENTS: Final = 10_000
_SEALED: Final = ("IPM.Note.SMIME", "IPM.Note.rpmsg")
_SIGNED: Final = "IPM.Note.SMIME.MultipartSigned"


def read_msg(data: bytes) -> Parsed:
    """Read a message of Outlook: its header lines, its body, its attachments.

    Raises:
        Unreadable: It is encrypted, damaged, or no message.
    """
    if kind_of_ole(data) != ".msg":
        raise Unreadable("a .msg that is no Outlook message")
    with olefile.OleFileIO(BytesIO(data)) as container:
        streams = tuple(tuple(path) for path in container.listdir())
        return blocks_of_mail(_mail(_Folder(container, streams, (), _HEADERS_OF_ROOT)))


@dataclass(frozen=True, slots=True)
class _Folder:
    """A storage of the container: a message, one of its recipients, or one of its attachments."""

    container: olefile.OleFileIO
    streams: tuple[tuple[str, ...], ...]  # of this storage and those within, each with its path from the root
    path: tuple[str, ...]
    fixed_at: int

    def stream(self, number: int, kind: str) -> bytes:
        return self._read(f"__substg1.0_{number:04X}{kind}")

    def fixed(self, number: int) -> int:
        """Give a property of up to eight bytes, 0 if there is none."""
        data = self._read(_PROPERTIES)
        for at in range(self.fixed_at, len(data) - 15, 16):
            kind, found, _, value = struct.unpack_from("<HHIQ", data, at)
            if found == number:
                return int(value) if kind == _TIME else int(value & 0xFFFFFFFF)
        return 0

    def text(self, number: int) -> str:
        if wide := self.stream(number, "001F"):
            return wide.decode("utf-16-le", "replace").rstrip("\0")
        page = self.fixed(_BODY_CODE_PAGE if number == _BODY else _CODE_PAGE)
        return self.stream(number, "001E").decode(_encoding(page), "replace").rstrip("\0")

    def within(self, beginning: str) -> Iterator[_Folder]:
        depth = len(self.path)
        names = {path[depth] for path in self.streams if len(path) > depth + 1}
        for name in sorted(name for name in names if name.startswith(beginning)):
            yield self._inner(name, _HEADERS_OF_PART)

    def nested(self) -> _Folder | None:
        """Give the message that an attachment is."""
        inner = self._inner(f"__substg1.0_{_DATA:04X}000D", _HEADERS_OF_NESTED)
        return inner if (*inner.path, _PROPERTIES) in inner.streams else None

    def _inner(self, name: str, fixed_at: int) -> _Folder:
        path = (*self.path, name)
        return _Folder(self.container, tuple(one for one in self.streams if one[: len(path)] == path), path, fixed_at)

    def _read(self, name: str) -> bytes:
        path = (*self.path, name)
        return bytes(self.container.openstream(list(path)).read()) if path in self.streams else b""


def _mail(folder: _Folder) -> EmailMessage:
    kind = folder.text(_CLASS)
    if kind.startswith(_SEALED) and kind != _SIGNED:
        raise Unreadable("this e-mail is encrypted, it cannot be read without its key")
    message = EmailMessage(POLICY)
    for name, value in _headers(folder).items():
        if value:
            message[name] = one_line(value)
    message.set_content(folder.text(_BODY) or "\n")
    html = decode_markup(folder.stream(_HTML, "0102"), _encoding(folder.fixed(_BODY_CODE_PAGE))) or folder.text(_HTML)
    if html.strip():
        message.add_alternative(html, subtype="html")
    for number, attached in enumerate(folder.within("__attach_version1.0_#")):
        if number <= MOST_ATTACHMENTS:  # one more, by which it is seen that there are too many
            _attach(message, attached)
    return message


def _headers(folder: _Folder) -> dict[str, str]:
    """Take the lines that the message came with, and what Outlook knows where there are none."""
    came_with = HeaderParser(policy=POLICY).parsestr(folder.text(_HEADERS).lstrip())
    headers = {name: str(came_with[name] or "") for name in ("From", "To", "Cc", "Date")}
    if not headers["From"]:
        address = folder.text(_SENDER_SMTP) or folder.text(_SENDER_ADDRESS)
        headers["From"] = _person(folder.text(_SENDER), address)
    if not headers["To"] and not headers["Cc"]:
        headers.update(_recipients(folder))
    if not headers["Date"] and (sent := folder.fixed(_SENT)):
        headers["Date"] = _date(sent)
    return {**headers, "Subject": folder.text(_SUBJECT)}


def _recipients(folder: _Folder) -> dict[str, str]:
    people: dict[str, list[str]] = {"To": [], "Cc": []}
    for number, recipient in enumerate(folder.within("__recip_version1.0_#")):
        kind = _KINDS.get(recipient.fixed(_RECIPIENT_KIND))
        if kind and number < _MOST_RECIPIENTS:
            address = recipient.text(_RECIPIENT_SMTP) or recipient.text(_RECIPIENT_ADDRESS)
            people[kind].append(_person(recipient.text(_RECIPIENT), address))
    return {kind: ", ".join(names) for kind, names in people.items()}


def _person(name: str, address: str) -> str:
    """Write somebody as a mail does; an address of the old Exchange says nothing and is left out."""
    if "@" not in address:
        return name
    return f"{name} <{address}>" if name and name != address else address


def _attach(message: EmailMessage, attached: _Folder) -> None:
    name = attached.text(_LONG_NAME) or attached.text(_SHORT_NAME) or attached.text(_DISPLAY_NAME)
    nested = attached.nested()
    if nested is not None:
        message.add_attachment(_mail(nested))
    else:
        content = attached.stream(_DATA, "0102")
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=one_line(name))


def _date(ticks: int) -> str:
    try:
        return format_datetime(_SINCE_1601 + timedelta(microseconds=ticks // 10))
    except OverflowError:
        return ""


def _encoding(page: int) -> str:
    name = {65001: "utf-8", 20127: "ascii", 28591: "iso-8859-1", 1200: "utf-16-le"}.get(page, f"cp{page}")
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name
