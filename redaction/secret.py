"""Find secrets in folded text: private keys, keys of services by their prefix, tokens, passwords written down.

A form in a manual is none: `password: <your password>`, `KEY = os.environ[…]`, a row of x.
"""

from __future__ import annotations

import json
import math
import re
from base64 import urlsafe_b64decode
from collections import Counter
from typing import TYPE_CHECKING, Final

import re2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PRIVATE_KEY: Final = re2.compile(
    r"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[\s>|]|\\n|[A-Za-z-]{2,20}: ?[^\n]{0,80}\n)*[A-Za-z0-9+/=]{24}"
    r"|PuTTY-User-Key-File-\d[^\0]{0,1000}Private-Lines: ?\d"
)
_LAST_LINE: Final = re.compile(r"[^\0]{0,8000}?(?:-----END [A-Z0-9 ]{3,40}-----|Private-MAC: ?[0-9a-f]{40,64})")
_MORE_KEY: Final = re.compile(r"(?:[A-Za-z0-9+/=]|\s(?=[A-Za-z0-9+/=]{16}))*")
_PREFIXED: Final = re2.compile(
    r"\b(?:"
    r"ntk_[A-Za-z0-9_-]{40,}|(?:AKIA|ASIA)[0-9A-Z]{16}"
    r"|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,}|gl(?:pat|ptt|dt|rt|cbt|ft|soat)-[A-Za-z0-9_-]{20,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{20,}|xapp-\d-[A-Za-z0-9-]{20,}"
    r"|[sr]k_live_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/]{24,}"
    r"|AIza[0-9A-Za-z_-]{35}|GOCSPX-[A-Za-z0-9_-]{20,}|ya29\.[A-Za-z0-9_-]{30,}"
    r"|sk-(?:[a-z]{2,8}-)?(?:[a-z0-9]{2,8}-)?[A-Za-z0-9_-]{32,}|hf_[A-Za-z0-9]{30,}|gsk_[A-Za-z0-9]{40,}"
    r"|npm_[A-Za-z0-9]{36}|pypi-AgE[A-Za-z0-9_-]{50,}|dckr_pat_[A-Za-z0-9_-]{20,}|rubygems_[0-9a-f]{40,}"
    r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}|key-[0-9a-f]{32}|SK[0-9a-f]{32}"
    r"|do[opr]_v1_[0-9a-f]{64}|hv[sb]\.[A-Za-z0-9_-]{24,}|dapi[0-9a-f]{32}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"
    r"|ATATT3[A-Za-z0-9_=-]{40,}|lin_api_[A-Za-z0-9]{32,}|sq0(?:csp|atp)-[A-Za-z0-9_-]{22,}"
    r"|\d{8,10}:AA[A-Za-z0-9_-]{33}|AGE-SECRET-KEY-1[0-9A-Z]{50,}"
    r"|AccountKey=[A-Za-z0-9+/]{60,}={0,2}|hooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{20,}"
    r")"
)
_JWT: Final = re2.compile(r"\b(eyJ[A-Za-z0-9_-]{8,1000})\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{20,}")
_IN_URL: Final = re2.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'<>]{0,100}:([^\s/@\"'<>]{3,200})@[A-Za-z0-9\[]")
_ASSIGNED: Final = re2.compile(
    r"(?i)(?:^|[^A-Za-z])(pass(?:word|wd|phrase|wort)|pwd|kennwort|authorization|secret|token"
    r"|(?:api|access|auth|account|client|secret|private|shared|encryption|signing|master)[_ -]?(?:key|secret|token))"
    r"(?:[_ -]?\w{1,20})?[\"']? {0,4}(?::=|=>|[:=]) {0,4}(?:bearer |basic )?[\"'`]?([^\s\"'`;,<>|]{6,200})"
)
_PLACEHOLDERS: Final = re2.compile(
    r"(?i)example|changeme|change_me|your|placeholder|dummy|redacted|xxx|\*\*\*|\.\.\.|___|[$%]\{?\w|\{\{|[({\[]|::|://"
    r"|1234567|abcdef|beispiel|insert|env\b"
)
_SHORTEST: Final = 16  # characters of a key that is made
_RANDOM: Final = 2.8  # bits
_LONG: Final = 24  # from here on, a key may hold marks; shorter, it would be a word with a dash


def secrets(text: str) -> Iterator[tuple[int, int, str]]:
    """Give start and end of each secret, and nothing of it: it has no identity that could be stored."""
    for match in _PRIVATE_KEY.finditer(text):
        yield match.start(), _end_of_key(text, match.end()), ""
    for pattern, group, is_one in _RULES:
        for match in pattern.finditer(text) if pattern.search(text) else ():
            if is_one(match):
                yield match.start(group), match.end(group), ""


def _end_of_key(text: str, begun: int) -> int:
    """Give where a private key ends: behind its last line, or, without one, behind the last letters of its kind."""
    last = _LAST_LINE.match(text, begun)
    return last.end() if last else _MORE_KEY.match(text, begun).end()  # type: ignore[union-attr]  # it matches nothing too


def _is_made(key: str) -> bool:
    """Tell what is behind a prefix from a word that happens to begin like one."""
    behind = key[-_SHORTEST:]
    is_word = not (any(map(str.isdigit, key)) or any(map(str.isupper, behind)))
    return not is_word and _bits(behind) >= _RANDOM and not _is_form(key)


def _is_assigned(name: str, value: str) -> bool:
    """Tell a password or a key from a word that stands behind "password:" in a sentence."""
    value = value.rstrip(".)]}")
    if name[:1].lower() in "pk":  # password, pwd, Kennwort: people choose them; keys are made
        return _is_chosen(value, 3)
    marks = sum(not character.isalnum() for character in value)
    most = len(value) / 4 if len(value) >= _LONG else 0
    is_path = value.count("/") + value.count(".") > 2
    is_random = any(map(str.isdigit, value)) and _bits(value) >= _RANDOM
    return len(value) >= _SHORTEST and marks <= most and is_random and not is_path and not _is_form(value)


def _is_chosen(value: str, most: int) -> bool:
    """Tell what somebody chose as a password, with so many of: small letters, capitals, digits, marks."""
    kinds = (str.isdigit, str.islower, str.isupper, lambda character: not character.isalnum())
    used = sum(any(map(kind, value)) for kind in kinds)
    return len(value) >= 7 and used >= most and any(map(str.isalpha, value)) and not _is_form(value)


def _bits(value: str) -> float:
    """Give the bits in each character: of a word about 2.5, of what was made by chance 3 and more."""
    counts = Counter(value)
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts.values())


def _is_form(value: str) -> bool:
    return _PLACEHOLDERS.search(value) is not None or len(set(value)) < 5


def _is_header(encoded: str) -> bool:
    try:
        header = json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except ValueError:
        return False
    return isinstance(header, dict) and "alg" in header


_RULES: Final[tuple[tuple[re2._Regexp[str], int, Callable[[re2._Match[str]], bool]], ...]] = (
    (_PREFIXED, 0, lambda match: _is_made(match[0])),
    (_JWT, 0, lambda match: _is_header(match[1])),
    (_IN_URL, 1, lambda match: _is_chosen(match[1], 2)),
    (_ASSIGNED, 2, lambda match: _is_assigned(match[1], match[2])),
)
