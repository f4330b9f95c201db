"""Borrowers that are watched, and the alerts lenders were told."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "watched_borrower",
        sa.Column("lender", sa.String(64), primary_key=True),
        sa.Column("firm", sa.String(18), primary_key=True),
        sa.Column("consent_id", sa.String(40), nullable=False),
        sa.Column("watched_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_snapshot", sa.String(64), nullable=False),
    )
    op.create_table(
        "borrower_alert",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("lender", sa.String(64), nullable=False),
        sa.Column("firm", sa.String(18), nullable=False),
        sa.Column("event_key", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("severity", sa.String(8), nullable=False),
        sa.Column("item", sa.String(64), nullable=False),
        sa.Column("feed", sa.String(64), nullable=False),
        sa.Column("record_id", sa.String(32), nullable=False),
        sa.Column("observed_on", sa.Date, nullable=False),
        sa.Column("said", sa.JSON, nullable=False),
        sa.Column("since_snapshot", sa.String(64), nullable=False),
        sa.Column("snapshot_id", sa.String(64), nullable=False),
        sa.Column("consent_id", sa.String(40), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_by", sa.String(64), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True)),
        sa.Column("closed_by", sa.String(64), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.String(40), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.UniqueConstraint("lender", "firm", "event_key"),
    )
    op.create_index("ix_borrower_alert_lender_made_at", "borrower_alert", ["lender", "made_at"])


def downgrade() -> None:
    op.drop_table("borrower_alert")
    op.drop_table("watched_borrower")
