"""Kept answers of keyed changes, runs of the retention rules, erasures asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _moment(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def upgrade() -> None:
    op.create_table(
        "kept_answer",
        sa.Column("asker", sa.String(80), primary_key=True),
        sa.Column("key_sha256", sa.String(64), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("headers", sa.JSON, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        _moment("made_at"),
        _moment("expires_at"),
    )
    op.create_index("ix_kept_answer_expires_at", "kept_answer", ["expires_at"])
    op.create_table(
        "retention_run",
        sa.Column("id", sa.String(40), primary_key=True),
        _moment("at"),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("dry_run", sa.Boolean, nullable=False),
        sa.Column("rules_sha256", sa.String(64), nullable=False),
        sa.Column("report", sa.JSON, nullable=False),
    )
    op.create_index("ix_retention_run_at", "retention_run", ["at"])
    op.create_table(
        "erasure",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("firm", sa.String(18), nullable=False),
        _moment("at"),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("report", sa.JSON, nullable=False),
    )
    op.create_index("ix_erasure_firm_at", "erasure", ["firm", "at"])


def downgrade() -> None:
    for table in ("erasure", "retention_run", "kept_answer"):
        op.drop_table(table)
