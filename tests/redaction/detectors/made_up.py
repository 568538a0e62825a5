"""Numbers and keys that have the form of real ones and are none: put together at run time, from a seed."""

from __future__ import annotations

from random import Random
from string import ascii_letters, digits
from typing import Final

from stdnum import luhn

ANY: Final = ascii_letters + digits


def chance(letters: str, length: int, seed: str = "") -> str:
    """Give so many of these letters, the same each time for a seed."""
    return "".join(Random(f"{letters}{length}{seed}").choices(letters, k=length))


def card(prefix: str, length: int = 16, *, valid: bool = True) -> str:
    """Give a number of this issuer that passes its check, or one that just fails it."""
    body = prefix + chance(digits, length - len(prefix) - 1)
    check = int(luhn.calc_check_digit(body))
    return f"{body}{check if valid else (check + 1) % 10}"


def grouped(number: str, *sizes: int, sign: str = " ") -> str:
    """Write a number in groups."""
    rest = iter(number)
    return sign.join("".join(next(rest) for _ in range(size)) for size in sizes)
