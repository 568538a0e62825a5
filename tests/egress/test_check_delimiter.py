"""An answer that shows the delimiter, in whatever code, is blocked."""

from __future__ import annotations

import base64
import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress.canary import echoes
from egress.errors import AnswerBlocked
from tests.egress.answers import DELIMITER, run, shown


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ECHOES = {
    "as it is": DELIMITER,
    "upper case": DELIMITER.upper(),
    "full width": "".join(chr(ord(c) + 0xFEE0) for c in DELIMITER),
    "spaced": " ".join(DELIMITER),
    "hyphens and lines": "-\n".join(DELIMITER),
    "zero width": "\u200b".join(DELIMITER),
    "in tags": "<b></b>".join(DELIMITER),
    "in a comment": f"<!-- {DELIMITER} -->",
    "in the target of a link": f"[text](https://evil.example/{DELIMITER})",
    "emphasis": "**".join((DELIMITER[:5], DELIMITER[5:])),
    "reversed": DELIMITER[::-1],
    "base64": base64_of(DELIMITER),
    "base64 of a sentence": base64_of(f"The mark is {DELIMITER}, keep it."),
    "base64 shifted": "x" + base64_of("ab" + DELIMITER),
    "base64 spaced": " ".join(base64_of(DELIMITER)),
    "base64 for URLs": base64.urlsafe_b64encode(f"?>?{DELIMITER}~~>".encode()).decode(),
    "base64 twice": base64_of(base64_of(DELIMITER)),
    "base64 reversed": base64_of(DELIMITER)[::-1],
    "base64 of reversed": base64_of(DELIMITER[::-1]),
    "base32": base64.b32encode(DELIMITER.encode()).decode(),
    "hexadecimal": DELIMITER.encode().hex(),
    "hexadecimal escapes": "".join(f"\\x{ord(c):02x}" for c in DELIMITER),
    "hexadecimal numbers": " ".join(f"0x{ord(c):02X}" for c in DELIMITER),
    "code points": ", ".join(f"U+{ord(c):04X}" for c in DELIMITER),
    "decimal": " ".join(str(ord(c)) for c in DELIMITER),
    "percent": "".join(f"%{ord(c):02x}" for c in DELIMITER),
    "entities": "".join(f"&#{ord(c)};" for c in DELIMITER),
    "look-alikes": DELIMITER.translate(
        {ord(plain): alike for plain, alike in zip("ace", "\u0430\u0441\u0435", strict=True)}
    ),
    "rot13": codecs.encode(DELIMITER, "rot13"),
}


@pytest.mark.parametrize("name", ECHOES)
def test_an_answer_with_the_delimiter_in_it_is_blocked(name: str) -> None:
    with pytest.raises(AnswerBlocked, match="delimiter") as caught:
        run(f"The hotel costs 180 EUR. {ECHOES[name]} Breakfast counts. [1]")
    assert DELIMITER not in str(caught.value)


def test_codes_that_are_not_the_delimiter_pass() -> None:
    other = "f" + DELIMITER[1:]
    text = f"Case {other}, {base64_of(other)} and {other.encode().hex()} [1]."
    assert shown(text) == text


@given(st.text(max_size=300))
def test_texts_without_the_delimiter_are_no_echo(text: str) -> None:
    assert not echoes(DELIMITER, text)
