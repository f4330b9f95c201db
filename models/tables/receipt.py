"""What makes an answer replayable: the question, the firm's facts, the snapshot, the rules, the hash of the answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class Receipt(Base):
    """One answered question. ``id`` is a digest over everything else here but ``answered_at``.

    ``facts_sha256`` names a :class:`FactSet`, ``rules_digest`` a folder of rule files. Both are empty, and ``as_of``
    ``None``, in receipts of before they were kept.
    """

    __tablename__ = "receipt"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(64))
    snapshot_id: Mapped[str] = mapped_column(String(64))
    rules_digest: Mapped[str] = mapped_column(String(64))
    question: Mapped[dict[str, Any]] = mapped_column(JSON)
    answer_sha256: Mapped[str] = mapped_column(String(64))
    answered_at: Mapped[datetime] = mapped_column(UtcTime)
    as_of: Mapped[date | None] = mapped_column(default=None)
    product_version: Mapped[str] = mapped_column(String(40), default="")
    facts_sha256: Mapped[str] = mapped_column(String(64), default="")


class FactSet(Base):
    """The known facts of one firm in one snapshot as canonical JSON; kept once, however many answers rest on it."""

    __tablename__ = "fact_set"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    body: Mapped[str] = mapped_column(Text)
