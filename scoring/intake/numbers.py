"""Whole numbers, decimals and money from text or typed columns. Money never passes through rounding: a value is a
whole number of fen or it is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.money import FEN_PER_YUAN, LARGEST_YUAN
from scoring.feeds import Column
from scoring.intake.arrays import Mask, Parsed, found, from_numpy, mask_of, matching, only, present
from scoring.intake.faults import Reason

_INTEGER = r"\A-?\d{1,18}\z"
_DECIMAL = r"\A-?\d{1,15}(\.\d{1,15})?([eE][+-]?\d{1,3})?\z"
_AMOUNT = r"\A-?\d{1,14}(\.\d{1,2})?\z"
_FINE_AMOUNT = r"\A-?\d{1,14}\.\d{3,}\z"
_ENDLESS = r"(?i)\A[+-]?(nan|inf|infinity)\z"
_LARGEST_FEN = int(LARGEST_YUAN * FEN_PER_YUAN)
_EXACT_FLOAT = 2.0**53


def integers(text: Any, column: Column) -> Parsed:
    """int64 of plain whole numbers within the column's range."""
    good = matching(text, _INTEGER)
    values = only(text, good).cast(pa.int64()).fill_null(0).to_numpy()
    return _ranged(values, good, column, _why(text, good, Reason.BAD_NUMBER), pa.int64())


def decimals(text: Any, column: Column) -> Parsed:
    """float64 of plain numbers within the column's range."""
    good = matching(text, _DECIMAL)
    values = _unsigned_zero(only(text, good).cast(pa.float64()))
    finite = np.isfinite(values)
    why = [*_why(text, good, Reason.BAD_NUMBER), (Reason.NOT_FINITE, good & ~finite)]
    return _ranged(values, good & finite, column, why, pa.float64())


def money(text: Any, column: Column) -> Parsed:
    """int64 fen of amounts in yuan with at most two decimals, within limit and range."""
    good = matching(text, _AMOUNT)
    fen = _fen_of(only(text, good).cast(pa.decimal128(18, 2)))
    why = _why(text, good, Reason.BAD_AMOUNT)
    if not good.all():
        fine = ~good & matching(text, _FINE_AMOUNT)
        why = [(Reason.TOO_MANY_DECIMALS, fine), *((reason, mask & ~fine) for reason, mask in why)]
    return _amounts(fen, good, column, why)


def typed_integers(array: Any, column: Column) -> Parsed:
    """int64 of a whole-number column, or of a float column that holds whole numbers."""
    good = present(array)
    if pa.types.is_floating(array.type):
        floats = array.cast(pa.float64()).fill_null(0.0).to_numpy()
        whole = np.isfinite(floats) & (np.abs(floats) < _EXACT_FLOAT) & (floats == np.floor(floats))
        values = np.where(whole, floats, 0).astype(np.int64)
        return _ranged(values, good & whole, column, [(Reason.BAD_NUMBER, good & ~whole)], pa.int64())
    fits = np.ones(len(array), dtype=bool)
    if array.type == pa.uint64():
        fits = array.fill_null(0).to_numpy() < np.uint64(2**63)
        array = only(array, fits & good)
    values = array.cast(pa.int64()).fill_null(0).to_numpy()
    return _ranged(values, good & fits, column, [(Reason.BAD_NUMBER, good & ~fits)], pa.int64())


def typed_decimals(array: Any, column: Column) -> Parsed:
    """float64 of any number column; NaN and infinity are refused."""
    good = present(array)
    values = _unsigned_zero(array.cast(pa.float64(), safe=False))
    finite = np.isfinite(values)
    return _ranged(values, good & finite, column, [(Reason.NOT_FINITE, good & ~finite)], pa.float64())


def typed_money(array: Any, column: Column) -> Parsed:
    """int64 fen of a column of yuan: whole numbers, decimals, or float64 that name a whole number of fen."""
    if pa.types.is_floating(array.type):
        return _float_money(array, column)
    if pa.types.is_decimal(array.type):
        return _decimal_money(array, column)
    yuan = typed_integers(array, Column(column.id, column.type, column.zh, column.en))
    good = present(yuan.values)
    values = yuan.values.fill_null(0).to_numpy()
    small = (values <= int(LARGEST_YUAN)) & (values >= -int(LARGEST_YUAN))
    why = [*yuan.bad, (Reason.AMOUNT_LIMIT, good & ~small)]
    return _amounts(np.where(small, values, 0) * FEN_PER_YUAN, good & small, column, why)


def _unsigned_zero(array: Any) -> NDArray[np.float64]:
    """float64 values with -0.0 as 0.0, so that one number has one record id; 0.0 for null."""
    values: NDArray[np.float64] = array.fill_null(0.0).to_numpy() + 0.0
    return values


def _float_money(array: Any, column: Column) -> Parsed:
    """A float64 amount passes only if it is the very double nearest to a whole number of fen.

    Below the limit neighbouring doubles are closer together than fen, so the fen is then the only one it can mean.
    """
    there = present(array)
    yuan = array.fill_null(0.0).to_numpy()
    finite = np.isfinite(yuan)
    small = finite & (np.abs(yuan) <= float(LARGEST_YUAN))
    fen = np.rint(np.where(small, yuan, 0.0) * FEN_PER_YUAN)
    exact = fen / FEN_PER_YUAN == yuan
    why = [
        (Reason.NOT_FINITE, there & ~finite),
        (Reason.AMOUNT_LIMIT, there & finite & ~small),
        (Reason.TOO_MANY_DECIMALS, there & small & ~exact),
    ]
    return _amounts(fen.astype(np.int64), there & small & exact, column, why)


def _decimal_money(array: Any, column: Column) -> Parsed:
    there = present(array)
    cents = pc.round(array, 2)
    exact = mask_of(pc.equal(array, cents))
    limit = pa.scalar(LARGEST_YUAN, pa.decimal128(16, 2))
    small = mask_of(pc.less_equal(pc.abs(cents), limit))
    why = [(Reason.AMOUNT_LIMIT, there & ~small), (Reason.TOO_MANY_DECIMALS, there & small & ~exact)]
    good = there & small & exact
    return _amounts(_fen_of(only(cents, good).cast(pa.decimal128(18, 2))), good, column, why)


def _fen_of(amounts: Any) -> NDArray[np.int64]:
    """The unscaled integers of a decimal128(18, 2) array: its low words, since 18 digits fit in 64 bits."""
    words = np.frombuffer(amounts.buffers()[1], dtype=np.int64)
    return words[2 * amounts.offset : 2 * (amounts.offset + len(amounts)) : 2]


def _amounts(fen: NDArray[np.int64], good: Mask, column: Column, why: list[tuple[Reason, Mask]]) -> Parsed:
    small = np.abs(fen) <= _LARGEST_FEN
    why = [*why, (Reason.AMOUNT_LIMIT, good & ~small)]
    return _ranged(fen, good & small, column, why, pa.int64(), FEN_PER_YUAN)


def _ranged(
    values: NDArray[Any], good: Mask, column: Column, why: list[tuple[Reason, Mask]], type_: Any, unit: int = 1
) -> Parsed:
    """Add the column's range to the reasons; ``unit`` is how many stored units one unit of the declaration is."""
    if column.min is not None:
        low = good & (values < _bound(column.min, values, unit))
        why, good = [*why, (Reason.BELOW_MIN, low)], good & ~low
    if column.max is not None:
        high = good & (values > _bound(column.max, values, unit))
        why, good = [*why, (Reason.ABOVE_MAX, high)], good & ~high
    return Parsed(from_numpy(values, good, type_), found(why))


def _bound(declared: float, values: NDArray[Any], unit: int) -> float | int:
    """The declared limit as the stored type compares it: whole numbers stay whole."""
    if values.dtype.kind == "f":
        return declared
    exact = Decimal(str(declared)) * unit
    return int(exact) if exact == int(exact) else declared * unit


def _why(text: Any, good: Mask, otherwise: Reason) -> list[tuple[Reason, Mask]]:
    bad = ~good & present(text)
    if not bad.any():
        return []
    endless = bad & matching(text, _ENDLESS)
    return [(Reason.NOT_FINITE, endless), (otherwise, bad & ~endless)]
