"""What stands around a name and says that it is one: greetings, titles, signatures, labels."""

from __future__ import annotations

import re
from typing import Final

from redaction.names import TITLES

_LOOK_BACK: Final = 60  # characters
_GREETED: Final = re.compile(
    r"\b(?:dear|hi|hello|hey|hallo|liebe|lieber|good\s(?:morning|afternoon|evening|day))[\s,]{1,2}"
    r"(?:[^\W\d_]{1,20}(?:,|\sand|\s&)\s){0,3}\Z",
    re.IGNORECASE,
)
_TITLED: Final = re.compile(rf"\b(?:{TITLES})\b\.?\s{{1,2}}\Z", re.IGNORECASE)
_LABELLED: Final = re.compile(
    r"(?:\A|[\n|>])[\s*]{0,4}(?:from|to|cc|bcc|attn|attention|author|owner|contact|name|first name|last name|surname"
    r"|assignee|assigned to|reporter|signed|approved by|written by|prepared by)\s?:[\s*]{0,4}\Z",
    re.IGNORECASE,
)
_SIGNED: Final = re.compile(
    r"\b(?:regards|wishes|sincerely|faithfully|truly|yours|best|cheers|thanks|thank\syou|grüße|gruß)"
    r"(?:\s?[,.!-]\s{0,3}|\s{1,3})\Z",
    re.IGNORECASE,
)
_ENDED: Final = re.compile(r"[ ]{0,3}(?:[\n,.!?;:]|\Z)")
_LOGIN: Final = re.compile(r"(?:@|\b(?:user|username|login|account|uid|handle)(?:\s?[:=]\s?|\s))\Z", re.IGNORECASE)


def is_addressed(text: str, start: int, end: int) -> bool:
    """Tell whether a word of a folded text is used as a name: "Dear …", "Dr …", "From: …", "Best regards, …"."""
    before = max(0, start - _LOOK_BACK)
    if any(pattern.search(text, before, start) for pattern in (_GREETED, _TITLED, _LABELLED)):
        return True
    return bool(_SIGNED.search(text, before, start) and _ENDED.match(text, end))


def is_login(text: str, start: int) -> bool:
    """Tell whether a word of a folded text is used as a login: "@…", "user: …"."""
    return bool(_LOGIN.search(text, max(0, start - _LOOK_BACK), start))
