"""Credit repair: requests of firms with their steps, and penalties lifted for a time under a restructuring ruling."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime
from models.tables.step import CaseStep


class Repair(Base):
    """One firm asks for the repair of one record, named by feed and ``document``, which outlives its revisions.

    ``checks`` is the first check as it was found, ``materials`` what came with the request. ``open_key`` names firm and
    record while the case is open or granted: a record is repaired once. ``batch_id`` holds the withdrawal.
    ``agency_updated_at``: when the agency's own data first said the same.
    """

    __tablename__ = "repair"
    __table_args__ = (Index(None, "firm", "feed", "document"), Index(None, "stage"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    firm: Mapped[str] = mapped_column(String(18))
    feed: Mapped[str] = mapped_column(String(80))
    document: Mapped[str] = mapped_column(String(200))
    agency: Mapped[str] = mapped_column(String(40))
    record_id: Mapped[str] = mapped_column(String(32))
    regime: Mapped[str] = mapped_column(String(40))
    materials: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    promise: Mapped[dict[str, str]] = mapped_column(JSON)
    checks: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    content_sha256: Mapped[str] = mapped_column(String(64))
    open_key: Mapped[str | None] = mapped_column(String(320), unique=True)
    requested_by: Mapped[str] = mapped_column(String(64))
    requested_at: Mapped[datetime] = mapped_column(UtcTime)
    stage: Mapped[str] = mapped_column(String(20))
    stage_since: Mapped[date]
    duty_done: Mapped[bool | None] = mapped_column(default=None)
    batch_id: Mapped[str] = mapped_column(String(64), default="")
    agency_updated_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)


class RepairStep(CaseStep, Base):
    """One step of a request, numbered from 1. Rows are only added."""

    __tablename__ = "repair_step"
    __table_args__ = (UniqueConstraint("repair_id", "number"),)

    repair_id: Mapped[str] = mapped_column(ForeignKey("repair.id"))


class PublicityLift(Base):
    """A record out of sight from ``starts_on`` to ``ends_on``, both included, under a court's restructuring ruling.

    ``batch_id`` holds the withdrawal, ``end_batch_id`` the revision that brings the record back.
    """

    __tablename__ = "publicity_lift"
    __table_args__ = (UniqueConstraint("firm", "feed", "document", "ruling"), Index(None, "ends_on"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    firm: Mapped[str] = mapped_column(String(18))
    feed: Mapped[str] = mapped_column(String(80))
    document: Mapped[str] = mapped_column(String(200))
    ruling: Mapped[str] = mapped_column(String(120))
    court: Mapped[str] = mapped_column(String(120))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    ordered_by: Mapped[str] = mapped_column(String(64))
    ordered_at: Mapped[datetime] = mapped_column(UtcTime)
    batch_id: Mapped[str] = mapped_column(String(64))
    lifted_record_id: Mapped[str] = mapped_column(String(32))
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)
    end_batch_id: Mapped[str] = mapped_column(String(64), default="")
