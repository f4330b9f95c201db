"""Receipts keep what is needed to answer again; usage of schemes is counted."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("receipt") as table:
        table.add_column(sa.Column("as_of", sa.Date))
        table.add_column(sa.Column("product_version", sa.String(40), nullable=False, server_default=""))
        table.add_column(sa.Column("facts_sha256", sa.String(64), nullable=False, server_default=""))
    op.create_table(
        "fact_set",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "usage_event",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("scheme", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_index("ix_usage_event_day_scheme", "usage_event", ["day", "scheme"])


def downgrade() -> None:
    op.drop_table("usage_event")
    op.drop_table("fact_set")
    with op.batch_alter_table("receipt") as table:
        for column in ("facts_sha256", "product_version", "as_of"):
            table.drop_column(column)
