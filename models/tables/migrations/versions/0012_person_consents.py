"""Consents of persons to be evaluated through the firm they lead."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "person_consent",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("firm", sa.String(18), nullable=False),
        sa.Column("person_name", sa.String(120), nullable=False),
        sa.Column("given_on", sa.Date, nullable=False),
        sa.Column("text_sha256", sa.String(64), nullable=False),
        sa.Column("document", sa.String(200), nullable=False),
        sa.Column("open_key", sa.String(18), unique=True),
        sa.Column("recorded_by", sa.String(64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_by", sa.String(64), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_person_consent_firm", "person_consent", ["firm"])


def downgrade() -> None:
    op.drop_table("person_consent")
