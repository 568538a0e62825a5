"""An e-mail gives its header lines and its body."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from ingest.errors import Unreadable
from ingest.mail import read_mail
from ingest.parse import parse_bytes


def mail(text: str | None = None, html: str | None = None, **headers: str) -> EmailMessage:
    """Write an e-mail."""
    message = EmailMessage()
    message["From"] = "Ada Example <ada@pier.example>"
    for name, value in headers.items():
        message[name] = value
    if text is not None:
        message.set_content(text)
    if html is not None:
        (message.add_alternative if text is not None else message.set_content)(html, subtype="html")
    return message


def test_the_header_lines_come_first_and_the_subject_is_the_title() -> None:
    message = mail("Words.", To="ben@pier.example", Cc="cai@pier.example", Subject="Pier lamps", Bcc="dee@pier.example")
    message["X-Mailer"] = "Nobody 1.0"
    parsed = read_mail(message.as_bytes())
    assert parsed.title == "Pier lamps"
    assert [block.text for block in parsed.blocks] == [
        "From: Ada Example <ada@pier.example>\nTo: ben@pier.example\nCc: cai@pier.example\nSubject: Pier lamps",
        "Words.",
    ]


def test_an_encoded_header_is_decoded_and_stays_one_line() -> None:
    """Covers IN-06."""
    raw = b"From: =?utf-8?q?=C3=84da?= <ada@pier.example>\nSubject: =?utf-8?q?one=0D=0ABcc:_x?=\n two\n\nWords.\n"
    top = read_mail(raw).blocks[0].text.split("\n")
    assert [line.partition(":")[0] for line in top] == ["From", "Subject"]
    assert top[0] == "From: Äda <ada@pier.example>"


def test_the_body_is_the_html_where_it_says_anything() -> None:
    assert read_mail(mail("plain words", "<p>html words</p>").as_bytes()).blocks[1].text == "html words"
    assert read_mail(mail("plain words", "<img src=x.png>").as_bytes()).blocks[1].text == "plain words"


def test_hidden_parts_of_a_mail_are_dropped() -> None:
    """Covers PI-04."""
    body = "<p>seen</p><div style='display:none'>secret</div><!-- secret -->"
    assert "secret" not in read_mail(mail(html=body).as_bytes()).text


def test_attachments_are_counted_and_not_read() -> None:
    message = mail("Words.")
    message.add_attachment(b"secret", maintype="text", subtype="plain", filename="secret-name.txt")
    message.add_attachment(b"secret", maintype="application", subtype="pdf", filename="b.pdf")
    parsed = read_mail(message.as_bytes())
    assert parsed.notes == ("attachments left out: 2",)
    assert "secret" not in parsed.text
    assert read_mail(mail("Words.").as_bytes()).notes == ()


def test_wrapped_lines_are_joined_and_the_lines_of_a_signature_are_not() -> None:
    wrapped = "word " * 14 + "end\nof the sentence.\n\nAda Example\nHead of Lamps\n+44 20 7946 0999\n"
    blocks = [block.text for block in read_mail(mail(wrapped).as_bytes()).blocks[1:]]
    assert blocks == ["word " * 14 + "end of the sentence.", "Ada Example\nHead of Lamps\n+44 20 7946 0999"]


def test_quoted_lines_lose_their_marks() -> None:
    text = "Yes.\n\nOn Monday Ben wrote:\n> > Is it green?\n>\n> And red?\n"
    assert [block.text for block in read_mail(mail(text).as_bytes()).blocks[1:]] == [
        "Yes.",
        "On Monday Ben wrote:\nIs it green?",
        "And red?",
    ]


def test_no_line_of_a_mail_is_taken_for_a_heading() -> None:
    parsed = read_mail(mail("Hello Ben\n\nWords here.\n\nBest wishes\n\nAda").as_bytes())
    assert {block.depth for block in parsed.blocks} == {0}


def test_a_body_in_another_encoding_is_decoded() -> None:
    raw = b"Subject: x\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n\ncaf\xe9\n"
    assert read_mail(raw).blocks[1].text == "café"


@pytest.mark.parametrize("raw", [b"no header line\n\nwords", b"\n\nwords", b"X-Odd: 1\nY: 2\n\nwords"])
def test_what_is_no_mail_is_refused(raw: bytes) -> None:
    """Covers IN-07."""
    with pytest.raises(Unreadable, match="no e-mail"):
        read_mail(raw)


@pytest.mark.parametrize("kind", ["multipart/encrypted; boundary=x", "application/pkcs7-mime"])
def test_an_encrypted_mail_is_refused(kind: str) -> None:
    with pytest.raises(Unreadable, match="encrypted"):
        read_mail(f"Subject: x\nContent-Type: {kind}\n\nMIAGCSqGSIb3\n".encode())


def test_a_mail_nested_in_thousands_of_others_is_refused() -> None:
    """Covers IN-06."""
    for depth, refused in ((3, False), (3_000, True)):
        raw = b"Subject: x\n" + b"Content-Type: message/rfc822\n\nSubject: y\n" * depth + b"\nwords\n"
        if refused:
            with pytest.raises(Unreadable, match="nested too deeply"):
                parse_bytes(raw, "a.eml")
        else:
            assert parse_bytes(raw, "a.eml").title == "x"


def test_broken_mime_gives_what_can_be_read() -> None:
    """Covers IN-06."""
    raw = (
        b'Subject: x\nContent-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nwords, and no end'
    )
    assert "words, and no end" in parse_bytes(raw, "a.eml").text
