"""Answers of changes that a client may ask for again under the same key."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class KeptAnswer(Base):
    """The answer to one keyed change, written in the transaction of the change.

    ``asker`` is the client or person the key belongs to; the key itself is free text of theirs and kept as SHA-256.
    ``fingerprint`` is over method, path with query, and body. A row that others can see is finished.
    """

    __tablename__ = "kept_answer"
    __table_args__ = (Index(None, "expires_at"),)

    asker: Mapped[str] = mapped_column(String(80), primary_key=True)
    key_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(default=0)
    headers: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    body: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    made_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
