"""Models with their history and keys; review cases."""

import sqlalchemy as sa
from alembic import op

from models.tables.base import UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("catalogue_version", sa.String(64), nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
        sa.Column("registered_by", sa.String(64), nullable=False),
        sa.Column("registered_at", UtcTime, nullable=False),
    )
    op.create_index("ix_model_name", "model", ["name"])
    op.create_table(
        "model_event",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("model_id", sa.String(20), sa.ForeignKey("model.id"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("signature", sa.String(256), nullable=False),
    )
    op.create_index("ix_model_event_model_id_kind", "model_event", ["model_id", "kind"])
    op.create_table(
        "active_model",
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("model_id", sa.String(20), sa.ForeignKey("model.id"), nullable=False),
        sa.Column("since", UtcTime, nullable=False),
    )
    op.create_table(
        "signing_key",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("algorithm", sa.String(16), nullable=False),
        sa.Column("public_key", sa.String(256), nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("retired_at", UtcTime),
    )
    op.create_table(
        "review_case",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("quarter", sa.Date, nullable=False),
        sa.Column("uscc", sa.String(18), nullable=False),
        sa.Column("snapshot_id", sa.String(64), nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("grade", sa.String(8), nullable=False),
        sa.Column("rate", sa.Double, nullable=False),
        sa.Column("decision", sa.String(8), nullable=False),
        sa.Column("decided_by", sa.String(64), nullable=False),
        sa.Column("decided_at", UtcTime),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("override_grade", sa.String(8), nullable=False),
        sa.Column("expires_on", sa.Date),
        sa.UniqueConstraint("quarter", "uscc"),
    )
    op.create_index("ix_review_case_decision_quarter", "review_case", ["decision", "quarter"])
    op.create_index("ix_review_case_uscc", "review_case", ["uscc"])


def downgrade() -> None:
    for table in ("review_case", "signing_key", "active_model", "model_event", "model"):
        op.drop_table(table)
