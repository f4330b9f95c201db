"""From tables over fine bins to the card: points by slot, edges merged, base set to the default rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scoring.scorecard.additive import WIDTH, Layout, Pair, sigmoid
from scoring.scorecard.bins import MISSING, OTHER, Bins, CategoryBins, NumberBins
from scoring.scorecard.card import LARGEST_POINTS, Calibration, Cross, Line, Scale, Scorecard, Training
from scoring.scorecard.crossfit import Sample
from scoring.scorecard.inputs import Floats, Inputs
from scoring.scorecard.prebins import FineItem, Places, slots_of, weight_by
from scoring.scorecard.simplify import means, segments


@dataclass(frozen=True)
class Rows:
    """Training rows: what they bring, and their outcomes, weights (mean 1) and units."""

    inputs: Inputs
    sample: Sample

    @property
    def bad(self) -> Floats:
        """0 or 1 for default (n,)."""
        return self.sample.bad

    @property
    def weight(self) -> Floats:
        """Weights (n,)."""
        return self.sample.weight

    @property
    def rate(self) -> float:
        """Weighted default rate."""
        return float(np.average(self.bad, weights=self.weight))


@dataclass(frozen=True)
class Reading:
    """How a card is written: most bins of an item, error allowed for it in log-odds, points, the default rate meant."""

    most_bins: int
    tolerance: float
    scale: Scale
    prior: float


def assemble(
    items: Sequence[FineItem], layout: Layout, table: Floats, slope: float, rows: Rows, how: Reading
) -> Scorecard:
    """The card of a learned table (layout.width,) whose log-odds are stretched by ``slope``."""
    starts = layout.starts
    lines = [
        _line(item, layout.directions[at], slope * table[starts[at] : starts[at] + layout.sizes[at]], rows, how)
        for at, item in enumerate(items)
    ]
    cells = slope * table[layout.singles :].reshape(-1, WIDTH, WIDTH)
    crosses = [
        _cross((items[pair.first], items[pair.second]), (layout.directions[pair.first], layout.directions[pair.second]),
               pair, grid, rows, how)
        for pair, grid in zip(layout.pairs, cells, strict=True)
    ]  # fmt: skip
    card = Scorecard(
        lines=tuple(line for line in lines if any(line.points)),
        crosses=tuple(cross for cross in crosses if any(map(any, cross.points))),
        base=0,
        scale=how.scale,
        calibration=Calibration(),
        training=Training(len(rows.bad), int(rows.bad.sum()), rows.rate, how.prior),
    )
    return _with_base(card, rows, how)


def _with_base(card: Scorecard, rows: Rows, how: Reading) -> Scorecard:
    """The base at which the mean probability of the training rows is their default rate, moved to the prior."""
    shape = -card.score(rows.inputs, contributions=False).points / (1000.0 * how.scale.factor)
    intercept = _logit(rows.rate)
    for _ in range(50):
        chance = sigmoid(intercept + shape)
        error = float(np.average(rows.bad - chance, weights=rows.weight))
        intercept += error / max(float(np.average(chance * (1.0 - chance), weights=rows.weight)), 1e-6)
        if abs(error) < 1e-12:
            break
    intercept += _logit(how.prior) - _logit(rows.rate)
    base = round(1000.0 * how.scale.points(intercept))
    return Scorecard(card.lines, card.crosses, base, card.scale, card.calibration, card.training)


def _logit(share: float) -> float:
    return math.log(share / (1.0 - share))


def _line(item: FineItem, direction: int, table: Floats, rows: Rows, how: Reading) -> Line:
    fine = slots_of(item.name, item.bins, rows.inputs)
    mass = weight_by(fine, rows.weight, item.bins.slots)
    by_slot = table[item.place]
    bins, values = _merged(item.bins, by_slot, mass, how)
    slots = slots_of(item.name, bins, rows.inputs)
    merged = weight_by(slots, rows.weight, bins.slots)
    bads = weight_by(slots, rows.weight * rows.bad, bins.slots)
    average = float(np.average(values, weights=merged))
    # A slot no training row reached says nothing: it gets the average.
    values = np.where(merged > 0, values - average, 0.0)
    rates = tuple(float(min(b / m, 1.0)) if m > 0 else None for b, m in zip(bads, merged, strict=True))
    return Line(item.name, bins, direction, _points(values, how), tuple((merged / merged.sum()).tolist()), rates)


def _merged(bins: Bins, values: Floats, mass: Floats, how: Reading) -> tuple[Bins, Floats]:
    """Neighbouring bins of about the same value made one."""
    if isinstance(bins, NumberBins):
        first = bins.first_interval
        starts = segments(values[first:], mass[first:], how.most_bins, how.tolerance)
        kept = NumberBins(tuple(bins.edges[start - 1] for start in starts[1:]), bins.specials)
        return kept, np.concatenate([values[:first], means(values[first:], mass[first:], starts)])
    named, weights = values[OTHER + 1 :], mass[OTHER + 1 :]
    if not len(named):
        return bins, values
    order = np.argsort(named, kind="stable")
    starts = segments(named[order], weights[order], how.most_bins, how.tolerance)
    parts = np.split(order, starts[1:])
    groups = tuple(tuple(sorted(value for at in part for value in bins.groups[at])) for part in parts)
    return CategoryBins(groups), np.concatenate([values[: OTHER + 1], means(named[order], weights[order], starts)])


def _cross(
    items: tuple[FineItem, FineItem], directions: tuple[int, int], pair: Pair, grid: Floats, rows: Rows, how: Reading
) -> Cross:
    (first, first_groups), (second, second_groups) = (
        _coarse(item.bins, groups[item.place])
        for item, groups in zip(items, (pair.first_groups, pair.second_groups), strict=True)
    )
    values = grid[np.ix_(first_groups, second_groups)]
    names = (items[0].name, items[1].name)
    slots = slots_of(names[0], first, rows.inputs).astype(np.intp) * second.slots
    slots += slots_of(names[1], second, rows.inputs)
    mass = weight_by(slots, rows.weight, values.size)
    values = values - np.average(values.ravel(), weights=mass)
    shares = (mass / mass.sum()).reshape(values.shape)
    return Cross(
        names,
        (first, second),
        directions,
        tuple(_points(row, how) for row in values),
        tuple(tuple(row) for row in shares.tolist()),
    )


def _coarse(bins: Bins, groups: Places) -> tuple[Bins, Places]:
    """Bins of one axis of a crossed table and the learner's group of each of their slots."""
    if isinstance(bins, NumberBins):
        first = bins.first_interval
        changes = np.flatnonzero(np.diff(groups[first:]))
        edges = tuple(bins.edges[at] for at in changes)
        return NumberBins(edges, bins.specials), np.concatenate([groups[: first + 1], groups[first + 1 :][changes]])
    named = groups[OTHER + 1 :]
    present = np.unique(named)
    members = [tuple(sorted(bins.groups[at][0] for at in np.flatnonzero(named == group))) for group in present]
    return CategoryBins(tuple(members)), np.concatenate([groups[[MISSING, OTHER]], present])


def _points(log_odds: Floats, how: Reading) -> tuple[int, ...]:
    """Milli-points of log-odds of default: the other way round, whole, and inside the format's limit."""
    points = np.clip(np.rint(-1000.0 * how.scale.factor * log_odds), -LARGEST_POINTS, LARGEST_POINTS)
    return tuple(int(entry) for entry in points)
