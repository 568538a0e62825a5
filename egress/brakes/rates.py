"""How many questions a minute: counted before anything is read, in this process or in a Redis that several share."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Final

from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from egress.brakes.counters import exceeded, rates, standing_of
from egress.errors import CountersDown

if TYPE_CHECKING:
    from egress.brakes.counters import Caller, Standing
    from egress.brakes.quotas import Limit, Quotas

IN_PROCESS: Final = "memory://"
_WAIT: Final = 1.0  # seconds for a Redis


class _PerMinute(RateLimitItemPerMinute):
    """So many a minute, under a key that does not change with the limit: what was asked stays asked."""

    __slots__ = ()

    def key_for(self, *identifiers: bytes | str | float) -> str:
        return "/".join((self.namespace, *map(str, identifiers)))


class Rates:
    """The counts of questions of the last minute. Safe to share between threads.

    Args:
        url: Of a Redis, such as `redis://HOST:6379/0`; it may hold a password. Without one, this process counts for
            itself: of several processes, each lets through as many as the limit says.
        prefix: What the names of keys begin with, in a Redis that others use as well.

    Raises:
        CountersDown: The URL is of no kind that can count.
    """

    def __init__(self, url: str | None = None, *, prefix: str = "ntk-rates") -> None:
        """Prepare to count; nothing is connected yet."""
        options: dict[str, float | str | bool] = {"wrap_exceptions": True}
        if url is not None:
            options |= {"socket_timeout": _WAIT, "socket_connect_timeout": _WAIT, "key_prefix": prefix}
        try:
            storage = storage_from_string(url or IN_PROCESS, **options)
        except Exception as error:
            # The library's own words may hold the URL, and that a password.
            raise CountersDown(
                "the counters of requests cannot be opened: is this the URL of a Redis, and is its library there? "
                "python -m pip install redis"
            ) from error
        self._limiter: Final = MovingWindowRateLimiter(storage)

    def admit(self, quotas: Quotas, caller: Caller) -> tuple[Standing, ...]:
        """Count a question, and say how the caller's counts stand then.

        Raises:
            QuotaExceeded: There were as many in the last minute as there may be. It does not count then.
            CountersDown: Nobody can count, so nobody may ask.
        """
        try:
            return self._admitted(quotas, caller)
        except StorageError as error:
            raise CountersDown("the counters of requests do not answer") from error

    def _admitted(self, quotas: Quotas, caller: Caller) -> tuple[Standing, ...]:
        counted = [(_key(key), limit) for key, limit in rates(quotas, caller)]
        # Looked at first, so that who is refused by one limit does not use up another.
        for take in (self._limiter.test, self._limiter.hit):
            for key, limit in counted:
                if not limit.most or not take(_PerMinute(limit.most), key):
                    raise exceeded(limit, self._resets(limit, key))
        return tuple(self._standing(limit, key) for key, limit in counted)

    def _standing(self, limit: Limit, key: str) -> Standing:
        left = self._limiter.get_window_stats(_PerMinute(limit.most), key).remaining
        return standing_of(limit, limit.most - left, self._resets(limit, key))

    def _resets(self, limit: Limit, key: str) -> float:
        if not limit.most:
            return 60
        return self._limiter.get_window_stats(_PerMinute(limit.most), key).reset_time - time.time()


def _key(key: str) -> str:
    # A Redis is shared and often in clear: it need not hold who asks, and from where.
    return hashlib.sha256(key.encode()).hexdigest()[:32]
