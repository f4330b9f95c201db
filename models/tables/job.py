"""Jobs: work that outlives a request. One row per job; whoever holds its lease works on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class Job(Base):
    """``state``: ``queued``, ``running``, ``done``, ``dead`` (given up, ``error`` says why) or ``cancelled``.

    ``key`` makes asking twice one job; a dead or cancelled job gives it back. ``fence`` grows with every claim: what is
    written under an older one is refused, so that a worker which lost its lease changes nothing. ``checkpoint`` is
    where the next worker goes on, ``progress`` what is shown meanwhile. ``tenant`` is whom the job is for; empty: the
    office.
    """

    __tablename__ = "job"
    __table_args__ = (Index(None, "state", "due_at"), Index(None, "kind", "asked_at"))

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(40), unique=True)
    key: Mapped[str | None] = mapped_column(String(160), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    asked_by: Mapped[str] = mapped_column(String(64))
    tenant: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime] = mapped_column(UtcTime)
    due_at: Mapped[datetime] = mapped_column(UtcTime)
    state: Mapped[str] = mapped_column(String(12))
    attempts: Mapped[int]
    max_attempts: Mapped[int]
    fence: Mapped[int]
    worker: Mapped[str] = mapped_column(String(120))
    lease_until: Mapped[datetime | None] = mapped_column(UtcTime)
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcTime)
    cancel_asked: Mapped[bool]
    checkpoint: Mapped[dict[str, Any]] = mapped_column(JSON)
    progress: Mapped[dict[str, Any]] = mapped_column(JSON)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    error: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
