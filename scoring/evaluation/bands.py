"""Points of one band, and whether one test holds, over many firms. Everything here is exact integers of milli-points.

The same functions serve 400,000 firms and the one whose score is explained.
"""

from __future__ import annotations

import numpy as np

from models.kinds import UNKNOWNS, Kind
from scoring.columns import Array, Columns
from scoring.evaluation.model import Band, Cumulative, Linear, Ratio, Steps, Table, Test

#: More units than any limit lets count; keeps units x points far inside int64.
_MOST_UNITS = 1_000_000_000


def band_points(band: Band, columns: Columns) -> tuple[Array, Array]:
    """Milli-points (int32) and whether they rest on a known item (bool); an unknown item gives 0 points."""
    rule = band.rule
    if isinstance(rule, Cumulative) and rule.by_year:
        years = [columns.values[name] for name, _ in rule.by_year if name in columns.values]
        if len(years) < len(rule.by_year):
            return _nothing(columns.n)
        known = np.ones(columns.n, np.bool_)
        points = np.zeros(columns.n, np.int64)
        for column, (_, per) in zip(years, rule.by_year, strict=True):
            known &= _known(band.item_kind, column)
            points += np.clip(column, 0, _MOST_UNITS) * per
        return _settled(np.clip(points, rule.least, rule.most), known)
    item = columns.get(band.item)
    if item is None:
        return _nothing(columns.n)
    known = _known(band.item_kind, item)
    match rule:
        case Steps():
            return _settled(_stepped(item, rule), known)
        case Linear():
            return _settled(_straight(item, rule), known)
        case Cumulative(per=per, least=least, most=most):
            return _settled(np.clip(np.clip(item, 0, _MOST_UNITS) * per, least, most), known)
        case Table():
            return _settled(_looked_up(item, rule, columns.codes.get(band.item, rule.default), band.item), known)
        case Ratio():
            return _ratio(item, known, rule, columns)


def holds(test: Test, columns: Columns) -> tuple[Array, Array]:
    """Whether the test holds, and whether it is open because the fact is unknown (both bool, never both true)."""
    item = columns.get(test.item)
    if item is None:
        return np.zeros(columns.n, np.bool_), np.ones(columns.n, np.bool_)
    known = _known(test.kind, item)
    if test.kind is Kind.CODE:
        dictionary = columns.codes.get(test.item, test.default)
        hit = np.isin(item, [place for place, code in enumerate(dictionary) if code in test.codes])
    else:
        hit = item >= test.at_least  # every unknown is stored below 0
    return hit, ~known


def _known(kind: Kind, column: Array) -> Array:
    if kind in (Kind.NUMBER, Kind.RATIO):
        return ~np.isnan(column)
    known: Array = column != UNKNOWNS[kind]
    return known


def _nothing(n: int) -> tuple[Array, Array]:
    return np.zeros(n, np.int32), np.zeros(n, np.bool_)


def _settled(points: Array, known: Array) -> tuple[Array, Array]:
    return np.where(known, points, 0).astype(np.int32), known


def _stepped(values: Array, rule: Steps) -> Array:
    """A few compares beat a binary search here, and NaN stays below every cut."""
    place = np.zeros(len(values), np.int8)
    for cut in rule.cuts:
        place += values >= cut
    return np.asarray(rule.points, np.int32)[place]


def _straight(values: Array, rule: Linear) -> Array:
    share = (np.clip(values, rule.start, rule.end) - rule.start) / (rule.end - rule.start)
    points = np.rint(rule.at_start + share * (rule.at_end - rule.at_start))
    return np.where(np.isnan(points), 0.0, points).astype(np.int32)


def _looked_up(values: Array, rule: Table, dictionary: tuple[str, ...], item: str) -> Array:
    for code in dictionary:
        if code not in rule.points:
            raise ValueError(f"{item} has code {code!r}, which the model does not know")
    table = np.array([*(rule.points[code] for code in dictionary), 0], np.int32)
    return table[values]


def _ratio(item: Array, known: Array, rule: Ratio, columns: Columns) -> tuple[Array, Array]:
    per = columns.get(rule.per)
    if per is None:
        return _nothing(columns.n)
    known = known & _known(rule.per_kind, per)
    positive = known & (per > 0)
    quotient = np.zeros(columns.n)
    np.divide(item, per, out=quotient, where=positive)
    points = _stepped(quotient, rule.steps)
    if rule.none is None:
        return _settled(points, positive)
    return _settled(np.where(positive, points, rule.none), known)
