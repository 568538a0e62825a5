"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "master_key",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_master_key")),
    )
    op.create_table(
        "access_review",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("signed_by", sa.String(length=137), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_review")),
    )
    op.create_table(
        "approval",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("asked_by", sa.String(length=137), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("decided_by", sa.String(length=137), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'approved', 'rejected')", name=op.f("ck_approval_state")),
        sa.CheckConstraint("(state = 'waiting') = (decided_by IS NULL)", name=op.f("ck_approval_decided")),
        sa.CheckConstraint("decided_by <> asked_by", name=op.f("ck_approval_second_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    op.create_index(op.f("ix_approval_state_expires_at"), "approval", ["state", "expires_at"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(length=137), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_outbox_next_at"), "outbox", ["next_at"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_record",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_record")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_record_hash")),
    )
    op.create_table(
        "casbin_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ptype", sa.String(length=1), nullable=False),
        sa.Column("v0", sa.String(length=137), nullable=False),
        sa.Column("v1", sa.String(length=137), nullable=False),
        sa.Column("v2", sa.String(length=16), server_default="", nullable=False),
        sa.Column("v3", sa.String(length=8), server_default="", nullable=False),
        sa.CheckConstraint("ptype <> 'g' OR (v2 = '' AND v3 = '')", name=op.f("ck_casbin_rule_membership")),
        sa.CheckConstraint(
            "ptype <> 'p' OR v2 IN ('read', 'write', 'share', 'manage', 'send', 'audit', '*')",
            name=op.f("ck_casbin_rule_action"),
        ),
        sa.CheckConstraint("ptype <> 'p' OR v3 IN ('allow', 'deny')", name=op.f("ck_casbin_rule_effect")),
        sa.CheckConstraint("ptype IN ('p', 'g')", name=op.f("ck_casbin_rule_ptype")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_casbin_rule")),
        sa.UniqueConstraint("ptype", "v0", "v1", "v2", "v3", name=op.f("uq_casbin_rule_ptype_v0_v1_v2_v3")),
    )
    op.create_index(op.f("ix_casbin_rule_ptype_v0"), "casbin_rule", ["ptype", "v0"], unique=False)
    op.create_index(op.f("ix_casbin_rule_ptype_v1_v0"), "casbin_rule", ["ptype", "v1", "v0"], unique=False)
    op.create_table(
        "conversation",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner", sa.String(length=137), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed_turns", sa.LargeBinary(), nullable=True),
        sa.Column("level", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("level BETWEEN 0 AND 3", name=op.f("ck_conversation_level")),
        sa.ForeignKeyConstraint(["key_id"], ["master_key.id"], name=op.f("fk_conversation_key_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
    )
    op.create_index(op.f("ix_conversation_expires_at"), "conversation", ["expires_at"], unique=False)
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("embedder", sa.String(length=200), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_single")),
        sa.ForeignKeyConstraint(["key_id"], ["master_key.id"], name=op.f("fk_installation_key_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "node",
        sa.Column("id", sa.String(length=137), nullable=False),
        sa.Column("parent_id", sa.String(length=137), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("inherit", sa.Boolean(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("source_mac", sa.String(length=64), nullable=True),
        sa.Column("declared", sa.Text(), nullable=True),
        sa.CheckConstraint("(parent_id IS NULL) = (id LIKE 'coll:%')", name=op.f("ck_node_collections_are_roots")),
        sa.CheckConstraint("level BETWEEN 0 AND 3", name=op.f("ck_node_level")),
        sa.ForeignKeyConstraint(["parent_id"], ["node.id"], name=op.f("fk_node_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_node")),
        sa.UniqueConstraint("parent_id", "name", name=op.f("uq_node_parent_id_name")),
    )
    op.create_table(
        "policy_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_policy_state_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_state")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=137), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=320), server_default="", nullable=False),
        sa.Column("phone", sa.String(length=40), server_default="", nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("clearance", sa.Integer(), nullable=False),
        sa.CheckConstraint("clearance BETWEEN 0 AND 3", name=op.f("ck_users_clearance")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_table(
        "break_glass",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=137), nullable=False),
        sa.Column("object", sa.String(length=137), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_break_glass_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_break_glass")),
    )
    op.create_index(op.f("ix_break_glass_user_id_ends_at"), "break_glass", ["user_id", "ends_at"], unique=False)
    op.create_table(
        "api_key",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.String(length=137), nullable=False),
        sa.Column("application", sa.String(length=137), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_key_user_id")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_api_key")),
    )
    op.create_table(
        "document",
        sa.Column("id", sa.String(length=137), nullable=False),
        sa.Column("node_id", sa.String(length=137), nullable=False),
        sa.Column("owner", sa.String(length=137), nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source_mac", sa.String(length=64), nullable=False),
        sa.Column("content_mac", sa.String(length=64), nullable=False),
        sa.Column("raw_mac", sa.String(length=64), server_default="", nullable=False),
        sa.Column("agreed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("calls_for", sa.Text(), nullable=True),
        sa.Column("intake", sa.String(length=137), nullable=True),
        sa.Column("part_of", sa.String(length=137), nullable=True),
        sa.Column("dated", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=True),
        sa.Column("sealed_title", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_source", sa.LargeBinary(), server_default="", nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'live', 'held', 'released', 'rejected', 'deleted')", name=op.f("ck_document_state")
        ),
        sa.CheckConstraint("level BETWEEN 0 AND 3", name=op.f("ck_document_level")),
        sa.ForeignKeyConstraint(["intake"], ["node.id"], name=op.f("fk_document_intake")),
        sa.ForeignKeyConstraint(["node_id"], ["node.id"], name=op.f("fk_document_node_id")),
        sa.ForeignKeyConstraint(["part_of"], ["document.id"], name=op.f("fk_document_part_of")),
        sa.ForeignKeyConstraint(["key_id"], ["master_key.id"], name=op.f("fk_document_key_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint("source_mac", name=op.f("uq_document_source_mac")),
    )
    op.create_index(op.f("ix_document_intake"), "document", ["intake"], unique=False)
    ownerless = sa.text("state = 'live' AND owner IS NULL")
    op.create_index("ix_document_ownerless", "document", ["id"], sqlite_where=ownerless, postgresql_where=ownerless)
    op.create_index(op.f("ix_document_node_id"), "document", ["node_id"], unique=False)
    op.create_index(op.f("ix_document_part_of"), "document", ["part_of"], unique=False)
    op.create_table(
        "node_compartment",
        sa.Column("node_id", sa.String(length=137), nullable=False),
        sa.Column("compartment", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["node.id"], name=op.f("fk_node_compartment_node_id")),
        sa.PrimaryKeyConstraint("node_id", "compartment", name=op.f("pk_node_compartment")),
    )
    op.create_table(
        "token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation", sa.String(length=36), nullable=False),
        sa.Column("identity_mac", sa.String(length=64), nullable=False),
        sa.Column("mention_mac", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation"], ["conversation.id"], name=op.f("fk_token_conversation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token")),
        sa.UniqueConstraint("conversation", "mention_mac", name=op.f("uq_token_conversation_mention_mac")),
        sa.UniqueConstraint("conversation", "token", name=op.f("uq_token_conversation_token")),
    )
    op.create_index(op.f("ix_token_conversation_identity_mac"), "token", ["conversation", "identity_mac"], unique=False)
    op.create_table(
        "user_compartment",
        sa.Column("user_id", sa.String(length=137), nullable=False),
        sa.Column("compartment", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_compartment_user_id")),
        sa.PrimaryKeyConstraint("user_id", "compartment", name=op.f("pk_user_compartment")),
    )
    op.create_table(
        "chunk",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("document_id", sa.String(length=137), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("ord", sa.Integer(), nullable=False),
        sa.Column("sealed_text", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_headings", sa.LargeBinary(), nullable=False),
        sa.Column("begins", sa.Integer(), nullable=False),
        sa.Column("ends", sa.Integer(), nullable=False),
        sa.Column("likeness", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_chunk_document_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chunk")),
        sa.UniqueConstraint("document_id", "version", "ord", name=op.f("uq_chunk_document_id_version_ord")),
    )
    op.create_table(
        "document_compartment",
        sa.Column("document_id", sa.String(length=137), nullable=False),
        sa.Column("compartment", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_document_compartment_document_id")),
        sa.PrimaryKeyConstraint("document_id", "compartment", name=op.f("pk_document_compartment")),
    )
    op.create_table(
        "held_reason",
        sa.Column("document_id", sa.String(length=137), nullable=False),
        sa.Column("ord", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_held_reason_document_id")),
        sa.PrimaryKeyConstraint("document_id", "ord", name=op.f("pk_held_reason")),
    )
    op.create_table(
        "under_way",
        sa.Column("document_id", sa.String(length=137), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_under_way_document_id")),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_under_way")),
    )
    op.create_table(
        "evidence",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("application", sa.String(length=137), nullable=False),
        sa.Column("point", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(length=137), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('measured', 'attested')", name=op.f("ck_evidence_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
    )
    op.create_index(
        op.f("ix_evidence_application_point_made_at"), "evidence", ["application", "point", "made_at"], unique=False
    )
    op.create_table(
        "incident",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=137), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.String(length=137), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.String(length=137), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closing", sa.String(length=500), nullable=True),
        sa.CheckConstraint("(closed_by IS NULL) = (closed_at IS NULL)", name=op.f("ck_incident_closed")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    op.create_table(
        "reading",
        sa.Column("user_id", sa.String(length=137), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("document_id", sa.String(length=137), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "day", "document_id", name=op.f("pk_reading")),
    )
    op.create_index(op.f("ix_reading_day"), "reading", ["day"], unique=False)
    op.create_table(
        "registered",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=137), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(length=137), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('provider', 'app', 'matrix', 'quotas')", name=op.f("ck_registered_kind")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_registered_version")),
        sa.PrimaryKeyConstraint("kind", "name", "version", name=op.f("pk_registered")),
    )
    op.create_table(
        "stop",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("target", sa.String(length=137), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("made_by", sa.String(length=137), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by", sa.String(length=137), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(lifted_by IS NULL) = (lifted_at IS NULL)", name=op.f("ck_stop_lifted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stop")),
    )
    op.create_index(op.f("ix_stop_target_lifted_at"), "stop", ["target", "lifted_at"], unique=False)
    op.create_table(
        "task",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=137), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_by", sa.String(length=137), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(done_by IS NULL) = (done_at IS NULL)", name=op.f("ck_task_done")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index(op.f("ix_task_due_at"), "task", ["due_at"], unique=False)
    op.create_table(
        "volume",
        sa.Column("quota", sa.String(length=400), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_volume_used")),
        sa.PrimaryKeyConstraint("quota", "begins_at", name=op.f("pk_volume")),
    )
    op.create_index(op.f("ix_volume_ends_at"), "volume", ["ends_at"], unique=False)
    op.create_table(
        "sending",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("conversation", sa.String(length=36), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("level BETWEEN 0 AND 3", name=op.f("ck_sending_level")),
        sa.ForeignKeyConstraint(["id"], ["approval.id"], name=op.f("fk_sending_id")),
        sa.ForeignKeyConstraint(["key_id"], ["master_key.id"], name=op.f("fk_sending_key_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sending")),
    )
    op.create_index(op.f("ix_sending_made_at"), "sending", ["made_at"], unique=False)
