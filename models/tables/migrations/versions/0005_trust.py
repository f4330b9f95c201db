"""The audit journal, which only grows; consents with their words; keys of clients and their used assertions."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = ("audit_entry", "audit_head", "consent", "consent_text", "lender_terms", "client_key", "used_assertion")
_TABLES += ("person", "sign_in")
_GENESIS = "0" * 64
#: Triggers are not seen by autogenerate: written by hand, for both databases.
_SQLITE = [
    f"""create trigger audit_entry_no_{verb} before {verb} on audit_entry
    begin select raise(abort, 'the audit journal only grows'); end"""
    for verb in ("update", "delete")
]
_POSTGRESQL = [
    """create function audit_entry_only_grows() returns trigger language plpgsql as
    $$ begin raise exception 'the audit journal only grows'; end $$""",
    """create trigger audit_entry_only_grows before update or delete or truncate on audit_entry
    for each statement execute function audit_entry_only_grows()""",
]


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("firm", sa.String(18), nullable=False),
        sa.Column("object_id", sa.String(80), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("consent_id", sa.String(40), nullable=False),
        sa.Column("result", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("entry_hash", sa.String(64), nullable=False, unique=True),
    )
    op.create_index("ix_audit_entry_firm_seq", "audit_entry", ["firm", "seq"])
    op.create_index("ix_audit_entry_actor_seq", "audit_entry", ["actor", "seq"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("entry_hash", sa.String(64), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_audit_head_one_row"),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "entry_hash": _GENESIS}])
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
    op.create_table(
        "consent",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("firm", sa.String(18), nullable=False),
        sa.Column("lender", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("dimensions", sa.JSON, nullable=False),
        sa.Column("personal", sa.Boolean, nullable=False),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("valid_until", sa.Date, nullable=False),
        sa.Column("text_sha256", sa.String(64), nullable=False),
        sa.Column("given_by", sa.String(64), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_by", sa.String(64), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_consent_firm_lender", "consent", ["firm", "lender"])
    op.create_index("ix_consent_lender_firm_purpose", "consent", ["lender", "firm", "purpose"])
    op.create_table(
        "consent_text",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("version", sa.String(20), nullable=False),
        sa.Column("zh", sa.Text, nullable=False),
        sa.Column("en", sa.Text, nullable=False),
    )
    op.create_table(
        "lender_terms",
        sa.Column("lender", sa.String(64), primary_key=True),
        sa.Column("max_consent_age_days", sa.Integer),
    )
    op.create_table(
        "client_key",
        sa.Column("client_id", sa.String(64), sa.ForeignKey("client.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("kid", sa.String(64), primary_key=True),
        sa.Column("jwk", sa.JSON, nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "used_assertion",
        sa.Column("client_id", sa.String(64), primary_key=True),
        sa.Column("jti_sha256", sa.String(64), primary_key=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )

    op.create_table(
        "person",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("powers", sa.JSON, nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("second_factor", sa.LargeBinary, nullable=False),
        sa.Column("last_step", sa.Integer, nullable=False),
        sa.Column("issuer", sa.String(200)),
        sa.Column("subject", sa.String(200)),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True)),
        sa.Column("disabled_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("issuer", "subject", name="uq_person_issuer_subject"),
    )
    op.create_table(
        "sign_in",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("person_id", sa.String(64), sa.ForeignKey("person.id", ondelete="CASCADE"), nullable=False),
        sa.Column("csrf_sha256", sa.String(64), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("drop function audit_entry_only_grows()")
