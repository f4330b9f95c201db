"""Where an application stands, and where one step takes it. Pure; the service keeps what comes out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from matching.applications.rules import CLOCK, ApplicationRules
from matching.procedure import Clock, Step
from matching.working_days import WorkingCalendar


@dataclass(frozen=True)
class Place:
    """State, since when it and its clock run, and how many steps were taken. ``clock_since`` is ``None`` where no clock
    runs."""

    stage: str
    since: date
    clock_since: date | None
    version: int = 1


@dataclass(frozen=True)
class Taken:
    """A step and the place it leads to. ``ended`` is the clock that stood when it was taken."""

    step: Step
    place: Place
    ended: Clock | None


def begun(rules: ApplicationRules, today: date) -> Place:
    """The place of a new application."""
    first = rules.procedure.first
    return Place(first, today, rules.clock_since("", None, first, today))


def take(
    rules: ApplicationRules, place: Place, step_id: str, party: str, today: date, calendar: WorkingCalendar
) -> Taken:
    """The step of ``party`` on ``today``; ``RefusedInput`` (409, ``step_not_open``) where it is not open.

    A party that answers after its limit still answers: only ``clock`` ends what is late.
    """
    # Time only passes: a clock set back never takes an application back with it.
    today = max(today, place.since)
    clock = rules.due(place.stage, place.clock_since, calendar)
    late = party == CLOCK and clock is not None and clock.late_on(today)
    step = rules.procedure.take(step_id, place.stage, party, late)
    since = place.since if step.to == place.stage else today
    clock_since = rules.clock_since(place.stage, place.clock_since, step.to, today)
    return Taken(step, Place(step.to, since, clock_since, place.version + 1), clock)


@dataclass(frozen=True)
class Turn:
    """One lender of a need in its order: ``asked`` it has or had an application, ``open`` it still has one,
    ``again``: what stood against it was repaired, so that it is asked once more."""

    lender: str
    place: int
    asked: bool
    open: bool
    again: bool


def next_lenders(turns: Iterable[Turn], most: int) -> tuple[str, ...]:
    """Whom to ask now so that at most ``most`` are asked at a time: who is to be asked again first, then by rank."""
    listed = sorted(turns, key=lambda each: (not each.again, each.place))
    free = most - sum(1 for each in listed if each.open)
    waiting = [each.lender for each in listed if not each.open and (each.again or not each.asked)]
    return tuple(waiting[: max(free, 0)])
