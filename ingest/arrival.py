"""A document that was read and is on its way in, and whether it has to wait in quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from acl.labels import covers, join

if TYPE_CHECKING:
    from datetime import datetime

    from acl.labels import Label
    from acl.names import NodeId, UserId
    from ingest.types import Reading
    from redaction.detect import Finding


@dataclass(frozen=True, slots=True)
class Arrival:
    """A document that was read, and where it is to lie."""

    relative: str
    source: str  # a keyed hash of where it comes from
    content: str  # a keyed hash of what it holds, and of the version that read it
    raw: str  # a keyed hash of what it holds
    node: NodeId
    owner: UserId | None
    reading: Reading
    faults: tuple[str, ...] = ()  # why it is held back, whatever its label
    findings: tuple[Finding, ...] = ()  # in it, and in all that came with it
    part_of: str | None = None  # the source of the mail that it was attached to
    dated: datetime | None = None  # when its file was last changed, if that is known

    @property
    def calls_for(self) -> Label:
        """The lowest label that covers all that was found."""
        return join(found.calls_for for found in self.findings)

    @property
    def size(self) -> int:
        """About as many bytes as its rows take."""
        return 2 * sum(len(text.text) for text in self.reading.chunks)


def why_held(arrival: Arrival, label: Label, *, agreed: bool) -> tuple[str, ...]:
    """Say why a document has to go into quarantine; nothing if it has not.

    Args:
        arrival: What was read.
        label: Of the document, with all that it inherits.
        agreed: Two people let out exactly this content.
    """
    uncovered = [] if agreed else [found for found in arrival.findings if not covers(label, found.calls_for)]
    return (*arrival.faults, *(f"{found.count} x {found.kind}: calls for {found.calls_for}" for found in uncovered))
