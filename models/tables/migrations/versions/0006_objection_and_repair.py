"""Objections and their steps, notices of corrections, repairs and their steps, penalties lifted for a time."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = ("objection", "objection_step", "correction_notice", "repair", "repair_step", "publicity_lift")


def _moment(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _word(name: str, length: int) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=False)


def upgrade() -> None:
    op.create_table(
        "objection",
        sa.Column("id", sa.String(40), primary_key=True),
        _word("firm", 18),
        _word("item", 80),
        _word("record_id", 32),
        _word("feed", 80),
        _word("agency", 40),
        _word("reason", 40),
        sa.Column("evidence", sa.Text, nullable=False),
        _word("content_sha256", 64),
        sa.Column("open_key", sa.String(160), unique=True),
        _word("filed_by", 64),
        _moment("filed_at"),
        _word("stage", 20),
        sa.Column("stage_since", sa.Date, nullable=False),
        sa.Column("marked", sa.Boolean, nullable=False),
        sa.Column("statement", sa.Text, nullable=False),
        _moment("corrected_at", nullable=True),
    )
    for columns in (["firm", "marked"], ["agency", "stage"], ["stage"]):
        op.create_index(f"ix_objection_{'_'.join(columns)}", "objection", columns)
    op.create_table(
        "objection_step",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("objection_id", sa.String(40), sa.ForeignKey("objection.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        _word("step", 20),
        _word("from_stage", 20),
        _word("to_stage", 20),
        _moment("at"),
        sa.Column("due", sa.Date),
        _word("actor", 64),
        _word("party", 16),
        sa.Column("text", sa.Text, nullable=False),
        _word("content_sha256", 64),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.UniqueConstraint("objection_id", "number"),
    )
    op.create_table(
        "correction_notice",
        sa.Column("id", sa.String(40), primary_key=True),
        _word("lender", 64),
        _word("firm", 18),
        _word("kind", 16),
        _word("cause_id", 40),
        _word("item", 80),
        _word("feed", 80),
        _moment("last_read_at"),
        _moment("made_at"),
        _word("received_by", 64),
        _moment("received_at", nullable=True),
        sa.UniqueConstraint("lender", "cause_id"),
    )
    op.create_index("ix_correction_notice_lender_made_at", "correction_notice", ["lender", "made_at"])
    op.create_table(
        "repair",
        sa.Column("id", sa.String(40), primary_key=True),
        _word("firm", 18),
        _word("feed", 80),
        _word("document", 200),
        _word("agency", 40),
        _word("record_id", 32),
        _word("regime", 40),
        sa.Column("materials", sa.JSON, nullable=False),
        sa.Column("promise", sa.JSON, nullable=False),
        sa.Column("checks", sa.JSON, nullable=False),
        _word("content_sha256", 64),
        sa.Column("open_key", sa.String(320), unique=True),
        _word("requested_by", 64),
        _moment("requested_at"),
        _word("stage", 20),
        sa.Column("stage_since", sa.Date, nullable=False),
        sa.Column("duty_done", sa.Boolean),
        _word("batch_id", 64),
        _moment("agency_updated_at", nullable=True),
    )
    op.create_index("ix_repair_firm_feed_document", "repair", ["firm", "feed", "document"])
    op.create_index("ix_repair_stage", "repair", ["stage"])
    op.create_table(
        "repair_step",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("repair_id", sa.String(40), sa.ForeignKey("repair.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        _word("step", 20),
        _word("from_stage", 20),
        _word("to_stage", 20),
        _moment("at"),
        _word("actor", 64),
        _word("party", 16),
        sa.Column("text", sa.Text, nullable=False),
        _word("content_sha256", 64),
        sa.UniqueConstraint("repair_id", "number"),
    )
    op.create_table(
        "publicity_lift",
        sa.Column("id", sa.String(40), primary_key=True),
        _word("firm", 18),
        _word("feed", 80),
        _word("document", 200),
        _word("ruling", 120),
        _word("court", 120),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("ends_on", sa.Date, nullable=False),
        _word("ordered_by", 64),
        _moment("ordered_at"),
        _word("batch_id", 64),
        _word("lifted_record_id", 32),
        _moment("ended_at", nullable=True),
        _word("end_batch_id", 64),
        sa.UniqueConstraint("firm", "feed", "document", "ruling"),
    )
    op.create_index("ix_publicity_lift_ends_on", "publicity_lift", ["ends_on"])


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
