"""Where a prompt may go: the label of all that is in it, against the application, its gate and the contracts.

    label x application x gate x terms -> Route

Missing means no: without an application, an open gate, a provider or a term, the prompt stays in this process. It
never goes to a provider that the application does not name, and nothing falls back to a weaker one: what the first
may not have goes to the organisation's own model, or nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from acl.labels import PUBLIC, Label, Level, covers, join
from egress.contract.matrix import verdict_of
from egress.contract.provider import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from egress.contract.standing import Contracts, Offer

QUESTION: Final = Label(Level.INTERNAL)  # what staff ask tells what the organisation is busy with


@dataclass(frozen=True, slots=True)
class Route:
    """Where a prompt goes, and the rule that said so."""

    rule: str
    provider: str | None = None  # None: it stays in this process
    kind: Kind = Kind.THIRD_PARTY  # who runs the provider's model
    model: str = ""
    level: Level = Level.RESTRICTED  # of all that is in it; it decides with which key it goes
    version: int = 0  # of the provider's record, and with it of the contract
    approve: bool = False  # a second person must have approved the exact bytes first

    @property
    def leaves(self) -> bool:
        """Whether it leaves the organisation's own machines."""
        return self.provider is not None and self.kind is not Kind.LOCAL


def route_of(labels: Iterable[Label], contracts: Contracts) -> Route:
    """Decide where a prompt made from texts with these labels goes."""
    label = join([QUESTION, *labels])
    why = _kept_here(label, contracts)
    if contracts.offer is not None and not why:
        verdict = verdict_of(contracts.matrix, label, contracts.offer.terms)
        if verdict:
            return _to(contracts.offer, label, verdict.rule, approve=verdict.decision == "approve")
        why = verdict.rule
    if contracts.local is not None and (own := verdict_of(contracts.matrix, label, contracts.local.terms)):
        return _to(contracts.local, label, f"{why}; {own.rule}", approve=own.decision == "approve")
    return Route(why)


def _kept_here(label: Label, contracts: Contracts) -> str:
    """Say why nothing goes to the provider that the application names, whatever its contract; empty if it may."""
    application, offer = contracts.application, contracts.offer
    if application is None:
        return f"{contracts.name} is not registered: nothing leaves through it"
    if offer is None:
        return f"{contracts.name} names no provider that is there"
    if offer.terms.kind is Kind.LOCAL:
        return ""
    if not covers(application.ceiling_label, label):
        return f"{label} is above what may leave through {contracts.name} ({application.ceiling})"
    if contracts.closed and label != PUBLIC:
        return f"the gate of {contracts.name} is closed: {', '.join(contracts.closed)}"
    return ""


def _to(offer: Offer, label: Label, rule: str, *, approve: bool) -> Route:
    return Route(
        rule=rule,
        provider=offer.terms.provider,
        kind=offer.terms.kind,
        model=offer.model.name,
        level=label.level,
        version=offer.terms.version,
        approve=approve,
    )
