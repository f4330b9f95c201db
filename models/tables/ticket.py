"""Tickets of repair: what stood against a firm and can be mended, whose matter it is, and what became of it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime
from models.tables.step import CaseStep


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


class TicketStep(CaseStep, Base):
    """One step of a ticket, numbered from 1. Rows are only added."""

    __tablename__ = "ticket_step"
    __table_args__ = (UniqueConstraint("ticket_id", "number"),)

    ticket_id: Mapped[str] = mapped_column(ForeignKey("ticket.id"))
