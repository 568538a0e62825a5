"""How far an incident reached, out of the audit trail, which is read from its beginning and never held as a whole.

A question counts from the record that was written before the model was called: what was about to be given to it.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import or_, select

from acl.admin.nodes import subtree
from acl.errors import BadLabel
from acl.labels import Label, join, parse_label
from store.schema import audit_record, document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

    from audit.ledger import Ledger
    from egress.incident.incidents import Incident

MOST_HASHES: Final = 10_000  # that are listed; all are counted
_AT_ONCE: Final = 1_000  # records
_ASKED: Final = "ask.intent"
_ANSWERED: Final = "ask.answered"


class SentTo(NamedTuple):
    """Where prompts went."""

    provider: str
    version: int | None  # of its record, that is, of the contract
    model: str | None


@dataclass(slots=True)
class Blast:
    """What an incident reached."""

    questions: int = 0
    answered: int = 0
    left: int = 0  # questions whose prompt left the house
    characters: int = 0  # of those prompts
    first_at: datetime | None = None
    last_at: datetime | None = None
    people: Counter[str] = field(default_factory=Counter)  # questions by pseudonym
    labels: Counter[str] = field(default_factory=Counter)
    sent_to: Counter[SentTo] = field(default_factory=Counter)
    documents: Counter[str] = field(default_factory=Counter)
    redactions: Counter[str] = field(default_factory=Counter)  # stretches that were replaced by tokens, by kind
    applications: Counter[str] = field(default_factory=Counter)
    hashes: list[str] = field(default_factory=list)  # of the prompts that a provider got, the first of them
    acts: Counter[str] = field(default_factory=Counter)  # what else somebody did whom it is about, by kind of record
    unreadable: int = 0  # records that are none any more
    most_hashes: int = MOST_HASHES

    def add(self, body: Mapping[str, Any], at: datetime) -> None:
        """Count one record of a question."""
        if body["kind"] == _ANSWERED:
            self.answered += 1
        if body["kind"] != _ASKED:
            return
        self.questions += 1
        self.first_at, self.last_at = min(self.first_at or at, at), max(self.last_at or at, at)
        self.people[_text(body, "who")] += 1
        self.labels[_label(body)] += 1
        self.documents.update(_documents(body))
        self.applications[_text(body, "application")] += 1
        replaced = body.get("redactions")
        for kind, many in replaced.items() if isinstance(replaced, dict) else ():
            self.redactions[str(kind)] += many if isinstance(many, int) else 0
        if body.get("leaves") is True:
            self.left += 1
            self.characters += _number(body, "prompt_characters") or 0
        if body.get("provider"):
            model = body.get("model")
            to = SentTo(_text(body, "provider"), _number(body, "contract_version"), str(model) if model else None)
            self.sent_to[to] += 1
            if len(self.hashes) < self.most_hashes:
                self.hashes.append(_text(body, "prompt_hash"))


@dataclass(frozen=True, slots=True)
class _About:
    """What an incident is about, as the trail names it."""

    kind: str
    name: str  # as the trail has it: without the kind for a provider, a pseudonym for a person
    documents: frozenset[str]

    def concerns(self, body: Mapping[str, Any]) -> bool:
        """Say whether a record of a question is about it."""
        match self.kind:
            case "provider":
                return body.get("provider") == self.name  # a local one too: then nothing left
            case "app":
                return body.get("application") == self.name
            case "user":
                return body.get("who") == self.name
            case "doc" | "coll":
                return not self.documents.isdisjoint(_documents(body))
            case _:
                return True


def blast_of(connection: Connection, ledger: Ledger, incident: Incident) -> Blast:
    """Read how far an incident reached, from when on things may have gone wrong, until it was closed.

    Raises:
        StoreDown: The database does not answer.
    """
    about, blast = _about(connection, ledger, incident), Blast()
    for body in _bodies(connection, about):
        at = _at(body) if body else None
        if body is None or at is None:
            blast.unreadable += 1
        elif at < incident.since or (incident.closed_at is not None and at > incident.closed_at):
            continue
        elif str(body.get("kind")).startswith("ask."):
            if about.concerns(body):
                blast.add(body, at)
        elif about.kind == "user" and body.get("who") == about.name:
            blast.acts[_text(body, "kind")] += 1
    return blast


def providers_reached(connection: Connection, ledger: Ledger, incident: Incident) -> set[str]:
    """Name the providers that were sent something of what an incident is about."""
    return {to.provider for to in blast_of(connection, ledger, incident).sent_to}


def _about(connection: Connection, ledger: Ledger, incident: Incident) -> _About:
    kind, _, name = incident.target.partition(":")
    match kind:
        case "provider":
            return _About(kind, name, frozenset())
        case "user":
            return _About(kind, ledger.pseudonym(incident.target), frozenset())
        case "doc":
            return _About(kind, incident.target, frozenset({incident.target}))
        case "coll":
            lying = document.c.node_id.in_(select(subtree(incident.target).c.id))
            rows = select(document.c.id).where(or_(lying, document.c.intake == incident.target))
            return _About(kind, incident.target, frozenset(connection.scalars(rows)))
    return _About(kind, incident.target, frozenset())


def _bodies(connection: Connection, about: _About) -> Iterator[dict[str, Any] | None]:
    """Give the records that may be about something, oldest first; None for one that cannot be read."""
    body = audit_record.c.body
    # Bodies are canonical: no blanks, and quotes within values are escaped. So this passes over most records.
    wanted = body.contains('"kind":"ask.', autoescape=True)
    if about.kind == "user":
        wanted = body.contains(f'"who":"{about.name}"', autoescape=True)
    rows = select(body).where(wanted).order_by(audit_record.c.seq)
    for text in connection.execution_options(stream_results=True, yield_per=_AT_ONCE).scalars(rows):
        yield _read(text)


def _read(text: object) -> dict[str, Any] | None:
    try:
        body = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return body if isinstance(body, dict) and isinstance(body.get("kind"), str) else None


def _at(body: Mapping[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(body.get("at"))).astimezone(UTC)
    except ValueError:
        return None


def _documents(body: Mapping[str, Any]) -> set[str]:
    lists = (body.get("documents"), body.get("earlier_documents"))
    return {str(one) for found in lists if isinstance(found, list) for one in found}


def _label(body: Mapping[str, Any]) -> str:
    """Give the label of a question; one that cannot be told is the most restricted."""
    try:
        if isinstance(given := body.get("label"), str):
            return str(parse_label(given))
        labels = body.get("labels")
        return str(join(map(parse_label, map(str, labels)))) if isinstance(labels, list) and labels else str(Label())
    except BadLabel:
        return str(Label())


def _text(body: Mapping[str, Any], name: str) -> str:
    return str(body.get(name) or "unknown")


def _number(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
