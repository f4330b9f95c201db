"""What a column of text is: numbers, categories, or nothing a model should see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import Series

#: Texts that mean missing where the description names none. "none" is not among them: it is often an answer.
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "#N/A", "<NA>", "?")
#: From this share of numbers among its known values a column is numeric and the other texts are faults.
_NUMERIC_SHARE = 0.95
#: A text column with more different values than this share of its known values tells cases apart, not kinds.
_TEXT_SHARE = 0.5
_FEW_ROWS = 20


@dataclass(frozen=True)
class NumberColumn:
    """float64 with NaN; ``special`` the codes for missing that occur; ``odd`` texts among the numbers, as missing."""

    values: NDArray[np.float64]
    special: tuple[float, ...]
    odd: tuple[str, ...]


@dataclass(frozen=True)
class TextColumn:
    """Categories as trimmed text, ``None`` for missing."""

    values: NDArray[np.object_]


def known_text(text: Series[str], missing: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which trimmed texts are not missing."""
    marks: NDArray[np.bool_] = (~text.isin(missing or MISSING)).to_numpy()
    return marks


def typed(
    column: Series[str], special: tuple[float, ...], missing: tuple[str, ...], forced: str
) -> NumberColumn | TextColumn | str:
    """The typed column, or why it is left out: ``empty``, ``constant``, ``identifier``, ``date``, ``text``.

    ``forced`` is ``number``, ``category`` or empty for what the values look like.
    """
    text = column.str.strip()
    known = known_text(text, missing)
    if not known.any():
        return "empty"
    distinct = int(text[known].nunique())
    if distinct == 1 and known.all():
        return "constant"
    numbers = pd.to_numeric(text.where(known), errors="coerce").to_numpy(dtype=np.float64, copy=True)
    is_written_as_number = ~np.isnan(numbers)
    numbers[np.isinf(numbers)] = np.nan
    if forced == "number" or (not forced and is_written_as_number.sum() >= _NUMERIC_SHARE * known.sum()):
        if not forced and _is_identifier(numbers, text):
            return "identifier"
        present = tuple(code for code in special if (numbers == code).any())
        odd = tuple(sorted(set(text[known & np.isnan(numbers)]))[:5])
        return "empty" if np.isnan(numbers).all() else NumberColumn(numbers, present, odd)
    if not forced and known.sum() >= _FEW_ROWS:
        if distinct == known.sum():
            return "date" if _are_days(text[known]) else "identifier"
        if _are_days(text[known]):
            return "date"
        if distinct > _TEXT_SHARE * known.sum():
            return "text"
    values = text.to_numpy(dtype=object, copy=True)
    values[~known] = None
    return TextColumn(values)


def _is_identifier(numbers: NDArray[np.float64], text: Series[str]) -> bool:
    """Whole numbers, all different, that run on in file order, fill their range or all have one length of six or more.

    An amount may be different in every row too; it does none of these.
    """
    if numbers.size < _FEW_ROWS or np.isnan(numbers).any() or (numbers % 1).any():
        return False
    if np.unique(numbers).size < numbers.size:
        return False
    steps = np.diff(numbers)
    runs_on = bool((steps > 0).all() or (steps < 0).all())
    fills = bool(np.ptp(numbers) < 2 * numbers.size)
    lengths = text.str.len()
    return runs_on or fills or bool(lengths.min() == lengths.max() >= 6)


def _are_days(text: Series[str]) -> bool:
    """Whether the values are written like days (2024-10-31, 2024/10/31, 2024年10月31日, 31.10.2024)."""
    like = text.str.fullmatch(r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:[ T].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}")
    return bool(like.mean() >= _NUMERIC_SHARE)
