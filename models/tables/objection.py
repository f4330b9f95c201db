"""Objections of firms to what is said of them, the steps taken, and the notices of corrections to those who read it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime
from models.tables.step import CaseStep


class Objection(Base):
    """One firm contests one item of its profile, or one record behind it (``record_id``, empty for the whole item).

    ``stage`` is a stage of ``seed/objections.yaml``, since ``stage_since``. ``open_key`` names firm, item and record
    while the case is open, so that there is one open case for each; ``content_sha256`` names what the firm said.
    ``marked``: readers may have to be told; where ``corrected_at`` is set, only readers of data known before it.
    """

    __tablename__ = "objection"
    __table_args__ = (Index(None, "firm", "marked"), Index(None, "agency", "stage"), Index(None, "stage"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    firm: Mapped[str] = mapped_column(String(18))
    item: Mapped[str] = mapped_column(String(80))
    record_id: Mapped[str] = mapped_column(String(32))
    feed: Mapped[str] = mapped_column(String(80))
    agency: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(String(40))
    evidence: Mapped[str] = mapped_column(Text)
    content_sha256: Mapped[str] = mapped_column(String(64))
    open_key: Mapped[str | None] = mapped_column(String(160), unique=True)
    filed_by: Mapped[str] = mapped_column(String(64))
    filed_at: Mapped[datetime] = mapped_column(UtcTime)
    stage: Mapped[str] = mapped_column(String(20))
    stage_since: Mapped[date]
    marked: Mapped[bool]
    statement: Mapped[str] = mapped_column(Text, default="")
    corrected_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)


class ObjectionStep(CaseStep, Base):
    """One step of a case, numbered from 1; ``content_sha256`` names what was said with it. Rows are only added.

    ``due`` is the last day of the stage it ended, where that was known. ``detail`` holds what else it brought: the
    inquiry letter, the batch of a correction.
    """

    __tablename__ = "objection_step"
    __table_args__ = (UniqueConstraint("objection_id", "number"),)

    objection_id: Mapped[str] = mapped_column(ForeignKey("objection.id"))
    due: Mapped[date | None] = mapped_column(default=None)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)


class CorrectionNotice(Base):
    """A lender that read a firm is told what was corrected, repaired or lifted since; one notice for each cause.

    ``item`` and ``feed`` are empty where the consent the lender read under did not cover them.
    """

    __tablename__ = "correction_notice"
    __table_args__ = (UniqueConstraint("lender", "cause_id"), Index(None, "lender", "made_at"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    lender: Mapped[str] = mapped_column(String(64))
    firm: Mapped[str] = mapped_column(String(18))
    kind: Mapped[str] = mapped_column(String(16))
    cause_id: Mapped[str] = mapped_column(String(40))
    item: Mapped[str] = mapped_column(String(80))
    feed: Mapped[str] = mapped_column(String(80))
    last_read_at: Mapped[datetime] = mapped_column(UtcTime)
    made_at: Mapped[datetime] = mapped_column(UtcTime)
    received_by: Mapped[str] = mapped_column(String(64), default="")
    received_at: Mapped[datetime | None] = mapped_column(UtcTime, default=None)
