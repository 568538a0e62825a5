"""The one schema. Every table of the service stands here, or in `store.schema_egress`; the migrations make them.

A document's content, and what tokens stand for, is stored sealed (AES-256-GCM) or as a keyed hash. The
directory, the names of folders and what a decision needs are stored in clear, the rules under constraints
that keep a malformed one out.
"""

from __future__ import annotations

from typing import Final

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
    UniqueConstraint,
    false,
    text,
)

from store.columns import HASH, KEY, NAME, UUID, UtcDateTime, metadata
from store.schema_egress import evidence, incident, reading, registered, sending, stop, task, volume

__all__ = [
    "evidence",
    "incident",
    "metadata",
    "reading",
    "registered",
    "sending",
    "stop",
    "task",
    "volume",
]  # fmt: skip

# Master keys that something is, or was lately, sealed under. The keys themselves are elsewhere. What is sealed refers
# to its row, so that no row goes as long as one does.
master_key = Table(
    "master_key",
    metadata,
    Column("id", String(KEY), primary_key=True),
    Column("made_at", UtcDateTime, nullable=False),  # when it was first used here
    Column("left_at", UtcDateTime),  # when nothing was sealed under it any more
)

installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("demo", Boolean, nullable=False),
    Column("key_id", ForeignKey("master_key.id"), nullable=False),  # the master key that seals now
    Column("sealed_secret", LargeBinary, nullable=False),  # what the keys of keyed hashes come from
    Column("embedder", String(200), nullable=False),
    CheckConstraint("id = 1", name="single"),
)

# --- who may do what -------------------------------------------------------------------------

casbin_rule = Table(
    "casbin_rule",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ptype", String(1), nullable=False),
    Column("v0", String(NAME), nullable=False),
    Column("v1", String(NAME), nullable=False),
    Column("v2", String(16), nullable=False, server_default=""),
    Column("v3", String(8), nullable=False, server_default=""),
    UniqueConstraint("ptype", "v0", "v1", "v2", "v3"),
    # A deny with an effect or an action that nobody knows ("Deny", "Read") would deny nothing.
    CheckConstraint("ptype <> 'p' OR v2 IN ('read', 'write', 'share', 'manage', 'send', 'audit', '*')", name="action"),
    CheckConstraint("ptype <> 'p' OR v3 IN ('allow', 'deny')", name="effect"),
    CheckConstraint("ptype <> 'g' OR (v2 = '' AND v3 = '')", name="membership"),
    Index(None, "ptype", "v0"),
    Index(None, "ptype", "v1", "v0"),
    CheckConstraint("ptype IN ('p', 'g')", name="ptype"),
)

policy_state = Table(
    "policy_state",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

users = Table(
    "users",
    metadata,
    Column("id", String(NAME), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("email", String(320), nullable=False, server_default=""),
    Column("phone", String(40), nullable=False, server_default=""),
    Column("active", Boolean, nullable=False),
    Column("clearance", Integer, nullable=False),
    CheckConstraint("clearance BETWEEN 0 AND 3", name="clearance"),
)

user_compartment = Table(
    "user_compartment",
    metadata,
    Column("user_id", ForeignKey("users.id"), primary_key=True),
    Column("compartment", String(80), primary_key=True),
)

api_key = Table(
    "api_key",
    metadata,
    Column("hash", String(HASH), primary_key=True),  # SHA-256 of a random 256-bit key: needs no salt
    Column("prefix", String(16), nullable=False),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("application", String(NAME)),  # which program asks with it; without one, the door that it comes through
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
)

# --- what two people decide -------------------------------------------------------------------

approval = Table(
    "approval",
    metadata,
    Column("id", String(UUID), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("payload", Text, nullable=False),  # canonical JSON: what is done when it is approved, to the letter
    Column("digest", String(HASH), nullable=False),  # SHA-256 of the payload: what was seen is what is approved
    Column("asked_by", String(NAME), nullable=False),
    Column("reason", String(500), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("decided_by", String(NAME)),
    Column("decided_at", UtcDateTime),
    CheckConstraint("state IN ('waiting', 'approved', 'rejected')", name="state"),
    CheckConstraint("(state = 'waiting') = (decided_by IS NULL)", name="decided"),
    CheckConstraint("decided_by <> asked_by", name="second_person"),
    Index(None, "state", "expires_at"),
)

break_glass = Table(
    "break_glass",
    metadata,
    Column("id", String(UUID), primary_key=True),  # the user holds `role:break-glass.ID` while it is open
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("object", String(NAME), nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Index(None, "user_id", "ends_at"),
)

access_review = Table(
    "access_review",
    metadata,
    Column("id", String(UUID), primary_key=True),
    Column("signed_by", String(NAME), nullable=False),
    Column("signed_at", UtcDateTime, nullable=False),
    Column("epoch", BigInteger, nullable=False),  # of the policy that was reviewed
    Column("digest", String(HASH), nullable=False),  # SHA-256 of the export that was signed
    Column("lines", Integer, nullable=False),
)

# --- what there is to read --------------------------------------------------------------------

node = Table(
    "node",
    metadata,
    Column("id", String(NAME), primary_key=True),
    Column("parent_id", ForeignKey("node.id")),
    Column("name", String(255), nullable=False),
    Column("inherit", Boolean, nullable=False),
    Column("level", Integer, nullable=False),
    Column("source_mac", String(HASH)),  # which folder a collection is filled from
    Column("declared", Text),  # JSON list: the readers that the folder's own file named last
    UniqueConstraint("parent_id", "name"),
    CheckConstraint("(parent_id IS NULL) = (id LIKE 'coll:%')", name="collections_are_roots"),
    CheckConstraint("level BETWEEN 0 AND 3", name="level"),
)

node_compartment = Table(
    "node_compartment",
    metadata,
    Column("node_id", ForeignKey("node.id"), primary_key=True),
    Column("compartment", String(80), primary_key=True),
)

_OWNERLESS: Final = text("state = 'live' AND owner IS NULL")  # asked for at each request that may leave

document = Table(
    "document",
    metadata,
    Column("id", String(NAME), primary_key=True),
    Column("node_id", ForeignKey("node.id"), nullable=False),
    Column("owner", String(NAME)),
    Column("level", Integer, nullable=False),
    Column("state", String(8), nullable=False),
    Column("version", Integer, nullable=False),  # the version that answers, or was the last to; 0 while there is none
    Column("source_mac", String(HASH), nullable=False, unique=True),  # which file it came from
    Column("content_mac", String(HASH), nullable=False),  # what that file held when this version was read
    Column("raw_mac", String(HASH), nullable=False, server_default=""),  # the same, whoever read it and how
    Column("agreed", Boolean, nullable=False, server_default=false()),  # two people let this content out
    Column("calls_for", Text),  # the label that the content of this version calls for; NULL if it calls for none
    Column("intake", ForeignKey("node.id")),  # the collection whose folder holds the file, wherever it lies now
    Column("part_of", ForeignKey("document.id")),  # the mail that it was attached to
    Column("dated", UtcDateTime),  # when its file was last changed, if that is known; of an attachment, the mail's
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("key_id", ForeignKey("master_key.id")),  # the master key that it is wrapped under; NULL where there is none
    Column("sealed_title", LargeBinary, nullable=False),
    Column("sealed_source", LargeBinary, nullable=False, server_default=""),  # the name of the file, below its folder
    Index(None, "node_id"),
    Index(None, "intake"),
    Index(None, "part_of"),
    Index("ix_document_ownerless", "id", sqlite_where=_OWNERLESS, postgresql_where=_OWNERLESS),  # none, or few
    CheckConstraint("level BETWEEN 0 AND 3", name="level"),
    # held: in quarantine; released: let out of it, and waiting for its points; rejected: kept out for good.
    CheckConstraint("state IN ('draft', 'live', 'held', 'released', 'rejected', 'deleted')", name="state"),
)

document_compartment = Table(
    "document_compartment",
    metadata,
    Column("document_id", ForeignKey("document.id"), primary_key=True),
    Column("compartment", String(80), primary_key=True),
)

chunk = Table(
    "chunk",
    metadata,
    Column("id", String(UUID), primary_key=True),
    Column("document_id", ForeignKey("document.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("ord", Integer, nullable=False),
    Column("sealed_text", LargeBinary, nullable=False),
    Column("sealed_headings", LargeBinary, nullable=False),  # JSON list: what it stands under
    Column("begins", Integer, nullable=False),  # offsets in the document's text, characters
    Column("ends", Integer, nullable=False),
    Column("likeness", String(HASH), nullable=False),  # the same for near-identical texts of one collection
    UniqueConstraint("document_id", "version", "ord"),
)

# Why a document is in quarantine, in words that hold nothing of its text.
held_reason = Table(
    "held_reason",
    metadata,
    Column("document_id", ForeignKey("document.id"), primary_key=True),
    Column("ord", Integer, primary_key=True),
    Column("reason", String(500), nullable=False),
)

# Documents whose points may not be what these tables say: written before the index is touched, removed after it.
under_way = Table(
    "under_way",
    metadata,
    Column("document_id", ForeignKey("document.id"), primary_key=True),
)

# Places whose tags in the index are older than what stands here. The tags are written from the current rows,
# never from a line of this table, so a line that is done twice does no harm.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("target", String(NAME), nullable=False),  # a collection, a folder or a document
    Column("epoch", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    Index(None, "next_at"),
    sqlite_autoincrement=True,  # no id is used twice: who has done a line must not remove a newer one
)

# --- what was said ----------------------------------------------------------------------------

conversation = Table(
    "conversation",
    metadata,
    Column("id", String(UUID), primary_key=True),
    Column("owner", String(NAME), nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),  # of its tokens; without it they are noise, wherever copied
    Column("key_id", ForeignKey("master_key.id")),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("sealed_turns", LargeBinary),  # what the next question may go on from
    Column("level", Integer, nullable=False, server_default="1"),  # the highest of what was ever in it
    CheckConstraint("level BETWEEN 0 AND 3", name="level"),
)

token = Table(
    "token",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("conversation", ForeignKey("conversation.id", ondelete="CASCADE"), nullable=False),
    Column("identity_mac", String(HASH), nullable=False),
    Column("mention_mac", String(HASH), nullable=False),
    Column("token", String(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("conversation", "mention_mac"),
    UniqueConstraint("conversation", "token"),
    Index(None, "conversation", "identity_mac"),
)

# --- what happened ----------------------------------------------------------------------------

audit_record = Table(
    "audit_record",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
    Column("salt", LargeBinary(16), nullable=False),
    Column("body_hash", String(HASH), nullable=False),
    Column("hash", String(HASH), nullable=False, unique=True),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(HASH), nullable=False),
    CheckConstraint("id = 1", name="single"),
)
