"""Where a prompt may go: the most restrictive label in it against what the provider's contract covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from acl.labels import Label, Level

if TYPE_CHECKING:
    from collections.abc import Iterable

QUESTION: Final = Label(Level.INTERNAL)  # what staff ask tells what the organisation is busy with


@dataclass(frozen=True, slots=True)
class Provider:
    """A model outside of this process, and what may be sent to it."""

    name: str
    model: str
    ceiling: Level  # the highest level that the contract with it covers; compartments are never covered


@dataclass(frozen=True, slots=True)
class Route:
    """Whether a prompt leaves, and the rule that said so."""

    leaves: bool
    provider: str | None
    rule: str


def route_of(labels: Iterable[Label], provider: Provider | None) -> Route:
    """Decide where a prompt made from texts with these labels goes.

    A missing term counts as absent: without a provider, or above what is covered, the prompt stays here.
    It never goes to another provider instead.
    """
    all_labels = [QUESTION, *labels]
    level = max(label.level for label in all_labels)
    compartments = sorted({name for label in all_labels for name in label.compartments})
    if provider is None:
        return Route(leaves=False, provider=None, rule="no provider is configured")
    if compartments:
        return Route(leaves=False, provider=None, rule=f"{', '.join(compartments)} may not go to {provider.name}")
    if level > provider.ceiling:
        rule = f"{level.name.lower()} is above what may go to {provider.name} ({provider.ceiling.name.lower()})"
        return Route(leaves=False, provider=None, rule=rule)
    return Route(leaves=True, provider=provider.name, rule=f"{level.name.lower()} may go to {provider.name}")
