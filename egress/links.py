"""Addresses in a text: everything that a page, a mail program or a chat client might turn into a link.

A link that is followed, or an image that is fetched, carries whatever stands in its address to
whoever owns the host. An address may stay in an answer only when exactly it stands in an excerpt:
then every character of it is the document's, and none can be a secret of another one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LINK_REMOVED: Final = "[link removed]"

_REST: Final = r"[^\s<>\"\[\]\u3001\u3002\u300c\u300d]*"
_LABELS: Final = r"(?:[\w-]{1,63}\.){1,10}"
_HOST: Final = rf"{_LABELS}(?:xn--[\w-]{{1,59}}|[^\W\d_]{{2,24}})(?!-?\w)"
# Endings that programs turn into links without a scheme: those of countries, and the usual others.
_COUNTRIES: Final = (
    r"a[c-gilmoq-uwxz]|b[abd-jmnorstvwyz]|c[acdf-ik-oruvwxyz]|d[ejkmoz]|e[cegrstu]|f[ijkmor]|g[abd-ilmnp-uwy]|h[kmnrtu]"
    r"|i[del-oq-t]|j[emop]|k[eghimnprwyz]|l[abcikr-vy]|m[acdeghk-z]|n[acefgilopruz]|om|p[ae-hk-nrstwy]|qa|r[eosuw]"
    r"|s[a-eg-orstuvxyz]|t[cdf-hj-ortvwz]|u[agksyz]|v[aceginu]|w[fs]|y[et]|z[amw]"
)
_OTHERS: Final = (
    r"com|net|org|edu|gov|int|info|biz|name|pro|app|dev|xyz|online|site|shop|store|tech|cloud|club|top|live|link|click"
    r"|page|blog|space|website|world|icu|vip|work|zip|mov|news|email|one|run|host|fun|today|example|test|invalid"
    r"|localhost|local|internal|intranet|corp|lan|home|onion|arpa|xn--[a-z0-9-]+"
)
_ADDRESS: Final = re.compile(
    rf"[a-z][\w+.-]{{0,30}}:[/\\]{{2,}}(?:\[[0-9a-f:.%]{{2,60}}\])?{_REST}"  # https://…, any scheme
    rf"|(?<![a-z])(?:javascript|vbscript|mailto|file|blob|magnet|jar|view-source):(?=\S){_REST}"
    rf"|(?<![a-z])data:(?=[\w.+-]*[/;,]\S){_REST}"
    rf"|(?<![\w./\\])[/\\]{{2,}}(?=[\w-]{{1,63}}\.|\[){_REST}"  # //host.example/…
    rf"|(?<![a-z])www\.(?=\w){_REST}"
    rf"|[\w.+%-]{{1,64}}@{_HOST}{_REST}"
    rf"|{_HOST}(?=[/\\]|[?\#]\S|:\d){_REST}"  # host.example/…
    rf"|(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?=/|:\d){_REST}"
    # host.example; but "end.It begins" only lacks a blank: countries are written small, or all in capitals.
    rf"|{_LABELS}(?:(?-i:{_COUNTRIES}|{_COUNTRIES.upper()})|{_OTHERS})(?!-?\w)",
    re.IGNORECASE,
)
_SHOWABLE: Final = re.compile(r"https?://|www\.|[^:/\\]+(?:[/?#]|$)", re.IGNORECASE)
_MAIL: Final = re.compile(rf"[\w.+%'-]{{1,64}}@{_HOST}", re.IGNORECASE)
_MARKUP: Final = re.compile(r"[\[\]<>`\\]")
_TRAILING: Final = ".,;:!?'*_~\u2019\u201d\u00bb"
_ENDS_THERE: Final = re.compile(r"[.,;:!?'\")*_~\u2019\u201d\u00bb]*(?:\s|$)")


def addresses(texts: Iterable[str]) -> frozenset[str]:
    """Give the web addresses that stand in these texts, as `without_foreign_addresses` compares them."""
    found = (folded[start:end] for text in texts for folded in [_folded(text)] for start, end in _spans(folded))
    return frozenset(address for address in found if _SHOWABLE.match(address))


def without_foreign_addresses(text: str, known: frozenset[str]) -> str:
    """Replace each address that is not known by `LINK_REMOVED`; keep the known ones as they are written."""
    folded = _folded(text)
    pieces, at = [], 0
    for start, end in _spans(folded):
        pieces.append(text[at:start])
        pieces.append(text[start:end] if folded[start:end] in known else LINK_REMOVED)
        # What follows without a blank would become part of the address where programs make links of text.
        if folded[start:end] in known and not _ENDS_THERE.match(folded, end):
            pieces.append(" ")
        at = end
    return "".join([*pieces, text[at:]])


def carries_link(surface: str) -> bool:
    """Tell whether a piece of text is, or could become, more than the name or mail address that it stands for."""
    folded = _folded(surface)
    found = [folded[start:end] for start, end in _spans(folded)]
    return bool(_MARKUP.search(folded)) or any(not _MAIL.fullmatch(address) for address in found)


def _spans(folded: str) -> Iterator[tuple[int, int]]:
    for match in _ADDRESS.finditer(folded):
        address = match.group().rstrip(_TRAILING)
        while address.endswith(")") and address.count(")") > address.count("("):
            address = address[:-1].rstrip(_TRAILING)
        yield match.start(), match.start() + max(len(address), 1)


def _folded(text: str) -> str:
    """Write full-width and other compatibility letters plainly, one for one, so that offsets stay."""
    return text if text.isascii() else "".join(map(_fold, text))


@lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    plain = unicodedata.normalize("NFKC", character)
    return plain if len(plain) == 1 else character
