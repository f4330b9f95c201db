"""Snapshots that were built. The folder is immutable; the row makes it visible."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class Snapshot(Base):
    """One build. The first one of a quarter end is the frozen result of that quarter."""

    __tablename__ = "snapshot"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(64), unique=True)
    as_of: Mapped[date]
    known_by: Mapped[datetime] = mapped_column(UtcTime)
    built_at: Mapped[datetime] = mapped_column(UtcTime)
    firms: Mapped[int]
    manifest_sha256: Mapped[str] = mapped_column(String(64))
