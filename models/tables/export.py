"""Exports: lists asked for as files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class Export(Base):
    """One list as it was asked for, and the files made of it. ``state``: ``waiting``, ``ready`` or ``gone``.

    ``caller`` is who asked, as the job acts for it. ``grounds`` are what the files rest on: ids of consents, and codes
    of firms that were open to contact; where one falls, the files go.
    """

    __tablename__ = "export"
    __table_args__ = (Index(None, "tenant", "asked_at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(64))
    asked_by: Mapped[str] = mapped_column(String(64))
    caller: Mapped[dict[str, Any]] = mapped_column(JSON)
    kind: Mapped[str] = mapped_column(String(20))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    purpose: Mapped[str] = mapped_column(String(20))
    job_id: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(12))
    manifest: Mapped[dict[str, Any]] = mapped_column(JSON)
    grounds: Mapped[dict[str, Any]] = mapped_column(JSON)
    asked_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcTime)
