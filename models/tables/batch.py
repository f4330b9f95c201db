"""The manifest of landed batches. A Parquet file without its committed row here does not exist."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class Batch(Base):
    """Rows that arrived together; ``seq`` is the order of commits.

    ``status``: ``landed``; ``refused`` (too many bad rows); ``unchanged`` (nothing new, kept for its rejected rows).
    """

    __tablename__ = "batch"
    __table_args__ = (Index(None, "feed", "status"), Index(None, "feed", "file_sha256"))

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(64), unique=True)
    feed: Mapped[str] = mapped_column(String(80))
    status: Mapped[str] = mapped_column(String(16))
    received_at: Mapped[datetime] = mapped_column(UtcTime)
    file_name: Mapped[str] = mapped_column(String(400))
    file_sha256: Mapped[str] = mapped_column(String(64))
    content_digest: Mapped[str] = mapped_column(String(64), default="")
    path: Mapped[str] = mapped_column(String(400), default="")
    rows_read: Mapped[int] = mapped_column(default=0)
    rows_landed: Mapped[int] = mapped_column(default=0)
    rows_unchanged: Mapped[int] = mapped_column(default=0)
    rows_rejected: Mapped[int] = mapped_column(default=0)
    contested: Mapped[int] = mapped_column(default=0)
    observed_min: Mapped[date | None] = mapped_column(default=None)
    observed_max: Mapped[date | None] = mapped_column(default=None)
    covers_to: Mapped[date | None] = mapped_column(default=None)
    reasons: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
