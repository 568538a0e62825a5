"""What has been gathered of one question half-way: what was found for it, and what is ready to be sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acl.labels import Label
    from acl.scope import Scope
    from egress.brakes.counters import Standing
    from egress.contract.standing import Contracts
    from egress.history import Understood
    from egress.route import Route
    from egress.types import Ask, RedactedPrompt
    from redaction.directory import Person
    from redaction.types import Redacted, TokenMap
    from retrieval.permit import Permitted
    from retrieval.types import Excerpt


@dataclass(frozen=True, slots=True)
class Found:
    """A question with what was found for it, before anything is made of either."""

    ask: Ask
    conversation: str
    contracts: Contracts
    scope: Scope
    asked: Understood
    permitted: Permitted
    known: tuple[Person, ...] = ()  # named earlier in the conversation, and in no directory
    standings: tuple[Standing, ...] = ()  # how the asker's counts stand


@dataclass(frozen=True, slots=True)
class Ready:
    """A prompt with all that its answer is checked, restored and cited with."""

    chosen: Sequence[Excerpt]
    label: Label
    route: Route
    redacted: Redacted
    tokens: TokenMap
    prompt: RedactedPrompt
    alarms: tuple[str, ...]

    @property
    def redactions(self) -> dict[str, int]:
        """Replaced stretches by kind."""
        return {kind.value: count for kind, count in self.redacted.counts.items()}
