"""What holds of one feed on the day a profile is made for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from models.dates import Window, add_months, month_end
from scoring.feeds import Feed


@dataclass(frozen=True)
class FeedState:
    """One delivered feed as of a day.

    ``covered_to`` is the day up to which the feed is complete, never after ``as_of``; windows close there, while ages
    count to ``as_of``. ``has_contested`` says whether any batch in play holds a row whose natural key had landed
    before, so that revisions must be told apart.
    """

    feed: Feed
    as_of: date
    covered_to: date
    has_contested: bool = False

    def window(self, months: int) -> Window:
        """The last ``months`` months the feed covers."""
        return Window.back(self.covered_to, months)

    def year_back(self, number: int) -> Window:
        """The ``number``-th twelve months back (1 is the latest); together they are the window of all their months."""
        return Window(add_months(self.covered_to, -12 * number), add_months(self.covered_to, -12 * (number - 1)))

    def calendar_months(self, back: int, months: int) -> Window:
        """``months`` calendar months, the newest of them ``back`` before the covered one; the oldest counts whole."""
        end = month_end(add_months(self.covered_to, -back)) if back else self.covered_to
        return Window(month_end(add_months(self.covered_to, -back - months)), end)
