"""What a request counts for: each limit that speaks of it, with its count and its window. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from egress.brakes.quotas import LEVELS, Per
from egress.errors import QuotaExceeded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from acl.labels import Level
    from acl.names import UserId
    from egress.brakes.quotas import Limit, Quotas

SPANS: Final = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_SHARED: Final = {
    Per.ADDRESS: "from your address",  # which an office may share
    Per.APPLICATION: "through this application",
    Per.PROVIDER: "to this provider",
    Per.LEVEL: "of this level",
    Per.ALL: "by all together",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, before anything is read."""

    user: UserId
    application: str  # app:…
    address: str  # of the client, as the door sees it; `local` on the command line
    key: str | None = field(default=None, repr=False)  # the hash of the key that he came with, if it was one


@dataclass(frozen=True, slots=True)
class Use:
    """What is about to go to a provider."""

    caller: Caller
    provider: str  # provider:…
    level: Level
    characters: int  # of the whole prompt


@dataclass(frozen=True, slots=True)
class Counter:
    """One count that a request adds to."""

    key: str
    limit: Limit
    begins_at: datetime
    ends_at: datetime
    amount: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a count stands, as far as the caller may know."""

    name: str  # such as characters-day-user
    most: int
    seconds: int  # of the window
    left: int
    resets: int  # seconds until there is room again
    own: bool  # whether the caller alone adds to it


def counters(quotas: Quotas, use: Use, now: datetime) -> list[Counter]:
    """Give what is counted when something goes to a provider, in one order for everybody, so that nobody deadlocks."""
    found = []
    whose = {**_whose(use.caller), Per.PROVIDER: use.provider, Per.LEVEL: use.level.name.lower()}
    for limit in applying((one for one in quotas.limits if not one.is_rate and one.measure != "identities"), whose):
        if limit.level is not None and use.level < LEVELS[limit.level]:
            continue
        begins_at, ends_at = window_of(limit.window, now)
        amount = 1 if limit.measure == "requests" else use.characters
        found.append(Counter(key_of(limit, whose[limit.per]), limit, begins_at, ends_at, amount))
    return sorted(found, key=lambda counter: (counter.key, counter.begins_at))


def personal(quotas: Quotas, caller: Caller, now: datetime) -> list[Counter]:
    """Give the counts of `counters` that a caller alone adds to, for what he may be told of them."""
    own = [one for one in quotas.limits if not one.is_rate and one.per is Per.USER]
    whose = _whose(caller)
    return [
        Counter(key_of(limit, whose[limit.per]), limit, *window_of(limit.window, now), 0)
        for limit in applying(own, whose)
    ]


def naming(quotas: Quotas, caller: Caller, count: int, now: datetime) -> list[Counter]:
    """Give what is counted when an answer names so many identities to the asker."""
    whose = _whose(caller)
    limits = applying((limit for limit in quotas.limits if limit.measure == "identities"), whose)
    found = [Counter(key_of(limit, whose[limit.per]), limit, *window_of(limit.window, now), count) for limit in limits]
    return sorted(found, key=lambda counter: (counter.key, counter.begins_at))


def rates(quotas: Quotas, caller: Caller) -> list[tuple[str, Limit]]:
    """Give what is counted before anything is read: the keys with their limits."""
    whose = _whose(caller)
    return [
        (key_of(limit, whose[limit.per]), limit)
        for limit in applying((one for one in quotas.limits if one.is_rate), whose)
    ]


def applying(limits: Iterable[Limit], whose: Mapping[Per, str]) -> list[Limit]:
    """Give the limits that speak of somebody; one with his name takes the place of the one for everybody."""
    found: dict[tuple[str, ...], Limit] = {}
    for limit in limits:
        if limit.of is None:
            found.setdefault(limit.counted, limit)
        elif limit.of == whose[limit.per]:
            found[limit.counted] = limit
    return list(found.values())


def key_of(limit: Limit, whose: str) -> str:
    """Give the name of a count. It stays the same when the limit on it changes."""
    return "/".join((limit.measure, limit.window, limit.level or "-", limit.per, whose))


def window_of(window: str, now: datetime) -> tuple[datetime, datetime]:
    """Give the beginning and the end of the window that a point in time, in UTC, falls into."""
    begins_at = now.replace(second=0, microsecond=0)
    if window != "minute":
        begins_at = begins_at.replace(minute=0)
    if window == "day":
        begins_at = begins_at.replace(hour=0)
    return begins_at, begins_at + SPANS[window]


def standing_of(limit: Limit, used: int, resets: float) -> Standing:
    """Give how a count stands, of which so much is used."""
    name = "-".join(filter(None, (limit.measure, limit.window, limit.per, limit.level)))
    seconds = int(SPANS[limit.window].total_seconds())
    left = max(0, limit.most - used)
    return Standing(name, limit.most, seconds, left, max(1, math.ceil(resets)), own=limit.per is Per.USER)


def exceeded(limit: Limit, resets: float, *, amount: int = 1) -> QuotaExceeded:
    """Give the error for a limit that is reached. Of what others use it tells no figure."""
    seconds = max(1, math.ceil(resets))
    of = f" of what is {limit.level} or above" if limit.level else ""
    if limit.per is not Per.USER:
        said = f"as many {limit.measure}{of} as may go {_SHARED[limit.per]} in a {limit.window} have gone"
    else:
        said = f"you may use {limit.most:,} {limit.measure} a {limit.window}{of}"
        if amount > limit.most:
            said += f", and this alone takes {amount:,}"
    return QuotaExceeded(f"the quota is used up: {said}; again in {_in_words(seconds)}", retry_after=seconds)


def headers(standings: Sequence[Standing]) -> dict[str, str]:
    """Give the RateLimit headers of a response. What others add to as well is left out: it would tell of them.

    Source: draft-ietf-httpapi-ratelimit-headers-10.
    """
    own = [one for one in standings if one.own]
    if not own:
        return {}
    return {
        "RateLimit-Policy": ", ".join(f'"{one.name}";q={one.most};w={one.seconds}' for one in own),
        "RateLimit": ", ".join(f'"{one.name}";r={one.left};t={one.resets}' for one in own),
    }


def _whose(caller: Caller) -> dict[Per, str]:
    return {
        Per.USER: caller.user,
        Per.APPLICATION: caller.application,
        Per.ADDRESS: caller.address,
        Per.ALL: "all",
    }


def _in_words(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} seconds"
    minutes = math.ceil(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{minutes} minutes" if minutes < 120 else f"{hours} hours {rest} minutes"
