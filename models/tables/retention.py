"""What was removed because its time was over, or because a person asked for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class RetentionRun(Base):
    """One run of the retention rules: counts by rule, never the content that was removed."""

    __tablename__ = "retention_run"
    __table_args__ = (Index(None, "at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime)
    actor: Mapped[str] = mapped_column(String(64))
    dry_run: Mapped[bool]
    rules_sha256: Mapped[str] = mapped_column(String(64))
    report: Mapped[dict[str, Any]] = mapped_column(JSON)


class Erasure(Base):
    """One answered request of a person to have their information deleted: what went, what stays and why."""

    __tablename__ = "erasure"
    __table_args__ = (Index(None, "firm", "at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    firm: Mapped[str] = mapped_column(String(18))
    at: Mapped[datetime] = mapped_column(UtcTime)
    asked_by: Mapped[str] = mapped_column(String(64))
    report: Mapped[dict[str, Any]] = mapped_column(JSON)
