"""The change feed, webhook endpoints with their deliveries, and exports."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "change",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String(40), nullable=False, unique=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("object_id", sa.String(80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "change_head",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
    )
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("address", sa.String(500), nullable=False),
        sa.Column("address_key", sa.String(600), unique=True),
        sa.Column("kinds", sa.JSON),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("secret_version", sa.Integer, nullable=False),
        sa.Column("previous_until", sa.DateTime(timezone=True)),
        sa.Column("sent_through", sa.Integer, nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_webhook_endpoint_tenant", "webhook_endpoint", ["tenant"])
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("endpoint_id", sa.String(40), sa.ForeignKey("webhook_endpoint.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("fault", sa.Text, nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("endpoint_id", "number"),
    )
    op.create_index("ix_webhook_delivery_state_due_at", "webhook_delivery", ["state", "due_at"])
    op.create_table(
        "export",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("caller", sa.JSON, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("job_id", sa.String(40), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("manifest", sa.JSON, nullable=False),
        sa.Column("grounds", sa.JSON, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_export_tenant_asked_at", "export", ["tenant", "asked_at"])


def downgrade() -> None:
    for table in ("export", "webhook_delivery", "webhook_endpoint", "change_head", "change"):
        op.drop_table(table)
