"""Calendar arithmetic of the core. Nothing here reads a clock; the caller says which day it is."""

from __future__ import annotations

import re
from calendar import isleap
from dataclasses import dataclass
from datetime import date, timedelta

from models.errors import RefusedInput

EPOCH = date(1970, 1, 1)
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_SPAN = re.compile(r"(\d{1,4})m", re.ASCII)


def month_end(day: date) -> date:
    """Last day of the month ``day`` lies in."""
    return date(day.year, day.month, _length(day.year, day.month))


def _length(year: int, month: int) -> int:
    """Days of a month. Schedules ask it hundreds of times a loan, so no weekday is worked out on the way."""
    return 29 if month == 2 and isleap(year) else _LENGTHS[month - 1]


def add_months(day: date, months: int) -> date:
    """The same day ``months`` later (earlier if negative); a month's last day stays a month's last day.

    30 April + 1 month is 31 May, so that windows of whole months neither lose nor repeat a day.
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last, number = _length(year, month + 1), day.day
    if number == _length(day.year, day.month):
        return date(year, month + 1, last)
    return date(year, month + 1, min(number, last))


def whole_months(start: date, end: date) -> int:
    """Completed months from ``start`` to ``end``; negative when ``end`` is before ``start``."""
    months = (end.year - start.year) * 12 + end.month - start.month
    if add_months(start, months) > end:
        months -= 1
    return months


def days(day: date) -> int:
    """Days since 1970-01-01, the storage form of a date."""
    return (day - EPOCH).days


def from_days(number: int) -> date:
    """The date ``number`` days after 1970-01-01."""
    return EPOCH + timedelta(days=number)


@dataclass(frozen=True)
class Window:
    """Days after ``start`` up to and including ``end``."""

    start: date
    end: date

    @classmethod
    def back(cls, end: date, months: int) -> Window:
        """The ``months`` months that close on ``end``."""
        return cls(add_months(end, -months), end)

    def before(self, months: int) -> Window:
        """The window of ``months`` months that closes where this one opens."""
        return Window(add_months(self.start, -months), self.start)

    def __contains__(self, day: date) -> bool:
        return self.start < day <= self.end


def parse_span(text: str) -> int:
    """Months of a span written ``12m``; the only unit data files use."""
    match = _SPAN.fullmatch(text)
    if not match:
        raise RefusedInput("bad_span", "span", text, "A span is a number of months.", "Write it like 12m.")
    return int(match[1])


def parse_date(text: str, field: str = "date") -> date:
    """ISO 8601 calendar date (``2024-10-31``), nothing else."""
    try:
        if len(text) == 10 and text.isascii():
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise RefusedInput("bad_date", field, text, "A date is year-month-day and must exist.", "Write it like 2024-10-31.")
