"""The last gate before text leaves: every hit decided again, from SQL and Casbin, in a new snapshot.

The index filtered already; it is not trusted. Its tags may be stale, damaged or forged, and rights may
have been withdrawn since the search began. With any tags whatever, no forbidden text passes here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from acl.decision import Deny, decider
from acl.read import rules_on, whats_of, who_of
from retrieval.types import Hit, Snippet
from store.engine import snapshot
from store.one_of import OneOf
from store.schema import chunk, document, policy_state
from store.sealed import DocumentKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Engine, Row

    from acl.decision import Permit, What
    from acl.names import DocumentId
    from acl.scope import Scope
    from store.keys import Keys


_EPOCH: Final = select(policy_state.c.epoch)
_CHUNKS: Final = (
    select(
        chunk,
        document.c.version.label("live_version"),
        document.c.wrapped_key,
        document.c.key_id,
        document.c.sealed_title,
        document.c.dated,
    )
    .join(document)
    .where(OneOf(chunk.c.id, "ids"))
)


@dataclass(frozen=True, slots=True)
class Permitted:
    """Snippets that this reader may see, as of the policy of `epoch`. Made by `permit` alone."""

    snippets: tuple[Snippet, ...]
    hits: tuple[Hit, ...]  # those of the snippets, to decide on them once more before release
    epoch: int
    dropped: Mapping[str, int] = field(default_factory=dict)  # hits refused here, by reason; for the audit


def permit(hits: Sequence[Hit], scope: Scope, *, engine: Engine, keys: Keys) -> Permitted:
    """Keep the hits that the scope's reader may see now, with their text, in the order given.

    Of near-identical texts in one collection, such as a disclaimer below every page, the first that he may see is
    kept. What he may not see stands in for nothing.

    Raises:
        StoreDown, CannotDecrypt, PolicyTooLarge: Something failed; there are no snippets then.
    """
    with snapshot(engine) as connection:
        who = who_of(connection, scope.principal.user)
        whats = whats_of(connection, (hit.document for hit in hits))
        covering = {obj for what in whats.values() for obj in what.scopes}
        decide = decider(who, "read", rules_on(connection, who, "read", covering))
        verdicts = {id_: decide(what) for id_, what in whats.items()}
        rows = _chunks(connection, hits)
        epoch = connection.scalars(_EPOCH).one()
        kept: list[Hit] = []
        snippets: list[Snippet] = []
        dropped = Counter[str]()
        said: set[str] = set()
        for hit in hits:
            verdict = _verdict(hit, scope, rows, whats, verdicts)
            if isinstance(verdict, Deny):
                dropped[verdict.reason] += 1
            elif (likeness := rows[hit.chunk].likeness) not in said:
                said |= {likeness} - {""}
                kept.append(hit)
                snippets.append(_snippet(hit, rows[hit.chunk], whats[hit.document], verdict, keys))
    return Permitted(tuple(snippets), tuple(kept), epoch, dict(dropped))


def _chunks(connection: Connection, hits: Sequence[Hit]) -> dict[str, Row[tuple[object, ...]]]:
    rows = connection.execute(_CHUNKS, {"ids": [hit.chunk for hit in hits]}).all()
    return {row.id: row for row in rows}


def _verdict(
    hit: Hit,
    scope: Scope,
    rows: Mapping[str, Row[tuple[object, ...]]],
    whats: Mapping[DocumentId, What],
    verdicts: Mapping[DocumentId, Permit | Deny],
) -> Permit | Deny:
    row = rows.get(hit.chunk)
    # The document is the one that SQL names for the chunk: a forged tag must not borrow another's rights.
    if row is None or row.document_id != hit.document or hit.document not in whats:
        return Deny("the index names a chunk that is not there")
    if not row.version == hit.version == row.live_version:
        return Deny("the index has another version")
    if scope.within is not None and scope.within not in whats[hit.document].path:
        return Deny("it lies outside of the collection asked")
    return verdicts[hit.document]


def _snippet(hit: Hit, row: Row[tuple[object, ...]], what: What, verdict: Permit, keys: Keys) -> Snippet:
    key = DocumentKey.unwrap(hit.document, row.wrapped_key, keys.documents(row.key_id))
    return Snippet(
        chunk=hit.chunk,
        document=hit.document,
        title=key.open_title(row.sealed_title),
        text=key.open_chunk(hit.chunk, hit.version, row.sealed_text),
        label=what.label,
        similarity=hit.similarity,
        rule=verdict.rule,
        headings=key.open_headings(hit.chunk, hit.version, row.sealed_headings),
        dated=row.dated,
    )
