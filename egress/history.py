"""What the next question of a conversation may go on from: its last questions, sealed, and decided on before use.

A question tells what somebody is busy with, and it may say again what he read in the answers before it. So the
earlier questions help nobody but their asker, and only while he may read each document that they were answered
from; and a prompt that they are part of has the labels of those documents.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, update

from acl.decision import decider
from acl.labels import PUBLIC, Level, join
from acl.names import DocumentId
from acl.read import rules_on, whats_of, who_of
from retrieval.followup import background
from store.engine import write
from store.envelope import seal, unseal
from store.schema import conversation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine

    from acl.labels import Label
    from acl.names import UserId
    from redaction.vault import Vault

_REMEMBER: Final = update(conversation).where(conversation.c.id == bindparam("this"))
_MOST: Final = 4  # questions of one topic that are kept
_MOST_DOCUMENTS: Final = 20


@dataclass(frozen=True, slots=True)
class Understood:
    """A question with the earlier ones that it is to be read with. Made by `History.understand` alone."""

    question: str
    about: tuple[str, ...] = ()
    documents: tuple[DocumentId, ...] = ()  # that the earlier ones were answered from; he may read them all
    label: Label = PUBLIC  # of those documents

    @property
    def text(self) -> str:
        """The question as it can be understood by itself."""
        return " ".join((*self.about, self.question))


@dataclass(frozen=True, slots=True)
class History:
    """Keeps the last questions of each conversation, in its row: they end with it."""

    engine: Engine
    vault: Vault  # has the keys of conversations, and says whose they are

    def understand(self, connection: Connection, id_: str, owner: UserId, question: str) -> Understood:
        """Read a question together with those before it, if it goes on from them and they may still help.

        Args:
            connection: One snapshot, the one that the scope is read in.
            id_: A conversation.
            owner: Who asks. It is his.
            question: As asked.

        Raises:
            UnknownConversation: There is none that goes on; not to be told from one that is another's.
            CannotDecrypt: What was kept was damaged, or is another conversation's.
            StoreDown: The database does not answer.
        """
        held = self.vault.confirm(connection, id_, owner)
        if held.sealed_turns is None:
            return Understood(question)
        kept = json.loads(unseal(held.key, held.sealed_turns, _place(id_)))
        about = background(question, kept["questions"])
        return self.with_earlier(connection, owner, question, about, tuple(map(DocumentId, kept["documents"])))

    def with_earlier(
        self,
        connection: Connection,
        owner: UserId,
        question: str,
        about: tuple[str, ...],
        documents: tuple[DocumentId, ...],
    ) -> Understood:
        """Read a question with earlier ones, if their asker may still read what they were answered from.

        Raises:
            StoreDown: The database does not answer.
        """
        label = _label_of_all(connection, documents, owner) if about else None
        return Understood(question) if label is None else Understood(question, about, documents, label)

    def remember(
        self, id_: str, owner: UserId, asked: Understood, used: Sequence[DocumentId], *, label: Label = PUBLIC
    ) -> None:
        """Keep a question and what it was answered from, for the next one; in place of all that it did not go on from.

        Of what is so high that it is not to be kept, nothing is: the conversation is empty then, its tokens are gone,
        and the next question begins anew.

        Args:
            id_: A conversation.
            owner: Who asked. It is his.
            asked: The question.
            used: The documents that it was answered from.
            label: Of the answer, where that is higher than those of the documents.

        Raises:
            UnknownConversation, StoreDown: As `understand`.
        """
        documents = list(dict.fromkeys([*used, *asked.documents]))
        # Of more documents it would have to be decided each time: then the next question begins anew.
        questions = [*asked.about, asked.question][-_MOST:] if len(documents) <= _MOST_DOCUMENTS else []
        kept = {"questions": questions, "documents": documents if questions else []}
        with write(self.engine, lasting=False) as connection:
            held = self.vault.confirm(connection, id_, owner, lock=True)
            level = max(label.level, asked.label.level, _level_of_all(connection, documents))
            if not self.vault.keep(connection, held, level):
                self.vault.forget(connection, held)
                return
            sealed = seal(held.key, json.dumps(kept).encode(), _place(id_))
            connection.execute(_REMEMBER, {"this": id_, "sealed_turns": sealed})


def _label_of_all(connection: Connection, documents: Sequence[DocumentId], reader: UserId) -> Label | None:
    """Decide on documents anew; give their label, or None where one of them is not there or not his to read."""
    who = who_of(connection, reader)
    whats = whats_of(connection, documents)
    if len(whats) < len(set(documents)):
        return None
    covering = {obj for what in whats.values() for obj in what.scopes}
    decide = decider(who, "read", rules_on(connection, who, "read", covering))
    if not all(decide(what) for what in whats.values()):
        return None
    return join(what.label for what in whats.values())


def _level_of_all(connection: Connection, documents: Sequence[DocumentId]) -> Level:
    whats = whats_of(connection, documents)
    if len(whats) < len(documents):  # of what is gone meanwhile nobody can say what it was
        return Level.RESTRICTED
    return join(what.label for what in whats.values()).level


def _place(id_: str) -> bytes:
    return f"{id_}/questions".encode()
