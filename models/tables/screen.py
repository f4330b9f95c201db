"""Screens that lenders saved, alerts of new hits, and which screens a lender asked on a day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class SavedScreen(Base):
    """A lender's screen under a name. ``seen_snapshot``: alerts tell what was new since then.

    ``name_key`` is lender and name until the screen is deleted; ``version`` grows with each change.
    """

    __tablename__ = "saved_screen"
    __table_args__ = (Index(None, "lender"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    lender: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(120))
    name_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    conditions: Mapped[dict[str, Any]] = mapped_column(JSON)
    sort: Mapped[str] = mapped_column(String(80))
    version: Mapped[int]
    seen_snapshot: Mapped[str] = mapped_column(String(40))
    saved_by: Mapped[str] = mapped_column(String(64))
    saved_at: Mapped[datetime] = mapped_column(UtcTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)


class ScreenAlert(Base):
    """What was new for one version of a screen in a snapshot. ``hits`` is ``None`` where the group is too small."""

    __tablename__ = "screen_alert"
    __table_args__ = (UniqueConstraint("screen_id", "version", "snapshot_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    screen_id: Mapped[str] = mapped_column(ForeignKey("saved_screen.id"))
    version: Mapped[int]
    snapshot_id: Mapped[str] = mapped_column(String(40))
    since_snapshot: Mapped[str] = mapped_column(String(40))
    as_of: Mapped[date]
    hits: Mapped[int | None]
    prospect_ids: Mapped[list[str]] = mapped_column(JSON)
    made_at: Mapped[datetime] = mapped_column(UtcTime)


class AskedScreen(Base):
    """A lender asked a screen of a snapshot on a day: the conditions of different ones are counted, so that differences
    cannot be taken for ever.
    """

    __tablename__ = "asked_screen"

    lender: Mapped[str] = mapped_column(String(64), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    screen_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    conditions: Mapped[int]
