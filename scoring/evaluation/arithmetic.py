"""One model over the firms it applies to: sums, ranges, coverage, limits, grades. Exact in milli-points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.columns import Array, Columns
from scoring.evaluation.bands import band_points, holds
from scoring.evaluation.lines import lines_of
from scoring.evaluation.model import Dimension, PointsTable

UNKNOWN_GRADE = -1


@dataclass(frozen=True)
class Scored:
    """The answer of one model for ``n`` firms.

    ``total``, ``low``, ``high`` int32 milli-points with low ≤ total ≤ high; ``dimensions`` int32 (dimensions × n);
    ``contributions`` int32 (lines × n), each column adding up to ``total``, or no rows when not asked for; ``coverage``
    float64 0..1; grades int8 places in ``model.grades``, -1 unknown; ``veto`` and ``veto_open`` uint32 bits, bit k for
    ``model.vetoes[k]``.
    """

    total: Array
    low: Array
    high: Array
    dimensions: Array
    contributions: Array
    coverage: Array
    grade: Array
    grade_low: Array
    grade_high: Array
    veto: Array
    veto_open: Array


class _Ledger:
    """Collects the lines of a model in order, or throws them away."""

    def __init__(self, model: PointsTable, n: int, keep: bool):
        self._matrix = np.zeros((len(lines_of(model)) if keep else 0, n), np.int32)
        self._next = 0

    def add(self, points: Array | int) -> None:
        if len(self._matrix):
            self._matrix[self._next] = points
        self._next += 1

    @property
    def matrix(self) -> Array:
        return self._matrix


def score(
    model: PointsTable, columns: Columns, official: Array | None, official_codes: tuple[str, ...], keep: bool
) -> Scored:
    """Score every firm of ``columns``.

    ``official`` holds places in ``official_codes`` (-1 unknown), or is ``None`` while the official evaluation is not
    used. ``keep`` fills ``contributions``.
    """
    n = columns.n
    ledger = _Ledger(model, n, keep)
    dimensions = np.zeros((len(model.dimensions), n), np.int32)
    total, low, high = (np.zeros(n, np.int32) for _ in range(3))
    coverage = np.zeros(n)
    for place, dimension in enumerate(model.dimensions):
        points, least, most, known = _dimension(dimension, columns, ledger)
        dimensions[place] = points
        total += points
        low += least
        high += most
        coverage += known * dimension.most
    coverage /= model.most
    bits, open_bits = _vetoes(model, columns)
    bottom = model.below(model.grades[-1])
    capped = _limit(model, official, official_codes, n)
    before = total
    total = np.where(bits > 0, np.minimum(total, bottom), total)
    ledger.add(total - before)
    before = total
    total = np.minimum(total, capped)
    ledger.add(total - before)
    high = np.minimum(np.where(bits > 0, np.minimum(high, bottom), high), capped)
    worst_cap = _worst_limit(model, official, capped)
    low = np.minimum(np.where(bits | open_bits > 0, np.minimum(low, bottom), low), worst_cap)
    grade = grades_of(model, total)
    thin = (coverage < model.needs_coverage) & (bits == 0)
    return Scored(
        total=total.astype(np.int32),
        low=low.astype(np.int32),
        high=high.astype(np.int32),
        dimensions=dimensions,
        contributions=ledger.matrix,
        coverage=coverage,
        grade=np.where(thin, UNKNOWN_GRADE, grade).astype(np.int8),
        grade_low=grades_of(model, low),
        grade_high=grades_of(model, high),
        veto=bits,
        veto_open=open_bits,
    )


def grades_of(model: PointsTable, points: Array) -> Array:
    """Places in ``model.grades`` (int8) of totals in milli-points."""
    place = np.zeros(len(points), np.int8)
    for cut in model.cuts[:-1]:
        place += points < cut
    return place


def _dimension(dimension: Dimension, columns: Columns, ledger: _Ledger) -> tuple[Array, Array, Array, Array]:
    """Points, fewest and most possible points (int32), and the share of its points resting on known items (float64).

    The sums are kept per group; the group without a name has no limits.
    """
    n = columns.n
    names = ("", *(group.id for group in dimension.groups))
    sums = {name: np.zeros((3, n), np.int32) for name in names}
    filled, known_span = np.zeros(n, np.int32), np.zeros(n, np.int32)
    ledger.add(dimension.base)
    for band in dimension.bands:
        points, known = band_points(band, columns)
        ledger.add(points)
        unknown = ~known
        sums[band.group][0] += points + unknown * np.int32(band.expected)
        sums[band.group][1] += points + unknown * np.int32(band.worst)
        sums[band.group][2] += points + unknown * np.int32(band.best)
        filled += unknown * np.int32(band.expected)
        known_span += known * np.int32(band.best - band.worst)
    ledger.add(filled)
    added = sums[""] + np.int32(dimension.base)
    for group in dimension.groups:
        limited = np.clip(sums[group.id], group.least, group.most)
        ledger.add(limited[0] - sums[group.id][0])
        added += limited
    settled = np.clip(added, 0, dimension.most)
    ledger.add(settled[0] - added[0])
    span = sum(band.best - band.worst for band in dimension.bands)
    return settled[0], settled[1], settled[2], known_span / span if span else np.ones(n)


def _vetoes(model: PointsTable, columns: Columns) -> tuple[Array, Array]:
    bits, open_bits = np.zeros(columns.n, np.uint32), np.zeros(columns.n, np.uint32)
    for place, veto in enumerate(model.vetoes):
        hit, unsettled = holds(veto, columns)
        bits |= hit * np.uint32(1 << place)
        open_bits |= unsettled * np.uint32(1 << place)
    return bits, open_bits


def _limit(model: PointsTable, official: Array | None, codes: tuple[str, ...], n: int) -> Array:
    """The most points each firm's official grade leaves; no limit where that grade is unknown."""
    free = model.below(model.grades[0])
    if official is None:
        return np.full(n, free, np.int32)
    table = [model.below(model.official_cap[code]) if code in model.official_cap else free for code in codes]
    return np.array([*table, free], np.int32)[official]


def _worst_limit(model: PointsTable, official: Array | None, limit: Array) -> Array:
    """The same for the low end: an unknown official grade may turn out to be the one that limits most."""
    if official is None or not model.official_cap:
        return limit
    worst = min(model.below(grade) for grade in model.official_cap.values())
    return np.where(official < 0, np.minimum(limit, worst), limit)
