"""Quarterly lists of firms for lenders: what was asked of one, its versions and rows, receipts, outcomes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class Campaign(Base):
    """The list of one quarter (its first day) under a name. ``version`` is the newest; 0 before the first."""

    __tablename__ = "campaign"
    __table_args__ = (UniqueConstraint("quarter", "name"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    quarter: Mapped[date]
    name: Mapped[str] = mapped_column(String(80))
    version: Mapped[int]


class CampaignVersion(Base):
    """One version: what was asked (``spec``), the snapshot it was drawn from, what came out (``summary``).

    ``content_sha256`` is over all of it, rows included. Nothing changes afterwards but that a second person publishes.
    """

    __tablename__ = "campaign_version"

    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    spec: Mapped[dict[str, Any]] = mapped_column(JSON)
    snapshot_id: Mapped[str] = mapped_column(String(64))
    summary: Mapped[dict[str, Any]] = mapped_column(JSON)
    content_sha256: Mapped[str] = mapped_column(String(64))
    drawn_up_by: Mapped[str] = mapped_column(String(64))
    drawn_up_at: Mapped[datetime] = mapped_column(UtcTime)
    published_by: Mapped[str] = mapped_column(String(64), default="")
    published_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)


class CampaignRow(Base):
    """A firm before a product. ``id`` says nothing of the firm and stays with the pair from version to version.

    ``place``: the lender's order within the product, from 1. ``card``: the firm as it may be shown without identity.
    """

    __tablename__ = "campaign_row"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "version"], ["campaign_version.campaign_id", "campaign_version.version"]),
        UniqueConstraint("campaign_id", "version", "product", "uscc"),
        Index(None, "campaign_id", "version", "lender"),
    )

    campaign_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    lender: Mapped[str] = mapped_column(String(64))
    product: Mapped[str] = mapped_column(String(80))
    uscc: Mapped[str] = mapped_column(String(18))
    firm_name: Mapped[str] = mapped_column(String(200))
    place: Mapped[int]
    fen: Mapped[int] = mapped_column(BigInteger)
    card: Mapped[dict[str, Any]] = mapped_column(JSON)


class CampaignReceipt(Base):
    """A lender's word that it has its rows of a version; ``content_sha256`` is over them as it saw them."""

    __tablename__ = "campaign_receipt"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "version"], ["campaign_version.campaign_id", "campaign_version.version"]),
    )

    campaign_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    lender: Mapped[str] = mapped_column(String(64), primary_key=True)
    content_sha256: Mapped[str] = mapped_column(String(64))
    received_by: Mapped[str] = mapped_column(String(64))
    received_at: Mapped[datetime] = mapped_column(UtcTime)


class CampaignOutcome(Base):
    """What became of a row, step by step from 1; the last one counts. Rows are only added. Amounts are fen."""

    __tablename__ = "campaign_outcome"
    __table_args__ = (UniqueConstraint("campaign_id", "row_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaign.id"))
    row_id: Mapped[str] = mapped_column(String(40))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))
    approved_fen: Mapped[int | None] = mapped_column(BigInteger, default=None)
    drawn_fen: Mapped[int | None] = mapped_column(BigInteger, default=None)
    reason: Mapped[str] = mapped_column(String(40), default="")
    told_by: Mapped[str] = mapped_column(String(64))
    told_at: Mapped[datetime] = mapped_column(UtcTime)
