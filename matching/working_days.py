"""Working days: weekdays less public holidays plus the weekend days worked in exchange, from a dated calendar file.

A calendar knows its first and last day and refuses to guess beyond them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from matching.rulefile import Name, RuleFile
from models.errors import RefusedInput

_SATURDAY = 5
_PARTS = ("id", "zh", "en", "source", "may_change_from", "years")
_YEAR = ("year", "notice", "confirmed", "read_in", "holidays", "worked")


@dataclass(frozen=True)
class CalendarYear:
    """One year as one notice arranges it. ``confirmed``: the wording of the notice was read."""

    year: int
    notice: str
    confirmed: bool
    read_in: str
    holidays: Mapping[date, Name]
    worked: frozenset[date]


@dataclass(frozen=True)
class Due:
    """The day a clock of ``working_days`` ends that started on ``started_on``.

    ``confirmed`` is false where a year it passes through is not, or its last days may still be moved; ``note`` then
    says which.
    """

    started_on: date
    working_days: int
    on: date
    confirmed: bool = True
    note: str = ""


@dataclass(frozen=True)
class WorkingCalendar:
    """The calendar of one place. ``years`` follow each other without a gap."""

    id: str
    name: Name
    source: str
    years: tuple[CalendarYear, ...]
    #: From this day on the next year's notice may still move a day; ``None`` when nothing is open.
    may_change_from: date | None = None
    _by_year: Mapping[int, CalendarYear] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_year", {each.year: each for each in self.years})

    @property
    def first_day(self) -> date:
        return date(self.years[0].year, 1, 1)

    @property
    def last_day(self) -> date:
        return date(self.years[-1].year, 12, 31)

    def year_of(self, day: date) -> CalendarYear:
        """The arrangement of the year of ``day``; ``RefusedInput`` (``beyond_calendar``) outside the calendar."""
        if day.year not in self._by_year:
            raise RefusedInput(
                "beyond_calendar",
                "day",
                day.isoformat(),
                f"The calendar of working days runs from {self.first_day} to {self.last_day}.",
                "Add the year to the calendar file once its notice is published.",
            )
        return self._by_year[day.year]

    def is_working_day(self, day: date) -> bool:
        """Whether offices work on ``day``; ``RefusedInput`` (``beyond_calendar``) outside the calendar."""
        year = self.year_of(day)
        if day in year.worked:
            return True
        return day.weekday() < _SATURDAY and day not in year.holidays

    @cached_property
    def _working(self) -> tuple[date, ...]:
        span = (self.last_day - self.first_day).days + 1
        every = (self.first_day + timedelta(number) for number in range(span))
        return tuple(day for day in every if self.is_working_day(day))

    def add_working_days(self, day: date, n: int) -> date:
        """The ``n``-th working day after ``day``, which itself does not count; ``day`` for ``n`` = 0.

        ``RefusedInput`` for a negative ``n``, and (``beyond_calendar``) where ``day`` or the result lies outside.
        """
        if n < 0:
            raise RefusedInput("bad_days", "n", n, "A clock runs forward.", "Give 0 or more working days.")
        self.year_of(day)
        if n == 0:
            return day
        at = bisect_right(self._working, day) + n - 1
        if at >= len(self._working):
            self.year_of(self.last_day + timedelta(1))
        return self._working[at]

    def due(self, day: date, n: int) -> Due:
        """As :meth:`add_working_days`, with what the answer rests on."""
        on = self.add_working_days(day, n)
        notes = [
            f"{each.year} rests on {each.notice}, which was not read."
            for each in self.years
            if day.year <= each.year <= on.year and not each.confirmed
        ]
        if self.may_change_from and on >= self.may_change_from:
            notes.append(f"Days from {self.may_change_from} may still be moved by the notice of the next year.")
        return Due(day, n, on, not notes, " ".join(notes))


def parse_calendar(document: object) -> WorkingCalendar:
    """The calendar of one file of ``seed/calendars``; ``DataFileError`` with file and line at the first fault."""
    file = RuleFile.of(document, _PARTS, ("id", "zh", "en", "source", "years"))
    years = tuple(_year(part) for part in file.parts("years", _YEAR, ("year", "notice", "confirmed", "holidays")))
    if not years:
        raise file.raw.wrong("years", "A calendar has a year at least.", "Add one.")
    for earlier, later, part in zip(years, years[1:], file.parts("years", _YEAR)[1:], strict=False):
        if later.year != earlier.year + 1:
            raise part.raw.wrong("year", "Years follow each other without a gap.", f"Write {earlier.year + 1}.")
    return WorkingCalendar(file.identifier(), file.name(), file.text("source"), years, file.day("may_change_from"))


def _year(part: RuleFile) -> CalendarYear:
    year = part.whole("year", 1950, 2200)
    holidays: dict[date, Name] = {}
    for entry in part.parts("holidays", ("zh", "en", "from", "until"), ("zh", "en", "from", "until")):
        since, until = entry.day("from"), entry.day("until")
        assert since is not None
        assert until is not None
        if until < since or (until - since).days > 15:
            raise entry.raw.wrong("until", "A holiday ends on or after its first day, within weeks.", "Check both.")
        for number in range((until - since).days + 1):
            day = since + timedelta(number)
            if day.year != year or day in holidays:
                raise entry.raw.wrong("from", f"{day} lies outside {year}, or is listed twice.", "Correct the days.")
            holidays[day] = entry.name()
    worked = _worked(part, year, holidays)
    return CalendarYear(year, part.text("notice"), part.flag("confirmed"), part.text("read_in"), holidays, worked)


def _worked(part: RuleFile, year: int, holidays: Iterable[date]) -> frozenset[date]:
    listed = part.raw.get("worked", [])
    if not isinstance(listed, list):
        raise part.raw.wrong("worked", "This is a list of days.", "Write it like [2024-02-04].")
    for day in listed:
        if not isinstance(day, date) or day.year != year or listed.count(day) > 1:
            raise part.raw.wrong("worked", f"{day} is no day of {year}, or is listed twice.", "Write 2024-02-04.")
        if day.weekday() < _SATURDAY or day in holidays:
            raise part.raw.wrong("worked", f"{day} is a weekday or a holiday.", "List weekend days that are worked.")
    return frozenset(listed)
