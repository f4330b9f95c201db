"""How a value of each kind is stored in a column, and what stands for unknown.

One place, so that profile, evaluation and matching compare the same bits.

| kind   | column dtype | unknown            | scalar        |
|--------|--------------|--------------------|---------------|
| money  | int64 (fen)  | UNKNOWN_INT64      | Decimal yuan  |
| count, months | int64 | UNKNOWN_INT64      | int           |
| number, ratio | float64 | NaN              | float         |
| date   | int32 (days since 1970-01-01) | UNKNOWN_INT32 | date |
| code   | int16 (place in the item's list of codes) | -1 | str |
| flag   | int8 (0, 1)  | -1                 | bool          |
| text   | not in columns; kept beside them | None | str       |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from models.dates import days, from_days
from models.money import from_fen, to_fen

UNKNOWN_INT64 = -(2**63)
UNKNOWN_INT32 = -(2**31)
UNKNOWN_CODE = -1
UNKNOWN_FLAG = -1

Scalar = Decimal | int | float | date | str | bool


class Kind(StrEnum):
    MONEY = "money"
    COUNT = "count"
    MONTHS = "months"
    NUMBER = "number"
    RATIO = "ratio"
    DATE = "date"
    CODE = "code"
    FLAG = "flag"
    TEXT = "text"


#: numpy dtype names by kind; text has no column.
DTYPES: dict[Kind, str] = {
    Kind.MONEY: "int64",
    Kind.COUNT: "int64",
    Kind.MONTHS: "int64",
    Kind.NUMBER: "float64",
    Kind.RATIO: "float64",
    Kind.DATE: "int32",
    Kind.CODE: "int16",
    Kind.FLAG: "int8",
}

UNKNOWNS: dict[Kind, int | float] = {
    Kind.MONEY: UNKNOWN_INT64,
    Kind.COUNT: UNKNOWN_INT64,
    Kind.MONTHS: UNKNOWN_INT64,
    Kind.NUMBER: math.nan,
    Kind.RATIO: math.nan,
    Kind.DATE: UNKNOWN_INT32,
    Kind.CODE: UNKNOWN_CODE,
    Kind.FLAG: UNKNOWN_FLAG,
}


def encode(kind: Kind, value: Scalar | None, codes: Sequence[str] = ()) -> int | float:
    """The stored form of one value; ``None`` gives the kind's unknown.

    A code outside ``codes`` raises ``ValueError``: an unlisted code is not the same as unknown.
    """
    if value is None:
        return UNKNOWNS[kind]
    if kind is Kind.CODE:
        return list(codes).index(str(value))
    return encoder(kind)(value)


def encoder(kind: Kind) -> Callable[[Any], int | float]:
    """What makes the stored form of a known value of a kind that is a number by itself: all but codes and text."""
    if kind not in _ENCODERS:
        raise ValueError(f"{kind} has no stored number")
    return _ENCODERS[kind]


def _fen(value: Scalar) -> int:
    return to_fen(value if isinstance(value, Decimal) else Decimal(str(value)))


def _days(value: Scalar) -> int:
    if not isinstance(value, date):
        raise ValueError(f"{value!r} is not a date")
    return days(value)


_ENCODERS: Mapping[Kind, Callable[[Any], int | float]] = {
    Kind.MONEY: _fen,
    Kind.COUNT: int,
    Kind.MONTHS: int,
    Kind.FLAG: int,
    Kind.NUMBER: float,
    Kind.RATIO: float,
    Kind.DATE: _days,
}


def decode(kind: Kind, stored: int | float, codes: Sequence[str] = ()) -> Scalar | None:
    """The value a stored number stands for; the kind's unknown gives ``None``."""
    if is_unknown(kind, stored):
        return None
    match kind:
        case Kind.MONEY:
            return from_fen(int(stored))
        case Kind.COUNT | Kind.MONTHS:
            return int(stored)
        case Kind.NUMBER | Kind.RATIO:
            return float(stored)
        case Kind.DATE:
            return from_days(int(stored))
        case Kind.CODE:
            return codes[int(stored)]
        case Kind.FLAG:
            return bool(stored)
    raise ValueError(f"{kind} has no stored number")


def is_unknown(kind: Kind, stored: int | float) -> bool:
    """Whether a stored number stands for unknown."""
    if kind in (Kind.NUMBER, Kind.RATIO):
        return math.isnan(stored)
    return stored == UNKNOWNS[kind]
