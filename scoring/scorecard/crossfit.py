"""Many additive models on parts of the rows, averaged into one; the rows left out say when to stop and how sure it is.

The rows are split into folds, several times; each model learns without one fold. The log-loss of the
averaged out-of-fold margins decides how many steps are taken. An average of additive tables is one additive table, so
the ensemble costs nothing in service.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.scorecard.additive import EVERY, Booster, Layout
from scoring.scorecard.inputs import Floats
from scoring.scorecard.prebins import Places

FOLDS = 5
#: With very many rows three models are enough to average.
FEW_FOLDS = 3
_MANY_CELLS = 1_000_000
#: Ticks of EVERY steps without improvement after which the growth ends.
_PATIENCE = 12


@dataclass(frozen=True)
class Sample:
    """Outcomes ``bad`` 0 or 1 (n,), weights (n,), and the unit each row belongs to (n,), numbered from 0 without gaps.

    A unit is a firm that may come with several days, or a row alone; a fold has all rows of a unit or none.
    """

    bad: Floats
    weight: Floats
    units: Places

    @classmethod
    def of(cls, bad: Floats, weight: Floats) -> Sample:
        """Rows that belong to nobody else."""
        return cls(bad, weight, np.arange(len(bad)))

    @property
    def unit_marks(self) -> NDArray[np.bool_]:
        """Whether each unit has a bad row."""
        return np.bincount(self.units, weights=self.bad) > 0


@dataclass(frozen=True)
class Grown:
    """The averaged model: log-odds are ``intercept`` plus the ``table`` entries of a row's columns.

    ``margins`` (n,) are log-odds of the training rows by models that did not see them, ``loss`` their log-loss.
    """

    intercept: float
    table: Floats
    margins: Floats
    loss: float
    steps: int


def grow(layout: Layout, positions: Places, sample: Sample, repeats: int, steps: int, seed: int) -> Grown:
    """The averaged model of ``repeats * FOLDS`` boosters after the best number of steps, ``steps`` at most."""
    random = np.random.default_rng(seed)
    bad, weight = sample.bad, sample.weight
    parts = layout.parts(positions)
    folds = FOLDS if positions.size < _MANY_CELLS else FEW_FOLDS
    held_out = [fold for _ in range(repeats) for fold in stratified_folds(sample, folds, random)]
    paths = []
    for rows in held_out:
        kept = np.ones(len(bad), np.bool_)
        kept[rows] = False
        own = np.random.default_rng(random.integers(2**63))
        booster = Booster(layout, [part[kept] for part in parts], bad[kept], weight[kept], own)
        paths.append(_path(layout, booster, [part[rows] for part in parts], bad[rows], weight[rows], steps))
    margins = np.zeros((max(len(path) for path in paths), len(bad)))
    for rows, path in zip(held_out, paths, strict=True):
        for at in range(len(margins)):
            margins[at, rows] += path[min(at, len(path) - 1)].margins / repeats
    losses = [log_loss(row, bad, weight) for row in margins]
    best = int(np.argmin(losses))
    points = [path[min(best, len(path) - 1)] for path in paths]
    return Grown(
        float(np.mean([point.intercept for point in points])),
        np.mean([point.table for point in points], axis=0),
        margins[best],
        losses[best],
        best * EVERY,
    )


@dataclass(frozen=True)
class _Point:
    """One model after some steps, and its log-odds of the rows left out."""

    intercept: float
    table: Floats
    margins: Floats


def _path(
    layout: Layout, booster: Booster, parts: list[Places], bad: Floats, weight: Floats, steps: int
) -> list[_Point]:
    """The model after every tick, until the rows left out are predicted worse for long."""
    path: list[_Point] = []
    least, at = np.inf, 0
    for taken in range(0, steps + 1, EVERY):
        margins = layout.log_odds(booster.intercept, booster.table, parts)
        path.append(_Point(booster.intercept, booster.table.copy(), margins))
        loss = log_loss(margins, bad, weight)
        if loss < least:
            least, at = loss, len(path)
        if len(path) - at >= _PATIENCE or taken + EVERY > steps:
            break
        booster.advance()
        if np.array_equal(booster.table, path[-1].table):
            break  # there was no step to take
    return path


def stratified_folds(sample: Sample, most: int, random: np.random.Generator) -> list[NDArray[np.intp]]:
    """Row positions of each fold, at most ``most``: units with a bad row are spread evenly, no unit is divided.

    A class with fewer units than folds would be missing from some fold's rest, so that there are fewer folds then.
    """
    marks = sample.unit_marks
    folds = int(min(most, marks.sum(), (~marks).sum()))
    fold = np.empty(len(marks), np.intp)
    for units in (np.flatnonzero(marks), np.flatnonzero(~marks)):
        fold[random.permutation(units)] = np.arange(len(units)) % folds
    return [np.flatnonzero(fold[sample.units] == at) for at in range(folds)]


def log_loss(log_odds: Floats, bad: Floats, weight: Floats) -> float:
    """Weighted mean of minus the log-likelihood."""
    return float(np.average(log_losses(log_odds, bad), weights=weight))


def log_losses(log_odds: Floats, bad: Floats) -> Floats:
    """Minus the log-likelihood (n,) of each row."""
    made: Floats = np.logaddexp(0.0, log_odds) - bad * log_odds
    return made


def calibration_slope(margins: Floats, bad: Floats, weight: Floats) -> float:
    """Slope of a logistic regression of the outcome on out-of-fold log-odds, drawn to 1 and kept in 0.5..2.

    The pull is that of one unit of information, so that a handful of rows cannot stretch the card.
    """
    intercept, slope = 0.0, 1.0
    for _ in range(25):
        chance = 1.0 / (1.0 + np.exp(-(intercept + slope * margins)))
        residual = weight * (bad - chance)
        information = weight * chance * (1.0 - chance)
        cross = float((information * margins).sum())
        matrix = np.array(
            [[float(information.sum()) + 1e-9, cross], [cross, float((information * margins**2).sum()) + 1.0]]
        )
        change = np.linalg.solve(matrix, [float(residual.sum()), float((residual * margins).sum()) - (slope - 1.0)])
        # Newton's method may leap over a flat optimum; a bounded step gets there all the same.
        change /= max(1.0, float(np.abs(change).max()))
        intercept, slope = intercept + float(change[0]), slope + float(change[1])
    return min(max(slope, 0.5), 2.0)
