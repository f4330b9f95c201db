"""Needs of firms, and the lenders each was matched with, in the order they are asked."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.money import from_fen
from models.tables.base import Base, UtcTime


class Need(Base):
    """A financing need as a firm stated it, once. ``state``: open, met, withdrawn or expired.

    ``open_key`` names firm and use while it is open, so that there is one open need for each use; ``content_sha256``
    names what was stated. ``snapshot_id`` and ``as_of`` say what the firm was matched by; ``size_class``, ``section``
    and ``grade`` (empty: unknown) what made it like others then.
    """

    __tablename__ = "need"
    __table_args__ = (Index(None, "firm", "stated_at"), Index(None, "state", "valid_until"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    firm: Mapped[str] = mapped_column(String(18))
    low_fen: Mapped[int] = mapped_column(BigInteger)
    high_fen: Mapped[int] = mapped_column(BigInteger)
    term: Mapped[int]
    term_unit: Mapped[str] = mapped_column(String(8))
    term_months: Mapped[int]
    use: Mapped[str] = mapped_column(String(40))
    security: Mapped[str] = mapped_column(String(40))
    valid_until: Mapped[date]
    state: Mapped[str] = mapped_column(String(12))
    open_key: Mapped[str | None] = mapped_column(String(80), unique=True)
    content_sha256: Mapped[str] = mapped_column(String(64))
    snapshot_id: Mapped[str] = mapped_column(String(64))
    as_of: Mapped[date]
    size_class: Mapped[str] = mapped_column(String(20))
    section: Mapped[str] = mapped_column(String(20))
    grade: Mapped[str] = mapped_column(String(8))
    stated_by: Mapped[str] = mapped_column(String(64))
    stated_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)

    @property
    def low(self) -> Decimal:
        """The least the firm wants, yuan."""
        return from_fen(self.low_fen)

    @property
    def high(self) -> Decimal:
        """The most the firm wants, yuan."""
        return from_fen(self.high_fen)


class NeedMatch(Base):
    """One lender a need fits, with its best product. ``place`` counts from 1, best first, and never changes.

    ``rank`` holds the points as they were told; ``again``: what stood against the firm was repaired, ask once more.
    """

    __tablename__ = "need_match"

    need_id: Mapped[str] = mapped_column(ForeignKey("need.id"), primary_key=True)
    lender: Mapped[str] = mapped_column(String(64), primary_key=True)
    place: Mapped[int]
    product: Mapped[str] = mapped_column(String(80))
    status: Mapped[str] = mapped_column(String(12))
    ask_fen: Mapped[int] = mapped_column(BigInteger)
    rank: Mapped[dict[str, Any]] = mapped_column(JSON)
    again: Mapped[bool] = mapped_column(default=False)
