"""One item's values over all firms, from the aggregate columns the compiler asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from models.dates import days, month_end, parse_date
from models.errors import RefusedInput
from models.kinds import DTYPES, UNKNOWN_INT32, UNKNOWN_INT64, UNKNOWNS, Kind, Scalar, encode
from scoring.catalogue import Item, Op
from scoring.columns import Array
from scoring.compiler.parts import MASK_MONTHS, UNLISTED_CODE
from scoring.compiler.state import FeedState
from scoring.derived import age_in_months

Flags = NDArray[np.bool_]
#: What a code or whole-number item reads while its values are put together.
_INT64 = np.dtype("int64")


@dataclass(frozen=True)
class Part:
    """One result column: ``values[i]`` belongs to the firm at place ``firm[i]``; ``valid`` is false where null.

    Dates are int32 days. A text column holds row numbers of the texts kept elsewhere; a column of open codes holds
    places in ``texts``.
    """

    firm: NDArray[np.int64]
    values: Array
    valid: Flags | None = None
    texts: tuple[str, ...] = ()

    def spread(self, n: int, fill: float, dtype: np.dtype[np.generic] | str = _INT64) -> Array:
        """An array over all ``n`` firms, ``fill`` where the query had no row or null."""
        array = np.full(n, fill, dtype)
        if self.valid is None:
            array[self.firm] = self.values
        else:
            array[self.firm[self.valid]] = self.values[self.valid]
        return array


@dataclass(frozen=True)
class FeedFirms:
    """What one delivered feed says of the ``n`` firms: days of the oldest and newest effective record, or unknown."""

    state: FeedState
    n: int
    oldest: NDArray[np.int32]
    newest: NDArray[np.int32]
    present: Flags = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "present", self.newest != UNKNOWN_INT32)

    def none_found(self, fill: Array) -> Array:
        """``fill`` where "no matching record" is a fact: always in a closed world, else for firms with any record."""
        if not self.state.feed.absent_means_none:
            fill[~self.present] = UNKNOWN_INT64
        return fill


def values_of(item: Item, parts: Mapping[str, Part], firms: FeedFirms) -> Array:
    """The item's column in its storage form; age is not looked at here."""
    return _stored(item.kind, _VALUES[item.compute.op](item, parts, firms))


def year_values(item: Item, parts: Mapping[str, Part], firms: FeedFirms) -> dict[str, Array]:
    """``<item>.y1`` (the latest twelve months) … for items that are also split by year back."""
    read = _sum if item.compute.op is Op.SUM else _count
    return {
        f"{item.id}.y{number}": _stored(item.kind, read(item, parts, firms, f"y{number}"))
        for number in range(1, item.compute.by_year + 1)
    }


def _stored(kind: Kind, values: Array) -> Array:
    """Values read as int64 with its unknown, or as float64 with NaN, in the column form of ``kind``."""
    dtype = np.dtype(DTYPES[kind])
    if values.dtype == dtype:
        return values
    if values.dtype == np.float64:
        raise TypeError(f"a {kind} item cannot be made of fractions")
    if kind is Kind.CODE and np.any(values == UNLISTED_CODE):
        raise RefusedInput(
            "unlisted_code", "records", "?", "A record has a code its feed does not list.", "Ingest the feed again."
        )
    stored = values.astype(dtype)
    stored[values == UNKNOWN_INT64] = UNKNOWNS[kind]
    return stored


def _count(item: Item, parts: Mapping[str, Part], firms: FeedFirms, part: str = "value") -> Array:
    return firms.none_found(parts[part].spread(firms.n, 0))


def _exists(item: Item, parts: Mapping[str, Part], firms: FeedFirms) -> Array:
    return firms.none_found((parts["value"].spread(firms.n, 0) > 0).astype(np.int64))


def _sum(item: Item, parts: Mapping[str, Part], firms: FeedFirms, part: str = "value") -> Array:
    """Records none of which says the amount have an unknown sum; no records sum to 0."""
    total = parts[part]
    fraction = total.values.dtype == np.float64
    unsaid = np.zeros(firms.n, bool)
    if f"{part}_of" in parts:
        unsaid = parts[f"{part}_of"].spread(firms.n, 0) > 0
        unsaid &= ~_found(total, firms.n)
    if not fraction:
        values = firms.none_found(total.spread(firms.n, 0))
        values[unsaid] = UNKNOWN_INT64
        return values
    values = total.spread(firms.n, 0.0, "float64")
    if not firms.state.feed.absent_means_none:
        unsaid |= ~firms.present
    values[unsaid] = np.nan
    return values


def _found(part: Part, n: int) -> Flags:
    """The firms for which the query has a value that is not null."""
    found = np.zeros(n, bool)
    found[part.firm if part.valid is None else part.firm[part.valid]] = True
    return found


def _mean(item: Item, parts: Mapping[str, Part], firms: FeedFirms) -> Array:
    """A fraction, or for whole-number kinds (fen, persons) rounded to the nearest, halves away from zero."""
    number = parts["number"].spread(firms.n, 0)
    some = number > 0
    if item.kind in (Kind.NUMBER, Kind.RATIO):
        return _quotient(parts["sum"].spread(firms.n, 0, "float64"), number, some)
    total = parts["sum"].spread(firms.n, 0)
    by = np.where(some, number, 1)
    whole, rest = np.divmod(np.abs(total), by)
    return np.where(some, np.sign(total) * (whole + (2 * rest >= by)), UNKNOWN_INT64)


def _extreme(item: Item, parts: Mapping[str, Part], firms: FeedFirms) -> Array:
    value = parts["value"]
    if value.values.dtype == np.float64:
        return value.spread(firms.n, np.nan, "float64")
    return value.spread(firms.n, UNKNOWN_INT64)


def _highest(item: Item, parts: Mapping[str, Part], firms: FeedFirms) -> Array:
    return parts["value"].spread(firms.n, _absent(item, firms))


def _latest(item: Item, parts: Mapping[str, Part], firms: FeedFirms) -> Array:
    """The newest record's value; unknown where that record leaves it empty, ``absent`` where there is no record."""
    value, absent = parts["value"], _absent(item, firms)
    matched = _found(parts["on"], firms.n)
    if not item.compute.per and value.values.dtype != np.float64:
        values = value.spread(firms.n, UNKNOWN_INT64)
        values[~matched] = absent
        return values
    numbers = value.spread(firms.n, np.nan, "float64")
    if item.compute.per:
        per = parts["per"].spread(firms.n, 0, parts["per"].values.dtype)
        numbers = _quotient(numbers, per, per > 0)
    numbers[~matched] = np.nan if absent == UNKNOWN_INT64 else absent
    return numbers


def _absent(item: Item, firms: FeedFirms) -> int | float:
    """What stands for "no such record": the item's ``absent`` in a closed world, else unknown."""
    if item.absent is None or not firms.state.feed.absent_means_none:
        return UNKNOWN_INT64
    return encode(item.kind, _ABSENT.get(item.kind, str)(item.absent), item.codes)


_ABSENT: dict[Kind, Callable[[str], Scalar]] = {
    Kind.MONEY: Decimal,
    Kind.COUNT: int,
    Kind.MONTHS: int,
    Kind.NUMBER: float,
    Kind.RATIO: float,
    Kind.DATE: parse_date,
    Kind.FLAG: "true".__eq__,
}


def _streak(item: Item, parts: Mapping[str, Part], firms: FeedFirms) -> Array:
    masks = [parts[f"mask{number}"].spread(firms.n, 0) for number in range(len(parts))]
    going = np.ones(firms.n, np.int64)
    months = np.zeros(firms.n, np.int64)
    for back in range(item.compute.window_months):
        number, bit = divmod(back, MASK_MONTHS)
        going &= masks[number] >> bit
        months += going
    return firms.none_found(months)


def _months_open(item: Item, parts: Mapping[str, Part], firms: FeedFirms) -> Array:
    """Months begun since the first record: on its first day one month has begun."""
    first = parts["first"].spread(firms.n, UNKNOWN_INT32, "int32")
    months = age_in_months(first, firms.state.as_of) + 1
    return firms.none_found(np.where(first == UNKNOWN_INT32, 0, months))


def _months_since(item: Item, parts: Mapping[str, Part], firms: FeedFirms) -> Array:
    return age_in_months(parts["last"].spread(firms.n, UNKNOWN_INT32, "int32"), firms.state.as_of)


def _growth(item: Item, parts: Mapping[str, Part], firms: FeedFirms) -> Array:
    later, earlier = (parts[name].spread(firms.n, 0, parts[name].values.dtype) for name in ("later", "earlier"))
    from_start = firms.present & (firms.oldest <= _first_month_ends(item, firms.state))
    return _quotient((later - earlier).astype(np.float64), earlier, (earlier > 0) & from_start)


def _first_month_ends(item: Item, state: FeedState) -> int:
    """Last day of the first month of the earlier window: a firm first seen later has no comparable past."""
    months = item.compute.window_months
    opens = state.window(months).before(months).start
    return days(month_end(date.fromordinal(opens.toordinal() + 1)))


def _ratio(top: str, bottom: str) -> Callable[[Item, Mapping[str, Part], FeedFirms], Array]:
    def ratio(item: Item, parts: Mapping[str, Part], firms: FeedFirms) -> Array:
        whole = parts[bottom].spread(firms.n, 0, parts[bottom].values.dtype)
        return _quotient(parts[top].spread(firms.n, 0, "float64"), whole, whole > 0)

    return ratio


def _quotient(top: Array, bottom: Array, where: Flags) -> Array:
    """``top / bottom`` as float64, NaN elsewhere."""
    quotient = np.full(len(top), np.nan)
    np.divide(top, bottom, out=quotient, where=where)
    return quotient


_VALUES: dict[Op, Callable[[Item, Mapping[str, Part], FeedFirms], Array]] = {
    Op.LATEST: _latest,
    Op.COUNT: _count,
    Op.SUM: _sum,
    Op.MEAN: _mean,
    Op.MIN: _extreme,
    Op.MAX: _extreme,
    Op.EXISTS: _exists,
    Op.DISTINCT: _count,
    Op.HIGHEST: _highest,
    Op.STREAK: _streak,
    Op.MONTHS_OPEN: _months_open,
    Op.MONTHS_SINCE: _months_since,
    Op.GROWTH: _growth,
    Op.TOP_SHARE: _ratio("top", "whole"),
    Op.SHARE: _ratio("part", "whole"),
}
