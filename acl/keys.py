"""API keys: 256 random bits, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select, update

from acl.errors import UnknownName
from acl.names import UserId, parse_name
from acl.people import require_subject
from store.schema import api_key, users

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from acl.change import Change

PREFIX: Final = "ntk_"
_SHOWN: Final = len(PREFIX) + 6
_MAX_LENGTH: Final = 200


def new_api_key(change: Change, user: UserId) -> str:
    """Make a key for a user and give it; it cannot be read again.

    Raises:
        BadName, UnknownName: There is no such user.
    """
    require_subject(change.connection, parse_name(user, frozenset({"user"})))
    key = PREFIX + secrets.token_urlsafe(32)
    change.connection.execute(
        insert(api_key).values(hash=_hash(key), prefix=key[:_SHOWN], user_id=user, created_at=datetime.now(UTC))
    )
    change.done.append(["key", user, key[:_SHOWN]])
    return key


def revoke_api_keys(change: Change, prefix: str) -> None:
    """Revoke the keys whose shown beginning is this.

    Raises:
        UnknownName: There is none that still works.
    """
    working = (api_key.c.prefix == prefix) & api_key.c.revoked_at.is_(None)
    if not change.connection.execute(update(api_key).where(working).values(revoked_at=datetime.now(UTC))).rowcount:
        raise UnknownName(f"no working key begins with {prefix!r}: write the {_SHOWN} characters that were shown")
    change.done.append(["key revoked", prefix])


def user_of_key(connection: Connection, key: str) -> UserId | None:
    """Give the user whose key this is; None for an unknown, revoked or malformed one, and if he is shut out.

    The look-up is by hash of the whole key, so its time tells nothing of how much of a guess is right.
    """
    if not key.startswith(PREFIX) or len(key) > _MAX_LENGTH:
        return None
    works = (api_key.c.hash == _hash(key)) & api_key.c.revoked_at.is_(None) & users.c.active
    user = connection.scalar(select(api_key.c.user_id).join(users).where(works))
    return None if user is None else UserId(user)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
