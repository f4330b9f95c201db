"""Jobs are found by kind and day: whether a round of periodic work was asked for."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_job_kind_asked_at", "job", ["kind", "asked_at"])


def downgrade() -> None:
    op.drop_index("ix_job_kind_asked_at", "job")
