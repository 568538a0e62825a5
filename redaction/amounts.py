"""Find amounts of money, and shares of a whole, in folded text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import re2

if TYPE_CHECKING:
    from collections.abc import Iterator

_NUMBER: Final = r"\d{1,3}(?:[., ']\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,4})?"
_SCALE: Final = r"(?:\s?(?:thousand|million|billion|trillion|mio|mrd|mn|bn|[kKmM])\b\.?)?"
_CODE: Final = (  # ISO 4217, and some that were
    r"AED|ARS|ATS|AUD|BEF|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DEM|DKK|EEK|EGP|ESP|EUR|FIM|FRF|GBP|GRD|HKD|HRK|HUF|IDR"
    r"|IEP|ILS"
    r"|INR|ISK|ITL|JPY|KRW|LTL|LVL|MXN|MYR|NGN|NLG|NOK|NZD|PEN|PHP|PLN|PTE|RON|ROL|RSD|RUB|SAR|SEK|SGD|SIT|SKK"
    r"|THB|TRL|TRY"
    r"|TWD|UAH|USD|VND|YTL|ZAR"
)
_UNIT: Final = (
    r"euros?|dollars?|pounds?(?: sterling)?|cents|pence|yen|yuan|rupees?|francs?|kron(?:or|er|a|e)|krouny|crowns?"
    r"|zloty(?:s|ch)?"
    r"|liras?|lire|marks?|schillings?|forints?|roubles?|rubles?|hryvnias?|pesos?|reais|reals?|rand|dirhams?"
    r"|riyals?|lev[as]?"
    r"|lei|drachmas?|pesetas?|escudos?|guilders?|tolars?|kunas?|litas|lats|markkaa?|denars?|dinars?"
)
_AMOUNT: Final = re.compile(
    rf"(?<![\w.])(?:(?:{_CODE}|(?:US|C|A|NZ|HK)?[$]|[€£¥₹])\s?(?:{_NUMBER})(?:-|,-)?{_SCALE}"
    rf"|(?:{_NUMBER}){_SCALE}\s?(?:(?:{_CODE})\b|[€£¥₹$]"
    rf"|(?:(?:[A-Z][a-z]{{2,15}}\s){{0,2}}(?:{_UNIT}))\b(?:\s?\((?:{_CODE})\))?)"
    rf"|(?:{_NUMBER})\s?(?:%|per\s?cent\b|percent\b|prozent\b))"
)


_may_be_amount: Final = re2.compile(
    rf"(?:{_CODE}|[$€£¥₹])\s?\d|\d{_SCALE}\s?(?:(?:{_CODE})\b|[€£¥₹$%]|(?:\w+\s){{0,2}}(?:{_UNIT})\b|per|prozent)"
)


def amounts(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start, end and amount, without blanks, of each sum of money and each percentage."""
    for match in _AMOUNT.finditer(text) if _may_be_amount.search(text) else ():
        yield match.start(), match.end(), "".join(match[0].split()).upper()
