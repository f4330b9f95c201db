"""Applications of needs to lenders, their steps, and what drawn loans take up of guarantees and subsidies."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime
from models.tables.step import CaseStep


class Application(Base):
    """One need before one lender, for the ``round``-th time. ``stage`` is a state of ``seed/applications.yaml``.

    ``clock_since`` and ``clock_due`` are the running limit's (``None``: none runs, or its end cannot be told).
    ``version`` counts the steps, so that of two who decide on the same state one is told. ``open_key`` names need and
    lender while it is open. ``eligible``: the firm met every stated condition when it was sent. ``silent``: it expired
    because the lender let its limit pass. Amounts are fen, ``rate`` a fraction a year as text.
    """

    __tablename__ = "application"
    __table_args__ = (
        UniqueConstraint("need_id", "lender", "round"),
        Index(None, "lender", "offered_at"),
        Index(None, "firm", "offered_at"),
        Index(None, "stage", "clock_due"),
        Index(None, "product"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    need_id: Mapped[str] = mapped_column(ForeignKey("need.id"))
    firm: Mapped[str] = mapped_column(String(18))
    lender: Mapped[str] = mapped_column(String(64))
    product: Mapped[str] = mapped_column(String(80))
    round: Mapped[int]
    open_key: Mapped[str | None] = mapped_column(String(120), unique=True)
    ask_fen: Mapped[int] = mapped_column(BigInteger)
    eligible: Mapped[bool]
    stage: Mapped[str] = mapped_column(String(24))
    stage_since: Mapped[date]
    clock_since: Mapped[date | None] = mapped_column(default=None)
    clock_due: Mapped[date | None] = mapped_column(default=None)
    version: Mapped[int]
    offered_at: Mapped[datetime] = mapped_column(UtcTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)
    decided_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)
    decision_days: Mapped[int | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(String(40), default="")
    silent: Mapped[bool] = mapped_column(default=False)
    taken_up_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)
    approved_fen: Mapped[int | None] = mapped_column(BigInteger, default=None)
    rate: Mapped[str] = mapped_column(String(20), default="")
    term_months: Mapped[int | None] = mapped_column(default=None)
    fees: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    drawn_fen: Mapped[int | None] = mapped_column(BigInteger, default=None)
    drawn_on: Mapped[date | None] = mapped_column(default=None)
    reference: Mapped[str] = mapped_column(String(80), default="")


class ApplicationStep(CaseStep, Base):
    """One step of an application, numbered from 1; ``content_sha256`` names what was said with it. Rows are only added.

    ``due`` is the last day of the limit that ran when it was taken, where that was known.
    """

    __tablename__ = "application_step"
    __table_args__ = (UniqueConstraint("application_id", "number"),)

    application_id: Mapped[str] = mapped_column(ForeignKey("application.id"))
    from_stage: Mapped[str] = mapped_column(String(24))
    to_stage: Mapped[str] = mapped_column(String(24))
    due: Mapped[date | None] = mapped_column(default=None)


class LoanEntry(Base):
    """One line of the ledgers, made when a loan is drawn and never changed.

    ``kind``: loan (its principal), guarantee (quota used) or subsidy (promised over the whole term); ``scheme`` is
    empty for a loan. ``fen`` is ``None`` for a subsidy whose amount is not known.
    """

    __tablename__ = "loan_entry"
    __table_args__ = (UniqueConstraint("application_id", "kind", "scheme"), Index(None, "scheme"), Index(None, "firm"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    application_id: Mapped[str] = mapped_column(ForeignKey("application.id"))
    kind: Mapped[str] = mapped_column(String(12))
    scheme: Mapped[str] = mapped_column(String(80))
    firm: Mapped[str] = mapped_column(String(18))
    lender: Mapped[str] = mapped_column(String(64))
    lender_kind: Mapped[str] = mapped_column(String(24))
    fen: Mapped[int | None] = mapped_column(BigInteger, default=None)
    drawn_on: Mapped[date]
    entered_at: Mapped[datetime] = mapped_column(UtcTime)
