"""The months of the city: which are delivered, how long each is, and how much of Spring Festival lies in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from models.dates import add_months, days, month_end
from seed.city.draws import Floats, Ints

#: Months simulated before the first delivered one, so that the first annual statement has a whole year behind it.
LEAD = 12

#: First day of the Lunar New Year (public almanac).
SPRING_FESTIVAL = {
    2015: date(2015, 2, 19),
    2016: date(2016, 2, 8),
    2017: date(2017, 1, 28),
    2018: date(2018, 2, 16),
    2019: date(2019, 2, 5),
    2020: date(2020, 1, 25),
    2021: date(2021, 2, 12),
    2022: date(2022, 2, 1),
    2023: date(2023, 1, 22),
    2024: date(2024, 2, 10),
    2025: date(2025, 1, 29),
    2026: date(2026, 2, 17),
    2027: date(2027, 2, 6),
    2028: date(2028, 1, 26),
    2029: date(2029, 2, 13),
    2030: date(2030, 2, 3),
}
_QUIET = (-4, 12)


@dataclass(frozen=True)
class Timeline:
    """Simulated months: ``LEAD`` undelivered ones, then ``months`` delivered ones that close on ``horizon``.

    ``starts`` and ``ends`` are days since 1970 of each month's first and last day, shape (LEAD + months,).
    """

    months: int
    horizon: date
    firsts: tuple[date, ...]
    starts: Ints
    ends: Ints
    festival: Floats

    @property
    def length(self) -> int:
        return LEAD + self.months

    @property
    def window_start(self) -> int:
        """First delivered day."""
        return int(self.starts[LEAD])

    @property
    def last_day(self) -> int:
        return int(self.ends[-1])

    @property
    def calendar_month(self) -> Ints:
        return np.array([first.month for first in self.firsts])

    @property
    def year(self) -> Ints:
        return np.array([first.year for first in self.firsts])

    def month_of(self, day: Ints) -> Ints:
        """Place of the month each day lies in; -1 before the first simulated month."""
        return np.searchsorted(self.starts, day, side="right") - 1

    def cover(self, offset: int) -> date:
        """Last day of the month ``offset`` (0 or less) months from the last one."""
        return add_months(self.horizon, offset)


def timeline(as_of: date, months: int) -> Timeline:
    """The months up to the last one complete on ``as_of``."""
    horizon = as_of if as_of == month_end(as_of) else as_of.replace(day=1) - timedelta(days=1)
    length = LEAD + months
    last = [add_months(horizon, -back) for back in range(length - 1, -1, -1)]
    firsts = tuple(day.replace(day=1) for day in last)
    return Timeline(
        months=months,
        horizon=horizon,
        firsts=firsts,
        starts=np.array([days(day) for day in firsts]),
        ends=np.array([days(day) for day in last]),
        festival=np.array([_festival_share(first, end) for first, end in zip(firsts, last, strict=True)]),
    )


def _festival_share(first: date, last: date) -> float:
    """Share of the festival's quiet days that lie in the month; 0 for years the almanac does not hold."""
    new_year = SPRING_FESTIVAL.get(first.year)
    if new_year is None:
        return 0.0
    quiet_from, quiet_to = (new_year + timedelta(days=shift) for shift in _QUIET)
    overlap = (min(last, quiet_to) - max(first, quiet_from)).days + 1
    return max(0, overlap) / (_QUIET[1] - _QUIET[0] + 1)
