"""Another master key takes the place of the present one, while everything goes on.

A row that is sealed names the master key that it is sealed under, and refers to that key's row. So whoever seals reads
in his own transaction which one it is (`current_key`), whoever opens knows which one he needs, and the database itself
keeps a master key from being retired as long as anything is sealed under it. Between two steps all is readable, by the
one or the other; a rotation that was cut off goes on with what is left.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from store.engine import write
from store.envelope import new_key, seal, unseal
from store.errors import CannotDecrypt, KeyInUse, KeyNotHeld, StoreDown
from store.keys import Keys, open_secret, seal_secret
from store.schema import installation, master_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Column, Connection, Engine, Row

    from store.keys import KeyOf, MasterKeys

_AT_ONCE: Final = 100  # rows in one transaction
_PAUSE: Final = 0.05  # seconds between two looks at rows that somebody else is writing
_LOOKS: Final = 200


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of what is sealed under keys that come from a master key; `key_id` of its row names that one."""

    name: str  # of the things that its rows are
    table: Table
    column: Column[bytes]
    key: KeyOf = field(repr=False)
    place: Callable[[Row[Any]], bytes]  # what a value is bound to


class Rewrapped(NamedTuple):
    """What a rotation has done."""

    wrapped: int  # rows that were under a former master key, and now are under the current one
    unreadable: tuple[str, ...]  # ids of those that do not open; they were left as they are


def current_key(connection: Connection) -> str:
    """Give the id of the master key that seals now."""
    id_: str = connection.scalars(select(installation.c.key_id)).one()
    return id_


def known_keys(connection: Connection) -> Sequence[Row[Any]]:
    """Read the master keys that are not retired, the newest first."""
    return connection.execute(select(master_key).order_by(master_key.c.made_at.desc(), master_key.c.id)).all()


def found(connection: Connection, masters: MasterKeys, *, embedder: str, demo: bool = False) -> Keys:
    """Write down what an installation is made as, and with which master key; give its keys.

    Args:
        connection: To a database that holds none.
        masters: The first one is that master key.
        embedder: Name and revision of the embedding model.
        demo: Whether questions may be asked under any name in it, without a key.
    """
    secret, id_ = new_key(), masters.newest
    connection.execute(insert(master_key).values(id=id_, made_at=datetime.now(UTC)))
    made = {"id": 1, "demo": demo, "embedder": embedder, "key_id": id_}
    connection.execute(insert(installation).values(**made, sealed_secret=seal_secret(masters, id_, secret)))
    return Keys.of(masters, secret)


def make_current(connection: Connection, masters: MasterKeys, id_: str, now: datetime) -> str:
    """Let all that is sealed from now on be sealed under this master key; give the id of the one before it.

    Raises:
        KeyNotHeld: One of the two is not at hand.
        CannotDecrypt: The installation's own secret does not open.
    """
    made = connection.execute(select(installation).with_for_update()).one()
    secret = open_secret(masters, made.key_id, made.sealed_secret)
    connection.execute(insert(master_key).values(id=id_, made_at=now))
    sealed = seal_secret(masters, id_, secret)
    connection.execute(update(installation).values(key_id=id_, sealed_secret=sealed))
    former: str = made.key_id
    return former


def rewrap(engine: Engine, sealed: SealedColumn, done: Callable[[int], None] = lambda _number: None) -> Rewrapped:
    """Seal under the current master key what is under a former one. Everything goes on meanwhile.

    It may be cut off at any point and begun again: each row opens by the key that it names all the time.

    Args:
        engine: Where it is kept.
        sealed: Which column.
        done: Is told of how many rows were looked at, each time.

    Raises:
        KeyNotHeld: A master key is not at hand; what was done stays done.
        StoreDown: The database does not answer, or somebody does not let go of a row; what was done stays done.
    """
    wrapped, unreadable = 0, dict[str, None]()
    for _ in range(_LOOKS):
        last = ""
        while True:
            with write(engine) as connection:
                current = current_key(connection)
                rows = _former(connection, sealed, current, last)
                for row in rows:
                    if _rewrapped(connection, sealed, current, row):
                        wrapped += 1
                    else:
                        unreadable[row.id] = None
            if not rows:
                break
            done(len(rows))
            last = rows[-1].id
        with write(engine) as connection:
            if count_former(connection, sealed) <= len(unreadable):
                return Rewrapped(wrapped, tuple(unreadable))
        time.sleep(_PAUSE)
    raise StoreDown(f"some of the {sealed.name} are being written all the time: begin again, and the rest is done")


def _former(connection: Connection, sealed: SealedColumn, current: str, last: str) -> Sequence[Row[Any]]:
    # Rows that somebody is writing are passed over, and looked at again: whoever waits for one while he holds others
    # would be waited for in turn.
    c = sealed.table.c
    rows = select(sealed.table).where(c.key_id != current, c.id > last)
    return connection.execute(rows.order_by(c.id).limit(_AT_ONCE).with_for_update(skip_locked=True)).all()


def _rewrapped(connection: Connection, sealed: SealedColumn, current: str, row: Row[Any]) -> bool:
    place = sealed.place(row)
    try:
        plain = unseal(sealed.key(row.key_id), getattr(row, sealed.column.name), place)
    except KeyNotHeld:
        raise
    except CannotDecrypt:
        return False
    again = {sealed.column.name: seal(sealed.key(current), plain, place), "key_id": current}
    connection.execute(update(sealed.table).where(sealed.table.c.id == row.id).values(again))
    return True


def count_former(connection: Connection, sealed: SealedColumn) -> int:
    """Count the rows that are under a former master key."""
    rows = select(func.count()).select_from(sealed.table).where(sealed.table.c.key_id != current_key(connection))
    return connection.scalar(rows) or 0


def counted(connection: Connection, sealed: SealedColumn) -> dict[str, int]:
    """Count the rows that are sealed, by the id of their master key."""
    c = sealed.table.c.key_id
    rows = connection.execute(select(c, func.count().label("many")).where(c.is_not(None)).group_by(c))
    return {row.key_id: row.many for row in rows}


def leave(connection: Connection, now: datetime) -> list[str]:
    """Write down of which former master keys nothing is left; give their ids."""
    c = master_key.c
    these = c.left_at.is_(None) & (c.id != current_key(connection))
    left = list(connection.scalars(select(c.id).where(these).with_for_update()))
    connection.execute(update(master_key).where(these).values(left_at=now))
    return left


def retire(connection: Connection) -> list[str]:
    """Forget all master keys but the current one, and give their ids.

    Raises:
        KeyInUse: Something is sealed under one of them.
    """
    these = master_key.c.id != current_key(connection)
    former = list(connection.scalars(select(master_key.c.id).where(these)))
    try:
        connection.execute(delete(master_key).where(these))
    except IntegrityError as error:
        raise KeyInUse("something is sealed under a former master key: run ntk master-key rotate first") from error
    return former
