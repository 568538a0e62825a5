"""The tokens of each conversation: who may use it, what was issued in it, sealed.

Neither a value nor the person meant stands in clear in the database, and a token is worth nothing
outside of its conversation: its owner's question is answered from it, nobody else's.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from redaction.errors import UnknownConversation, VaultDown
from redaction.tokens import Codes
from redaction.types import Token, TokenMap
from store import schema
from store.engine import snapshot, write
from store.envelope import mac, seal, unseal
from store.errors import CannotDecrypt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection, Engine, Row

    from redaction.types import Issue, Mention

LIFETIME: Final = timedelta(days=30)
_ATTEMPTS: Final = 5  # of writers that issue the same mention at the same moment
_UUID4: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Vault:
    """Keeps the tokens of conversations in the database."""

    def __init__(self, engine: Engine, key: bytes, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Use this database.

        Args:
            engine: Migrated to the current schema.
            key: `Keys.tokens`, 32 bytes.
            clock: Gives the time in UTC.
        """
        self._engine = engine
        self._key = key
        self._clock = clock

    def enter(self, conversation: str | None, owner: str) -> str:
        """Begin a conversation (None), or go on with one; give its id.

        Raises:
            UnknownConversation: There is none that goes on; not to be told from one that is another's.
            StoreDown: The database does not answer.
        """
        if conversation is None:
            row = {"id": str(uuid.uuid4()), "owner": owner, "expires_at": self._clock() + LIFETIME}
            with write(self._engine) as connection:
                connection.execute(insert(schema.conversation).values(row))
            return str(row["id"])
        with snapshot(self._engine) as connection:
            self._confirm(connection, conversation, owner)
        return conversation

    def issue(self, conversation: str, owner: str) -> Issue:
        """Give the `Issue` of a conversation: the same mention always has the same token in it.

        It raises UnknownConversation as `enter` does, StoreDown, CannotDecrypt if a stored value was
        tampered with, and VaultDown if there is no token to be had.
        """
        return partial(self._issue, conversation, owner)

    def recall(self, conversation: str, owner: str) -> TokenMap:
        """Give all tokens of a conversation, to show its earlier answers again.

        Raises:
            UnknownConversation, StoreDown: As `enter`.
            CannotDecrypt: The key is not the one of sealing, or a row was damaged or moved.
        """
        with snapshot(self._engine) as connection:
            self._confirm(connection, conversation, owner)
            return TokenMap({Token(row.token): self._open(row) for row in _rows(connection, conversation)})

    def _issue(self, conversation: str, owner: str, mentions: Sequence[Mention]) -> Mapping[Mention, Token]:
        # Writers of one conversation take turns at its row, so that each sees all codes in use: side by side, two
        # would give two codes to two forms of one person. Should they meet all the same, the unique constraints
        # stop the second, who then finds what the first has written.
        for _ in range(_ATTEMPTS):
            try:
                with write(self._engine) as connection:
                    self._confirm(connection, conversation, owner, lock=True)
                    return self._issued(connection, conversation, mentions)
            except IntegrityError:
                continue
        raise VaultDown("others issue the same tokens at the same moment: try again")

    def _issued(self, connection: Connection, conversation: str, mentions: Sequence[Mention]) -> dict[Mention, Token]:
        rows = _rows(connection, conversation)
        known = {row.mention_mac: row for row in rows}
        codes = Codes((row.identity_mac, Token(row.token)) for row in rows)
        tokens: dict[Mention, Token] = {}
        fresh = []
        for mention in dict.fromkeys(mentions):
            kind, key = mention.identity.kind, mention.identity.key
            mention_mac = mac(self._key, "mention", conversation, kind, key, mention.surface)
            if row := known.get(mention_mac):
                tokens[mention] = self._confirmed(row, mention)
                continue
            identity_mac = mac(self._key, "identity", conversation, kind, key)
            tokens[mention] = codes.draw(identity_mac, kind)
            fresh.append(self._sealed(conversation, tokens[mention], identity_mac, mention_mac, mention.surface))
        if fresh:
            connection.execute(insert(schema.token), fresh)
        return tokens

    def _confirmed(self, row: Row[tuple[str, ...]], mention: Mention) -> Token:
        # Whoever swaps the tokens of two rows would have one person's answer shown under another's name.
        if self._open(row) != mention.surface or not row.token.startswith(f"{mention.identity.kind}_"):
            raise CannotDecrypt("a stored token is not the one of its mention: a row was moved or changed")
        return Token(row.token)

    def _sealed(
        self, conversation: str, token: Token, identity_mac: str, mention_mac: str, surface: str
    ) -> dict[str, str | bytes]:
        sealed = seal(self._key, surface.encode("utf-8", "surrogatepass"), _place(conversation, token))
        return {
            "conversation": conversation,
            "identity_mac": identity_mac,
            "mention_mac": mention_mac,
            "token": token,
            "sealed": sealed,
        }

    def _open(self, row: Row[tuple[str, ...]]) -> str:
        sealed = unseal(self._key, row.sealed, _place(row.conversation, row.token))
        return sealed.decode("utf-8", "surrogatepass")

    def _confirm(self, connection: Connection, conversation: str, owner: str, *, lock: bool = False) -> None:
        """Raise unless the conversation is there, goes on and is the owner's; one error for all, told by nothing."""
        table = schema.conversation
        found = None
        if _UUID4.fullmatch(conversation):
            row = select(table.c.owner, table.c.expires_at).where(table.c.id == conversation)
            found = connection.execute(row.with_for_update() if lock else row).one_or_none()
        if found is None or found.owner != owner or found.expires_at <= self._clock():
            raise UnknownConversation("there is no such conversation")


def _rows(connection: Connection, conversation: str) -> Sequence[Row[tuple[str, ...]]]:
    # All of them: a question needs the codes in use as well, and a conversation has some hundred.
    return connection.execute(select(schema.token).where(schema.token.c.conversation == conversation)).all()


def _place(conversation: str, token: str) -> bytes:
    return f"{conversation}/{token}".encode()
