"""A reading as bytes and back, between a process that may have been taken over and one that must not be.

A reply is a row of parts: one letter, the length as four bytes, then JSON. Each part is small and has one exact
shape; what has another is no reply. Nothing in it names code, a type or a place.
"""

from __future__ import annotations

import json
import struct
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Final

from acl.errors import BadLabel
from acl.labels import parse_label
from ingest.errors import ParserMoved, Unreadable
from ingest.types import Attachment, ChunkText, Reading, printable
from redaction.detect import Finding
from retrieval.errors import EmbedderDown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

HEAD: Final = struct.Struct("!cI")
_LARGEST: Final = 1_000_000  # bytes of a part that is no attachment
_MOST: Final = 400_000  # parts: a text of 200 MB has some 200,000 chunks
_LONGEST_REASON: Final = 500  # characters
_FAILURES: Final[dict[bytes, type[Exception]]] = {b"U": Unreadable, b"P": ParserMoved, b"D": EmbedderDown}


class Garbled(Exception):
    """What came is no reply."""


def part(kind: bytes, value: object) -> bytes:
    """Write one part."""
    body = json.dumps(value, separators=(",", ":")).encode("ascii")
    return HEAD.pack(kind, len(body)) + body


def from_reading(reading: Reading) -> Iterator[bytes]:
    """Write a reading, part by part."""
    for chunk in reading.chunks:
        yield part(b"C", [chunk.text, list(chunk.headings), chunk.start, chunk.end])
    for finding in reading.findings:
        yield part(b"F", [finding.kind, str(finding.calls_for), finding.count])
    for note in reading.notes:
        yield part(b"N", note)
    for attachment in reading.attachments:
        yield part(b"A", [attachment.name, b64encode(attachment.data).decode("ascii")])
    yield part(b"R", reading.title)  # last, so that a reply that was cut off is none


def from_failure(error: Exception, otherwise: str = "its parser failed") -> bytes:
    """Write why there is no reading. An error that is not known is told as `otherwise`: it may quote the document."""
    for kind, known in _FAILURES.items():
        if isinstance(error, known):
            return part(kind, str(error)[:_LONGEST_REASON])
    return part(b"U", otherwise[:_LONGEST_REASON])


def to_reading(reply: bytes | bytearray) -> Reading:
    """Read a reply.

    Raises:
        Garbled: It is not exactly a reply.
        Unreadable, ParserMoved, EmbedderDown: There is no reading, and why.
    """
    chunks: list[ChunkText] = []
    findings: list[Finding] = []
    notes: list[str] = []
    attachments: list[Attachment] = []
    parts = _parts(reply)
    for kind, value in parts:
        match kind, value:
            case b"C", [str(text), [*headings], int(start), int(end)]:
                chunks.append(_chunk(text, headings, start, end))
            case b"F", [str(what), str(label), int(count)]:
                findings.append(_finding(what, label, count))
            case b"N", str(note):
                notes.append(_text(note))
            case b"A", [str(name), str(data)]:
                attachments.append(_attachment(name, data))
            case b"R", str(title):
                if next(parts, None) is not None:
                    break
                return Reading(_text(title), tuple(chunks), tuple(findings), tuple(notes), tuple(attachments))
            case ((b"U" | b"P" | b"D"), str(reason)) if len(reason) <= _LONGEST_REASON:
                raise _FAILURES[kind](_text(reason))
            case _:
                break
    raise Garbled


def _parts(reply: bytes | bytearray) -> Iterator[tuple[bytes, Any]]:
    at = count = 0
    while at < len(reply):
        count += 1
        if at + HEAD.size > len(reply) or count > _MOST:
            raise Garbled
        kind, length = HEAD.unpack_from(reply, at)
        at += HEAD.size
        if at + length > len(reply) or (length > _LARGEST and kind != b"A"):
            raise Garbled
        try:
            value = json.loads(bytes(reply[at : at + length]))
        except (ValueError, RecursionError):
            raise Garbled from None
        yield kind, value
        at += length


def _chunk(text: str, headings: list[object], start: int, end: int) -> ChunkText:
    if not text or not 0 <= _whole(start) < _whole(end) or end - start != len(text):
        raise Garbled
    return ChunkText(_text(text), tuple(_text(heading) for heading in headings), start, end)


def _finding(kind: str, label: str, count: int) -> Finding:
    try:
        calls_for = parse_label(label)
    except BadLabel:
        raise Garbled from None
    if _whole(count) < 1:
        raise Garbled
    return Finding(_text(kind), calls_for, count)


def _attachment(name: str, data: str) -> Attachment:
    try:
        return Attachment(name, b64decode(data, validate=True))
    except ValueError:
        raise Garbled from None


def _text(value: object) -> str:
    """Take a text that a database can hold."""
    if not isinstance(value, str) or printable(value) != value:
        raise Garbled
    return value


def _whole(value: object) -> int:
    if type(value) is not int:  # JSON's true is an int to Python
        raise Garbled
    return value
