"""What in a text calls for a label. A detector can hold a text back, and never lets one through.

| what is there | the label that it calls for |
|---|---|
| payment card numbers | confidential, in the compartment `pci` |
| somebody's health | confidential, in the compartment `hipaa`, whatever the law: it is the one for health |
| secrets: keys, tokens, passwords | restricted |
| a line that marks it as strictly confidential or secret | restricted |
| a line that marks it as confidential | confidential |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from acl.labels import Compartment, Label, Level
from redaction.detectors.cards import card_numbers
from redaction.detectors.health import health_data
from redaction.detectors.markings import markings
from redaction.detectors.secrets import secrets
from redaction.errors import RecogniserFailed
from redaction.normalise import fold_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CARDS: Final = Label(Level.CONFIDENTIAL, frozenset({Compartment("pci")}))
HEALTH: Final = Label(Level.CONFIDENTIAL, frozenset({Compartment("hipaa")}))
SECRET: Final = Label(Level.RESTRICTED)
CONFIDENTIAL: Final = Label(Level.CONFIDENTIAL)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a text that calls for a label, and how often it is there. What it is, is not kept."""

    kind: str  # such as "card number"; shown to people
    calls_for: Label
    count: int


Detector = Callable[[str], Iterable[Finding]]
"""Gives what it finds in a folded text; a count of none is nothing found."""


def _cards(text: str) -> Iterator[Finding]:
    yield Finding("card number", CARDS, card_numbers(text))


def _health(text: str) -> Iterator[Finding]:
    yield Finding("health data", HEALTH, health_data(text))


def _secrets(text: str) -> Iterator[Finding]:
    yield Finding("secret", SECRET, secrets(text))


def _markings(text: str) -> Iterator[Finding]:
    strict, plain = markings(text)
    yield Finding("marked as strictly confidential", SECRET, strict)
    yield Finding("marked as confidential", CONFIDENTIAL, plain)


DETECTORS: Final[tuple[Detector, ...]] = (_cards, _health, _secrets, _markings)


def detect(text: str, detectors: Sequence[Detector] = DETECTORS) -> tuple[Finding, ...]:
    """Find what calls for a label.

    Raises:
        RecogniserFailed: A detector failed. What could not be looked through must not pass as harmless.
    """
    try:
        folded = fold_text(text)
        return tuple(finding for detector in detectors for finding in detector(folded) if finding.count)
    except Exception as error:  # noqa: BLE001 - whatever it is, the text was not looked through
        # The foreign error is not chained: its message may quote the text.
        raise RecogniserFailed(f"it could not be checked for what calls for a label: {type(error).__name__}") from None
