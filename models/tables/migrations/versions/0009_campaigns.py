"""Campaigns: versions, rows, receipts of lenders, outcomes."""

import sqlalchemy as sa
from alembic import op

from models.tables.base import UtcTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "campaign",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("quarter", sa.Date, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.UniqueConstraint("quarter", "name"),
    )
    op.create_table(
        "campaign_version",
        sa.Column("campaign_id", sa.String(40), sa.ForeignKey("campaign.id"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("spec", sa.JSON, nullable=False),
        sa.Column("snapshot_id", sa.String(64), nullable=False),
        sa.Column("summary", sa.JSON, nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("drawn_up_by", sa.String(64), nullable=False),
        sa.Column("drawn_up_at", UtcTime, nullable=False),
        sa.Column("published_by", sa.String(64), nullable=False),
        sa.Column("published_at", UtcTime),
    )
    op.create_table(
        "campaign_row",
        sa.Column("campaign_id", sa.String(40), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("lender", sa.String(64), nullable=False),
        sa.Column("product", sa.String(80), nullable=False),
        sa.Column("uscc", sa.String(18), nullable=False),
        sa.Column("firm_name", sa.String(200), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("fen", sa.BigInteger, nullable=False),
        sa.Column("card", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id", "version"], ["campaign_version.campaign_id", "campaign_version.version"]
        ),
        sa.UniqueConstraint("campaign_id", "version", "product", "uscc"),
    )
    op.create_index("ix_campaign_row_campaign_id_version_lender", "campaign_row", ["campaign_id", "version", "lender"])
    op.create_table(
        "campaign_receipt",
        sa.Column("campaign_id", sa.String(40), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("lender", sa.String(64), primary_key=True),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("received_by", sa.String(64), nullable=False),
        sa.Column("received_at", UtcTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id", "version"], ["campaign_version.campaign_id", "campaign_version.version"]
        ),
    )
    op.create_table(
        "campaign_outcome",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("campaign_id", sa.String(40), sa.ForeignKey("campaign.id"), nullable=False),
        sa.Column("row_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("approved_fen", sa.BigInteger),
        sa.Column("drawn_fen", sa.BigInteger),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("told_by", sa.String(64), nullable=False),
        sa.Column("told_at", UtcTime, nullable=False),
        sa.UniqueConstraint("campaign_id", "row_id", "number"),
    )


def downgrade() -> None:
    for table in ("campaign_outcome", "campaign_receipt", "campaign_row", "campaign_version", "campaign"):
        op.drop_table(table)
