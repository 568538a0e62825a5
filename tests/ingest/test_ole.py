"""What is encrypted is called so, whatever form its container has."""

from __future__ import annotations

import struct

import pytest

from ingest.errors import Unreadable
from ingest.ole import BEGINNING, kind_of_ole
from ingest.parse import parse_bytes
from tests.containers import ole

PLAIN_WORD = struct.pack("<HHHHHH", 0xA5EC, 0xC1, 0, 0, 0, 0)
LOCKED_WORD = struct.pack("<HHHHHH", 0xA5EC, 0xC1, 0, 0, 0, 0x0100)
EXCEL_BEGINNING = struct.pack("<HHHH", 0x0809, 4, 0x0600, 5)
LOCKED_EXCEL = EXCEL_BEGINNING + struct.pack("<HHH", 0x002F, 2, 1)
PLAIN_USER = struct.pack("<4I", 0, 20, 20, 0xE391C05F)
LOCKED_USER = struct.pack("<4I", 0, 20, 20, 0xF3D1C4DF)


@pytest.mark.parametrize(
    ("streams", "suffix"),
    [
        ({"EncryptedPackage": b"x" * 5_000, "EncryptionInfo": b"x"}, ".docx"),
        ({"ENCRYPTEDPACKAGE": b"x"}, ".xlsx"),  # case makes no difference in a container
        ({"EncryptedPackage": b"x"}, ".pptx"),
        ({"\x06DataSpaces/TransformInfo/DRMEncryptedTransform/a": b"x", "EncryptedPackage": b"x"}, ".docx"),
        ({"\x09DRMContent": b"x", "WordDocument": PLAIN_WORD}, ".doc"),
        ({"WordDocument": LOCKED_WORD}, ".doc"),
        ({"Workbook": LOCKED_EXCEL}, ".xls"),
        ({"PowerPoint Document": b"x", "Current User": LOCKED_USER}, ".ppt"),
        ({"PowerPoint Document": b"x", "EncryptedSummary": b"x"}, ".ppt"),
    ],
)
def test_an_encrypted_office_file_is_refused_as_encrypted(streams: dict[str, bytes], suffix: str) -> None:
    with pytest.raises(Unreadable, match=r"encrypted.*, it cannot be read"):
        parse_bytes(ole(streams), f"a{suffix}")


@pytest.mark.parametrize(
    ("streams", "kind"),
    [
        ({"WordDocument": PLAIN_WORD}, ".doc"),
        ({"Workbook": EXCEL_BEGINNING + struct.pack("<HH", 0x0042, 0)}, ".xls"),
        ({"Book": b""}, ".xls"),
        ({"PowerPoint Document": b"x", "Current User": PLAIN_USER}, ".ppt"),
        ({"__properties_version1.0": bytes(32)}, ".msg"),
    ],
)
def test_what_is_not_encrypted_is_told_apart_by_its_content(streams: dict[str, bytes], kind: str) -> None:
    """Permitted twin of the encrypted files; covers IN-07."""
    assert kind_of_ole(ole(streams)) == kind
    for other in {".doc", ".xls", ".ppt", ".docx", ".xlsx", ".msg"} - {kind}:
        with pytest.raises(Unreadable, match=r"suffix|no Outlook message|is an Outlook message"):
            parse_bytes(ole(streams), f"a{other}")


def test_a_container_of_something_else_is_refused() -> None:
    with pytest.raises(Unreadable, match="no document of"):
        kind_of_ole(ole({"Something": b"x"}))


@pytest.mark.parametrize("rest", [b"", b"\xff" * 504, bytes(504), bytes(range(256)) * 8])
def test_a_damaged_container_is_refused(rest: bytes) -> None:
    """Covers IN-07."""
    with pytest.raises(Unreadable, match=r"damaged|no document"):
        kind_of_ole(BEGINNING + rest)
