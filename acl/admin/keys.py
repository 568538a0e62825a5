"""API keys: 256 random bits, shown once, kept as a hash.

Doors call `make_key` and `revoke_keys`, which decide who may. A person makes keys for himself alone: an
administrator with a key of somebody else would be let in as him, and the trail would name the wrong one. A key may
be for one application: who asks with it asks through that one, whatever door he comes through.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from acl.admin.authority import Actor
from acl.admin.change import policy_change
from acl.admin.gate import CONSOLE, refusal_recorded
from acl.admin.people import require_subject
from acl.errors import NotAllowed, UnknownName
from acl.names import ROOT, Obj, UserId, parse_name
from acl.read import who_of
from store.schema import api_key, registered, users

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from acl.admin.change import Change
    from audit.ledger import Ledger

PREFIX: Final = "ntk_"
_SHOWN: Final = len(PREFIX) + 6
_MAX_LENGTH: Final = 200

_WORKS: Final = (api_key.c.hash == bindparam("hash")) & api_key.c.revoked_at.is_(None)
_HOLDER: Final = select(api_key).join(users).where(_WORKS, users.c.active)
_ACTIVE: Final = select(users.c.id).where(users.c.id == bindparam("user"), users.c.active)
_STILL_IN: Final = _ACTIVE.join(api_key).where(_WORKS)


class Holder(NamedTuple):
    """Whom a key lets in, and which application it is for; None: any door's own."""

    user: UserId
    application: Obj | None
    hash: str  # names the key, and opens nothing


def make_key(engine: Engine, ledger: Ledger, actor: UserId, user: UserId, application: str | None = None) -> str:
    """Make a key for a user and give it; it cannot be read again.

    Args:
        engine: Where the policy is.
        ledger: Gets the beginning of the key.
        actor: Who wants it.
        user: Who is let in by it.
        application: `app:NAME`, through which he then asks.

    Raises:
        NotAllowed: He may not make one for this user.
        BadName, UnknownName: There is no such user or application.
    """
    with refusal_recorded(ledger, actor), policy_change(engine, ledger, actor) as change:
        require_may_make(change.connection, actor, user)
        return new_api_key(change, user, application)


def revoke_keys(engine: Engine, ledger: Ledger, actor: UserId, prefix: str) -> None:
    """Revoke the keys whose shown beginning is this, as far as they are the actor's to revoke.

    Raises:
        UnknownName: There is none that still works, or it is somebody else's; the words are the same.
    """
    with policy_change(engine, ledger, actor) as change:
        revoke_api_keys(change, prefix, of=None if may_revoke_all(change.connection, actor) else actor)


def require_may_make(connection: Connection, actor: UserId, user: UserId) -> None:
    """Check that somebody may make a key for a user: an active person for himself, the console for everybody.

    Raises:
        NotAllowed: He may not.
    """
    active = bool(who_of(connection, actor).principals)
    if actor != CONSOLE and not (active and actor == user):
        raise NotAllowed("a key is made by the person himself, or on the command line by who holds the data folder")


def may_revoke_all(connection: Connection, actor: UserId) -> bool:
    """Say whether somebody may revoke the keys of others: an administrator of the whole, or the console."""
    return actor == CONSOLE or bool(Actor.of(connection, actor).manages(ROOT))


def new_api_key(change: Change, user: UserId, application: str | None = None) -> str:
    """Make a key for a user and give it; it cannot be read again.

    Raises:
        BadName, UnknownName: There is no such user or application.
    """
    require_subject(change.connection, parse_name(user, frozenset({"user"})))
    if application is not None:
        _require_application(change.connection, application)
    key = PREFIX + secrets.token_urlsafe(32)
    row = {"hash": _hash(key), "prefix": shown(key), "user_id": user, "created_at": datetime.now(UTC)}
    change.connection.execute(insert(api_key).values(**row, application=application))
    change.done.append(["key", user, shown(key), *([application] if application else [])])
    return key


def _require_application(connection: Connection, application: str) -> None:
    name = parse_name(application, frozenset({"app"})).removeprefix("app:")
    there = select(registered.c.name).where(registered.c.kind == "app", registered.c.name == name).limit(1)
    if connection.scalar(there) is None:
        raise UnknownName(f"no application is registered as {name}: ntk app add")


def revoke_api_keys(change: Change, prefix: str, *, of: UserId | None = None) -> None:
    """Revoke the keys whose shown beginning is this, of one user or of whomever.

    Raises:
        UnknownName: There is none that still works.
    """
    working = (api_key.c.prefix == prefix) & api_key.c.revoked_at.is_(None)
    if of is not None:
        working &= api_key.c.user_id == of
    if not change.connection.execute(update(api_key).where(working).values(revoked_at=datetime.now(UTC))).rowcount:
        raise UnknownName(f"no working key begins with {prefix!r}: write the {_SHOWN} characters that were shown")
    change.done.append(["key revoked", prefix])


def shown(key: str) -> str:
    """Give the beginning of a key, by which it is named."""
    return key[:_SHOWN]


def holder_of_key(connection: Connection, key: str) -> Holder | None:
    """Give whose key this is; None for an unknown, revoked or malformed one, and if he is shut out.

    The look-up is by hash of the whole key, so its time tells nothing of how much of a guess is right.
    """
    if not key.startswith(PREFIX) or len(key) > _MAX_LENGTH:
        return None
    row = connection.execute(_HOLDER, {"hash": _hash(key)}).one_or_none()
    if row is None:
        return None
    return Holder(UserId(row.user_id), None if row.application is None else Obj(row.application), row.hash)


def still_in(connection: Connection, user: UserId, key: str | None) -> bool:
    """Say whether somebody who was let in would be now: he is active, and the key that he came with works.

    Args:
        connection: A snapshot that began just now.
        user: Who it is.
        key: The hash of the key that he came with; None: he came without one.
    """
    if key is None:
        return connection.scalar(_ACTIVE, {"user": user}) is not None
    return connection.scalar(_STILL_IN, {"user": user, "hash": key}) is not None


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
