"""Which lenders a firm lets contact it, and the contacts that were made: a lender that contacts learns who it is."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class ContactPreference(Base):
    """A firm's word on being contacted, from the moment it is given to ``valid_until`` (included) or ``ended_at``.

    ``lenders``: those that may, ``None`` for all. ``at_a_time``, ``per_quarter``: how many of them at once, and in one
    quarter of the year. ``open_key`` is the firm until it withdraws or says something else: one word holds at a time.
    """

    __tablename__ = "contact_preference"
    __table_args__ = (Index(None, "firm"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    firm: Mapped[str] = mapped_column(String(18))
    open_key: Mapped[str | None] = mapped_column(String(18), unique=True)
    lenders: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    at_a_time: Mapped[int]
    per_quarter: Mapped[int]
    valid_until: Mapped[date]
    given_by: Mapped[str] = mapped_column(String(64))
    given_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_by: Mapped[str] = mapped_column(String(64), default="")
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)


class Contact(Base):
    """One lender contacts one firm; counted once a ``quarter`` (its first day), however often it asks.

    It takes one of the firm's places until ``valid_until`` (included) or ``ended_at``.
    """

    __tablename__ = "contact"
    __table_args__ = (UniqueConstraint("firm", "lender", "quarter"), Index(None, "lender", "made_at"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    preference_id: Mapped[str] = mapped_column(ForeignKey("contact_preference.id"))
    firm: Mapped[str] = mapped_column(String(18))
    lender: Mapped[str] = mapped_column(String(64))
    quarter: Mapped[date]
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime] = mapped_column(UtcTime)
    valid_until: Mapped[date]
    ended_by: Mapped[str] = mapped_column(String(64), default="")
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)
