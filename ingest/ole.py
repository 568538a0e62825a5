"""The container of old Office files, of Outlook messages, and of encrypted new Office files ([MS-CFB])."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import TYPE_CHECKING, Final

import olefile  # type: ignore[import-untyped]  # it ships no types

from ingest.errors import Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

BEGINNING: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
LOCKED: Final = "it is encrypted, it cannot be read without its password"
_RIGHTS: Final = "it is encrypted under rights management, it cannot be read outside of it"
_KINDS: Final[Mapping[str, str]] = {
    "worddocument": ".doc",
    "workbook": ".xls",
    "book": ".xls",
    "powerpoint document": ".ppt",
    "__properties_version1.0": ".msg",
}
_PACKAGE: Final = "encryptedpackage"  # [MS-OFFCRYPTO] 2.3.4.4
_MANAGED: Final = frozenset({"\x09drmcontent", "\x09drmviewercontent"})  # [MS-OFFCRYPTO] 2.2.10
_WORD_ENCRYPTED: Final = 0x0100  # of the flags at byte 10; [MS-DOC] 2.5.2
_EXCEL_FILEPASS: Final = 0x002F  # [MS-XLS] 2.4.117
_POWERPOINT_ENCRYPTED: Final = 0xF3D1C4DF  # headerToken of the current user; [MS-PPT] 2.3.2
_RECORDS: Final = 50  # a password stands right after the beginning


def expect_no_ole(data: bytes, otherwise: str) -> None:
    """Refuse a new Office file that is encrypted, and an old one under a new suffix.

    Raises:
        Unreadable: It is in the container of old Office files.
    """
    if data.startswith(BEGINNING):
        kind = kind_of_ole(data)
        if kind == ".msg":
            raise Unreadable(f"{otherwise}: it is an Outlook message")
        raise Unreadable(f"{otherwise}: it is a file of an older Office; give it the suffix of one, such as {kind}")


def kind_of_ole(data: bytes) -> str:
    """Tell what is in the container, as a suffix: `.doc`, `.xls`, `.ppt` or `.msg`.

    Raises:
        Unreadable: It is encrypted, damaged, or nothing of these.
    """
    if not data.startswith(BEGINNING):
        raise Unreadable("it is no file of Office 97 to 2003, nor a message of Outlook")
    try:
        with olefile.OleFileIO(BytesIO(data)) as container:
            names = {"/".join(path).lower() for path in container.listdir()}  # case makes no difference in them
            if names & _MANAGED or any("drm" in name for name in names if name.startswith("\x06dataspaces/")):
                raise Unreadable(_RIGHTS)
            if _PACKAGE in names:
                raise Unreadable(LOCKED)
            kind = next((suffix for name, suffix in _KINDS.items() if name in names), "")
            if kind and _is_encrypted(container, names):
                raise Unreadable(LOCKED)
    except (OSError, ValueError, IndexError, struct.error):
        raise Unreadable("an Office file that is damaged, it cannot be opened") from None
    if not kind:
        raise Unreadable("it is no document of Word, Excel, PowerPoint or Outlook")
    return kind


def _is_encrypted(container: olefile.OleFileIO, names: set[str]) -> bool:
    if "worddocument" in names:
        head = container.openstream("WordDocument").read(12)
        return len(head) == 12 and bool(int.from_bytes(head[10:12], "little") & _WORD_ENCRYPTED)
    for name in names & {"workbook", "book"}:
        if _has_password(container.openstream(name).read(4_096)):
            return True
    if "current user" in names:
        head = container.openstream("Current User").read(16)
        return len(head) == 16 and int.from_bytes(head[12:16], "little") == _POWERPOINT_ENCRYPTED
    return "encryptedsummary" in names


def _has_password(stream: bytes) -> bool:
    at = 0
    for _ in range(_RECORDS):
        if at + 4 > len(stream):
            return False
        kind, length = struct.unpack_from("<HH", stream, at)
        if kind == _EXCEL_FILEPASS:
            return True
        at += 4 + length
    return False
