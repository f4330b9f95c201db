"""Size class of a firm (划型): 16 industry rows, up to two metrics each, four classes.

Source: 统计上大中小微型企业划分办法(2017), 国统字〔2017〕213号. A class needs every metric of the row at its minimum,
else the firm drops one class; so the class is the lowest class any metric allows, and one metric below the small
minimum is enough for micro. An unknown metric allows anything: where the known one already decides, the class is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from models.errors import RefusedInput
from models.kinds import UNKNOWN_INT64
from models.marked import MarkedDict, marked
from models.money import FEN_PER_YUAN, parse_yuan, to_fen
from scoring.columns import Array
from scoring.industry import Industries

#: Dictionary of the fact ``size_class``, smallest first.
SIZE_CLASSES = ("micro", "small", "medium", "large")
METRICS = ("employees", "revenue", "assets")
UNKNOWN_SIZE = -1
_MOST_EMPLOYEES = 100_000_000


@dataclass(frozen=True)
class Metric:
    """Minimum of small, medium and large in storage units: persons, or fen."""

    id: str
    zh: str
    en: str
    minima: tuple[int, int, int]


@dataclass(frozen=True)
class SizeRow:
    """One row of the table. ``codes`` are a section letter, divisions or groups of GB/T 4754."""

    id: str
    zh: str
    en: str
    codes: tuple[str, ...]
    metrics: tuple[Metric, ...]


@dataclass(frozen=True)
class SizeTable:
    """The 16 rows in the order of the table; ``not_covered`` maps a code prefix to (zh, en, why)."""

    source: str
    rows: tuple[SizeRow, ...]
    by_prefix: Mapping[str, int]
    not_covered: Mapping[str, tuple[str, str, str]]
    industries: Industries

    @property
    def row_ids(self) -> tuple[str, ...]:
        """The dictionary of the fact ``size_row``."""
        return tuple(row.id for row in self.rows)

    def row_of(self, code: str) -> int:
        """Place of the row an industry code falls in; -1 if none, or if the code is too coarse (``K70``) to tell."""
        if self.industries.section_of(code) is None:
            return -1
        for prefix in (code[1:4], code[1:3], code[0]):
            if prefix in self.not_covered:
                return -1
            if prefix in self.by_prefix:
                return self.by_prefix[prefix]
        return -1


@dataclass(frozen=True)
class SizeBounds:
    """Class of each firm as a place in ``SIZE_CLASSES``: int16 ``low`` ≤ ``high``, equal where ``size`` is known."""

    size: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class SizeAnswer:
    """The class of one firm. ``size_class`` is ``None`` while a missing metric could change it; then ``low`` and
    ``high`` bound it and ``missing`` names the metrics to bring. ``decided_by`` names the metrics at the lowest class.
    """

    industry: str
    row: SizeRow
    size_class: str | None
    low: str
    high: str
    decided_by: tuple[str, ...]
    missing: tuple[str, ...]
    source: str


def classify(table: SizeTable, rows: Array, employees: Array, revenue: Array, assets: Array) -> SizeBounds:
    """Size classes of many firms.

    ``rows`` are places in ``table.rows`` (-1: none), the metrics int64 persons, fen and fen with ``UNKNOWN_INT64``.
    A firm without a row is unknown (-1) in all three answers.
    """
    given = {"employees": employees, "revenue": revenue, "assets": assets}
    low = np.full(len(rows), UNKNOWN_SIZE, np.int16)
    high = low.copy()
    for place, row in enumerate(table.rows):
        chosen = np.flatnonzero(rows == place)
        if not len(chosen):
            continue
        least = np.full(len(chosen), len(SIZE_CLASSES) - 1, np.int16)
        most = least.copy()
        for metric in row.metrics:
            value = given[metric.id][chosen]
            level = np.searchsorted(np.asarray(metric.minima, np.int64), value, side="right").astype(np.int16)
            np.minimum(least, level, out=least)  # an unknown is stored below every minimum
            np.minimum(most, np.where(value == UNKNOWN_INT64, len(SIZE_CLASSES) - 1, level), out=most)
        low[chosen], high[chosen] = least, most
    return SizeBounds(np.where(low == high, low, UNKNOWN_SIZE).astype(np.int16), low, high)


def size_of(
    table: SizeTable,
    industry: str,
    employees: int | None = None,
    revenue_yuan: Decimal | int | str | None = None,
    assets_yuan: Decimal | int | str | None = None,
) -> SizeAnswer:
    """The class of one firm and which metric decided it, by the same rule as :func:`classify`.

    Raises ``RefusedInput`` for a code that is not of the standard, too coarse, or of an industry the table leaves out,
    and for an amount or a number of employees that is negative or not a number.
    """
    row = _row_or_refuse(table, industry)
    stored = {
        "employees": _employees(employees),
        "revenue": _fen(revenue_yuan, "revenue_yuan"),
        "assets": _fen(assets_yuan, "assets_yuan"),
    }
    arrays = {name: np.array([value], np.int64) for name, value in stored.items()}
    bounds = classify(table, np.array([table.rows.index(row)], np.int16), **arrays)
    low, high = int(bounds.low[0]), int(bounds.high[0])
    missing = tuple(metric.id for metric in row.metrics if stored[metric.id] == UNKNOWN_INT64)
    lowest = tuple(
        metric.id
        for metric in row.metrics
        if metric.id not in missing and sum(stored[metric.id] >= minimum for minimum in metric.minima) == high
    )
    return SizeAnswer(
        industry=industry,
        row=row,
        size_class=SIZE_CLASSES[low] if low == high else None,
        low=SIZE_CLASSES[low],
        high=SIZE_CLASSES[high],
        decided_by=lowest,
        missing=missing,
        source=table.source,
    )


def parse_sizes(document: Mapping[str, Any], industries: Industries) -> SizeTable:
    """The table from ``seed/sizes.yaml``; ``DataFileError`` for a repeated code, a wrong minimum or a lost division."""
    names = document["metrics"]
    rows: list[SizeRow] = []
    by_prefix: dict[str, int] = {}
    for spec in document["rows"]:
        raw = marked(spec)
        metrics = tuple(_metric(name, raw, names) for name in METRICS if name in raw)
        if not metrics:
            raise raw.wrong("id", "A row has at least one metric.", f"Add one of {', '.join(METRICS)}.")
        for code in raw["codes"]:
            if code in by_prefix:
                raise raw.wrong("codes", f"{code} stands in two rows.", "Keep it in one.")
            by_prefix[code] = len(rows)
        rows.append(SizeRow(raw["id"], raw["zh"], raw["en"], tuple(raw["codes"]), metrics))
    left_out = {
        code: (item["zh"], item["en"], item["why"]) for item in document["not_covered"] for code in item["codes"]
    }
    _all_divisions_placed(by_prefix, left_out, industries, marked(document))  # type: ignore[arg-type]
    return SizeTable(document["source"], tuple(rows), by_prefix, left_out, industries)


def _metric(name: str, raw: MarkedDict, names: Mapping[str, Any]) -> Metric:
    minima = tuple(raw[name][key] for key in SIZE_CLASSES[1:])
    if not all(isinstance(value, int) for value in minima) or not 0 < minima[0] < minima[1] < minima[2]:
        raise raw.wrong(name, "The minima are whole numbers that rise from small to large.", "Compare the table.")
    unit = 1 if name == "employees" else FEN_PER_YUAN
    return Metric(name, names[name]["zh"], names[name]["en"], (minima[0] * unit, minima[1] * unit, minima[2] * unit))


def _all_divisions_placed(
    by_prefix: Mapping[str, int], left_out: Mapping[str, object], industries: Industries, raw: MarkedDict
) -> None:
    placed = {*by_prefix, *left_out}
    groups = {code[:2] for code in placed if len(code) == 3}
    for section in industries.sections.values():
        for division in section.divisions:
            if not placed & {section.code, division} and division not in groups:
                raise raw.wrong("rows", f"Division {division} has no row and is not left out.", "Add its code.")


def _row_or_refuse(table: SizeTable, industry: str) -> SizeRow:
    table.industries.check(industry)
    place = table.row_of(industry)
    if place >= 0:
        return table.rows[place]
    for prefix in (industry[1:4], industry[1:3], industry[0]):
        if prefix in table.not_covered:
            zh, en, why = table.not_covered[prefix]
            raise RefusedInput(
                "industry_not_covered",
                "industry",
                industry,
                f"The size table does not class {en} ({zh}). {why}.",
                "Name an industry of the table.",
            )
    raise RefusedInput(
        "industry_too_coarse",
        "industry",
        industry,
        "Groups of this division stand in different rows of the size table.",
        "Give the group, like K701.",
    )


def _employees(value: int | None) -> int:
    if value is None:
        return UNKNOWN_INT64
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_EMPLOYEES:
        raise RefusedInput(
            "bad_employees",
            "employees",
            value,
            "Employees are a whole number, 0 or more.",
            "Write it like 35.",
        )
    return value


def _fen(value: Decimal | int | str | None, field: str) -> int:
    if value is None:
        return UNKNOWN_INT64
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    if re.match(r"\s*-", text):
        raise RefusedInput("bad_amount", field, value, "The amount is 0 yuan or more.", "Write it like 3000000.")
    return to_fen(parse_yuan(text, field))
