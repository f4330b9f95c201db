"""Deliberate errors: how a true row is spoiled, and the ledger that says which rows of a file must be refused."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa

from scoring.feeds import Column, ColumnType, Feed

#: Kinds of slip that typed files can hold, and those that need a text file.
_ANYWHERE = ("check_character", "unknown_code", "missing_value")
_TEXT_ONLY = ("impossible_date", "unit_in_amount")


@dataclass(frozen=True)
class Slip:
    """One spoiled row: its number among the data rows of the file (from 1), the column and the kind of error."""

    row: int
    column: str
    kind: str


def spoil(
    feed: Feed, rows: pa.Table, rng: np.random.Generator, text: bool
) -> tuple[list[dict[str, object]], list[tuple[str, str]]]:
    """Each row with one error, and (column, kind) of each. In text files every value is as it is written."""
    kinds = _possible(feed, text)
    spoiled, marks = [], []
    for row in rows.to_pylist():
        kind = kinds[int(rng.integers(len(kinds)))]
        column = _target(feed, kind, rng)
        row[column] = _wrong(kind, row[column], feed.column(column))
        spoiled.append(row)
        marks.append((column, kind))
    return spoiled, marks


def _possible(feed: Feed, text: bool) -> list[str]:
    return [kind for kind in (*_ANYWHERE, *(_TEXT_ONLY if text else ())) if _candidates(feed, kind)]


def _candidates(feed: Feed, kind: str) -> list[Column]:
    match kind:
        case "check_character":
            return [feed.column("uscc")]
        case "unknown_code":
            return [column for column in feed.columns if column.type is ColumnType.CODE]
        case "missing_value":
            return [column for column in feed.columns if column.required]
        case "impossible_date":
            return [feed.column(feed.observed)]
    return [column for column in feed.columns if column.type is ColumnType.MONEY and column.required]


def _target(feed: Feed, kind: str, rng: np.random.Generator) -> str:
    found = _candidates(feed, kind)
    return found[int(rng.integers(len(found)))].id


def _wrong(kind: str, value: object, column: Column) -> object:
    match kind:
        case "check_character":
            code = str(value)
            return code[:17] + ("A" if code[17] != "A" else "B")
        case "unknown_code":
            return "unlisted"
        case "missing_value":
            return None
        case "impossible_date":
            return "2023-13" if column.type is ColumnType.MONTH else "2023-02-30"
    return f"{Decimal(str(value)) / 10_000:.4f}万元"
