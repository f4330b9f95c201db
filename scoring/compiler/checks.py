"""Which operations fit which columns and kinds. The compiler refuses the rest by name."""

from __future__ import annotations

from models.errors import RefusedInput
from models.kinds import Kind
from scoring.catalogue import Item, Op
from scoring.feeds import ColumnType, Feed

#: Kinds an item may have whose value is a value of its column.
_BY_COLUMN: dict[ColumnType, tuple[Kind, ...]] = {
    ColumnType.TEXT: (Kind.TEXT, Kind.CODE),
    ColumnType.CODE: (Kind.CODE,),
    ColumnType.INTEGER: (Kind.COUNT, Kind.MONTHS, Kind.NUMBER),
    ColumnType.DECIMAL: (Kind.NUMBER, Kind.RATIO),
    ColumnType.MONEY: (Kind.MONEY,),
    ColumnType.DATE: (Kind.DATE,),
    ColumnType.MONTH: (Kind.DATE,),
    ColumnType.FLAG: (Kind.FLAG,),
}
_WHOLE = (Kind.COUNT, Kind.MONTHS, Kind.NUMBER)
_FRACTION = (Kind.RATIO, Kind.NUMBER)
_BY_OP: dict[Op, tuple[Kind, ...]] = {
    Op.COUNT: _WHOLE,
    Op.DISTINCT: _WHOLE,
    Op.STREAK: _WHOLE,
    Op.MONTHS_OPEN: _WHOLE,
    Op.MONTHS_SINCE: _WHOLE,
    Op.EXISTS: (Kind.FLAG,),
    Op.HIGHEST: (Kind.CODE,),
    Op.GROWTH: _FRACTION,
    Op.TOP_SHARE: _FRACTION,
    Op.SHARE: _FRACTION,
}
_NUMBERS = (ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.MONEY)
_DAYS = (ColumnType.DATE, ColumnType.MONTH)
#: Column types an operation reads through `of`; an operation not listed needs no `of`.
_OF: dict[Op, tuple[ColumnType, ...]] = {
    Op.LATEST: tuple(ColumnType),
    Op.SUM: _NUMBERS,
    Op.MEAN: _NUMBERS,
    Op.GROWTH: _NUMBERS,
    Op.TOP_SHARE: _NUMBERS,
    Op.MIN: (*_NUMBERS, *_DAYS),
    Op.MAX: (*_NUMBERS, *_DAYS),
    Op.HIGHEST: (ColumnType.CODE,),
    Op.DISTINCT: tuple(ColumnType),
}


def check_item(feed: Feed, item: Item) -> None:
    """Raise ``RefusedInput`` when the declaration asks something its columns cannot answer."""
    compute = item.compute
    types = _OF.get(compute.op)
    if types and (not compute.of or feed.column(compute.of).type not in types):
        raise _refused(item, f"`of` of {compute.op} is a column of type {', '.join(types)}.")
    if compute.per and any(feed.column(name).type not in _NUMBERS for name in (compute.of, compute.per)):
        raise _refused(item, "Both parts of a ratio are numbers.")
    if compute.part_or_negative and feed.column(compute.part_or_negative).type not in _NUMBERS:
        raise _refused(item, "`or_negative` names a number.")
    if compute.op is Op.TOP_SHARE and not (compute.by and compute.top > 0):
        raise _refused(item, "top_share needs `by` and `top`.")
    if compute.op in (Op.STREAK, Op.GROWTH) and not compute.window_months:
        raise _refused(item, f"{compute.op} needs a `window`.")
    if compute.by_year and compute.op not in (Op.COUNT, Op.SUM):
        raise _refused(item, "`by_year` goes with count and sum.")
    kinds = _FRACTION if compute.per else _BY_OP.get(compute.op) or _BY_COLUMN[feed.column(compute.of).type]
    if item.kind not in kinds:
        raise _refused(item, f"What it computes is of kind {' or '.join(kinds)}, not {item.kind}.")


def _refused(item: Item, rule: str) -> RefusedInput:
    return RefusedInput("bad_item", "item", item.id, rule, "Mend its `compute` or its `type`.")
