"""Shapes of alerts about borrowers, and of the question who may stand for whom."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from service.api.inputs import EXAMPLE_USCC, Body
from service.api.shapes import Shape


class ClosingBody(Body):
    """What came of an alert."""

    outcome: str = Field(max_length=40, description="An outcome of the watch", examples=["under-observation"])
    note: str = Field(default="", max_length=500)


class GuarantorBody(Body):
    """Two firms: who borrows, and who would stand for it."""

    uscc: str = Field(max_length=18, examples=[EXAMPLE_USCC])
    guarantor: str = Field(max_length=18, examples=[EXAMPLE_USCC])


class AlertSource(Shape):
    """Where an alert comes from. `record_id` is null where no single record tells it."""

    item: str
    feed: str
    record_id: str | None
    agency: str | None
    zh: str | None
    en: str | None


class BorrowerAlertShape(Shape):
    id: str
    uscc: str
    alert: str
    severity: str = Field(description="high, medium, low")
    zh: str | None
    en: str | None
    observed_on: date
    source: AlertSource
    said: dict[str, Any] = Field(description="What the alert adds: from which grade to which, the fraction lost …")
    snapshot_id: str
    since_snapshot: str
    made_at: datetime
    state: str = Field(description="new, acknowledged, closed")
    acknowledged_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    note: str


class LenderWatch(Shape):
    lender: str
    watched: int
    told: int
    severity: dict[str, int]
    waiting: int
    late: int
    outcomes: dict[str, int]


class ToldAlert(Shape):
    id: str
    zh: str
    en: str
    told: int


class BorrowersOverview(Shape):
    """How the post-loan watch goes, by lender and by kind of alert."""

    acknowledge_within_days: int
    lenders: list[LenderWatch]
    alerts: list[ToldAlert]


class GuarantorAnswer(Shape):
    as_of: date
    snapshot_id: str
    uscc: str
    guarantor: str
    truth: str = Field(description="met: it may stand for the firm; unmet; unknown")
    link: str | None = Field(description="none, itself, circle; null where unknown")
    zh: str
    en: str
    feed: str
    cite: str
