"""Reads a training set from the office's records: profiles as of each day from what was known that day, outcomes since.

A row follows from the records received by the end of its day, through the same build as a snapshot of that day. Only
its outcome follows from what came later. Nothing here is written to the office.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from models.dates import from_days, whole_months
from models.errors import RefusedInput
from models.kinds import UNKNOWN_INT32, Kind
from scoring.catalogue import Catalogue
from scoring.columns import Array, Columns
from scoring.derived import DERIVED, derive
from scoring.feeds import FeedBook
from scoring.monitoring.alert_rules import ATTRIBUTES
from scoring.scorecard.inputs import Inputs
from scoring.training.cohorts import Coverage, LeftOut, asked_cohorts, fault_of, quarters, told_to
from scoring.training.history import oldest_record, too_short, windowed
from scoring.training.plan import TrainingPlan
from scoring.training.standing import screen
from scoring.training.training_set import Cohort, TrainingSet
from service.books import rulebook
from service.books.seedbook import catalogue, feeds
from service.clock import CITY_TIME, day_of
from service.learning.outcome_rows import OutcomeReader
from service.office import Office
from service.snapshot import folder as files
from service.snapshot.aggregate import Limits
from service.snapshot.build_inputs import select_inputs
from service.snapshot.contents import Run, make_contents
from service.snapshot.stages import Stages

#: Told (cohorts done, cohorts in all).
Tell = Callable[[int, int], None]


def end_of(day: date) -> datetime:
    """The last moment of a day of business."""
    return datetime.combine(day + timedelta(days=1), time(0), CITY_TIME).astimezone(UTC) - timedelta(microseconds=1)


def make_training_set(
    office: Office,
    plan: TrainingPlan,
    known_by: datetime,
    days: Sequence[date] | None = None,
    tell: Tell = lambda done, total: None,
) -> TrainingSet:
    """The rows of the plan from what ``office`` had received by ``known_by``.

    ``days`` names the cohorts; ``None`` takes of every quarter the month end whose records were freshest, where records
    and outcomes are complete enough, and names the quarters that have none. ``RefusedInput`` when nothing has landed,
    and for a day that was asked for and cannot be used.
    """
    with TemporaryDirectory(dir=office.work, prefix="training-") as scratch:
        return Reader(office, plan, catalogue(), feeds(), known_by, Path(scratch)).training_set(days, tell)


@dataclass(frozen=True)
class Reader:
    """What every cohort is read with. ``known_by`` is the moment outcomes are told from."""

    office: Office
    plan: TrainingPlan
    catalogue: Catalogue
    feeds: FeedBook
    known_by: datetime
    scratch: Path
    limits: Limits = field(default_factory=Limits)

    def training_set(self, days: Sequence[date] | None, tell: Tell) -> TrainingSet:
        """See :func:`make_training_set`."""
        now = select_inputs(self.office, day_of(self.known_by), self.known_by, self.feeds)
        coverage = {feed: state.covered_to for feed, state in now.states.items()}
        if days is None:
            first = min(datetime.fromisoformat(batch[2]) for batches in now.batches.values() for batch in batches)
            months = quarters(day_of(first), day_of(now.known_by))
            tried = [self._freshest(quarter, coverage) for quarter in months]
        else:
            tried = asked_cohorts(list(days))
        cohorts, left_out = [], []
        for place, day in enumerate(tried):
            tell(place, len(tried))
            fault = fault_of(day, self.plan.default, self._known_on(day), coverage)
            if fault is None:
                cohort = self.cohort(day)
                if cohort.rows:
                    cohorts.append(cohort)
                    continue
                fault = LeftOut(day, "no_firms", "No firm of that day is in the set.")
            if days is not None:
                raise RefusedInput(fault.reason, "cohorts", day.isoformat(), fault.said, "Name another day.")
            left_out.append(fault)
        tell(len(tried), len(tried))
        unseen = tuple(event.id for event in self.plan.default.events if event.feed not in coverage)
        return TrainingSet(self.plan, tuple(cohorts), tuple(left_out), unseen, now.known_by)

    def cohort(self, day: date) -> Cohort:
        """The rows of one day, by code, with their outcomes."""
        definition = self.plan.default
        known_by, uscc, columns, short_history = self._profile(day)
        told = {name: kind for name, kind in self.plan.kinds.items() if name not in short_history}
        screened = screen(columns, definition, told)
        uscc = uscc[screened.rows]
        inputs = Inputs.from_columns(columns.take(screened.rows, self.plan.kinds), self.plan.kinds)
        groups = Inputs.from_columns(columns.take(screened.rows, ATTRIBUTES), dict.fromkeys(ATTRIBUTES, Kind.CODE))
        came = self._outcomes.outcomes(day, uscc, definition.window)
        rows = came.default | came.good
        hit = {event: int(((days != UNKNOWN_INT32) & came.default).sum()) for event, days in came.first.items()}
        return Cohort(
            day=day,
            window_end=definition.window_end(day),
            known_by=known_by,
            uscc=uscc[rows],
            inputs=inputs.take(rows),
            default=came.default[rows],
            by_event=hit,
            left_out={**screened.left_out, **came.left_out},
            short_history=short_history,
            groups=groups.take(rows).categories,
        )

    @property
    def _outcomes(self) -> OutcomeReader:
        parts = (self.office, self.plan.default, self.catalogue, self.feeds, self.known_by, self.scratch, self.limits)
        return OutcomeReader(*parts)

    def _freshest(self, quarter: Sequence[date], coverage: Coverage) -> date:
        """The month end of a quarter whose records end closest before it, the last of equals; the last if none fits."""
        ages: dict[date, int] = {}
        for day in quarter:
            known = self._known_on(day)
            told = told_to(self.plan.default, known)
            if told is not None and fault_of(day, self.plan.default, known, coverage) is None:
                ages[day] = whole_months(told, day)
        return min(reversed(ages), key=lambda day: ages[day]) if ages else quarter[-1]

    def _known_on(self, day: date) -> Coverage:
        """How far each feed was complete, by what had been received at the end of ``day``."""
        try:
            inputs = select_inputs(self.office, day, end_of(day), self.feeds)
        except RefusedInput as refused:
            if refused.code != "no_batches":
                raise
            return {}
        return {feed: state.covered_to for feed, state in inputs.states.items()}

    def _profile(self, day: date) -> tuple[datetime, NDArray[np.bytes_], Columns, tuple[str, ...]]:
        """Every firm as of ``day`` from what was received by its end: items, derived facts, the definition's flags.

        Last come the factors that are left out because their feeds had not run long enough.
        """
        definition = self.plan.default
        flags = {each.in_force.id: each.in_force for each in (*definition.events, *definition.exposure)}
        behind = windowed(self.plan.kinds, self.catalogue.items)
        probes = {item.feed: oldest_record(item, self.feeds) for items in behind.values() for item in items}
        asked = {**flags, **{probe.id: probe for probe in probes.values()}}
        catalogue = replace(self.catalogue, items={**self.catalogue.items, **asked})
        inputs = select_inputs(self.office, day, end_of(day), self.feeds)
        stages = Stages(derive=lambda columns, as_of: derive(columns, rulebook.sizes(), as_of), kinds=DERIVED)
        contents = make_contents(inputs, {}, catalogue, self.feeds, stages, self.limits, self.scratch, Run(None))
        entries = {**contents.manifest["items"], **contents.manifest["auxiliary"], **contents.manifest["derived"]}
        oldest = {feed: _first_day(contents.arrays[files.item_file(probe.id)]) for feed, probe in probes.items()}
        covered = {feed: state.covered_to for feed, state in inputs.states.items()}
        short = too_short(behind, {feed: first for feed, first in oldest.items() if first is not None}, covered)
        wanted = {*self.plan.kinds, *flags, *ATTRIBUTES, "live", "firm_age_months"} - set(short)
        values, codes = {}, {}
        for name in sorted(wanted & entries.keys()):
            path = files.derived_file(name) if name in DERIVED else files.item_file(name)
            values[name] = contents.arrays[path]
            if entries[name]["kind"] == Kind.CODE:
                codes[name] = tuple(entries[name]["codes"])
        uscc = contents.arrays[files.USCC]
        return inputs.known_by, uscc, Columns(len(uscc), values, codes), short


def _first_day(days: Array) -> date | None:
    known = days[days != UNKNOWN_INT32]
    return from_days(int(known.min())) if len(known) else None
