"""An e-mail gives its header lines and its body."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from ingest.errors import Unreadable
from ingest.mail import MOST_ATTACHMENTS, read_mail
from ingest.parse import parse_bytes
from ingest.types import Attachment


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


def test_what_is_attached_is_put_aside_as_it_is_and_is_no_text_of_the_mail() -> None:
    message = mail("Words.")
    message.add_attachment(b"inner words", maintype="text", subtype="plain", filename="note.txt")
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf")
    parsed = read_mail(message.as_bytes())
    assert parsed.attachments == (Attachment("note.txt", b"inner words"), Attachment("unnamed.pdf", b"%PDF-"))
    assert "inner words" not in parsed.text
    assert parsed.notes == ()
    assert read_mail(mail("Words.").as_bytes()).attachments == ()


def test_the_name_of_an_attachment_is_kept_as_it_was_written() -> None:
    """Covers IN-03: it names nothing on this machine."""
    names = ["../../etc/passwd.txt", "C:\\temp\\a.txt", "exe.\u202etxt", "n" * 300 + ".txt", "CON.txt"]
    message = mail("Words.")
    for name in names:
        message.add_attachment(b"x", maintype="text", subtype="plain", filename=name)
    given = [attachment.name for attachment in read_mail(message.as_bytes()).attachments]
    assert given == names


def test_a_mail_within_a_mail_is_an_attachment_of_its_own() -> None:
    inner = mail("Inner words.", Subject="Inner")
    inner.add_attachment(b"deep", maintype="text", subtype="plain", filename="deep.txt")
    outer = mail("Outer words.", Subject="Outer")
    outer.add_attachment(inner)
    (forwarded,) = read_mail(outer.as_bytes()).attachments
    assert forwarded.name == "forwarded.eml"
    parsed = read_mail(forwarded.data)
    assert (parsed.title, [one.name for one in parsed.attachments]) == ("Inner", ["deep.txt"])
    assert "Inner words." in parsed.text
    assert "Inner words." not in read_mail(outer.as_bytes()).text


def test_more_attachments_than_are_read_are_counted_in_a_note() -> None:
    """Covers IN-06."""
    message = mail("Words.")
    for number in range(MOST_ATTACHMENTS + 3):
        message.add_attachment(b"x", maintype="text", subtype="plain", filename=f"{number}.txt")
    parsed = read_mail(message.as_bytes())
    assert len(parsed.attachments) == MOST_ATTACHMENTS
    assert parsed.notes[0].startswith("attachments left out: 3; at most 200")


def test_a_form_of_attachments_that_is_not_read_is_noted() -> None:
    message = mail("Words.")
    message.add_attachment(b"x", maintype="application", subtype="ms-tnef", filename="winmail.dat")
    parsed = read_mail(message.as_bytes())
    assert parsed.attachments == ()
    assert "winmail.dat not read" in parsed.notes[0]


def test_a_logo_within_the_text_and_a_signature_are_no_attachments() -> None:
    message = mail(html="<p>Words.</p><img src='cid:logo'>")
    message.add_related(b"x", maintype="image", subtype="png", cid="<logo>")
    message.make_mixed()
    message.add_attachment(b"x", maintype="application", subtype="pkcs7-signature", filename="smime.p7s")
    message.add_attachment(b"x", maintype="image", subtype="png", filename="scan.png")
    assert [one.name for one in read_mail(message.as_bytes()).attachments] == ["scan.png"]


def test_text_below_an_attachment_is_read_as_well() -> None:
    message = mail("Above.")
    message.add_attachment(b"x", maintype="text", subtype="plain", filename="note.txt")
    message.add_attachment("Below.", disposition="inline")
    assert [block.text for block in read_mail(message.as_bytes()).blocks[1:]] == ["Above.", "Below."]


def test_ten_thousand_recipients_are_cut_short_and_noted() -> None:
    """Covers IN-06."""
    many = ", ".join(f"Person {number} <p{number}@pier.example>" for number in range(10_000))
    parsed = parse_bytes(f"From: ada@pier.example\nTo: {many}\n\nWords.\n".encode(), "a.eml")
    assert len(parsed.blocks[0].text) < 2_100
    assert parsed.blocks[0].text.endswith("\u2026")
    assert "cut short" in parsed.notes[0]
    assert parsed.blocks[1].text == "Words."


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


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/encrypted; boundary=x",
        "application/pkcs7-mime",
        "application/x-pkcs7-mime; smime-type=enveloped-data",
    ],
)
def test_an_encrypted_mail_is_refused(kind: str) -> None:
    with pytest.raises(Unreadable, match=r"encrypted, it cannot be read"):
        read_mail(f"Subject: x\nContent-Type: {kind}\n\nMIAGCSqGSIb3\n".encode())


def test_an_encrypted_part_of_a_mail_is_noted_and_the_rest_is_read() -> None:
    sealed = "--b\nContent-Type: application/pkcs7-mime; name=smime.p7m\n\nMIAG\n--b--\n"
    raw = f"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nWords.\n{sealed}"
    parsed = read_mail(raw.encode())
    assert parsed.blocks[1].text == "Words."
    assert parsed.notes == ("a part of this mail is encrypted, it cannot be read",)


def test_a_signed_mail_is_read() -> None:
    """Permitted twin of the encrypted ones."""
    parts = "--b\n\nWords.\n--b\nContent-Type: application/pgp-signature\n\nxyz\n--b--\n"
    raw = f'Subject: x\nContent-Type: multipart/signed; boundary="b"\n\n{parts}'
    assert read_mail(raw.encode()).blocks[1].text == "Words."


def test_a_mail_nested_in_thousands_of_others_is_refused() -> None:
    """Covers IN-06."""
    for depth, refused in ((3, False), (3_000, True)):
        raw = b"Subject: x\n" + b"Content-Type: message/rfc822\n\nSubject: y\n" * depth + b"\nwords\n"
        if refused:
            with pytest.raises(Unreadable, match="nested too deeply"):
                parse_bytes(raw, "a.eml")
        else:
            assert parse_bytes(raw, "a.eml").title == "x"


def test_mails_200_deep_are_attachments_of_each_other() -> None:
    """Covers IN-06: each is read by the same door, which counts."""
    raw = b"Subject: x\n" + b"Content-Type: message/rfc822\n\nSubject: y\n" * 200 + b"\nwords\n"
    (inner,) = parse_bytes(raw, "a.eml").attachments
    assert parse_bytes(inner.data, inner.name).title == "y"


@pytest.mark.parametrize("parts", [6_000, 200_000])
def test_a_mail_of_too_many_parts_is_refused(parts: int) -> None:
    """Covers IN-06."""
    raw = b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * parts
    with pytest.raises(Unreadable, match="more than 5,000 parts"):
        parse_bytes(raw, "a.eml")
    dashes = "Subject: x\n\n" + "----- -----\n" * parts
    assert parts > 50_000 or parse_bytes(dashes.encode(), "a.eml").blocks


def test_broken_mime_gives_what_can_be_read() -> None:
    """Covers IN-06."""
    raw = (
        b'Subject: x\nContent-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nwords, and no end'
    )
    assert "words, and no end" in parse_bytes(raw, "a.eml").text
