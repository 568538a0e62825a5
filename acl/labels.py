"""Labels: how sensitive a text is, and which closed circles it belongs to.

A label is a level and a set of compartments. Joining labels takes the highest level and all
compartments, so what is made from several texts is never less protected than any of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NewType

from acl.errors import BadLabel

if TYPE_CHECKING:
    from collections.abc import Iterable

Compartment = NewType("Compartment", str)

REGULATED: Final = frozenset({Compartment("gdpr"), Compartment("hipaa"), Compartment("pci")})
_TRADE_SECRET: Final = re.compile(r"trade-secret\.[a-z0-9-]{1,60}", re.ASCII)


class Level(IntEnum):
    """Sensitivity, lowest to highest. The numbers are stored; they never change meaning."""

    PUBLIC = 0
    INTERNAL = 1
    CONFIDENTIAL = 2
    RESTRICTED = 3


@dataclass(frozen=True, slots=True)
class Label:
    """A level with compartments. Without arguments: the most restricted level, never public."""

    level: Level = Level.RESTRICTED
    compartments: frozenset[Compartment] = frozenset()

    def __str__(self) -> str:
        """Show as `confidential+gdpr+hipaa`."""
        return "+".join([self.level.name.lower(), *sorted(self.compartments)])


PUBLIC: Final = Label(Level.PUBLIC)


def join(labels: Iterable[Label]) -> Label:
    """Give the label of a text made from texts with these labels; from none at all, public."""
    joined = [PUBLIC, *labels]
    level = max(label.level for label in joined)
    return Label(level, frozenset().union(*(label.compartments for label in joined)))


def covers(label: Label, wanted: Label) -> bool:
    """Say whether a label protects at least as much as another one."""
    return label.level >= wanted.level and label.compartments >= wanted.compartments


def parse_level(text: str) -> Level:
    """Read a level by its exact lower-case name.

    Raises:
        BadLabel: There is no such level; nothing is guessed from case or blanks.
    """
    names = {level.name.lower(): level for level in Level}
    if text not in names:
        raise BadLabel(f"{text!r} is no level: write one of {', '.join(names)}")
    return names[text]


def parse_compartment(text: str) -> Compartment:
    """Read a compartment: gdpr, hipaa, pci or trade-secret.NAME.

    Raises:
        BadLabel: There is no such compartment.
    """
    if text not in REGULATED and not _TRADE_SECRET.fullmatch(text):
        raise BadLabel(f"{text!r} is no compartment: write one of {', '.join(sorted(REGULATED))}, trade-secret.NAME")
    return Compartment(text)


def parse_label(text: str) -> Label:
    """Read a label as it is shown: a level, and compartments behind plus signs, such as `confidential+gdpr`.

    Raises:
        BadLabel: A part of it does not exist.
    """
    level, *compartments = text.split("+")
    return Label(parse_level(level), frozenset(map(parse_compartment, compartments)))
