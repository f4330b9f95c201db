"""What a snapshot of the real firms shows: how its figures separate defaulted firms, and how much is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from matching.nodes import leaves
from models.kinds import UNKNOWNS, Kind
from scoring.evaluation.model import MILLI
from scoring.metrics import discrimination
from service.adapters import cumcm2020c as source
from service.books import rulebook
from service.books.seedbook import catalogue
from service.real.report import AsOf, ItemKnown, OpenFact, RuleCount, Scores, Separation
from service.real.strategy_report import GRADES
from service.snapshot.snapshots import OpenSnapshot

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FlaggedFirms:
    """The firms with a credit record: ``rating`` is a place in ``GRADES``, ``last`` the day of the latest invoice."""

    uscc: tuple[str, ...]
    bad: Bools
    rating: NDArray[np.int64]
    last: tuple[date, ...]

    def after(self, day: date) -> Bools:
        """Which firms have an invoice later than ``day``."""
        return np.array([last > day for last in self.last])


def flagged_firms(records: Iterable[source.CreditRecord], last: Mapping[str, date]) -> FlaggedFirms:
    """The records as arrays; ``last`` maps a firm's code to the day of its latest invoice."""
    every = tuple(records)
    return FlaggedFirms(
        uscc=tuple(record.uscc for record in every),
        bad=np.array([record.defaulted for record in every]),
        rating=np.array([GRADES.index(record.rating) for record in every]),
        last=tuple(last[record.uscc] for record in every),
    )


def measure(snapshot: OpenSnapshot, firms: FlaggedFirms) -> AsOf:
    rows = _rows(snapshot, firms.uscc)
    later = firms.after(snapshot.as_of)
    return AsOf(
        as_of=snapshot.as_of,
        snapshot_id=snapshot.id,
        later_good=int((later & ~firms.bad).sum()),
        later_bad=int((later & firms.bad).sum()),
        score=_separation("score", "low", _figure(snapshot, "score", rows), firms.bad),
        figures=tuple(
            _separation(name, risk_when, _figure(snapshot, name, rows), firms.bad)
            for name, risk_when in single_figures()
        ),
    )


def single_figures() -> tuple[tuple[str, str], ...]:
    """Figures measured one by one: each item that comes from invoices, in catalogue order, and the derived growth.

    Beside each the end taken as risky: ``low`` where the catalogue calls a high value good, ``high`` where it calls it
    bad. Nothing here was chosen by its result.
    """
    items = catalogue().of_feed(source.FEED)
    ends = {"good": "low", "bad": "high"}
    return (*((item.id, ends[item.direction]) for item in items), ("sales_growth", "low"))


def _rows(snapshot: OpenSnapshot, uscc: Sequence[str]) -> NDArray[np.int64]:
    """The row of each firm, -1 for one that had no record by then and so is not in the snapshot."""
    row_of = {snapshot.firm_at(row): row for row in range(snapshot.firms)}
    return np.array([row_of.get(code, -1) for code in uscc])


def _figure(snapshot: OpenSnapshot, name: str, rows: NDArray[np.int64]) -> Floats:
    """A numeric column of some firms as floats, NaN where unknown."""
    column = snapshot.columns.values[name][rows]
    values: Floats = column.astype(np.float64)
    if column.dtype.kind == "i":
        values[column == UNKNOWNS[Kind.COUNT]] = np.nan  # money, counts and months share one sentinel
    values[rows < 0] = np.nan
    return values


def rating_alone(firms: FlaggedFirms) -> Separation:
    """The publisher's own rating against the flag: a comparison, never an input."""
    return _separation("rating", "high", firms.rating.astype(np.float64), firms.bad)


def _separation(figure: str, risk_when: str, values: Floats, bad: Bools) -> Separation:
    known = ~np.isnan(values)
    known_bad = int((known & bad).sum())
    both = 0 < known_bad < int(known.sum())
    risk = values if risk_when == "high" else -values
    return Separation(
        figure=figure,
        risk_when=risk_when,
        known=int(known.sum()),
        known_bad=known_bad,
        found=discrimination(risk[known], bad[known]) if both else None,
    )


def known_items(snapshot: OpenSnapshot) -> tuple[ItemKnown, ...]:
    """How many firms each of the items is known for, in catalogue order."""
    return tuple(
        ItemKnown(item.id, item.code, item.zh, item.en, _known(snapshot, item.id, item.kind))
        for item in catalogue().items.values()
    )


def _known(snapshot: OpenSnapshot, fact: str, kind: Kind) -> int:
    """How many firms have a value."""
    if kind is Kind.TEXT:
        return sum(snapshot.value(fact, row) is not None for row in range(snapshot.firms))
    column = snapshot.columns.get(fact)
    if column is None:
        return 0
    unknown = np.isnan(column) if column.dtype.kind == "f" else column == UNKNOWNS[kind]
    return int(snapshot.firms - unknown.sum())


def scores(snapshot: OpenSnapshot) -> Scores:
    score = snapshot.columns.values["score"]
    coverage = snapshot.columns.values["coverage"]
    scored = ~np.isnan(score)
    grades = snapshot.columns.codes["grade"]
    width = (snapshot.scores["high"][scored] - snapshot.scores["low"][scored]) / MILLI
    return Scores(
        scored=int(scored.sum()),
        points=_quartiles(score[scored]),
        width=float(np.median(width)),
        coverage=_quartiles(coverage[scored]),
        grades=_counted(snapshot.columns.values["grade"][scored], grades),
        best_possible=_counted(snapshot.scores["grade_high"][scored], grades),
        worst_possible=_counted(snapshot.scores["grade_low"][scored], grades),
    )


def _quartiles(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in np.quantile(values, (0, 0.25, 0.5, 0.75, 1)))


def _counted(places: NDArray[np.integer], grades: Sequence[str]) -> Mapping[str, int]:
    """Firms per grade, best first; ``none`` where there is none."""
    counts = {grade: int((places == place).sum()) for place, grade in enumerate(grades)}
    return {**counts, "none": int((places < 0).sum())}


def open_facts(snapshot: OpenSnapshot) -> tuple[OpenFact, ...]:
    """What no feed here tells of any firm and products ask for, most asked first."""
    products = rulebook.offers().products
    asked: Counter[str] = Counter()
    for rule in snapshot.rule_ids:
        asked.update({condition.fact for condition in leaves(products[rule].conditions)})
    specs = rulebook.facts()
    return tuple(
        OpenFact(fact, specs[fact].zh, specs[fact].en, count)
        for fact, count in sorted(asked.items(), key=lambda pair: (-pair[1], pair[0]))
        if not _known(snapshot, fact, specs[fact].kind)
    )


def rule_counts(snapshot: OpenSnapshot) -> tuple[RuleCount, ...]:
    """Verdicts of all firms on every product of the shelf that the build matches."""
    products = rulebook.offers().products
    met = np.unpackbits(snapshot.met, axis=1, count=snapshot.firms).sum(axis=1)
    possible = np.unpackbits(snapshot.open, axis=1, count=snapshot.firms).sum(axis=1)
    return tuple(
        RuleCount(
            rule=rule,
            zh=products[rule].name.zh,
            en=products[rule].name.en,
            met=int(met[place]),
            unknown=int(possible[place] - met[place]),
            unmet=int(snapshot.firms - possible[place]),
        )
        for place, rule in enumerate(snapshot.rule_ids)
    )
