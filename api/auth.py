"""Credentials to a Principal. The one documented way: `Authorization: Bearer KEY`."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from fastapi import Request  # noqa: TC002 - FastAPI reads the annotation

from acl.admin.keys import holder_of_key
from acl.admin.people import require_subject
from acl.decision import Principal
from acl.errors import PolicyError
from acl.names import Obj, UserId, parse_name
from api.errors import NotSignedIn
from audit.ledger import Event
from store.engine import snapshot
from store.errors import NotADemo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.wiring import House
    from audit.ledger import Ledger
    from store.folder import Store

HTTP: Final = Obj("app:http")
COMMAND_LINE: Final = Obj("app:command-line")
TRIALS: Final = Obj("app:trials")  # nobody asks through it
_SEND_IT: Final = {HTTP: "send it as Authorization: Bearer KEY", COMMAND_LINE: "set NTK_KEY to your API key"}


class Installation(Protocol):
    """What credentials are checked against, and where a refusal is written down."""

    @property
    def store(self) -> Store: ...

    @property
    def ledger(self) -> Ledger: ...


def principal_of(request: Request) -> Principal:
    """Give the principal of a request.

    Raises:
        NotSignedIn: There is no key, more than one, or none that works; which of it, is not told.
    """
    house: House = request.app.state.house
    headers = request.headers.getlist("authorization")
    scheme, _, key = (headers[0] if len(headers) == 1 else "").partition(" ")
    return principal_of_key(house, key.strip() if scheme.lower() == "bearer" else "", HTTP)


def principal_of_key(house: Installation, key: str, application: Obj) -> Principal:
    """Give the principal that a key belongs to; a refused attempt leaves a record.

    A key that is for an application asks through that one, and not through the door's.

    Raises:
        NotSignedIn: The key is empty, unknown or revoked.
    """
    with snapshot(house.store.engine) as connection:
        holder = holder_of_key(connection, key)
    if holder is None:
        with _refusal_recorded(house, application):
            raise NotSignedIn(
                f"no API key that works was given: {_SEND_IT[application]}{_in_a_demo(house, application)}"
            )
    return Principal(holder.user, holder.application or application, holder.hash)


def principal_looked_at(user: UserId) -> Principal:
    """Give the principal of somebody whose rights are explained. Nobody asks as him: no text is read with it."""
    return Principal(user, COMMAND_LINE)


def principal_tried(user: UserId) -> Principal:
    """Give the principal as whom a leak test searches. What it finds is compared and counted, and shown to nobody."""
    return Principal(user, TRIALS)


def _in_a_demo(house: Installation, application: Obj) -> str:
    liberty = house.store.demo and application == COMMAND_LINE
    return ", or do without in this demo data folder: --as user:ID" if liberty else ""


def principal_named(house: Installation, name: str) -> Principal:
    """Give the principal of a name on the command line, without a key; a refused attempt leaves a record.

    Raises:
        NotADemo: The data folder is a real one.
        BadName, UnknownName: There is no such user.
    """
    with _refusal_recorded(house, COMMAND_LINE):
        if not house.store.demo:
            raise NotADemo("--as works in a demo data folder alone: here, set NTK_KEY to your API key")
        user = UserId(parse_name(name, frozenset({"user"})))
        with snapshot(house.store.engine) as connection:
            require_subject(connection, user)
    return Principal(user, COMMAND_LINE)


@contextmanager
def _refusal_recorded(house: Installation, application: Obj) -> Iterator[None]:
    try:
        yield
    except (NotSignedIn, NotADemo, PolicyError):
        house.ledger.commit(Event("signin.refused", "nobody", str(uuid.uuid4()), {"application": application}))
        raise
