"""Contact preferences and contacts, saved screens with alerts, asked screens, versions of products."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TABLES = ("contact_preference", "contact", "saved_screen", "screen_alert", "asked_screen", "product_version")


def _moment(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _word(name: str, length: int) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=False)


def _whole(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Integer, nullable=nullable)


def _day(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Date, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "contact_preference",
        sa.Column("id", sa.String(40), primary_key=True),
        _word("firm", 18),
        sa.Column("open_key", sa.String(18), unique=True),
        sa.Column("lenders", sa.JSON),
        _whole("at_a_time"),
        _whole("per_quarter"),
        _day("valid_until"),
        _word("given_by", 64),
        _moment("given_at"),
        _word("ended_by", 64),
        _moment("ended_at", nullable=True),
    )
    op.create_index("ix_contact_preference_firm", "contact_preference", ["firm"])
    op.create_table(
        "contact",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("preference_id", sa.String(40), sa.ForeignKey("contact_preference.id"), nullable=False),
        _word("firm", 18),
        _word("lender", 64),
        _day("quarter"),
        _word("made_by", 64),
        _moment("made_at"),
        _day("valid_until"),
        _word("ended_by", 64),
        _moment("ended_at", nullable=True),
        sa.UniqueConstraint("firm", "lender", "quarter"),
    )
    op.create_index("ix_contact_lender_made_at", "contact", ["lender", "made_at"])
    op.create_table(
        "saved_screen",
        sa.Column("id", sa.String(40), primary_key=True),
        _word("lender", 64),
        _word("name", 120),
        sa.Column("name_key", sa.String(200), unique=True),
        sa.Column("conditions", sa.JSON, nullable=False),
        _word("sort", 80),
        _whole("version"),
        _word("seen_snapshot", 40),
        _word("saved_by", 64),
        _moment("saved_at"),
        _moment("deleted_at", nullable=True),
    )
    op.create_index("ix_saved_screen_lender", "saved_screen", ["lender"])
    op.create_table(
        "screen_alert",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("screen_id", sa.String(40), sa.ForeignKey("saved_screen.id"), nullable=False),
        _whole("version"),
        _word("snapshot_id", 40),
        _word("since_snapshot", 40),
        _day("as_of"),
        _whole("hits", nullable=True),
        sa.Column("prospect_ids", sa.JSON, nullable=False),
        _moment("made_at"),
        sa.UniqueConstraint("screen_id", "version", "snapshot_id"),
    )
    op.create_table(
        "asked_screen",
        sa.Column("lender", sa.String(64), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("screen_sha256", sa.String(64), primary_key=True),
        _whole("conditions"),
    )
    op.create_table(
        "product_version",
        sa.Column("id", sa.String(40), primary_key=True),
        _word("product_id", 80),
        _whole("version"),
        _word("lender", 64),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("cases", sa.JSON),
        _word("content_sha256", 64),
        _whole("revision"),
        _word("state", 12),
        _word("author", 64),
        _moment("drafted_at"),
        _word("submitted_by", 64),
        _moment("submitted_at", nullable=True),
        _word("activated_by", 64),
        _moment("activated_at", nullable=True),
        _day("effective_from", nullable=True),
        _word("retired_by", 64),
        _moment("retired_at", nullable=True),
        _day("retired_on", nullable=True),
        sa.UniqueConstraint("product_id", "version"),
    )
    op.create_index("ix_product_version_lender_product_id", "product_version", ["lender", "product_id"])
    op.create_index("ix_product_version_state", "product_version", ["state"])


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
