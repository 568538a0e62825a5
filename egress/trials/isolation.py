"""Isolation: that what is sent to a provider goes to its host over TLS, and nowhere else.

One request without key and without a text, `GET …/models`, is made as the client of prompts would: no proxy from the
environment, no redirect. Any answer that is no redirect will do, also that a key is missing.
"""

from __future__ import annotations

import ssl
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from egress.trials.found import Found
from store.address import is_near

if TYPE_CHECKING:
    from egress.contract.provider import Provider

PATIENCE: Final = timedelta(seconds=10)
_REDIRECTS: Final = range(300, 400)


def isolated(provider: Provider, tls: ssl.SSLContext | None = None, patience: timedelta = PATIENCE) -> Found:
    """Try the rules on a provider's address, then the way there."""
    secure = provider.base_url.startswith("https://")
    if not secure and not is_near(provider.host):
        return Found(passed=False, why="its address has no TLS, and is in no private network")
    if provider.host not in provider.hosts:
        return Found(passed=False, why="the host of its address is not among the hosts that prompts may go to")
    return _probed(provider, tls, patience, secure=secure)


def _probed(provider: Provider, tls: ssl.SSLContext | None, patience: timedelta, *, secure: bool) -> Found:
    import httpx2  # noqa: PLC0415 - a quarter of a second, for who tries this alone

    url = f"{provider.base_url.rstrip('/')}/models"
    told = {"tls": secure, "hosts": len(provider.hosts)}
    try:
        with (
            httpx2.Client(
                trust_env=False, follow_redirects=False, verify=tls or True, timeout=patience.total_seconds()
            ) as client,
            client.stream("GET", url) as answer,  # its body is not read
        ):
            status = answer.status_code
    except httpx2.HTTPError as error:
        if _distrusted(error):
            return Found(passed=False, why="its server cannot prove that it is the host of its address", numbers=told)
        return Found(passed=None, why="its server does not answer, so the way there was not seen", numbers=told)
    if status in _REDIRECTS:
        return Found(passed=False, why=f"its server answers with a redirect ({status})", numbers=told)
    way = "TLS, its certificate verified" if secure else "no TLS, in a private network"
    why = f"the way to {provider.host}: {way}; no redirect, no proxy"
    return Found(passed=True, why=why, numbers={**told, "status": status})


def _distrusted(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
