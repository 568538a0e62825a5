"""The master key takes turns: another one is made, all that is sealed comes under it, and the one before is put away.

    ntk master-key rotate    make one, or take the one that was put first; seal under it; goes on where it was cut off
    ntk master-key retire    forget the one before, once nothing is sealed under it

The service goes on meanwhile: where it meets a master key that it does not know, it reads the secret anew. What is
sealed: the keys of documents, the keys of conversations with their tokens, requests that wait, slips of folders that
are taken in, and the installation's own secret, from which the keys of keyed hashes come. These last stay the same.
"""

from __future__ import annotations

import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

from acl.admin.authority import Actor, require_administrator
from acl.admin.gate import refusal_recorded
from audit.ledger import Event
from egress.requests import requests_sealed
from redaction.vault import conversations_keys
from store.engine import emptied_log, snapshot, write
from store.envelope import KEY_BYTES, new_key
from store.errors import DataFolderBusy, NothingToRotate, SecretNotWritten
from store.folder import owned, rotating
from store.keys import id_of, masters_in
from store.reference import parse
from store.rotation import (
    count_former,
    counted,
    current_key,
    known_keys,
    leave,
    make_current,
    retire,
    rewrap,
)
from store.sealed import documents_keys
from store.secret_file import replace_private
from store.whole import make

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from acl.names import UserId
    from api.wiring import Opened
    from audit.chain import Json
    from store.folder import Store
    from store.keys import Keys
    from store.rotation import SealedColumn

_MOST_NAMED: Final = 20  # of rows that do not open


class Progress(Protocol):
    """What is told how far it is."""

    def done(self, many: int) -> None:
        """So many more are done."""
        ...


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """How it stands with one master key."""

    id: str
    state: str  # seals now; was before and still in use; left
    made_at: datetime  # when it was first used here
    left_at: datetime | None
    rows: dict[str, int]  # how many are sealed under it, by what they are

    def to_json(self, now: datetime) -> dict[str, Json]:
        """Give it as JSON."""
        return {
            "key": self.id,
            "state": self.state,
            "made_at": self.made_at.isoformat(timespec="seconds"),
            "age_days": (now - self.made_at).days,
            **self.rows,
        }


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation, or the rest of one, has done."""

    key: str
    former: tuple[str, ...]
    begun: bool  # by this command; else it went on with what was cut off
    wrapped: dict[str, int]
    unreadable: dict[str, tuple[str, ...]]  # ids of rows that do not open

    def to_json(self) -> dict[str, Json]:
        """Give it as JSON."""
        unreadable: dict[str, Json] = {name: list(ids[:_MOST_NAMED]) for name, ids in self.unreadable.items()}
        wrapped: dict[str, Json] = {**self.wrapped}
        return {"key": self.key, "former": list(self.former), "wrapped": wrapped, "unreadable": unreadable}


@dataclass(frozen=True, slots=True)
class Retired:
    """Which master keys are forgotten, and what is left to do."""

    keys: tuple[str, ...]
    put_away: tuple[Path, ...]  # files that hold them; they are no longer needed here
    left: str  # what has to be done by hand

    def to_json(self) -> dict[str, Json]:
        """Give it as JSON."""
        return {"retired": list(self.keys), "put_away": [str(path) for path in self.put_away], "left": self.left}


def sealed_columns(keys: Keys) -> tuple[SealedColumn, ...]:
    """Name every column that is sealed under keys that come from a master key."""
    return documents_keys(keys.documents), conversations_keys(keys.tokens), requests_sealed(keys.requests)


def standing(opened: Opened, actor: UserId) -> list[KeyStanding]:
    """Say how it stands with the master keys that are not retired, the newest first.

    Raises:
        NotAllowed: The actor does not administer the whole.
        StoreDown: The database does not answer.
    """
    _require(opened, actor, "status")
    return standing_of(opened.store)


def standing_of(store: Store) -> list[KeyStanding]:
    """Say how it stands with the master keys, to whoever may know it already."""
    with snapshot(store.engine) as connection:
        current, known = current_key(connection), known_keys(connection)
        rows = {sealed.name: counted(connection, sealed) for sealed in sealed_columns(store.keys)}
    return [
        KeyStanding(
            row.id,
            "current" if row.id == current else "left" if row.left_at else "former",
            row.made_at,
            row.left_at,
            {name: many.get(row.id, 0) for name, many in rows.items()},
        )
        for row in known
    ]


def rotate(opened: Opened, actor: UserId, watch: Callable[[str], AbstractContextManager[Progress]]) -> Rotated:
    """Bring all that is sealed under another master key, or go on with that.

    A new one is made in the secret file, before the present one; elsewhere it has been put there by hand. What is
    written meanwhile is sealed under it too.

    Args:
        opened: The installation.
        actor: Who asks for it.
        watch: Given what is looked at next, begins to show how many were.

    Raises:
        NotAllowed: The actor does not administer the whole.
        RotationBusy: Another process rotates.
        NothingToRotate: All is under the newest master key, and the one before is not retired yet.
        SecretNotWritten: A new master key has to be put in its place by hand; the message says how.
        DataFolderBusy: A service that runs could not have it, since it stands in the environment.
        SecretMissing, KeyNotHeld: A master key cannot be had; nothing is lost, and the rest is done another time.
        StoreDown, AuditDown: As for SecretMissing.
    """
    _require(opened, actor, "rotate")
    store = opened.store
    with rotating(store.layout):
        begun = not _under_way(store)
        if begun:
            _begin(opened, actor)
        columns = sealed_columns(store.keys)
        wrapped, unreadable = {}, {}
        for sealed in columns:
            with watch(sealed.name) as progress:
                wrapped[sealed.name], unreadable[sealed.name] = rewrap(store.engine, sealed, progress.done)
        return _end(opened, actor, begun=begun, wrapped=wrapped, unreadable=unreadable)


def retire_former(opened: Opened, actor: UserId) -> Retired:
    """Forget the master keys that nothing is sealed under any more.

    Of a secret file they are moved into files beside it: whoever restores a backup from before needs them.

    Raises:
        NotAllowed: The actor does not administer the whole.
        RotationBusy: Another process rotates.
        KeyInUse: Something is sealed under one of them.
        NothingToRotate: There is no former one.
        SecretNotWritten: They cannot be moved out of the secret file.
        StoreDown, AuditDown: Nothing was changed.
    """
    _require(opened, actor, "retire")
    store, reference = opened.store, opened.settings.master_key
    with rotating(store.layout):
        with write(store.engine) as connection:
            gone, current = retire(connection), current_key(connection)
            if gone:
                details: dict[str, Json] = {"keys": gone, "current": current}
                opened.ledger.append(connection, Event("master-key.retired", actor, str(uuid.uuid4()), details))
        held = masters_in(reference, store.layout.root)
        behind = [*map(id_of, held)].index(current) + 1  # what stands before it is newer, and was not used yet
        if not gone and not held[behind:]:
            raise NothingToRotate(f"there is no master key before {current}: nothing is to be retired")
        return _moved_out(opened, gone, held[:behind], held[behind:])


def _moved_out(opened: Opened, gone: Sequence[str], kept: Sequence[bytes], former: Sequence[bytes]) -> Retired:
    root, reference = opened.store.layout.root, opened.settings.master_key
    parsed = parse(reference)
    names = tuple(dict.fromkeys([*gone, *map(id_of, former)]))
    if parsed.scheme != "file":
        left = f"take the last {len(former)} of the keys in {reference} out of it, and put them away" if former else ""
        return Retired(names, (), left)
    path = root / parsed.place
    aside = []
    for master in former:
        aside.append(path.with_name(f"{path.name}.former-{id_of(master)}"))
        try:
            make(aside[-1], f"{master.hex()}\n")
        except FileExistsError:
            pass  # of a command that was cut off
        except OSError as error:
            said = f"{aside[-1]} cannot be written: {error.strerror}; {reference} is as it was"
            raise SecretNotWritten(said) from error
    if former:
        replace_private(path, _written(kept))
    return Retired(names, tuple(aside), "")


def _require(opened: Opened, actor: UserId, what: str) -> None:
    with (
        refusal_recorded(opened.ledger, actor, what=f"master-key.{what}"),
        snapshot(opened.store.engine) as connection,
    ):
        require_administrator(Actor.of(connection, actor))


def _under_way(store: Store) -> bool:
    """Say whether a rotation was begun and not ended.

    Raises:
        NothingToRotate: One has ended, and the key before is not retired.
    """
    with snapshot(store.engine) as connection:
        current, known = current_key(connection), known_keys(connection)
        former = [row for row in known if row.id != current]
        left = sum(count_former(connection, sealed) for sealed in sealed_columns(store.keys))
    if not former:
        return False
    if not left and all(row.left_at for row in former):
        raise NothingToRotate(
            f"all is sealed under master key {current}; for another one, retire the one before first: "
            "ntk master-key retire"
        )
    return True


def _begin(opened: Opened, actor: UserId) -> None:
    store, reference = opened.store, opened.settings.master_key
    store.masters.refresh()
    with snapshot(store.engine) as connection:
        current = current_key(connection)
    if store.masters.newest == current:
        _put_new_first(reference, store)
    newest = store.masters.newest
    with _before_the_service(store, reference), write(store.engine) as connection:
        former = make_current(connection, store.masters, newest, datetime.now(UTC))
        details: dict[str, Json] = {"key": newest, "former": former}
        opened.ledger.append(connection, Event("master-key.rotated", actor, str(uuid.uuid4()), details))


def _put_new_first(reference: str, store: Store) -> None:
    parsed = parse(reference)
    by_hand = (
        f"put a new key of {2 * KEY_BYTES} hexadecimal digits (openssl rand -hex {KEY_BYTES}) into {reference}, "
        "a blank behind it, and then what stands there now; keep a copy of it; then run this again"
    )
    if parsed.scheme != "file":
        raise SecretNotWritten(f"ntk writes no secret but a file: {by_hand}")
    path = store.layout.root / parsed.place
    held = masters_in(reference, store.layout.root)
    try:
        replace_private(path, _written([new_key(), *held]))
    except SecretNotWritten as error:
        raise SecretNotWritten(f"{error}; {by_hand}") from error
    store.masters.refresh()  # as it stands on the disk: nothing is sealed under what was not written


def _written(masters: Sequence[bytes]) -> str:
    return " ".join(master.hex() for master in masters) + "\n"


@contextmanager
def _before_the_service(store: Store, reference: str) -> Iterator[None]:
    """Let no service run while its master key changes in the environment: it could not read that anew."""
    with ExitStack() as stack:
        if parse(reference).scheme == "env":
            try:
                stack.enter_context(owned(store.layout))
            except DataFolderBusy as error:
                raise DataFolderBusy(
                    f"{reference} is read when a process starts, and the one that uses {store.layout.root} would not "
                    "have the new master key: stop it, begin the rotation, and start it with the new value"
                ) from error
        yield


def _end(
    opened: Opened,
    actor: UserId,
    *,
    begun: bool,
    wrapped: dict[str, int],
    unreadable: dict[str, tuple[str, ...]],
) -> Rotated:
    store = opened.store
    broken = {name: ids for name, ids in unreadable.items() if ids}
    with write(store.engine) as connection:
        key = current_key(connection)
        former = [row.id for row in known_keys(connection) if row.id != key]
        if not broken:
            leave(connection, datetime.now(UTC))
            counts: dict[str, Json] = {**wrapped}
            details: dict[str, Json] = {"key": key, "former": [*former], "wrapped": counts}
            opened.ledger.append(connection, Event("master-key.left", actor, str(uuid.uuid4()), details))
    emptied_log(store.engine)  # rows as they were under the former key may stand in it
    return Rotated(key, tuple(former), begun, wrapped, broken)
