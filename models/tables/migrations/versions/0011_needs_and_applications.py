"""Needs and the lenders they were matched with, applications and their steps, ledgers of drawn loans, tickets."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TABLES = ("need", "need_match", "application", "application_step", "loan_entry", "ticket", "ticket_step")


def _moment(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _word(name: str, length: int) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=False)


def _whole(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Integer, nullable=nullable)


def _fen(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _day(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Date, nullable=nullable)


def _of(name: str, table: str, **more: bool) -> sa.Column:
    return sa.Column(name, sa.String(40), sa.ForeignKey(f"{table}.id"), nullable=False, **more)


def _indexes(table: str, *columns: list[str]) -> None:
    for each in columns:
        op.create_index(f"ix_{table}_{'_'.join(each)}", table, each)


def upgrade() -> None:
    op.create_table(
        "need",
        sa.Column("id", sa.String(40), primary_key=True),
        _word("firm", 18),
        _fen("low_fen"),
        _fen("high_fen"),
        _whole("term"),
        _word("term_unit", 8),
        _whole("term_months"),
        _word("use", 40),
        _word("security", 40),
        _day("valid_until"),
        _word("state", 12),
        sa.Column("open_key", sa.String(80), unique=True),
        _word("content_sha256", 64),
        _word("snapshot_id", 64),
        _day("as_of"),
        _word("size_class", 20),
        _word("section", 20),
        _word("grade", 8),
        _word("stated_by", 64),
        _moment("stated_at"),
        _moment("ended_at", nullable=True),
    )
    _indexes("need", ["firm", "stated_at"], ["state", "valid_until"])
    op.create_table(
        "need_match",
        _of("need_id", "need", primary_key=True),
        sa.Column("lender", sa.String(64), primary_key=True),
        _whole("place"),
        _word("product", 80),
        _word("status", 12),
        _fen("ask_fen"),
        sa.Column("rank", sa.JSON, nullable=False),
        sa.Column("again", sa.Boolean, nullable=False),
    )
    op.create_table(
        "application",
        sa.Column("id", sa.String(40), primary_key=True),
        _of("need_id", "need"),
        _word("firm", 18),
        _word("lender", 64),
        _word("product", 80),
        _whole("round"),
        sa.Column("open_key", sa.String(120), unique=True),
        _fen("ask_fen"),
        sa.Column("eligible", sa.Boolean, nullable=False),
        _word("stage", 24),
        _day("stage_since"),
        _day("clock_since", nullable=True),
        _day("clock_due", nullable=True),
        _whole("version"),
        _moment("offered_at"),
        _moment("answered_at", nullable=True),
        _moment("decided_at", nullable=True),
        _whole("decision_days", nullable=True),
        _word("reason", 40),
        sa.Column("silent", sa.Boolean, nullable=False),
        _moment("taken_up_at", nullable=True),
        _fen("approved_fen", nullable=True),
        _word("rate", 20),
        _whole("term_months", nullable=True),
        sa.Column("fees", sa.JSON, nullable=False),
        _fen("drawn_fen", nullable=True),
        _day("drawn_on", nullable=True),
        _word("reference", 80),
        sa.UniqueConstraint("need_id", "lender", "round"),
    )
    _indexes("application", ["lender", "offered_at"], ["firm", "offered_at"], ["stage", "clock_due"], ["product"])
    op.create_table(
        "application_step",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        _of("application_id", "application"),
        _whole("number"),
        _word("step", 20),
        _word("from_stage", 24),
        _word("to_stage", 24),
        _moment("at"),
        _day("due", nullable=True),
        _word("actor", 64),
        _word("party", 16),
        sa.Column("text", sa.Text, nullable=False),
        _word("content_sha256", 64),
        sa.UniqueConstraint("application_id", "number"),
    )
    op.create_table(
        "loan_entry",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        _of("application_id", "application"),
        _word("kind", 12),
        _word("scheme", 80),
        _word("firm", 18),
        _word("lender", 64),
        _word("lender_kind", 24),
        _fen("fen", nullable=True),
        _day("drawn_on"),
        _moment("entered_at"),
        sa.UniqueConstraint("application_id", "kind", "scheme"),
    )
    _indexes("loan_entry", ["scheme"], ["firm"])
    op.create_table(
        "ticket",
        sa.Column("id", sa.String(40), primary_key=True),
        _of("application_id", "application", unique=True),
        _of("need_id", "need"),
        _word("firm", 18),
        _word("lender", 64),
        _word("product", 80),
        _word("reason", 40),
        _word("type", 40),
        _word("stage", 20),
        _day("due", nullable=True),
        _whole("version"),
        _moment("opened_at"),
        _moment("closed_at", nullable=True),
    )
    _indexes("ticket", ["firm", "opened_at"], ["stage", "due"])
    op.create_table(
        "ticket_step",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        _of("ticket_id", "ticket"),
        _whole("number"),
        _word("step", 20),
        _word("from_stage", 20),
        _word("to_stage", 20),
        _moment("at"),
        _word("actor", 64),
        _word("party", 16),
        sa.Column("text", sa.Text, nullable=False),
        _word("content_sha256", 64),
        sa.UniqueConstraint("ticket_id", "number"),
    )


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
