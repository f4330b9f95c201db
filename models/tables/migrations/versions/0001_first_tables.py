"""Batches, snapshots, clients, tokens, receipts."""

import sqlalchemy as sa
from alembic import op

from models.tables.base import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "batch",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("feed", sa.String(80), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("received_at", UtcTime, nullable=False),
        sa.Column("file_name", sa.String(400), nullable=False),
        sa.Column("file_sha256", sa.String(64), nullable=False),
        sa.Column("content_digest", sa.String(64), nullable=False),
        sa.Column("path", sa.String(400), nullable=False),
        sa.Column("rows_read", sa.Integer, nullable=False),
        sa.Column("rows_landed", sa.Integer, nullable=False),
        sa.Column("rows_unchanged", sa.Integer, nullable=False),
        sa.Column("rows_rejected", sa.Integer, nullable=False),
        sa.Column("contested", sa.Integer, nullable=False),
        sa.Column("observed_min", sa.Date),
        sa.Column("observed_max", sa.Date),
        sa.Column("covers_to", sa.Date),
        sa.Column("reasons", sa.JSON, nullable=False),
    )
    op.create_index("ix_batch_feed_status", "batch", ["feed", "status"])
    op.create_index("ix_batch_feed_file_sha256", "batch", ["feed", "file_sha256"])
    op.create_table(
        "snapshot",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("known_by", UtcTime, nullable=False),
        sa.Column("built_at", UtcTime, nullable=False),
        sa.Column("firms", sa.Integer, nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
    )
    op.create_table(
        "client",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("zh", sa.String(120), nullable=False),
        sa.Column("en", sa.String(120), nullable=False),
        sa.Column("demo", sa.Boolean, nullable=False),
        sa.Column("disabled_at", UtcTime),
    )
    op.create_table(
        "token",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("client_id", sa.String(64), sa.ForeignKey("client.id", ondelete="CASCADE"), nullable=False),
        sa.Column("issued_at", UtcTime, nullable=False),
        sa.Column("expires_at", UtcTime, nullable=False),
    )
    op.create_table(
        "receipt",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("snapshot_id", sa.String(64), nullable=False),
        sa.Column("rules_digest", sa.String(64), nullable=False),
        sa.Column("question", sa.JSON, nullable=False),
        sa.Column("answer_sha256", sa.String(64), nullable=False),
        sa.Column("answered_at", UtcTime, nullable=False),
    )


def downgrade() -> None:
    for table in ("receipt", "token", "client", "snapshot", "batch"):
        op.drop_table(table)
