"""The clock of notification: who is to be told of an incident by when, from its opening on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from egress.incident.tasks import NOTIFY, PURGE, purge_detail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from audit.chain import Json
    from egress.contract.provider import Provider

AUTHORITY: Final = timedelta(hours=72)  # GDPR, Article 33 (1): from when the organisation has become aware of it


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that an incident obliges to."""

    kind: str
    due_at: datetime
    detail: Mapping[str, Json]


def first_duty(opened_at: datetime) -> Duty:
    """Give what every incident obliges to."""
    told: dict[str, Json] = {
        "what": "tell the supervisory authority, unless the breach is unlikely to be a risk to people; and the people "
        "themselves, without delay, if the risk is high (GDPR, Articles 33 and 34)",
        "whom": "the supervisory authority",
        "how": "",
    }
    return Duty(NOTIFY, opened_at + AUTHORITY, told)


def duties_to(providers: Iterable[Provider], opened_at: datetime, since: datetime) -> Iterator[Duty]:
    """Give what an incident that has reached some providers obliges to by their contracts.

    Args:
        providers: Those that it is about, or that were sent what it is about.
        opened_at: When the incident became known.
        since: From when on things may have gone wrong.
    """
    for provider in providers:
        for contact in provider.contacts:
            told: dict[str, Json] = {
                "what": f"tell {contact.name}, within {contact.hours} hours by the contract with {provider.name}",
                "whom": contact.name,
                "how": contact.address,
            }
            yield Duty(NOTIFY, opened_at + timedelta(hours=contact.hours), told)
        if provider.purge_right and provider.retention_days:
            yield Duty(PURGE, opened_at + AUTHORITY, purge_detail(provider, since, opened_at))
