"""What a scorecard reads: numbers and categories of many firms, whatever they came from.

A table of a training set and the columns of a snapshot become the same arrays here, so that a model meets in service
what it met in training. Unknown is NaN for a number and code -1 for a category; it is never zero and never a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.kinds import UNKNOWN_CODE, UNKNOWNS, Kind
from models.money import FEN_PER_YUAN
from scoring.columns import Columns
from scoring.scorecard.faults import bad_inputs

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Category:
    """One categorical item of ``n`` firms: ``codes`` int32 (n,), places in ``values``, -1 where unknown."""

    codes: Codes
    values: tuple[str, ...]

    def take(self, rows: slice | NDArray[Any]) -> Category:
        """Some firms of it."""
        return Category(self.codes[rows], self.values)


@dataclass(frozen=True)
class Inputs:
    """Items of ``n`` firms by name: float64 arrays (n,) in ``numbers``, :class:`Category` in ``categories``."""

    n: int
    numbers: Mapping[str, Floats] = field(default_factory=dict)
    categories: Mapping[str, Category] = field(default_factory=dict)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, categorical: Sequence[str] | None = None) -> Inputs:
        """The columns of a table. Without ``categorical`` a column is a number when its dtype is one.

        ``RefusedInput`` for a column that comes twice, an infinite value or text in a numeric column.
        """
        names = [str(name) for name in frame.columns]
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise bad_inputs("columns", twice, "A column name may come only once.", "Rename or drop the second one.")
        numbers: dict[str, Floats] = {}
        categories: dict[str, Category] = {}
        for place, name in enumerate(names):
            column = frame.iloc[:, place]
            as_text = name in categorical if categorical is not None else not is_number(column)
            if as_text:
                categories[name] = category_of(column)
            else:
                numbers[name] = numbers_of(name, column)
        return cls(len(frame), numbers, categories)

    @classmethod
    def from_columns(cls, columns: Columns, kinds: Mapping[str, Kind]) -> Inputs:
        """The items named in ``kinds`` from columns in storage form (``models/kinds.py``).

        Money becomes yuan; a flag, count, date or ratio stays the number it is; a code becomes a category. An item
        without a column is unknown for every firm.
        """
        numbers: dict[str, Floats] = {}
        categories: dict[str, Category] = {}
        for name, kind in kinds.items():
            stored = columns.get(name)
            if kind is Kind.CODE:
                codes = np.full(columns.n, UNKNOWN_CODE, np.int32) if stored is None else stored.astype(np.int32)
                categories[name] = Category(codes, tuple(columns.codes.get(name, ())))
            else:
                numbers[name] = _stored_numbers(name, kind, stored, columns.n)
        return cls(columns.n, numbers, categories)

    @classmethod
    def of(cls, values: Mapping[str, float | str | None]) -> Inputs:
        """One firm: a number, a text or ``None`` for each item."""
        numbers: dict[str, Floats] = {}
        categories: dict[str, Category] = {}
        for name, value in values.items():
            if value is None:
                # Unknown is unknown whichever way the card reads the item.
                numbers[name], categories[name] = np.full(1, np.nan), Category(np.full(1, UNKNOWN_CODE, np.int32), ())
            elif isinstance(value, str):
                categories[name] = Category(np.zeros(1, np.int32), (value,))
            else:
                numbers[name] = _finite(name, np.array([value], np.float64))
        return cls(1, numbers, categories)

    def take(self, rows: slice | NDArray[Any]) -> Inputs:
        """Some firms: ``rows`` is a slice, a mask or positions."""
        n = len(np.arange(self.n)[rows])
        numbers = {name: array[rows] for name, array in self.numbers.items()}
        return Inputs(n, numbers, {name: category.take(rows) for name, category in self.categories.items()})

    def with_value(self, name: str, value: float | str | None) -> Inputs:
        """The same firms with one item changed for all of them: what a what-if scores."""
        other = Inputs.of({name: value})
        numbers = {key: array for key, array in self.numbers.items() if key != name}
        categories = {key: category for key, category in self.categories.items() if key != name}
        numbers |= {key: np.repeat(array, self.n) for key, array in other.numbers.items()}
        for key, category in other.categories.items():
            categories[key] = Category(np.repeat(category.codes, self.n), category.values)
        return Inputs(self.n, numbers, categories)


def is_number(column: pd.Series[Any]) -> bool:
    """Whether a column's dtype is a number's (a truth value counts as 0 and 1; a category never does)."""
    return bool(pd.api.types.is_numeric_dtype(column.dtype))


def numbers_of(name: str, column: pd.Series[Any]) -> Floats:
    """A column as float64, NaN where unknown. ``RefusedInput`` for text and for infinite values."""
    try:
        array = column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise bad_inputs(
            name, str(column.dtype), "This item is a number.", "Deliver numbers, empty where unknown."
        ) from error
    return _finite(name, array)


def category_of(column: pd.Series[Any]) -> Category:
    """A column as a category, its values in the order of their text."""
    codes, values = pd.factorize(column, use_na_sentinel=True)
    texts = [category_text(value) for value in values]
    distinct = sorted(set(texts))
    place = {text: at for at, text in enumerate(distinct)}
    table = np.array([*(place[text] for text in texts), UNKNOWN_CODE], np.int32)
    return Category(table[codes], tuple(distinct))


def category_text(value: object) -> str:
    """The text a category value goes by. A whole number reads the same from an integer and from a float column."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _finite(name: str, array: Floats) -> Floats:
    if np.isinf(array).any():
        raise bad_inputs(name, "inf", "An infinite value is no measurement.", "Leave it empty where it is unknown.")
    return array


def _stored_numbers(name: str, kind: Kind, stored: NDArray[Any] | None, n: int) -> Floats:
    if stored is None:
        return np.full(n, np.nan)
    if kind is Kind.TEXT:
        raise bad_inputs(name, str(kind), "A text has no number.", "Leave the item out of the model.")
    numbers = stored.astype(np.float64)
    if kind not in (Kind.NUMBER, Kind.RATIO):
        numbers[stored == UNKNOWNS[kind]] = np.nan
    if kind is Kind.MONEY:
        numbers /= FEN_PER_YUAN
    return _finite(name, numbers)
