"""Consents of persons to be evaluated themselves, through the firm they lead. Personal information."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class PersonConsent(Base):
    """The person who leads a firm lets the office evaluate them; it stands until it is withdrawn.

    ``text_sha256`` names the :class:`~models.tables.consent.ConsentText` that was signed, which names person and firm;
    ``document`` where the signed paper is kept, ``given_on`` the day it was signed. ``open_key`` is the firm while the
    consent stands, so that a firm has one at a time. Rows are never edited but to withdraw.
    """

    __tablename__ = "person_consent"
    __table_args__ = (Index(None, "firm"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    firm: Mapped[str] = mapped_column(String(18))
    person_name: Mapped[str] = mapped_column(String(120))
    given_on: Mapped[date]
    text_sha256: Mapped[str] = mapped_column(String(64))
    document: Mapped[str] = mapped_column(String(200))
    open_key: Mapped[str | None] = mapped_column(String(18), unique=True)
    recorded_by: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime] = mapped_column(UtcTime)
    withdrawn_by: Mapped[str] = mapped_column(String(64), default="")
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)
