"""Dates and months from text or typed columns, to days since 1970-01-01. Only days that exist pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scoring.intake.arrays import Mask, Parsed, fixed_width, found, from_numpy, present
from scoring.intake.faults import Reason

FIRST_YEAR = 1800
LAST_YEAR = 9999
#: First day of every month from January 1800 to January 10000.
_MONTH_STARTS: NDArray[np.int32] = (
    np.arange(np.datetime64(f"{FIRST_YEAR}-01"), np.datetime64(f"{LAST_YEAR + 1}-02"))
    .astype("datetime64[D]")
    .astype(np.int32)
)
_DASH = ord("-")


def dates(text: Any) -> Parsed:
    """Days of ISO dates (``2024-10-31``)."""
    day, good = _days(text)
    return Parsed(from_numpy(day, good, pa.date32()), found([(Reason.BAD_DATE, present(text) & ~good)]))


def months(text: Any) -> Parsed:
    """Last days of months (``2024-10``).

    A spreadsheet turns a month into a date, so a full date passes if it is the first or last day of its month.
    """
    matrix, fits = fixed_width(text, 7)
    month, good_part = _month_index(matrix)
    last = np.zeros(len(text), dtype=np.int32)
    good = np.zeros(len(text), dtype=bool)
    last[fits] = _MONTH_STARTS[month + 1] - 1
    good[fits] = good_part
    if not fits.all():
        day, is_date = _days(text)
        edge, at_edge = _month_ends(day)
        take = is_date & at_edge
        last[take] = edge[take]
        good |= take
    return Parsed(from_numpy(last, good, pa.date32()), found([(Reason.BAD_MONTH, present(text) & ~good)]))


def typed_dates(array: Any) -> Parsed:
    """Days of a date or timestamp column; a time of day other than midnight is no date."""
    day, good = _typed_days(array)
    return Parsed(from_numpy(day, good, pa.date32()), found([(Reason.BAD_DATE, present(array) & ~good)]))


def typed_months(array: Any) -> Parsed:
    """Last days of the months whose first or last day a date column holds."""
    day, good = _typed_days(array)
    last, at_edge = _month_ends(day)
    good &= at_edge
    return Parsed(from_numpy(last, good, pa.date32()), found([(Reason.BAD_MONTH, present(array) & ~good)]))


def _days(text: Any) -> tuple[NDArray[np.int32], Mask]:
    matrix, fits = fixed_width(text, 10)
    month, good_part = _month_index(matrix)
    day = _number(matrix, 8) * 10 + _number(matrix, 9)
    start = _MONTH_STARTS[month]
    good_part &= (matrix[:, 7] == _DASH) & _digits(matrix, (8, 9)) & (day >= 1)
    good_part &= day <= _MONTH_STARTS[month + 1] - start
    if fits.all():
        return start + day - 1, good_part
    days = np.zeros(len(text), dtype=np.int32)
    good = np.zeros(len(text), dtype=bool)
    days[fits] = start + day - 1
    good[fits] = good_part
    return days, good


def _month_index(matrix: NDArray[np.uint8]) -> tuple[NDArray[np.int32], Mask]:
    """Months since January 1800 of rows that start with ``YYYY-MM``; 0 where they do not."""
    year = _number(matrix, 0) * 1000 + _number(matrix, 1) * 100 + _number(matrix, 2) * 10 + _number(matrix, 3)
    month = _number(matrix, 5) * 10 + _number(matrix, 6)
    good = _digits(matrix, (0, 1, 2, 3, 5, 6)) & (matrix[:, 4] == _DASH)
    good &= (year >= FIRST_YEAR) & (month >= 1) & (month <= 12)
    index = (year - FIRST_YEAR) * 12 + month - 1
    return np.where(good, index, 0).astype(np.int32), good


def _number(matrix: NDArray[np.uint8], place: int) -> NDArray[np.int32]:
    return matrix[:, place].astype(np.int32) - ord("0")


def _digits(matrix: NDArray[np.uint8], places: tuple[int, ...]) -> Mask:
    good = np.ones(len(matrix), dtype=bool)
    for place in places:
        # Bytes below "0" wrap around to large numbers, so one comparison checks both ends.
        good &= matrix[:, place] - np.uint8(ord("0")) <= 9
    return good


def _typed_days(array: Any) -> tuple[NDArray[np.int32], Mask]:
    good = present(array)
    if array.type != pa.date32():
        whole = array.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).fill_null(0).to_numpy()
        day, rest = np.divmod(whole, 86_400_000_000)
        good = good & (rest == 0)
    else:
        day = array.cast(pa.int32()).fill_null(0).to_numpy()
    good = good & (day >= _MONTH_STARTS[0]) & (day < _MONTH_STARTS[-1])
    return np.where(good, day, 0).astype(np.int32), good


def _month_ends(day: NDArray[np.int32]) -> tuple[NDArray[np.int32], Mask]:
    """The last day of each day's month, and whether the day is the first or last of it."""
    index = np.clip(np.searchsorted(_MONTH_STARTS, day, side="right") - 1, 0, len(_MONTH_STARTS) - 2)
    last = _MONTH_STARTS[index + 1] - 1
    return last, (day == _MONTH_STARTS[index]) | (day == last)
