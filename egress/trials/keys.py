"""Keys: that each reference of a provider's leads to a key, and how old the oldest is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from egress.trials.found import Found
from store.errors import KeyWithheld, SecretMissing, SecretsDown

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from egress.contract.provider import Provider
    from store.reference import Secret


def resolving(provider: Provider, secret: Callable[[str, str], Secret], now: datetime) -> Found:
    """Fetch each key and forget it; tell how many there are, and how many days old the oldest is, if it is known.

    A key that may not go to the provider's host is none.
    """
    references = sorted({*filter(None, [provider.key]), *provider.keys.values()})
    if not references:
        return Found(passed=True, why="it needs no key", numbers={"keys": 0, "age_days": 0})
    try:
        found = [secret(reference, provider.host) for reference in references]
    except SecretsDown:
        return Found(passed=None, why="a secrets manager does not answer", numbers={"keys": len(references)})
    except KeyWithheld:
        why = "a key may not go to its host: the settings say where each may go (keys)"
        return Found(passed=False, why=why, numbers={"keys": len(references)})
    except SecretMissing:
        return Found(passed=False, why="a reference leads to no key", numbers={"keys": len(references)})
    made = [one.made_at for one in found]
    ages = [(now - at).days for at in made if at is not None]
    known = len(ages) == len(found)
    age = max([0, *ages]) if known else None
    told = f"the oldest is {age} days old" if known else "nobody says how old they are"
    return Found(passed=True, why=f"{len(found)} resolve, {told}", numbers={"keys": len(found), "age_days": age})
