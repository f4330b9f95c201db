"""The audit journal: who did what to whose data, why, and how it ended. Rows are added and never touched again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class AuditEntry(Base):
    """One event. ``entry_hash`` is over the row and ``previous_hash``, so that no row can change or go unnoticed.

    ``seq`` runs from 1 without a gap. ``firm`` is the code of the firm whose data it is about, empty for none.
    ``result``: ``allowed``, ``denied`` (of a read), ``done``, ``refused`` (of a change). ``detail`` is canonical JSON.
    The database refuses to update or delete rows (triggers in the migration).
    """

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "firm", "seq"), Index(None, "actor", "seq"))

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcTime)
    actor: Mapped[str] = mapped_column(String(64))
    person: Mapped[str] = mapped_column(String(64), default="")
    role: Mapped[str] = mapped_column(String(16))
    tenant: Mapped[str] = mapped_column(String(64), default="")
    action: Mapped[str] = mapped_column(String(40))
    firm: Mapped[str] = mapped_column(String(18), default="")
    object_id: Mapped[str] = mapped_column(String(80), default="")
    purpose: Mapped[str] = mapped_column(String(16), default="")
    consent_id: Mapped[str] = mapped_column(String(40), default="")
    result: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(40), default="")
    detail: Mapped[str] = mapped_column(Text, default="{}")
    request_id: Mapped[str] = mapped_column(String(64), default="")
    previous_hash: Mapped[str] = mapped_column(String(64))
    entry_hash: Mapped[str] = mapped_column(String(64), unique=True)


class AuditHead(Base):
    """The end of the chain, one row: appenders lock it, so that two of them never follow the same entry."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    entry_hash: Mapped[str] = mapped_column(String(64))
