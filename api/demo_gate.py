"""What the sample company has agreed with its provider, and the gate that it passes before anything leaves."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from acl.admin.gate import CONSOLE
from acl.insight.review import review
from acl.insight.signoff import sign, to_csv
from acl.names import UserId
from api.trying import instruments_of
from egress.contract.application import Application
from egress.contract.gate import gate
from egress.contract.provider import Provider
from egress.contract.records import save
from egress.trials.run import tried
from store.engine import snapshot, write

if TYPE_CHECKING:
    from api.wiring import House
    from egress.contract.gate import Gate
    from store.folder import Layout

PROVIDER: Final = "demo-provider"
_KEY: Final = "provider.key"
_HOST: Final = "127.0.0.1"
_REVIEWER: Final = UserId("user:mara")


def place_key(layout: Layout) -> None:
    """Make up a key for the provider, and let it go to the provider's host alone."""
    file = layout.root / _KEY
    file.touch(mode=0o600)
    file.write_text(secrets.token_hex(16), "ascii")
    with layout.settings.open("a", encoding="utf-8") as settings:
        settings.write(f'keys = {{"file:{_KEY}" = ["{_HOST}"]}}\n')


def pass_gate(house: House, base_url: str, application: str) -> Gate:
    """Register provider and application, review who may read what, try what is measured, and look at the gate."""
    engine, ledger = house.store.engine, house.ledger
    save(engine, ledger, CONSOLE, _provider(base_url))
    save(engine, ledger, CONSOLE, _application(application))
    with snapshot(engine) as connection:
        seen = to_csv(review(connection, "read"), datetime.now(UTC))
    with write(engine) as connection:
        sign(connection, ledger, _REVIEWER, seen)
    for _ in tried(instruments_of(house), ledger, CONSOLE, application):
        pass
    with snapshot(engine) as connection:
        return gate(connection, application, datetime.now(UTC))


def _provider(base_url: str) -> Provider:
    """Give a provider whose contract holds all that is asked for what is confidential."""
    last = datetime.now(UTC).date() + timedelta(days=365)
    return Provider.model_validate(
        {
            "name": PROVIDER,
            "kind": "third-party",
            "base_url": base_url,
            "hosts": [_HOST],
            "models": [{"name": "stand-in", "input_price": "0.50", "output_price": "1.50"}],
            "training_opt_out": {"until": last},
            "dpa": {"until": last},
            "retention_days": 0,
            "contacts": [{"name": "Security desk", "address": "security@provider.example", "hours": 24}],
            "ends": last,
            "key": f"file:{_KEY}",
        }
    )


def _application(name: str) -> Application:
    return Application(
        name=name,
        purpose="The people of the sample company ask about what they may read.",
        owner="user:mara",
        ceiling="confidential",
        users=("user:odile", "user:ines", "user:jonas"),
        provider=PROVIDER,
    )
