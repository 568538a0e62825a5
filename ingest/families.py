"""A file in, with all that is attached to it: read anew where it changed, left alone where it did not."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from acl.labels import covers, parse_label
from acl.names import DocumentId
from acl.read import whats_of
from ingest.arrival import Arrival
from ingest.errors import Unreadable
from ingest.outcome import Outcome
from ingest.types import shown
from redaction.detect import Finding
from store.envelope import mac
from store.schema import document

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from acl.labels import Label
    from acl.names import NodeId, UserId
    from ingest.types import Reading
    from store.keys import Keys

READER_VERSION: Final = "2"  # raise it when the same file is read, cut or judged in another way
_DEEPEST: Final = 5  # mails in mails
_SETTLED: Final = frozenset({"live", "released"})  # what is held is read again: its label may cover it by now
_AT_ONCE: Final = 500  # ids in one statement


@dataclass(frozen=True, slots=True)
class File:
    """A file that comes in, and how its content is had."""

    relative: str
    load: Callable[[], bytes]  # raises Unreadable
    modified: datetime | None = None  # when it was last changed, if that is known

    @property
    def parents(self) -> tuple[str, ...]:
        """The folders that it lies in, outermost first."""
        return tuple(self.relative.split("/")[:-1])


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of one folder come to lie, whose they are, and why they are held back if they are."""

    node: NodeId
    owner: UserId | None = None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What the database has of a source already."""

    id: DocumentId
    source: str
    state: str
    content: str
    agreed: str  # the content that two people let out; empty if none
    covered: bool  # its label covers what was found in it, or two people let it out all the same


@dataclass(slots=True)
class Family:
    """What came of one file: documents to be published, and what is settled already."""

    relative: str
    arrivals: list[Arrival] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)  # that were met, and are not gone


@dataclass(frozen=True, slots=True)
class Stock:
    """All that came from the folder of a collection until now."""

    by_source: Mapping[str, Known]
    attached: Mapping[DocumentId, tuple[Known, ...]]  # by the mail that it is attached to

    def below(self, mail: Known) -> set[str]:
        """Give the sources of all that is attached to a mail, and to mails that are."""
        found: set[str] = set()
        for one in self.attached.get(mail.id, ()):
            found |= {one.source} | self.below(one)
        return found

    def is_settled(self, known: Known, content: str, faults: Collection[str] = ()) -> bool:
        """Say whether a file with this content need not be read again: what came of it stands."""
        if known.state == "rejected":
            return known.content == content
        covered = known.covered and all(self.by_source[source].covered for source in self.below(known))
        return known.state in _SETTLED and known.content == content and covered and not faults


def stock_of(connection: Connection, intake: NodeId, sources: Collection[str] | None = None) -> Stock:
    """Read what came from the folder of a collection until now.

    Args:
        connection: One state of the database.
        intake: The collection.
        sources: Read no more than these, and what is attached to them.
    """
    c = document.c
    wanted = select(c.id, c.source_mac, c.state, c.content_mac, c.raw_mac, c.agreed, c.calls_for, c.part_of)
    if sources is not None:
        these = select(c.id).where(c.source_mac.in_(sources)).cte("these", recursive=True)
        these = these.union(select(c.id).where(c.part_of == these.c.id))
        wanted = wanted.where(c.id.in_(select(these.c.id)))
    by_source: dict[str, Known] = {}
    attached: defaultdict[DocumentId, tuple[Known, ...]] = defaultdict(tuple)
    rows = connection.execute(wanted.where(c.intake == intake, c.state != "deleted").order_by(c.id)).all()
    answering = (row for row in rows if row.state == "live" and row.calls_for is not None and not row.agreed)
    uncovered = _uncovered(connection, {DocumentId(row.id): parse_label(row.calls_for) for row in answering})
    for row in rows:
        agreed, covered = row.raw_mac if row.agreed else "", row.id not in uncovered
        known = Known(DocumentId(row.id), row.source_mac, row.state, row.content_mac, agreed, covered)
        by_source[known.source] = known
        if row.part_of is not None:
            attached[DocumentId(row.part_of)] += (known,)
    return Stock(by_source, attached)


def _uncovered(connection: Connection, wanted: Mapping[DocumentId, Label]) -> set[str]:
    """Give those whose label, lowered since they came in, is not what their content calls for."""
    ids = [*wanted]
    found: set[str] = set()
    for some in (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)):
        found |= {id_ for id_, what in whats_of(connection, some).items() if not covers(what.label, wanted[id_])}
    return found


def joined(stocks: Iterable[Stock]) -> Stock:
    """Give what came of several files as one."""
    by_source: dict[str, Known] = {}
    attached: dict[DocumentId, tuple[Known, ...]] = {}
    for stock in stocks:
        by_source |= stock.by_source
        attached |= stock.attached
    return Stock(by_source, attached)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the files of one collection's folder."""

    intake: NodeId
    keys: Keys
    stock: Stock
    read: Callable[[bytes, str], Reading]

    def family(self, file: File, place: Place) -> Family:
        """Read a file and all that is attached to it. What is wrong with a file is an outcome, and not raised.

        Raises:
            ParserMoved, EmbedderDown: No file can be read.
        """
        family = Family(file.relative)
        source = source_of(self.keys, self.intake, file.relative)
        known = self.stock.by_source.get(source)
        family.sources.add(source)
        try:
            data = file.load()
            if known is not None and self.stock.is_settled(known, content_of(self.keys, digest_of(data)), place.faults):
                family.sources |= self.stock.below(known)
                family.outcomes.append(Outcome(file.relative, "unchanged"))
            else:
                self._take(family, data, file.relative, place)
        except Unreadable as error:
            # What it held before goes on to answer, and what was attached to that.
            family.sources |= self.stock.below(known) if known is not None else set()
            family.outcomes.append(Outcome(file.relative, "failed", reasons=(str(error),)))
        findings = _summed(finding for arrival in family.arrivals for finding in arrival.findings)
        family.arrivals = [replace(arrival, findings=findings, dated=file.modified) for arrival in family.arrivals]
        return family

    def _take(self, family: Family, data: bytes, relative: str, place: Place, above: tuple[str, ...] = ()) -> None:
        reading = self.read(data, relative.rsplit("/", 1)[-1])
        digest = digest_of(data)
        source = source_of(self.keys, self.intake, relative)
        family.sources.add(source)
        family.arrivals.append(
            Arrival(
                relative=relative,
                source=source,
                content=content_of(self.keys, digest),
                raw=mac(self.keys.sources, "raw", digest),
                node=place.node,
                owner=place.owner,
                reading=replace(reading, attachments=()),
                faults=place.faults,
                findings=reading.findings,
                part_of=above[-1] if above else None,
            )
        )
        for number, attachment in enumerate(reading.attachments, start=1):
            name = f"{relative}/{number:03d} {shown(attachment.name).replace('/', '_')}"
            try:
                if len(above) < _DEEPEST:
                    self._take(family, attachment.data, name, place, (*above, source))
                    continue
                why = f"it is attached to a mail in a mail, more than {_DEEPEST} deep"
            except Unreadable as error:
                why = str(error)
            family.sources.add(source_of(self.keys, self.intake, name))
            family.outcomes.append(Outcome(name, "failed", reasons=(why,), attached=True))


def source_of(keys: Keys, intake: NodeId, relative: str) -> str:
    """Give the name under which the database knows a file of a collection's folder; it tells nothing of it."""
    return mac(keys.sources, "source", intake, relative)


def digest_of(data: bytes) -> str:
    """Give the SHA-256 of a file's content, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def content_of(keys: Keys, digest: str) -> str:
    """Give the name under which the database knows a content of this digest, as it is read now."""
    return mac(keys.sources, "content", READER_VERSION, digest)


def _summed(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    counts: Counter[tuple[str, Label]] = Counter()
    for finding in findings:
        counts[finding.kind, finding.calls_for] += finding.count
    return tuple(Finding(kind, label, count) for (kind, label), count in counts.items())
