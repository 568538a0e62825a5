"""The tokens of each conversation: who may use it, what was issued in it, sealed.

Neither a value nor the person meant stands in clear in the database, and a token is worth nothing
outside of its conversation: its owner's question is answered from it, nobody else's. Each conversation
has a key of its own, which the installation's wraps: to rotate that one writes a row for each conversation,
and with a conversation its key is gone, so that copies of its tokens are noise.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from acl.labels import Level
from redaction.directory import Person
from redaction.errors import UnknownConversation, VaultDown
from redaction.keeping import MOST_DAYS, Keeping
from redaction.settle import found_identity
from redaction.tokens import Codes
from redaction.types import Kind, Token, TokenMap
from store import schema
from store.engine import snapshot, write
from store.envelope import mac, new_key, seal, unseal
from store.errors import CannotDecrypt
from store.rotation import SealedColumn, current_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Engine, Row

    from redaction.types import Issue, Mention
    from store.keys import KeyOf

LIFETIME: Final = timedelta(days=MOST_DAYS)
_ATTEMPTS: Final = 5  # of writers that issue the same mention at the same moment
_UUID4: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

_CONVERSATION: Final = select(schema.conversation).where(schema.conversation.c.id == bindparam("id"))
_LOCKED_CONVERSATION: Final = _CONVERSATION.with_for_update()
_TOKENS: Final = select(schema.token).where(schema.token.c.conversation == bindparam("conversation"))
_BEGIN: Final = insert(schema.conversation)
_ISSUE: Final = insert(schema.token)


class Held(NamedTuple):
    """A conversation that is there, goes on and is its owner's, in one transaction. Made by `Vault.confirm`."""

    row: Row[Any]
    key: bytes

    @property
    def sealed_turns(self) -> bytes | None:
        """What is kept of its last questions."""
        turns: bytes | None = self.row.sealed_turns
        return turns


def conversations_keys(key: KeyOf) -> SealedColumn:
    """Name the column of the conversations' keys, by what wraps them."""
    table = schema.conversation
    return SealedColumn("conversations", table, table.c.wrapped_key, key, lambda row: _place(row.id, row.owner))


class Vault:
    """Keeps the tokens of conversations in the database."""

    def __init__(
        self,
        engine: Engine,
        key: KeyOf,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        keeping: Keeping = Keeping(),  # noqa: B008 - a frozen value
    ) -> None:
        """Use this database.

        Args:
            engine: Migrated to the current schema.
            key: `Keys.tokens`, which wraps the keys of conversations.
            clock: Gives the time in UTC.
            keeping: When conversations end, by their level.
        """
        self._engine = engine
        self._key = key
        self._clock = clock
        self._keeping = keeping

    def enter(self, conversation: str | None, owner: str) -> str:
        """Begin a conversation (None), or go on with one; give its id.

        Raises:
            UnknownConversation: There is none that goes on; not to be told from one that is another's.
            CannotDecrypt: Its key does not open: another master key, or a row that was damaged or moved.
            StoreDown: The database does not answer.
        """
        if conversation is None:
            begun = str(uuid.uuid4())
            ends = self._clock() + self._keeping.lifetime(Level.INTERNAL)
            with write(self._engine, lasting=False) as connection:
                row = {"id": begun, "owner": owner, "expires_at": ends, **self._fresh_key(connection, begun, owner)}
                connection.execute(_BEGIN, row)
            return begun
        with snapshot(self._engine) as connection:
            self.confirm(connection, conversation, owner)
        return conversation

    def issue(self, conversation: str, owner: str, level: Level = Level.PUBLIC) -> Issue:
        """Give the `Issue` of a conversation: the same mention always has the same token in it.

        The conversation is then at least of the level of the texts that the mentions stand in; see `keep`.

        It raises UnknownConversation as `enter` does, StoreDown, CannotDecrypt if a stored value was
        tampered with, and VaultDown if there is no token to be had.
        """
        return partial(self._issue, conversation, owner, level)

    def recall(self, conversation: str, owner: str) -> TokenMap:
        """Give all tokens of a conversation, to show its earlier answers again.

        Raises:
            UnknownConversation, StoreDown: As `enter`.
            CannotDecrypt: The key is not the one of sealing, or a row was damaged or moved.
        """
        with snapshot(self._engine) as connection:
            key = self.confirm(connection, conversation, owner).key
            return TokenMap({Token(row.token): _open(key, row) for row in _rows(connection, conversation)})

    def keep(self, connection: Connection, held: Held, level: Level) -> bool:
        """Raise a conversation, whose row is locked, to a level, never lower it, and let it end as that says.

        Returns:
            Whether anything of it may be kept for the next question.
        """
        return self._keep(connection, held.row, level)

    def forget(self, connection: Connection, held: Held) -> None:
        """Remove all that a conversation holds, with its key; it begins anew. Not while a request of it waits.

        Its row is locked.
        """
        conversation, owner = held.row.id, held.row.owner
        if self._waits(connection, conversation):
            return
        connection.execute(delete(schema.token).where(schema.token.c.conversation == conversation))
        these = schema.conversation.c.id == conversation
        fresh = self._fresh_key(connection, conversation, owner)
        connection.execute(update(schema.conversation).where(these).values(**fresh, sealed_turns=None))

    def _fresh_key(self, connection: Connection, conversation: str, owner: str) -> dict[str, str | bytes]:
        """Make a key for a conversation, in the form that is stored."""
        current = current_key(connection)
        return {"wrapped_key": seal(self._key(current), new_key(), _place(conversation, owner)), "key_id": current}

    def _keep(self, connection: Connection, row: Row[Any], level: Level) -> bool:
        highest, now = Level(max(row.level, level)), self._clock()
        lifetime = self._keeping.lifetime(highest)
        # One that has ended goes on for a request of it that waited: then it must not end before that is answered.
        until = min(row.expires_at, now + lifetime) if row.expires_at > now else now + lifetime
        if (highest, until) != (row.level, row.expires_at):
            these = schema.conversation.c.id == row.id
            connection.execute(update(schema.conversation).where(these).values(level=int(highest), expires_at=until))
        return self._keeping.days(highest) > 0

    def _waits(self, connection: Connection, conversation: str) -> bool:
        """Say whether a request of a conversation waits to be approved or sent: its answer needs the tokens."""
        waiting = select(schema.sending.c.id).join_from(schema.sending, schema.approval)
        mine = schema.sending.c.conversation == conversation
        return connection.scalar(waiting.where(mine, parked(self._clock())).limit(1)) is not None

    def found(self, connection: Connection, conversation: str, owner: str) -> tuple[Person, ...]:
        """Give the people whom the texts of a conversation have named so far, and no directory knew.

        A name that only one text introduces ("Dear Mr Crane") is known in the others by it.

        Raises:
            UnknownConversation, StoreDown, CannotDecrypt: As `recall`.
        """
        people = []
        key = self.confirm(connection, conversation, owner).key
        for row in _rows(connection, conversation):
            if not row.token.startswith(f"{Kind.USER}_"):
                continue
            name = _open(key, row)
            identity = found_identity(name)
            if mac(key, "identity", conversation, identity.kind, identity.key) == row.identity_mac:
                people.append(Person(identity.key, name))
        return tuple(people)

    def _issue(
        self, conversation: str, owner: str, level: Level, mentions: Sequence[Mention]
    ) -> Mapping[Mention, Token]:
        # Writers of one conversation take turns at its row, so that each sees all codes in use: side by side, two
        # would give two codes to two forms of one person. Should they meet all the same, the unique constraints
        # stop the second, who then finds what the first has written.
        for _ in range(_ATTEMPTS):
            try:
                with write(self._engine, lasting=False) as connection:
                    row = self._row(connection, conversation, owner, lock=True)
                    key = self._unwrapped(row)
                    self._keep(connection, row, level)
                    return _issued(connection, conversation, key, mentions)
            except IntegrityError:
                continue
        raise VaultDown("others issue the same tokens at the same moment: try again")

    def confirm(self, connection: Connection, conversation: str, owner: str, *, lock: bool = False) -> Held:
        """Give a conversation that is there, goes on and is the owner's; lock its row on request.

        Raises:
            UnknownConversation: It is not one; the words are the same, whatever it lacks.
            CannotDecrypt: As `enter`.
        """
        row = self._row(connection, conversation, owner, lock=lock)
        return Held(row, self._unwrapped(row))

    def _row(self, connection: Connection, conversation: str, owner: str, *, lock: bool) -> Row[Any]:
        found = None
        if _UUID4.fullmatch(conversation):
            row = _LOCKED_CONVERSATION if lock else _CONVERSATION
            found = connection.execute(row, {"id": conversation}).one_or_none()
        if found is None or found.owner != owner or self._has_ended(connection, found):
            raise UnknownConversation("there is no such conversation")
        return found

    def _has_ended(self, connection: Connection, row: Row[Any]) -> bool:
        return row.expires_at <= self._clock() and not self._waits(connection, row.id)

    def _unwrapped(self, row: Row[Any]) -> bytes:
        return unseal(self._key(row.key_id), row.wrapped_key, _place(row.id, row.owner))


def parked(now: datetime) -> ColumnElement[bool]:
    """Give the condition, on `sending` joined with its approval, for requests that may still be sent."""
    waits = schema.approval.c.state.in_(("waiting", "approved")) & (schema.approval.c.expires_at > now)
    return schema.sending.c.used_at.is_(None) & waits


def _issued(connection: Connection, conversation: str, key: bytes, mentions: Sequence[Mention]) -> dict[Mention, Token]:
    rows = _rows(connection, conversation)
    known = {row.mention_mac: row for row in rows}
    codes = Codes((row.identity_mac, Token(row.token)) for row in rows)
    tokens: dict[Mention, Token] = {}
    fresh = []
    for mention in dict.fromkeys(mentions):
        identity = (mention.identity.kind, mention.identity.key)
        mention_mac = mac(key, "mention", conversation, *identity, mention.surface)
        if row := known.get(mention_mac):
            tokens[mention] = _confirmed(key, row, mention)
            continue
        identity_mac = mac(key, "identity", conversation, *identity)
        tokens[mention] = codes.draw(identity_mac, mention.identity.kind)
        fresh.append(_sealed(key, conversation, tokens[mention], identity_mac, mention_mac, mention.surface))
    if fresh:
        connection.execute(_ISSUE, fresh)
    return tokens


def _confirmed(key: bytes, row: Row[tuple[str, ...]], mention: Mention) -> Token:
    # Whoever swaps the tokens of two rows would have one person's answer shown under another's name.
    if _open(key, row) != mention.surface or not row.token.startswith(f"{mention.identity.kind}_"):
        raise CannotDecrypt("a stored token is not the one of its mention: a row was moved or changed")
    return Token(row.token)


def _sealed(
    key: bytes, conversation: str, token: Token, identity_mac: str, mention_mac: str, surface: str
) -> dict[str, str | bytes]:
    sealed = seal(key, surface.encode("utf-8", "surrogatepass"), _place(conversation, token))
    return {
        "conversation": conversation,
        "identity_mac": identity_mac,
        "mention_mac": mention_mac,
        "token": token,
        "sealed": sealed,
    }


def _open(key: bytes, row: Row[tuple[str, ...]]) -> str:
    sealed = unseal(key, row.sealed, _place(row.conversation, row.token))
    return sealed.decode("utf-8", "surrogatepass")


def _rows(connection: Connection, conversation: str) -> Sequence[Row[tuple[str, ...]]]:
    # All of them: a question needs the codes in use as well, and a conversation has some hundred.
    return connection.execute(_TOKENS, {"conversation": conversation}).all()


def _place(conversation: str, name: str) -> bytes:
    return f"{conversation}/{name}".encode()
