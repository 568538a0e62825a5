"""Who may open and close incidents, see how far they reached, and learn who the people in the trail are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acl.admin.authority import Actor
from acl.admin.gate import CONSOLE
from acl.errors import NotAllowed
from acl.names import ROOT

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from acl.names import UserId


def manages(connection: Connection, actor: UserId) -> bool:
    """Say whether somebody manages the whole, or holds the data folder."""
    return actor == CONSOLE or bool(Actor.of(connection, actor).manages(ROOT))


def audits(connection: Connection, actor: UserId) -> bool:
    """Say whether somebody may learn who is meant by a pseudonym of the trail: the data folder has the key to them."""
    return actor == CONSOLE or bool(Actor.of(connection, actor).holds("audit", ROOT))


def require_manager(connection: Connection, actor: UserId) -> None:
    """Refuse everybody else.

    Raises:
        NotAllowed: He does not manage the whole.
    """
    if not manages(connection, actor):
        raise NotAllowed("this is for who may manage root:all")


def require_reader(connection: Connection, actor: UserId) -> None:
    """Refuse who may neither manage nor audit the whole.

    Raises:
        NotAllowed: He may not.
    """
    if not manages(connection, actor) and not audits(connection, actor):
        raise NotAllowed("this is for who may manage or audit root:all")
