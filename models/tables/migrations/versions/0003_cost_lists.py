"""Cost lists: versions, confirmations, what was charged."""

import sqlalchemy as sa
from alembic import op

from models.tables.base import UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cost_list",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("uscc", sa.String(18), nullable=False),
        sa.Column("lender", sa.String(64), nullable=False),
        sa.Column("reference", sa.String(80), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("ix_cost_list_uscc_lender", "cost_list", ["uscc", "lender"])
    op.create_table(
        "cost_list_version",
        sa.Column("list_id", sa.String(64), sa.ForeignKey("cost_list.id"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("drafted_at", UtcTime, nullable=False),
        sa.Column("drafted_by", sa.String(64), nullable=False),
    )
    op.create_table(
        "cost_list_confirmation",
        sa.Column("list_id", sa.String(64), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("side", sa.String(8), primary_key=True),
        sa.Column("person", sa.String(80), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("confirmed_at", UtcTime, nullable=False),
        sa.Column("entered_by", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id", "version"],
            ["cost_list_version.list_id", "cost_list_version.version"],
        ),
    )
    op.create_table(
        "cost_list_charge",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("list_id", sa.String(64), sa.ForeignKey("cost_list.id"), nullable=False),
        sa.Column("item", sa.String(120), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("charged_by", sa.String(40), nullable=False),
        sa.Column("charger", sa.String(80), nullable=False),
        sa.Column("charged_on", sa.Date, nullable=False),
        sa.Column("fen", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.String(80), nullable=False),
        sa.Column("told_by", sa.String(8), nullable=False),
        sa.Column("recorded_at", UtcTime, nullable=False),
        sa.Column("entered_by", sa.String(64), nullable=False),
        sa.UniqueConstraint("list_id", "item", "name", "charged_by", "charged_on", "fen", "reference"),
    )


def downgrade() -> None:
    for table in ("cost_list_charge", "cost_list_confirmation", "cost_list_version", "cost_list"):
        op.drop_table(table)
