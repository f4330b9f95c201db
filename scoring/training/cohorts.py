"""Which days can be trained on: those whose records and whose outcomes are complete enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from models.dates import add_months, month_end
from models.errors import RefusedInput
from scoring.training.definition import Definition

#: Day up to which an agency says each feed is complete.
Coverage = Mapping[str, date]


@dataclass(frozen=True)
class LeftOut:
    """A day that is not trained on. ``reason`` is a stable slug, ``said`` a sentence."""

    day: date
    reason: str
    said: str


def quarters(first: date, last: date) -> list[list[date]]:
    """The month ends from ``first`` to ``last``, both counted, by quarter, oldest first."""
    found: dict[tuple[int, int], list[date]] = {}
    day = month_end(first)
    while day <= last:
        found.setdefault((day.year, (day.month - 1) // 3), []).append(day)
        day = add_months(day, 1)
    return list(found.values())


def told_to(definition: Definition, on_the_day: Coverage) -> date | None:
    """The day up to which debts were known; ``None`` when nobody had told of any."""
    told = [on_the_day[records.feed] for records in definition.exposure if records.feed in on_the_day]
    return max(told, default=None)


def asked_cohorts(days: list[date]) -> list[date]:
    """The days somebody asks for, in order; ``RefusedInput`` for a day that ends no month or stands there twice.

    Windows of whole months from a month's last day neither lose nor repeat a day.
    """
    for day in days:
        if day != month_end(day):
            raise RefusedInput(
                "bad_cohort", "cohorts", day.isoformat(), "A cohort is a month's last day.", f"Take {month_end(day)}."
            )
    if len(set(days)) < len(days):
        raise RefusedInput(
            "bad_cohort", "cohorts", ", ".join(map(str, days)), "A day stands there twice.", "Name each once."
        )
    return sorted(days)


def fault_of(day: date, definition: Definition, on_the_day: Coverage, now: Coverage) -> LeftOut | None:
    """Why ``day`` cannot be a cohort, ``None`` when it can.

    ``on_the_day`` is what had been received by the end of that day, ``now`` what is known when the model is trained.
    """
    if not on_the_day:
        return LeftOut(day, "no_records", "Nothing had been received by that day.")
    needed = definition.complete_to(day)
    for feed in definition.required_feeds:
        if feed not in now:
            return LeftOut(day, "no_outcome", f"{feed} was never delivered, so nobody knows who defaulted.")
        if now[feed] < needed:
            return LeftOut(
                day, "window_open", f"Outcomes are told when {feed} is complete to {needed}; it is to {now[feed]}."
            )
    told = told_to(definition, on_the_day)
    if told is None:
        return LeftOut(day, "no_exposure", "By that day no agency had told who owes anything.")
    if told < add_months(day, -definition.fresh):
        return LeftOut(
            day,
            "stale",
            f"What was known of debts that day ended on {told}, over {definition.fresh} months before.",
        )
    return None
