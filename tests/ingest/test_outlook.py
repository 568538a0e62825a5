"""A message of Outlook gives what the same mail would give."""

from __future__ import annotations

import pytest

from ingest.errors import Unreadable
from ingest.outlook import read_msg
from ingest.types import Attachment
from tests.containers import ole, outlook

CLASS, SUBJECT, SENDER, ADDRESS, BODY, HEADERS = 0x001A, 0x0037, 0x0C1A, 0x0C1F, 0x1000, 0x007D
NOTE = {CLASS: "IPM.Note", SUBJECT: "Pier lamps", SENDER: "Ada Example", ADDRESS: "ada@pier.example", BODY: "Words."}


def test_the_header_lines_come_first_and_the_subject_is_the_title() -> None:
    parsed = read_msg(outlook(NOTE))
    assert parsed.title == "Pier lamps"
    assert [block.text for block in parsed.blocks] == [
        "From: Ada Example <ada@pier.example>\nSubject: Pier lamps",
        "Words.",
    ]


def test_the_header_lines_that_it_came_with_count_more_and_who_was_copied_in_secret_is_left_out() -> None:
    lines = "From: Ben <ben@pier.example>\r\nTo: cai@pier.example\r\nBcc: dee@pier.example\r\n\r\n"
    top = read_msg(outlook({**NOTE, HEADERS: lines})).blocks[0].text
    assert top == "From: Ben <ben@pier.example>\nTo: cai@pier.example\nSubject: Pier lamps"


def test_an_address_of_the_old_exchange_says_nothing_and_is_left_out() -> None:
    top = read_msg(outlook({**NOTE, ADDRESS: "/O=PIER/OU=LAMPS/CN=ADA"})).blocks[0].text
    assert top.startswith("From: Ada Example\n")


def test_attachments_are_put_aside_and_a_message_within_becomes_a_mail() -> None:
    files = {"note.txt": b"inner words", "large.bin": b"x" * 9_000}
    parsed = read_msg(outlook(NOTE, attachments=files, nested={SUBJECT: "Inner", BODY: "Inner words."}))
    assert parsed.attachments[:2] == tuple(Attachment(name, data) for name, data in files.items())
    assert parsed.attachments[2].name == "forwarded.eml"
    assert b"Subject: Inner" in parsed.attachments[2].data
    assert b"Inner words." in parsed.attachments[2].data
    assert "nner words" not in parsed.text


def test_the_html_form_is_read_where_it_says_anything() -> None:
    streams = {
        "__properties_version1.0": bytes(32),
        "__substg1.0_0037001F": "Lamps".encode("utf-16-le"),
        "__substg1.0_1000001F": "plain words".encode("utf-16-le"),
        "__substg1.0_10130102": b"<meta charset='windows-1252'><p>caf\xe9 <i style='display:none'>secret</i>",
    }
    assert read_msg(ole(streams)).blocks[1].text == "café"
    del streams["__substg1.0_10130102"]
    assert read_msg(ole(streams)).blocks[1].text == "plain words"


def test_text_of_eight_bits_is_decoded_by_its_code_page() -> None:
    page = (0x3FFD).to_bytes(2, "little")
    properties = bytes(32) + b"\x03\x00" + page + bytes(4) + (1251).to_bytes(8, "little")
    streams = {"__properties_version1.0": properties, "__substg1.0_0037001E": "маяк".encode("cp1251")}
    assert read_msg(ole(streams)).title == "маяк"


def test_a_header_line_within_a_subject_stays_part_of_it() -> None:
    """Covers IN-06."""
    top = read_msg(outlook({**NOTE, SUBJECT: "one\r\nBcc: x"})).blocks[0].text
    assert top.split("\n")[-1] == "Subject: one Bcc: x"


def test_an_encrypted_message_is_refused_and_a_signed_one_is_read() -> None:
    with pytest.raises(Unreadable, match=r"encrypted, it cannot be read"):
        read_msg(outlook({**NOTE, CLASS: "IPM.Note.SMIME"}))
    assert read_msg(outlook({**NOTE, CLASS: "IPM.Note.SMIME.MultipartSigned"})).title == "Pier lamps"
