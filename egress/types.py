"""The values of egress: a prompt without identities, a model's draft, what the checks left of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from egress.brakes.counters import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from acl.decision import Principal
    from acl.labels import Label
    from acl.names import DocumentId
    from egress.brakes.counters import Standing
    from egress.route import Route
    from egress.usage import Usage
    from retrieval.types import ChunkId


@dataclass(frozen=True, slots=True)
class RedactedPrompt:
    """The literal text that a model gets. Made by `egress.prompt` alone, from redacted texts."""

    system: str
    user: str
    question: str  # redacted; part of `user`, kept apart for the extractive answerer
    excerpts: tuple[str, ...]  # redacted; number n of the prompt is excerpts[n - 1]
    delimiter: str  # random for each request; it must never come back
    earlier: tuple[str, ...] = ()  # redacted questions that the question goes on from; part of `user`


@dataclass(frozen=True, slots=True)
class Draft:
    """What a model answered, unchecked. It still holds tokens."""

    text: str
    model: str
    notes: tuple[str, ...] = ()  # what the asker must know of how it was made; shown with the warnings
    usage: Usage | None = None  # None: no model took tokens


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer that passed the output checks. Made by `egress.check` alone; it still holds tokens."""

    text: str
    cited: tuple[int, ...]  # numbers of the excerpts that it cites, ascending
    warnings: tuple[str, ...] = ()  # what was dropped or looks wrong; shown, and recorded in the audit


class Llm(Protocol):
    """A language model, or what stands in for one."""

    def complete(self, prompt: RedactedPrompt, proceed: Callable[[], None] | None = None) -> Draft:
        """Answer the prompt.

        Args:
            prompt: What to answer.
            proceed: Called from the same thread before anything is sent, and at least every half second while
                it waits. What it raises ends the call at once, and is raised. Who does not wait need not call it.

        Raises:
            ModelDown: No usable answer came: refused, too slow, too long, malformed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Ask:
    """One question, as it came through a door."""

    principal: Principal
    question: str
    id: str  # names the request in the audit trail
    conversation: str | None = None
    collection: str | None = None  # its name, as written by the asker
    min_epoch: int | None = None  # answer from this epoch of the policy or a later one, or not at all
    address: str = "local"  # of the client, as the door sees it

    @property
    def caller(self) -> Caller:
        """Who asks, as the brakes count."""
        return Caller(self.principal.user, self.principal.application, self.address, self.principal.key)


@dataclass(frozen=True, slots=True)
class Citation:
    """A stretch of a document that the answer stands on: offsets in characters of its chunk."""

    number: int
    title: str
    excerpt: str
    document: DocumentId
    chunk: ChunkId
    start: int
    end: int
    headings: tuple[str, ...] = ()  # what it stands under, from the title down
    dated: datetime | None = None  # when the document was last changed, as far as is known


@dataclass(frozen=True, slots=True)
class Reply:
    """What the asker gets."""

    outcome: Literal["answered", "nothing", "waiting"]
    answer: str
    citations: tuple[Citation, ...]
    route: Route | None  # None: nothing was prepared for any model
    model: str | None
    redactions: Mapping[str, int]  # replaced stretches by kind
    label: Label
    prompt: str | None  # the literal text that the model got
    warnings: tuple[str, ...]
    conversation: str
    audit_id: str
    request: str | None = None  # what waits for a second person
    standings: tuple[Standing, ...] = ()  # how the asker's counts stand
    understood_as: str | None = None  # the question with earlier ones that it goes on from; None: as it was asked
