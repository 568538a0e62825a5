"""Files made at run time: archives with other parts than a library writes, Outlook messages in their container."""

from __future__ import annotations

import struct
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECTOR: Final = 512
_SMALL: Final = 64  # bytes of a sector of the small streams
_CUTOFF: Final = 4096  # bytes; smaller streams lie within the stream of the root
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_ROOT, _STORAGE, _STREAM = 5, 1, 2


def zipped(parts: Mapping[str, bytes | str]) -> bytes:
    """Make an archive; the first part is not packed, as the type of an OpenDocument or an EPUB has to be."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, data) in enumerate(parts.items()):
            archive.writestr(name, data, None if number else zipfile.ZIP_STORED)
    return buffer.getvalue()


def with_parts(archive: bytes, parts: Mapping[str, bytes | str]) -> bytes:
    """Give an archive with other parts in place of those of these names; what it did not have, comes behind."""
    with zipfile.ZipFile(BytesIO(archive)) as old:
        return zipped({name: old.read(name) for name in old.namelist()} | dict(parts))


def part_of(archive: bytes, name: str) -> str:
    """Read a part of an archive, as text."""
    with zipfile.ZipFile(BytesIO(archive)) as parts:
        return parts.read(name).decode()


def saved(document: Any) -> bytes:
    """Give the bytes of a document, workbook or presentation."""
    buffer = BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def ole(streams: Mapping[str, bytes]) -> bytes:
    """Make a compound file ([MS-CFB], version 3) of streams, named with the storages that they are in: `a/b`."""
    names = sorted({"/".join(name.split("/")[:depth]) for name in streams for depth in range(1, name.count("/") + 2)})
    sectors: list[bytes] = []
    fat: list[int] = []

    def stored(data: bytes) -> int:
        """Put data into sectors of its own, and give the first."""
        if not data:
            return _END
        first, count = len(sectors), -(-len(data) // _SECTOR)
        sectors.extend(data[at * _SECTOR : (at + 1) * _SECTOR].ljust(_SECTOR, b"\0") for at in range(count))
        fat.extend([*range(first + 1, first + count), _END])
        return first

    small, small_fat = bytearray(), list[int]()
    places = {}
    for name, data in streams.items():
        if len(data) >= _CUTOFF:
            places[name] = stored(data)
            continue
        first, count = len(small_fat), -(-len(data) // _SMALL)
        places[name] = first if data else _END
        small_fat += [*range(first + 1, first + count), _END] if count else []
        small += data.ljust(count * _SMALL, b"\0")
    small_start, table = stored(bytes(small)), struct.pack(f"<{len(small_fat)}I", *small_fat)
    small_table = stored(table.ljust(-(-len(table) // _SECTOR) * _SECTOR, b"\xff"))
    entries = [_entry("Root Entry", _ROOT, _below("", names), small_start, len(small))]
    for name in names:
        kind = _STREAM if name in streams else _STORAGE
        entries.append(_entry(name, kind, _below(name, names), places.get(name, 0), len(streams.get(name, b"")), names))
    directory = stored(b"".join(entries).ljust(-(-len(entries) // 4) * _SECTOR, b"\0"))
    count = 1
    while (len(fat) + count) * 4 > count * _SECTOR:
        count += 1
    tables = [*range(len(sectors), len(sectors) + count)]
    fat += [_FAT] * count
    packed = struct.pack(f"<{len(fat)}I", *fat).ljust(count * _SECTOR, b"\xff")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack(
        "<IIIIIIIII", 0, count, directory, 0, _CUTOFF, small_table, -(-len(table) // _SECTOR), _END, 0
    )
    header += struct.pack("<109I", *tables, *[_FREE] * (109 - count))
    return header + b"".join(sectors) + packed


def _below(name: str, names: list[str]) -> int:
    """Give the number of the first entry within a storage; the others hang on it as a chain to the right."""
    inner = [other for other in names if other.rpartition("/")[0] == name and other != name]
    return names.index(inner[0]) + 1 if inner else _FREE


def _entry(name: str, kind: int, child: int, start: int, size: int, names: list[str] | None = None) -> bytes:
    beside = [other for other in names or () if other.rpartition("/")[0] == name.rpartition("/")[0]]
    after = beside[beside.index(name) + 1 :] if name in beside else []
    right = (names or []).index(after[0]) + 1 if after else _FREE
    wide = name.rpartition("/")[2].encode("utf-16-le")
    head = wide.ljust(64, b"\0") + struct.pack("<HBBIII", len(wide) + 2, kind, 1, _FREE, right, child)
    return head + bytes(36) + struct.pack("<IQ", start, size)


def outlook(
    texts: Mapping[int, str], *, attachments: Mapping[str, bytes] | None = None, nested: Mapping[int, str] | None = None
) -> bytes:
    """Make an Outlook message of properties by their numbers ([MS-OXPROPS]), files, and one message within."""
    streams = _properties("", 32, texts)
    for number, (name, data) in enumerate((attachments or {}).items()):
        place = f"__attach_version1.0_#{number:08X}/"
        streams |= {**_properties(place, 8, {0x3707: name}), f"{place}__substg1.0_37010102": data}
    if nested is not None:
        place = f"__attach_version1.0_#{len(attachments or {}):08X}/"
        streams |= _properties(place, 8, {0x3001: "as Outlook names it"})
        streams |= _properties(f"{place}__substg1.0_3701000D/", 24, nested)
    return ole(streams)


def _properties(place: str, before: int, texts: Mapping[int, str]) -> dict[str, bytes]:
    fixed = bytes(before) + b"".join(struct.pack("<HHIQ", 0x1F, number, 6, 0) for number in texts)
    wide = {f"{place}__substg1.0_{number:04X}001F": text.encode("utf-16-le") for number, text in texts.items()}
    return {f"{place}__properties_version1.0": fixed, **wide}
