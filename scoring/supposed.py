"""One firm's items with some of them supposed otherwise, and whatever the same records then say of other items.

Only what follows from the records alone is followed (docs/decisions/0010-what-if.md):

* a sum or count of a longer window moves by as much as the shorter one inside it (``sales_12m`` moves ``sales_24m``);
* growth over a window follows the sum of that window, the window before it staying as recorded;
* a quotient of two columns of one record follows those columns (``leverage`` follows ``total_liabilities``);
* a count that is also split by year back is split again: records more are new, records fewer go oldest first.

What is stated is never overruled. Where a value is unknown, before or after, nothing follows from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

import numpy as np

from models.errors import RefusedInput
from models.kinds import DTYPES, Kind, Scalar, decode, encode
from scoring.catalogue import Item, Op
from scoring.columns import Array, Columns

#: Records carry no more decimals than this.
_RECORDED_DECIMALS = 6


class Because(StrEnum):
    """Why a column followed: it holds a changed window, grows out of one, divides one, or splits or sums years."""

    WINDOW = "window"
    GROWTH = "growth"
    QUOTIENT = "quotient"
    YEARS = "years"


@dataclass(frozen=True)
class Supposed:
    """``columns`` of the one firm, and the columns that followed by id, each with its reason and what it followed."""

    columns: Columns
    followed: Mapping[str, tuple[Because, str]]


def year_columns(item: Item) -> tuple[str, ...]:
    """The columns an item is split into by year back, the latest twelve months first; empty for most items."""
    return tuple(f"{item.id}.y{number}" for number in range(1, item.compute.by_year + 1))


def suppose(one: Columns, changed: Mapping[str, Scalar | None], items: Mapping[str, Item]) -> Supposed:
    """``one`` (one firm) with ``changed`` items, by id or year column (``penalty_general.y1``), money in yuan.

    ``None`` makes an item unknown. Names that are neither are passed over: they are facts of a need, loan or claim.
    ``RefusedInput`` where a count and its years, all stated, contradict each other.
    """
    row = _Row(one, items)
    for name, value in changed.items():
        if name.partition(".")[0] in items:
            row.write(name, value)
    for item in items.values():
        years = year_columns(item)
        if item.id in changed or any(year in changed for year in years):
            _split(row, item, years, changed)
    _windows(row, items.values(), changed)
    _growths(row, items.values(), changed)
    _quotients(row, items.values(), changed)
    return Supposed(row.columns(), row.followed)


class _Row:
    """The values of one firm while they are changed; ``was`` reads the value as recorded."""

    def __init__(self, one: Columns, items: Mapping[str, Item]):
        self._one, self._items = one, items
        self._values: dict[str, Array] = {}
        self._codes: dict[str, tuple[str, ...]] = {}
        self.followed: dict[str, tuple[Because, str]] = {}

    def _read(self, name: str, column: Array | None) -> Scalar | None:
        item = self._items[name.partition(".")[0]]
        codes = self._codes.get(name) or self._one.codes.get(name, item.codes)
        return None if column is None else decode(item.kind, column[0].item(), codes)

    def was(self, name: str) -> Scalar | None:
        return self._read(name, self._one.get(name))

    def now(self, name: str) -> Scalar | None:
        return self._read(name, self._values.get(name, self._one.get(name)))

    def moved(self, name: str) -> bool:
        """Whether a value differs from the recorded one and both are known."""
        before, after = self.was(name), self.now(name)
        return before is not None and after is not None and before != after

    def write(self, name: str, value: Scalar | None) -> None:
        item = self._items[name.partition(".")[0]]
        codes = self._one.codes.get(name, item.codes)
        if item.kind is Kind.CODE:
            if isinstance(value, str) and value not in codes:
                codes = (*codes, value)  # an open dictionary holds only what the city's firms have
            self._codes[name] = codes
        self._values[name] = np.array([encode(item.kind, value, codes)], DTYPES[item.kind])

    def follow(self, name: str, value: Scalar | None, because: Because, source: str) -> None:
        if self.now(name) != value:
            self.write(name, value)
            self.followed[name] = because, source

    def columns(self) -> Columns:
        return self._one.merged(Columns(1, self._values, self._codes))


def _split(row: _Row, item: Item, years: tuple[str, ...], changed: Mapping[str, Scalar | None]) -> None:
    """Keep a total and its years together, whichever of them were stated."""
    if not any(year in changed for year in years):
        parts = _years_of(row.now(item.id), [row.was(year) for year in years])
        for year, part in zip(years, parts, strict=True):
            row.follow(year, part, Because.YEARS, item.id)
        return
    known = [part for part in map(row.now, years) if isinstance(part, (int, Decimal))]
    total = sum(known[1:], known[0]) if len(known) == len(years) else None
    if item.id not in changed:
        row.follow(item.id, total, Because.YEARS, next(year for year in years if year in changed))
    elif row.now(item.id) != total:
        rule = f"The years back come to {'an unknown number' if total is None else total}: {', '.join(years)}."
        fix = "State the total or the years; years left out stay as recorded."
        raise RefusedInput("two_values", f"facts.{item.id}", changed[item.id], rule, fix)


def _years_of(total: Scalar | None, years: list[Scalar | None]) -> list[Scalar | None]:
    """``total`` over the years back: what is more stands in the latest year, what is fewer leaves the oldest first.

    A recent record weighs most, so the split never counts for more points than another one would.
    """
    if not isinstance(total, (int, Decimal)):
        return [None] * len(years)
    held = [part if isinstance(part, (int, Decimal)) else total * 0 for part in years]
    left, parts = total, []
    for part in held:
        parts.append(min(part, left))
        left -= parts[-1]
    return [parts[0] + left, *parts[1:]] if parts else []


def _windows(row: _Row, items: Collection[Item], changed: Mapping[str, Scalar | None]) -> None:
    chains: dict[object, list[Item]] = {}
    for item in items:
        if item.compute.op in (Op.SUM, Op.COUNT) and not item.compute.by_year:
            chains.setdefault((item.compute.op, item.kind, *_records(item)), []).append(item)
    for chain in chains.values():
        # A window of 0 months is all time: the longest.
        chain.sort(key=lambda item: (item.compute.window_months == 0, item.compute.window_months))
        for inner, outer in pairwise(chain):
            before, after, held = row.was(inner.id), row.now(inner.id), row.was(outer.id)
            if outer.id not in changed and row.moved(inner.id) and held is not None:
                row.follow(outer.id, held + (after - before), Because.WINDOW, inner.id)  # type: ignore[operator]


def _growths(row: _Row, items: Collection[Item], changed: Mapping[str, Scalar | None]) -> None:
    sums = {(_records(i), i.compute.window_months): i for i in items if i.compute.op is Op.SUM}
    for item in items:
        later = sums.get((_records(item), item.compute.window_months)) if item.compute.op is Op.GROWTH else None
        growth = row.was(item.id)
        if later is None or item.id in changed or growth is None or not row.moved(later.id):
            continue
        before, after = float(str(row.was(later.id))), float(str(row.now(later.id)))
        # A sum of nothing does not tell what it grew out of. Rounded, to be the sum that was recorded to the last bit.
        whole = before > 0 and float(str(growth)) > -1.0
        earlier = round(before / (1.0 + float(str(growth))), _RECORDED_DECIMALS) if whole else 0.0
        grown = (after - earlier) / earlier if earlier > 0 else None
        row.follow(item.id, grown, Because.GROWTH, later.id)


def _quotients(row: _Row, items: Collection[Item], changed: Mapping[str, Scalar | None]) -> None:
    latest = {_records(i): i for i in items if i.compute.op is Op.LATEST and not i.compute.per}
    for item in items:
        if item.compute.op is not Op.LATEST or not item.compute.per or item.id in changed:
            continue
        top, bottom = (latest.get(_records(item, of)) for of in (item.compute.of, item.compute.per))
        if top is None or bottom is None or not (row.moved(top.id) or row.moved(bottom.id)):
            continue
        above, below = row.now(top.id), row.now(bottom.id)
        if above is not None and below is not None:
            under = float(str(below))
            quotient = float(str(above)) / under if under > 0 else None
            row.follow(item.id, quotient, Because.QUOTIENT, (top if row.moved(top.id) else bottom).id)


def _records(item: Item, of: str = "") -> tuple[object, ...]:
    """Which records of which feed an item reads, and the column ``of`` them: equal for items made of the same ones."""
    compute = item.compute
    return (item.feed, of or compute.of, compute.where, compute.current)


def beside(changed: Iterable[str], followed: Iterable[str], items: Mapping[str, Item]) -> tuple[str, ...]:
    """Items made of the same records as a changed one that neither changed nor followed: what to look at again."""
    touched = {name.partition(".")[0] for name in (*changed, *followed)} & items.keys()
    return tuple(
        item.id
        for item in items.values()
        if item.id not in touched and any(_share_records(item, items[name]) for name in touched)
    )


def _share_records(one: Item, other: Item) -> bool:
    """Whether a record of one can be a record of the other, beyond being two columns of one current state."""
    if one.feed != other.feed:
        return False
    if one.compute.op is other.compute.op is Op.LATEST:
        return bool({one.compute.of, one.compute.per or None} & {other.compute.of, other.compute.per})
    accepted = dict(other.compute.where)
    return all(set(values) & set(accepted.get(name, values)) for name, values in one.compute.where)
