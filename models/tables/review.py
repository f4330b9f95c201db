"""Firms whose evaluation a person looks at, and what the person decided."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Double, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class ReviewCase(Base):
    """One firm drawn for review in one quarter.

    ``score`` and ``grade`` are what ``snapshot_id`` said; ``rate`` is the share of its grade that is drawn. Open until
    ``decision`` is set: ``confirm``, or ``adjust`` with ``override_grade`` shown beside the evaluation until
    ``expires_on``. A decision never changes a score.
    """

    __tablename__ = "review_case"
    __table_args__ = (UniqueConstraint("quarter", "uscc"), Index(None, "decision", "quarter"), Index(None, "uscc"))

    id: Mapped[str] = mapped_column(String(20), primary_key=True)
    quarter: Mapped[date]
    uscc: Mapped[str] = mapped_column(String(18))
    snapshot_id: Mapped[str] = mapped_column(String(64))
    as_of: Mapped[date]
    score: Mapped[float] = mapped_column(Double)
    grade: Mapped[str] = mapped_column(String(8))
    rate: Mapped[float] = mapped_column(Double)
    decision: Mapped[str] = mapped_column(String(8), default="")
    decided_by: Mapped[str] = mapped_column(String(64), default="")
    decided_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)
    reason: Mapped[str] = mapped_column(String(40), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    override_grade: Mapped[str] = mapped_column(String(8), default="")
    expires_on: Mapped[date | None] = mapped_column(default=None)
