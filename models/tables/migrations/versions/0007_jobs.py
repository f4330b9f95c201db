"""Jobs with leases and checkpoints."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _moment(name: str, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _word(name: str, length: int) -> sa.Column:
    return sa.Column(name, sa.String(length), nullable=False)


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(40), nullable=False, unique=True),
        sa.Column("key", sa.String(160), unique=True),
        _word("kind", 40),
        sa.Column("arguments", sa.JSON, nullable=False),
        _word("asked_by", 64),
        _word("tenant", 64),
        _moment("asked_at", nullable=False),
        _moment("due_at", nullable=False),
        _word("state", 12),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("max_attempts", sa.Integer, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        _word("worker", 120),
        _moment("lease_until"),
        _moment("heartbeat_at"),
        sa.Column("cancel_asked", sa.Boolean, nullable=False),
        sa.Column("checkpoint", sa.JSON, nullable=False),
        sa.Column("progress", sa.JSON, nullable=False),
        sa.Column("result", sa.JSON),
        sa.Column("error", sa.Text, nullable=False),
        _moment("ended_at"),
    )
    op.create_index("ix_job_state_due_at", "job", ["state", "due_at"])


def downgrade() -> None:
    op.drop_table("job")
