"""Tickets of repair: what stood against a firm and can be mended, whose matter it is, and what became of it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class Ticket(Base):
    """One repairable cause of one refusal. ``type`` and ``stage`` are those of ``seed/applications.yaml``.

    ``due``: the last day its measure should take, ``None`` where the calendar of working days ends before.
    """

    __tablename__ = "ticket"
    __table_args__ = (Index(None, "firm", "opened_at"), Index(None, "stage", "due"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    application_id: Mapped[str] = mapped_column(ForeignKey("application.id"), unique=True)
    need_id: Mapped[str] = mapped_column(ForeignKey("need.id"))
    firm: Mapped[str] = mapped_column(String(18))
    lender: Mapped[str] = mapped_column(String(64))
    product: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(40))
    type: Mapped[str] = mapped_column(String(40))
    stage: Mapped[str] = mapped_column(String(20))
    due: Mapped[date | None] = mapped_column(default=None)
    version: Mapped[int]
    opened_at: Mapped[datetime] = mapped_column(UtcTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)


class TicketStep(Base):
    """One step of a ticket, numbered from 1. Rows are only added."""

    __tablename__ = "ticket_step"
    __table_args__ = (UniqueConstraint("ticket_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    ticket_id: Mapped[str] = mapped_column(ForeignKey("ticket.id"))
    number: Mapped[int]
    step: Mapped[str] = mapped_column(String(20))
    from_stage: Mapped[str] = mapped_column(String(20))
    to_stage: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(UtcTime)
    actor: Mapped[str] = mapped_column(String(64))
    party: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    content_sha256: Mapped[str] = mapped_column(String(64))
