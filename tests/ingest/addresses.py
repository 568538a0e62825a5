"""Documents that name an address wherever their format lets something be fetched from one."""

from __future__ import annotations

from email.message import EmailMessage
from io import BytesIO
from typing import TYPE_CHECKING, Final

from reportlab.lib.styles import getSampleStyleSheet  # type: ignore[import-untyped]  # it ships no types
from reportlab.platypus import Paragraph, SimpleDocTemplate  # type: ignore[import-untyped]  # it ships no types

from tests.containers import outlook, part_of, with_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

_RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006/relationships"


def pointing_at(address: str, documents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Give a document of each format that names an address, by the name of its file.

    Args:
        address: Of something that could be fetched.
        documents: One of each format, by its suffix; they are changed.
    """
    said = {suffix: content.decode() for suffix, content in documents.items() if suffix in {".html", ".md", ".rtf"}}
    page = _page(address)
    return {
        "page.html": (said[".html"] + page).encode(),
        "page.md": f"{said['.md']}\n![]({address}) <{address}>\n\n[a]: {address}\n\n{page}\n".encode(),
        "table.csv": documents[".csv"] + f'"=WEBSERVICE(""{address}"")","=IMAGE(""{address}"")"\n'.encode(),
        "data.json": f'{{"$schema": "{address}", "a": {{"$ref": "{address}"}}, "remark": "green"}}'.encode(),
        "letter.rtf": _rich_text(said[".rtf"], address),
        "template.docx": _template(documents[".docx"], address),
        "picture.docx": _linked(documents[".docx"], "word/_rels/document.xml.rels", "image", address),
        "chunk.docx": _linked(documents[".docx"], "word/_rels/document.xml.rels", "aFChunk", address),
        "object.docx": _linked(documents[".docx"], "word/_rels/document.xml.rels", "oleObject", address),
        "definition.docx": _defined(documents[".docx"], "word/document.xml", address),
        "picture.pptx": _linked(documents[".pptx"], "ppt/slides/_rels/slide1.xml.rels", "image", address),
        "film.pptx": _linked(documents[".pptx"], "ppt/slides/_rels/slide1.xml.rels", "video", address),
        "book.xlsx": _linked(documents[".xlsx"], "xl/_rels/workbook.xml.rels", "externalLinkPath", address),
        "query.xlsx": with_parts(documents[".xlsx"], {"xl/connections.xml": _query(address)}),
        "definition.xlsx": _defined(documents[".xlsx"], "xl/workbook.xml", address),
        "picture.odt": _open_document(documents[".odt"], address),
        "definition.odt": _defined(documents[".odt"], "content.xml", address),
        "page.epub": _epub(documents[".epub"], address),
        "definition.epub": _defined(documents[".epub"], "book/package.opf", address),
        "mail.eml": _mail(page, address),
        "mail.msg": outlook({0x001A: "IPM.Note", 0x0037: "Lamps", 0x1000: f"Green. {address}", 0x1013: page}),
        "linked.pdf": _pdf(address),
    }


def _page(address: str) -> str:
    return (
        f"<base href='{address}'><link rel='stylesheet' href='{address}'><style>@import url('{address}');</style>"
        f"<meta http-equiv='refresh' content='0; url={address}'><script src='{address}'></script>"
        f"<img src='{address}' srcset='{address} 2x'><iframe src='{address}'></iframe>"
        f"<object data='{address}'></object><video poster='{address}' src='{address}'></video>"
        f"<svg><image href='{address}'/><use href='{address}#a'/></svg>"
        f"<p style=\"background: url('{address}')\">The lamp is <a href='{address}' ping='{address}'>green</a>.</p>"
    )


def _rich_text(said: str, address: str) -> bytes:
    fetched = rf"{{\*\template {address}}}{{\field{{\*\fldinst INCLUDEPICTURE \"{address}\" \\d}}{{\fldrslt }}}}"
    linked = rf"{{\object\objautlink\objupdate{{\*\objdata {address.encode().hex()}}}}}"
    return said.replace(r"\pard", fetched + linked + r"\pard", 1).encode()


def _relation(kind: str, address: str) -> str:
    return f'<Relationship Id="far" Type="{_RELATIONS}/{kind}" Target="{address}" TargetMode="External"/>'


def _linked(document: bytes, relations: str, kind: str, address: str) -> bytes:
    """Let a part of a document refer to something outside of it."""
    there = part_of(document, relations)
    return with_parts(
        document, {relations: there.replace("</Relationships>", _relation(kind, address) + "</Relationships>")}
    )


def _template(document: bytes, address: str) -> bytes:
    """Let a document be made of a template that lies elsewhere."""
    relations = f'<Relationships xmlns="{_PACKAGE}">{_relation("attachedTemplate", address)}</Relationships>'
    attached = f'<w:attachedTemplate xmlns:r="{_RELATIONS}" r:id="far"/></w:settings>'
    settings = part_of(document, "word/settings.xml").replace("</w:settings>", attached)
    return with_parts(document, {"word/settings.xml": settings, "word/_rels/settings.xml.rels": relations})


def _defined(document: bytes, part: str, address: str) -> bytes:
    """Let the XML of a part have a definition that lies elsewhere."""
    xml = part_of(document, part)
    body = xml.partition("?>")[2] if xml.startswith("<?xml") else xml
    root = body.lstrip()[1:].split(None, 1)[0].rstrip(">")
    return with_parts(document, {part: f'<?xml version="1.0"?><!DOCTYPE {root} SYSTEM "{address}">{body}'})


def _query(address: str) -> str:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    web = f'<webPr xml="1" sourceData="1" url="{address}"/>'
    return f'<connections xmlns="{main}"><connection id="1" type="4" refreshOnLoad="1">{web}</connection></connections>'


def _open_document(document: bytes, address: str) -> bytes:
    link = f"xmlns:xlink='http://www.w3.org/1999/xlink' xlink:href='{address}' xlink:actuate='onLoad'"
    draw = "xmlns:draw='urn:oasis:names:tc:opendocument:xmlns:drawing:1.0'"
    picture = f"<text:p><draw:frame {draw}><draw:image {link}/></draw:frame></text:p>"
    section = f"<text:section><text:section-source {link}/></text:section>"
    content = part_of(document, "content.xml")
    return with_parts(
        document, {"content.xml": content.replace("</office:text>", picture + section + "</office:text>")}
    )


def _epub(document: bytes, address: str) -> bytes:
    page = part_of(document, "book/one page.xhtml")
    head = f"<head><link rel='stylesheet' href='{address}'/></head><body><img src='{address}' alt=''/>"
    return with_parts(document, {"book/one page.xhtml": page.replace("<body>", head)})


def _mail(page: str, address: str) -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Lamps", "a@pier.example", "b@pier.example"
    message["List-Unsubscribe"] = f"<{address}>"
    message.set_content(f"The lamp is green. {address}")
    message.add_alternative(page, subtype="html")
    message.make_mixed()
    elsewhere = EmailMessage()
    elsewhere["Content-Type"] = f'message/external-body; access-type=URL; URL="{address}"'
    elsewhere.set_payload("Content-Type: text/plain\n\n")
    message.attach(elsewhere)
    return message.as_bytes()


def _pdf(address: str) -> bytes:
    made = BytesIO()
    linked = f"The lamp is <link href='{address}'>green</link>."
    SimpleDocTemplate(made).build([Paragraph(linked, getSampleStyleSheet()["Normal"])])
    return made.getvalue()
