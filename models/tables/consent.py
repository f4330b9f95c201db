"""Consents of firms to lenders, with the words they were given under."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class Consent(Base):
    """One firm lets one lender read named dimensions of its profile for one purpose between two days, both included.

    ``personal`` extends it to personal items (the firm's own owners), which needs words of its own. ``text_sha256``
    names the :class:`ConsentText` it was given under. A consent is never edited; it ends early by ``revoked_at``.
    """

    __tablename__ = "consent"
    __table_args__ = (Index(None, "firm", "lender"), Index(None, "lender", "firm", "purpose"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    firm: Mapped[str] = mapped_column(String(18))
    lender: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[str] = mapped_column(String(16))
    dimensions: Mapped[list[str]] = mapped_column(JSON)
    personal: Mapped[bool] = mapped_column(default=False)
    valid_from: Mapped[date]
    valid_until: Mapped[date]
    text_sha256: Mapped[str] = mapped_column(String(64))
    given_by: Mapped[str] = mapped_column(String(64))
    given_at: Mapped[datetime] = mapped_column(UtcTime)
    revoked_by: Mapped[str] = mapped_column(String(64), default="")
    revoked_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)


class ConsentText(Base):
    """The words of a consent in both languages, kept as long as a consent names them."""

    __tablename__ = "consent_text"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    version: Mapped[str] = mapped_column(String(20))
    zh: Mapped[str] = mapped_column(Text)
    en: Mapped[str] = mapped_column(Text)


class LenderTerms(Base):
    """What a lender set for itself: the oldest consent it relies on, counted from the day it was given."""

    __tablename__ = "lender_terms"

    lender: Mapped[str] = mapped_column(String(64), primary_key=True)
    max_consent_age_days: Mapped[int | None] = mapped_column(default=None)
