"""Products that lenders publish themselves, version by version."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class ProductVersion(Base):
    """One version of one product, in the form of ``seed/products`` as JSON, with the cases that were tried on it.

    ``state``: ``draft``, ``submitted``, ``active``, ``retired``. ``document`` changes while it is a draft only, which
    ``revision`` counts. ``author`` wrote it last, ``activated_by`` is another. It is offered from ``effective_from`` to
    the day before ``retired_on``, unless a later version has begun.
    """

    __tablename__ = "product_version"
    __table_args__ = (
        UniqueConstraint("product_id", "version"),
        Index(None, "lender", "product_id"),
        Index(None, "state"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    product_id: Mapped[str] = mapped_column(String(80))
    version: Mapped[int]
    lender: Mapped[str] = mapped_column(String(64))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    cases: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    content_sha256: Mapped[str] = mapped_column(String(64))
    revision: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))
    author: Mapped[str] = mapped_column(String(64))
    drafted_at: Mapped[datetime] = mapped_column(UtcTime)
    submitted_by: Mapped[str] = mapped_column(String(64), default="")
    submitted_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)
    activated_by: Mapped[str] = mapped_column(String(64), default="")
    activated_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)
    effective_from: Mapped[date | None] = mapped_column(default=None)
    retired_by: Mapped[str] = mapped_column(String(64), default="")
    retired_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)
    retired_on: Mapped[date | None] = mapped_column(default=None)
