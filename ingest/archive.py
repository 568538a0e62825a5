"""Documents that are zip archives of XML: checked as a whole before anything reads a part of them.

A small archive can unpack to terabytes, and an entity of a few bytes of XML to as much, or to a file of
this machine. Every part is unpacked once here, bounded and counted, and nothing of it is kept. Names are
only compared; nothing is ever written under them, and an archive within is never opened.
"""

from __future__ import annotations

import re
import zlib
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from ingest.errors import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_ENTRIES: Final = 10_000
MOST_BYTES: Final = 200_000_000  # of all parts, unpacked
MOST_RATIO: Final = 100  # of all parts, unpacked, to the size of the file
_FREE: Final = 1_000_000  # bytes that may come of any ratio: a sheet of empty cells is no bomb
_STEP: Final = 1_000_000
_LOCAL_HEADER: Final = 30  # bytes before name and extra field; APPNOTE 4.3.7
_ENCRYPTED: Final = 0x1

_BEGINNING: Final = b"PK\x03\x04"
_DIRECTORY_ENTRY: Final = b"PK\x01\x02"
_DECLARES: Final = tuple("<!ENTITY".encode(encoding) for encoding in ("ascii", "utf-16-le", "utf-16-be"))
_XML: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<|\xff\xfe(?:\s\0)*<\0|\xfe\xff(?:\0\s)*\0<|<\0|\0<")
# `<` in UTF-32 and EBCDIC, and the mark of UTF-32: encodings in which no word of ours would be found.
_ODD_XML: Final = re.compile(rb"\xff\xfe\0\0|\0\0\xfe\xff|<\0\0\0|\0\0\0<|\0\0<\0|\0<\0\0|\x4c\x6f\xa7\x94")
_ENCODING: Final = re.compile(rb"""encoding\s*=\s*["']([^"']{1,40})["']""")
_ENCODINGS: Final = frozenset({b"utf-8", b"utf8", b"utf-16", b"us-ascii", b"ascii", b"iso-8859-1", b"windows-1252"})


class Archive:
    """A checked archive. Its parts are read by name, into memory."""

    def __init__(self, zipped: ZipFile) -> None:
        """Take what `open_archive` has checked."""
        self._zipped = zipped
        self.names: Final = frozenset(zipped.namelist())

    def read(self, name: str) -> bytes:
        """Give a part, or nothing if there is none of that name."""
        return self._zipped.read(name) if name in self.names else b""

    def xml(self, name: str) -> Any:
        """Parse a part as XML: no entity is expanded, nothing is fetched; an empty element if it is not there.

        Raises:
            lxml.etree.XMLSyntaxError: It is no XML, or nested deeper than 256 levels.
        """
        return parse_xml(self.read(name) or b"<none/>")


AS_DATA: Final[Mapping[str, bool]] = {
    "resolve_entities": False,
    "load_dtd": False,
    "no_network": True,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}
"""How XML is read, whatever it asks for."""


def parse_xml(data: bytes) -> Any:
    """Parse XML. No entity is expanded, nothing is fetched; comments and processing instructions are dropped.

    Raises:
        lxml.etree.XMLSyntaxError: It is no XML, or nested deeper than 256 levels.
    """
    return etree.fromstring(data, etree.XMLParser(**AS_DATA))


def open_archive(data: bytes, otherwise: str, needs: str) -> Archive:
    """Check an archive, and open it.

    Args:
        data: The whole file.
        otherwise: What to call it if it is none, such as "a .docx that is no Word document".
        needs: The part by which such a document is known.

    Raises:
        Unreadable: It is no zip, is encrypted or damaged, too large, packed too tightly, or lies about itself.
    """
    if not data.startswith(_BEGINNING):
        raise Unreadable(f"{otherwise}: it is cut short, or something else with its suffix")
    if data.count(_DIRECTORY_ENTRY) > MOST_ENTRIES:  # before the directory is read, which takes memory for each
        raise Unreadable(f"it holds more than {MOST_ENTRIES:,} parts")
    try:
        zipped = ZipFile(BytesIO(data))
        _check(zipped.infolist(), data)
    except (BadZipFile, zlib.error, NotImplementedError):
        raise Unreadable(f"{otherwise}: it is cut short, or something else with its suffix") from None
    archive = Archive(zipped)
    if needs not in archive.names:
        raise Unreadable(otherwise)
    return archive


def _check(parts: list[ZipInfo], data: bytes) -> None:
    if any(part.flag_bits & _ENCRYPTED for part in parts):
        raise Unreadable("it is encrypted, it cannot be read without its password")
    if len({part.filename.lower() for part in parts}) != len(parts):
        raise Unreadable("two of its parts have the same name")
    spans = sorted((part.header_offset, _content(part, data) + part.compress_size) for part in parts)
    if any(end > start for (_, end), (start, _) in pairwise(spans)):
        raise Unreadable("its parts overlap, as in a zip bomb")
    total = 0
    for part in parts:
        if part.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
            raise Unreadable("it is packed in a way that is not read")
        size = 0
        for piece in _pieces(part, data):
            size += len(piece)
            total += len(piece)
            if total > MOST_BYTES:
                raise Unreadable(f"it unpacks to more than {MOST_BYTES // 1_000_000} MB")
            if total > max(_FREE, len(data) * MOST_RATIO):
                raise Unreadable(f"it unpacks to more than {MOST_RATIO} times its size, as a zip bomb does")
        if size != part.file_size:
            raise Unreadable("its parts are not of the sizes that it names")


def _content(part: ZipInfo, data: bytes) -> int:
    """Give the place where the packed bytes of a part begin."""
    header = data[part.header_offset : part.header_offset + _LOCAL_HEADER]
    if len(header) < _LOCAL_HEADER or not header.startswith(_BEGINNING):
        raise BadZipFile
    name, extra = int.from_bytes(header[26:28], "little"), int.from_bytes(header[28:30], "little")
    return part.header_offset + _LOCAL_HEADER + name + extra


def _pieces(part: ZipInfo, data: bytes) -> Iterator[bytes]:
    """Unpack a part piece by piece, and check its XML on the way."""
    start = _content(part, data)
    packed = memoryview(data)[start : start + part.compress_size]
    tail, is_xml = b"", None
    for piece in _unpacked(packed, stored=part.compress_type == ZIP_STORED):
        if is_xml is None:
            is_xml = _is_xml(piece)
        if is_xml and any(declares in tail + piece for declares in _DECLARES):
            raise Unreadable("its XML declares entities, which are not read")
        tail = piece[-len(_DECLARES[-1]) :]
        yield piece


def _unpacked(packed: memoryview, *, stored: bool) -> Iterator[bytes]:
    if stored:
        yield from (bytes(packed[at : at + _STEP]) for at in range(0, len(packed), _STEP))
        return
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    rest: bytes | memoryview = packed
    while not inflate.eof:
        piece = inflate.decompress(rest, _STEP)
        rest = inflate.unconsumed_tail
        if not piece and not inflate.eof:
            raise BadZipFile  # cut short
        if piece:
            yield piece


def _is_xml(beginning: bytes) -> bool:
    """Tell by content whether a part is XML, for any part can be named as one; refuse what cannot be looked into."""
    if _ODD_XML.match(beginning):
        raise Unreadable("a part of it is XML in an encoding that is not read")
    if not _XML.match(beginning):
        return False
    head = beginning[:400].replace(b"\0", b"")
    declared = _ENCODING.search(head.partition(b"?>")[0]) if b"<?xml" in head else None
    if declared and declared[1].lower() not in _ENCODINGS:
        raise Unreadable("a part of it is XML in an encoding that is not read")
    return True
