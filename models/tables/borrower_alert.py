"""Borrowers that lenders watch with the firm's consent, and what the lenders were told of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class WatchedBorrower(Base):
    """A firm that a lender watches under ``consent_id``. ``seen_snapshot``: what came later is still to be compared."""

    __tablename__ = "watched_borrower"

    lender: Mapped[str] = mapped_column(String(64), primary_key=True)
    firm: Mapped[str] = mapped_column(String(18), primary_key=True)
    consent_id: Mapped[str] = mapped_column(String(40))
    watched_since: Mapped[datetime] = mapped_column(UtcTime)
    seen_snapshot: Mapped[str] = mapped_column(String(64))


class BorrowerAlert(Base):
    """One event of one firm, told to one lender once: ``event_key`` is a digest of the rule and what names the event.

    ``record_id`` is empty where no single record tells it; ``said``: what the rule adds (from which grade to which …).
    An alert is acknowledged, then closed with an outcome; empty until then.
    """

    __tablename__ = "borrower_alert"
    __table_args__ = (UniqueConstraint("lender", "firm", "event_key"), Index(None, "lender", "made_at"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    lender: Mapped[str] = mapped_column(String(64))
    firm: Mapped[str] = mapped_column(String(18))
    event_key: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(String(40))
    severity: Mapped[str] = mapped_column(String(8))
    item: Mapped[str] = mapped_column(String(64))
    feed: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[str] = mapped_column(String(32))
    observed_on: Mapped[date]
    said: Mapped[dict[str, Any]] = mapped_column(JSON)
    since_snapshot: Mapped[str] = mapped_column(String(64))
    snapshot_id: Mapped[str] = mapped_column(String(64))
    consent_id: Mapped[str] = mapped_column(String(40))
    made_at: Mapped[datetime] = mapped_column(UtcTime)
    acknowledged_by: Mapped[str] = mapped_column(String(64))
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcTime)
    closed_by: Mapped[str] = mapped_column(String(64))
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    outcome: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(Text)
