"""Find organisations in folded text by what their names end or begin with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import re2

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORM: Final = (
    r"Ltd\b\.?|Limited|Inc\b\.?|Incorporated|Corp\b\.?|Corporation|L\.?L\.?C\.?|LLP|L\.P\.|PLC|P\.?L\.?C\.?|plc"
    r"|GmbH(?: & Co\.? KG)?|AG|SE|KG|KGaA|OHG|gGmbH|e\.V\."
    r"|S\.?A\.?S?\.?|SARL|S\.?p\.?A\.?|S\.?r\.?l\.?|B\.?V\.?|N\.?V\.?|AB|A/S|ApS|AS|ASA|Oy|Oyj|Sp\. z o\.o\."
    r"|s\.r\.o\.|a\.s\.|d\.o\.o\.|Kft\b\.?|Zrt\b\.?|Pty(?: Ltd)?|Pvt(?: Ltd)?\b\.?"
)
_KIND: Final = (
    r"University|College|Institute|Hospital|Clinic|Bank|Foundation|Association|Society|Council|Commission|Agency"
    r"|Authority|Ministry"
    r"|Federation|Union|Trust|Fund|Group|Holdings?|Partners|Associates|Consulting|Solutions|Systems|Technologies"
    r"|Industries|Enterprises"
    r"|Logistics|Insurance|Airlines|Railways|Museum|Academy|School|Prison|Church"
)
_WORD: Final = r"[A-Z0-9][\w'&.-]{0,30}"
_BY_FORM: Final = re.compile(rf"(?<![\w-])(?:{_WORD}(?:,? (?:& |and |of |de |und )?)){{1,5}}?(?:{_FORM})(?![\w])")
_BY_KIND: Final = re.compile(
    rf"(?<![\w-])(?:{_WORD} (?:& |and )?){{1,4}}(?:{_KIND})(?! [A-Z])\b(?: of (?:the )?{_WORD}(?: {_WORD})?)?"
    rf"|(?<!\w)(?:{_KIND}) of (?:the )?{_WORD}(?: (?:of )?{_WORD}){{0,2}}"
)


_may_have_form: Final = re2.compile(rf"(?:{_FORM})")
_may_be_kind: Final = re2.compile(rf"\b(?:{_KIND})\b")


def organisations(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and name, in small letters, of each organisation that says by its name to be one."""
    for pattern, hint in ((_BY_FORM, _may_have_form), (_BY_KIND, _may_be_kind)):
        for match in pattern.finditer(text) if hint.search(text) else ():
            yield match.start(), match.end(), match[0].lower()
