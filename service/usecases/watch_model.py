"""Watches a model in service: drift, outcomes, migration, parity, challenger, and what somebody must look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sqlalchemy import select

from models.dates import add_months, whole_months
from models.errors import NotFound, RefusedInput
from models.kinds import UNKNOWN_CODE
from models.tables import Snapshot
from scoring.evaluation.quarter import frozen_quarter
from scoring.metrics import auc
from scoring.monitoring.alert_rules import ATTRIBUTES, WatchRules
from scoring.monitoring.comparison import Comparison, compare
from scoring.monitoring.drift import (
    ItemDrift,
    ScoreDrift,
    item_drifts,
    parse_reference,
    reference_of,
    score_drift,
    trained_shares,
)
from scoring.monitoring.migration import Migration, migrate
from scoring.monitoring.outcomes import BandOutcome, band_outcomes
from scoring.monitoring.parity import Parity, parity
from scoring.training.definition import Definition
from service.answers.pd import registered_model
from service.books.rulebook import offers, pd_scale, watch_rules
from service.books.seedbook import catalogue, feeds
from service.clock import day_of
from service.learning.outcome_rows import OutcomeReader
from service.learning.training_plans import definitions
from service.registry.store import LoadedModel, active_id
from service.snapshot.shelf import Shelf
from service.snapshot.snapshots import OpenSnapshot
from service.watching.watched_firms import WatchedFirms, like_training, watched_firms

TRAINING = "training"
#: Grades whose moves are told: the expert evaluation's and that of the probability.
GRADES = ("grade", "pd_grade")
#: Cohorts whose outcomes are read, the latest ones: two years of quarters.
_MOST_COHORTS = 8


@dataclass(frozen=True)
class Drift:
    """Today's firms against ``against``: ``training``, or the id of an earlier snapshot.

    ``population``: ``like_training`` (firms the definition of default asks about) or ``scored`` (all). ``score`` is
    ``None`` where there is nothing to compare.
    """

    against: str
    population: str
    firms: int
    score: ScoreDrift | None
    items: tuple[ItemDrift, ...]


@dataclass(frozen=True)
class CohortOutcome:
    """What came of the firms of an earlier snapshot within ``months`` of the window; ``complete``: all of it.

    ``hindsight_days``: how long after its day the last record it was scored from came. ``in_fit``: the model learned
    from that day, so it says nothing about how well it predicts. ``judged``: lights and figures count.
    """

    snapshot: OpenSnapshot
    served: bool
    in_fit: bool
    hindsight_days: int
    months: int
    window: int
    judged: bool
    firms: int
    defaults: int
    left_out: int
    auc: float | None
    challenger_auc: float | None
    slope: float | None
    bands: tuple[BandOutcome, ...]

    @property
    def complete(self) -> bool:
        return self.months == self.window


@dataclass(frozen=True)
class Watch:
    """Everything watched of one model over one snapshot. ``earlier`` is the snapshot migration starts from."""

    model: LoadedModel
    active: bool
    firms: WatchedFirms
    rules: WatchRules
    definition: Definition | None
    earlier: OpenSnapshot | None
    drifts: tuple[Drift, ...]
    cohorts: tuple[CohortOutcome, ...]
    migrations: Mapping[str, Migration]
    parities: Mapping[str, Parity]
    comparison: Comparison | None

    @property
    def snapshot(self) -> OpenSnapshot:
        return self.firms.snapshot


def watch_model(shelf: Shelf, model_id: str = "", as_of: date | None = None, against: str = "") -> Watch:
    """Watch a model over the snapshot of ``as_of`` (default: the newest).

    ``model_id``: default the one in force. ``against``: ``training`` or the id of a snapshot; default both training and
    the last quarter end before. The same snapshot, model and records give the same result. ``NotFound`` for an id that
    is none; ``RefusedInput`` (409) where no model is in force, the model cannot be trusted or was made for another
    catalogue, or the snapshot was built without an evaluation.
    """
    snapshot = shelf.built(as_of)
    model = shelf.models.by_id(model_id or _in_force(shelf))
    with TemporaryDirectory(dir=shelf.office.work, prefix="watch-") as scratch:
        return _Watching(shelf, model, snapshot, against, Path(scratch)).watch()


def _in_force(shelf: Shelf) -> str:
    found = active_id(shelf.office, pd_scale().model)
    if found is None:
        raise RefusedInput(
            "no_active_model", "model", pd_scale().model, "No model of this name is in force.",
            "Name a registered model, or activate one: `rongqiao model activate ID`.", status=409,
        )  # fmt: skip
    return found


@dataclass(frozen=True)
class _Watching:
    shelf: Shelf
    model: LoadedModel
    snapshot: OpenSnapshot
    against: str
    scratch: Path

    def watch(self) -> Watch:
        earlier = self._earlier()
        served = watched_firms(self.model, self.snapshot)
        return Watch(
            model=self.model,
            active=active_id(self.shelf.office, self.model.name) == self.model.id,
            firms=served,
            rules=self._rules,
            definition=self._definition,
            earlier=earlier,
            drifts=tuple(self._drifts(served, earlier)),
            cohorts=tuple(self._cohorts()),
            migrations={} if earlier is None else _migrations(earlier, self.snapshot),
            parities=_parities(served, self._rules),
            comparison=compare(served.pd, served.challenger, pd_scale().below),
        )

    @cached_property
    def _rules(self) -> WatchRules:
        return watch_rules()

    @cached_property
    def _definition(self) -> Definition | None:
        """The definition of default the model was trained by; ``None`` where its card names none that is here."""
        said = self.model.card.get("default")
        return definitions().get(str(said.get("id"))) if isinstance(said, Mapping) else None

    def _reader(self, definition: Definition, snapshot: OpenSnapshot) -> OutcomeReader:
        return OutcomeReader(self.shelf.office, definition, catalogue(), feeds(), snapshot.known_by, self.scratch)

    def _earlier(self) -> OpenSnapshot | None:
        """The snapshot asked for by id, else the first one built for the last quarter end before, else the last one."""
        if self.against not in ("", TRAINING):
            found = self.shelf.by_id(self.against)
            if found.as_of >= self.snapshot.as_of:
                raise RefusedInput(
                    "not_earlier", "against", self.against,
                    f"It is of {found.as_of}, not before {self.snapshot.as_of}.", "Name an earlier snapshot.",
                )  # fmt: skip
            return found
        days = self._days_before()
        quarters = [day for day in days if day == frozen_quarter(day)]
        return self._frozen((quarters or days)[-1]) if days else None

    def _days_before(self) -> Sequence[date]:
        with self.shelf.office.read() as session:
            query = select(Snapshot.as_of).where(Snapshot.as_of < self.snapshot.as_of).distinct()
            return sorted(session.scalars(query))

    def _frozen(self, day: date) -> OpenSnapshot:
        found = self.shelf.frozen(day)
        if found is None:
            raise NotFound("as_of", day.isoformat(), "No snapshot was built for this day.", "Build one.")
        return found

    def _drifts(self, firms: WatchedFirms, earlier: OpenSnapshot | None) -> Iterator[Drift]:
        card, level = self.model.scorecard, self._rules.chance_level
        if self.against in ("", TRAINING):
            alike, population = firms, "scored"
            if self._definition is not None:
                alike = like_training(firms, self._reader(self._definition, self.snapshot))
                population = "like_training"
            said = self.model.card.get("reference")
            score = score_drift(parse_reference(said), alike.points, level) if isinstance(said, Mapping) else None
            items = item_drifts(card, trained_shares(card), card.training.rows, alike.slot_counts(), level)
            yield Drift(TRAINING, population, len(alike.rows), score, items)
        if self.against != TRAINING and earlier is not None:
            before = watched_firms(self.model, earlier)
            score, items = None, ()
            if len(before.rows):
                score = score_drift(reference_of(before.points), firms.points, level)
                items = item_drifts(card, before.slot_counts(), len(before.rows), firms.slot_counts(), level)
            yield Drift(earlier.id, "scored", len(firms.rows), score, items)

    def _cohorts(self) -> Iterator[CohortOutcome]:
        """The quarter ends before whose outcomes can be told for at least a month, oldest first."""
        if self._definition is None:
            return
        days = [day for day in self._days_before() if day == frozen_quarter(day)]
        for day in days[-_MOST_COHORTS:]:
            months = self._months_told(self._definition, day)
            if months:
                yield self._cohort(self._definition, self._frozen(day), months)

    def _months_told(self, definition: Definition, day: date) -> int:
        """Months of the window after ``day`` that are told by what this snapshot knows, the grace left alone."""
        delivered = self.snapshot.manifest["feeds"]
        if not all(feed in delivered for feed in definition.required_feeds):
            return 0
        ends = [date.fromisoformat(delivered[feed]["covered_to"]) for feed in definition.required_feeds]
        told = min([*ends, day_of(self.snapshot.known_by)])
        return max(0, min(definition.window, whole_months(day, add_months(told, -definition.grace))))

    def _cohort(self, definition: Definition, snapshot: OpenSnapshot, months: int) -> CohortOutcome:
        # Only here: the package brings scikit-learn, which a server starts without.
        from scoring.validation.calibration import calibration_line

        asked = like_training(watched_firms(self.model, snapshot), self._reader(definition, snapshot))
        came = self._reader(definition, self.snapshot).outcomes(snapshot.as_of, snapshot.uscc[asked.rows], months)
        rows = np.flatnonzero(came.default | came.good)
        firms, default = asked.take(rows), came.default[rows]
        hindsight = max(0, (day_of(snapshot.known_by) - snapshot.as_of).days)
        in_fit = snapshot.as_of.isoformat() in _fitted_days(self.model.card)
        complete = months == definition.window
        judged = hindsight <= self._rules.most_hindsight_days and not in_fit
        rule, scale = self._rules.alerts["calibration"], pd_scale()
        bands = band_outcomes(scale.grades, scale.places(firms.pd), firms.pd, default, rule, complete)
        if not judged:
            bands = tuple(replace(band, light=None) for band in bands)
        two_classes = complete and bool(default.any()) and not default.all()
        beside = two_classes and not np.isnan(firms.challenger).any()
        line = calibration_line(firms.pd, default.astype(np.float64), np.ones(len(rows))) if two_classes else None
        return CohortOutcome(
            snapshot=snapshot,
            served=firms.served,
            in_fit=in_fit,
            hindsight_days=hindsight,
            months=months,
            window=definition.window,
            judged=judged,
            firms=len(rows),
            defaults=int(default.sum()),
            left_out=len(asked.rows) - len(rows),
            auc=auc(firms.pd, default) if two_classes else None,
            challenger_auc=auc(firms.challenger, default) if beside else None,
            slope=line[0] if line else None,
            bands=bands,
        )


def _fitted_days(card: Mapping[str, object]) -> set[str]:
    """The days the model learned from, as its card says."""
    data = card.get("data")
    cohorts = data.get("cohorts", ()) if isinstance(data, Mapping) else ()
    return {str(cohort["day"]) for cohort in cohorts if cohort.get("part") == "fitted"}


def _migrations(earlier: OpenSnapshot, snapshot: OpenSnapshot) -> dict[str, Migration]:
    """Moves by each grade that both snapshots have; those of the probability only where one model gave both."""
    made = {}
    for name in GRADES:
        if not all(name in each.columns.codes for each in (earlier, snapshot)):
            continue
        if name == "pd_grade" and registered_model(earlier) != registered_model(snapshot):
            continue
        before, after = (
            (each.uscc, each.columns.values[name], each.columns.codes[name]) for each in (earlier, snapshot)
        )
        made[name] = migrate(snapshot.columns.codes[name], before, after)
    return made


def _parities(firms: WatchedFirms, rules: WatchRules) -> dict[str, Parity]:
    scale, columns = pd_scale(), firms.snapshot.columns
    approved_below = scale.below[scale.grades.index(rules.approve)]
    products = [place for place, rule in enumerate(firms.snapshot.rule_ids) if rule in offers().products]
    matched = np.zeros(firms.snapshot.firms, np.bool_)
    for place in products:
        matched |= np.unpackbits(firms.snapshot.met[place], count=firms.snapshot.firms).view(np.bool_)
    measures = {"approved": firms.pd < approved_below, "matched": matched[firms.rows]}
    unknown = np.full(len(firms.rows), UNKNOWN_CODE, np.int16)
    return {
        attribute: parity(
            columns.values[attribute][firms.rows] if attribute in columns.values else unknown,
            columns.codes.get(attribute, ()),
            measures,
            firms.points,
            firms.pd,
            rules.least_firms,
        )
        for attribute in ATTRIBUTES
    }
