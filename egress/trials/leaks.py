"""Leak test: that a search gives nobody what he may not read, asked in the very words of what he may not read.

Documents are sampled, and people of whom `acl.insight.explain` says that they may not read them, and somebody whom
nobody knows. Sentences come from the last gate, read as somebody who may; what a search gives to others is compared
with what explains each right, not with what the search itself goes by.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from acl.errors import UnknownName
from acl.insight.explain import explain
from acl.names import DocumentId, UserId
from acl.scope import scope_of
from egress.trials.found import Found
from retrieval.find import find
from retrieval.sentences import sentences
from retrieval.types import ChunkId, Hit
from store.engine import snapshot
from store.schema import chunk, document, users

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from egress.trials.found import Instruments
    from retrieval.permit import Permitted

DOCUMENTS: Final = 12  # that are sampled
PEOPLE: Final = 4  # for each of them, besides the stranger
SENTENCES: Final = 2  # of each of them
STRANGER: Final = UserId("user:nobody-knows-him")
_LONGEST: Final = 300  # characters of a question
_SAMPLED: Final = 60  # people, of whom readers and others are looked for


@dataclass(slots=True)
class _Count:
    searches: int = 0
    leaked: int = 0
    controls: int = 0  # searches by who may
    found: int = 0  # in which the document was found


def leaktight(instruments: Instruments, chance: secrets.SystemRandom | None = None) -> Found:
    """Search as people who may not, and count what they get."""
    chance = chance or secrets.SystemRandom()
    documents, people = _sampled(instruments, chance)
    if not documents:
        return Found(passed=None, why="no document answers, so there is nothing to look for")
    count = _Count()
    for one in documents:
        _tried(one, people, instruments, chance, count)
    if not count.found:
        return Found(passed=None, why="nobody who may read a document finds it, so a search shows nothing")
    numbers = {
        "documents": len(documents),
        "searches": count.searches,
        "leaks": count.leaked,
        "readers_found": count.found,
        "readers_searched": count.controls,
    }
    why = f"{count.leaked} leaks in {count.searches} searches by who may not read what they asked for"
    return Found(passed=count.leaked == 0, why=why, numbers=numbers)


def _sampled(instruments: Instruments, chance: secrets.SystemRandom) -> tuple[list[DocumentId], list[UserId]]:
    with snapshot(instruments.engine) as connection:
        documents = connection.scalars(select(document.c.id).where(document.c.state == "live")).all()
        people = connection.scalars(select(users.c.id).where(users.c.active)).all()
    some = chance.sample(documents, min(DOCUMENTS, len(documents)))
    asking = chance.sample(people, min(_SAMPLED, len(people)))
    return [DocumentId(id_) for id_ in some], [UserId(id_) for id_ in asking]


def _tried(
    one: DocumentId, people: Sequence[UserId], instruments: Instruments, chance: secrets.SystemRandom, count: _Count
) -> None:
    readers, others = _divided(one, people, instruments)
    if not readers:
        return  # nobody may read it, and so nobody's eyes give its words
    words = _words(one, readers[0], instruments, chance)
    for question in words:
        count.controls += 1
        count.found += any(snippet.document == one for snippet in _asked(question, readers[0], instruments).snippets)
    for user in [*chance.sample(others, min(PEOPLE, len(others))), STRANGER]:
        for question in (*words, *instruments.rules.canaries):
            count.searches += 1
            shown = {snippet.document for snippet in _asked(question, user, instruments).snippets}
            count.leaked += sum(not _may(user, found, instruments) for found in shown)


def _divided(one: DocumentId, people: Sequence[UserId], instruments: Instruments) -> tuple[list[UserId], list[UserId]]:
    """Give a reader of a document, and people who may not read it: no more than are needed."""
    readers, others = list[UserId](), list[UserId]()
    for user in people:
        (readers if _may(user, one, instruments) else others).append(user)
        if readers and len(others) >= PEOPLE:
            break
    return readers, others


def _may(user: UserId, one: DocumentId, instruments: Instruments) -> bool:
    with snapshot(instruments.engine) as connection:
        try:
            return bool(explain(connection, user, one).verdict)
        except UnknownName:
            return False


def _words(one: DocumentId, reader: UserId, instruments: Instruments, chance: secrets.SystemRandom) -> list[str]:
    """Give sentences of a document, as somebody reads them who may."""
    with snapshot(instruments.engine) as connection:
        scope = scope_of(connection, instruments.principal(reader), "read")
        live = (chunk.c.document_id == one) & (chunk.c.version == document.c.version)
        rows = connection.execute(
            select(chunk.c.id, chunk.c.version).join(document).where(live).order_by(chunk.c.ord).limit(50)
        ).all()
    hits = [Hit(ChunkId(row.id), one, row.version, 1.0, 1.0) for row in rows]
    found = [said for snippet in instruments.permit(hits, scope).snippets for said in _said(snippet.text)]
    return chance.sample(found, min(SENTENCES, len(found)))


def _said(text: str) -> Iterator[str]:
    for start, end in sentences(text):
        if text[start:end].strip():
            yield text[start:end].strip()[:_LONGEST]


def _asked(question: str, user: UserId, instruments: Instruments) -> Permitted:
    with snapshot(instruments.engine) as connection:
        scope = scope_of(connection, instruments.principal(user), "read")
    return find(question, scope, index=instruments.index, embed=instruments.embed, permit=instruments.permit)
