"""The tables of what may leave: contracts, evidence, requests that wait, stops, quotas, incidents."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from store.columns import NAME, UUID, UtcDateTime, metadata

# Providers, applications, the matrix and the quotas: each version that ever held, the highest one holds.
registered = Table(
    "registered",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("name", String(NAME), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("record", Text, nullable=False),  # canonical JSON
    Column("made_by", String(NAME), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    CheckConstraint("kind IN ('provider', 'app', 'matrix', 'quotas')", name="kind"),
    CheckConstraint("version >= 1", name="version"),
)

# What shows that an application passes a point of the gate, until when.
evidence = Table(
    "evidence",
    metadata,
    Column("id", String(UUID), primary_key=True),
    Column("application", String(NAME), nullable=False),
    Column("point", String(32), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("detail", Text, nullable=False),  # canonical JSON: what was measured, or the document and its hash
    Column("made_by", String(NAME), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    CheckConstraint("kind IN ('measured', 'attested')", name="kind"),
    Index(None, "application", "point", "made_at"),
)

# A request that waits for an approval of its exact bytes, or waited; the approval has the same id.
sending = Table(
    "sending",
    metadata,
    Column("id", ForeignKey("approval.id"), primary_key=True),
    Column("conversation", String(UUID), nullable=False),
    Column("level", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # the request: its prompt, and what it was made from
    Column("key_id", ForeignKey("master_key.id")),
    Column("made_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),  # when it was sent: once
    CheckConstraint("level BETWEEN 0 AND 3", name="level"),
    Index(None, "made_at"),
)

# Who or what is stopped. A row is lifted, never removed.
stop = Table(
    "stop",
    metadata,
    Column("id", String(UUID), primary_key=True),
    Column("target", String(NAME), nullable=False),  # user:…, app:…, provider:… or all:all
    Column("reason", String(500), nullable=False),
    Column("made_by", String(NAME), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("lifted_by", String(NAME)),
    Column("lifted_at", UtcDateTime),
    CheckConstraint("(lifted_by IS NULL) = (lifted_at IS NULL)", name="lifted"),
    Index(None, "target", "lifted_at"),
)

# What was used of a quota in a window of time. What is under way counts already.
volume = Table(
    "volume",
    metadata,
    Column("quota", String(400), primary_key=True),  # what is counted, of whom
    Column("begins_at", UtcDateTime, primary_key=True),
    Column("ends_at", UtcDateTime, nullable=False, index=True),
    Column("used", BigInteger, nullable=False),
    CheckConstraint("used >= 0", name="used"),
)

# Which documents somebody was shown something of, on which day.
reading = Table(
    "reading",
    metadata,
    Column("user_id", String(NAME), primary_key=True),
    Column("day", String(10), primary_key=True),  # 2026-11-26, UTC
    Column("document_id", String(NAME), primary_key=True),
    Index(None, "day"),
)

incident = Table(
    "incident",
    metadata,
    Column("id", String(UUID), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("target", String(NAME), nullable=False),  # what it is about
    Column("reason", String(500), nullable=False),
    Column("since", UtcDateTime, nullable=False),  # from when on things may have gone wrong
    Column("opened_by", String(NAME), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),  # the clock of notification begins here
    Column("closed_by", String(NAME)),
    Column("closed_at", UtcDateTime),
    Column("closing", String(500)),  # why it was closed, and what was learnt
    CheckConstraint("(closed_by IS NULL) = (closed_at IS NULL)", name="closed"),
)

# What somebody has to do outside of the service, such as to have a provider delete what it keeps.
task = Table(
    "task",
    metadata,
    Column("id", String(UUID), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("target", String(NAME), nullable=False),
    Column("detail", Text, nullable=False),  # canonical JSON
    Column("made_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False, index=True),
    Column("done_by", String(NAME)),
    Column("done_at", UtcDateTime),
    CheckConstraint("(done_by IS NULL) = (done_at IS NULL)", name="done"),
)
