"""The only place that reads the clock. Moments are UTC; a day of business is a day in China, wherever we run."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

CITY_TIME = ZoneInfo("Asia/Shanghai")


def utc_now() -> datetime:
    """This moment, aware."""
    return datetime.now(UTC)


def day_of(moment: datetime) -> date:
    """The day of business a moment falls on."""
    return moment.astimezone(CITY_TIME).date()


def today() -> date:
    """The current day of business."""
    return day_of(utc_now())
