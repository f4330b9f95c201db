"""Each operation as the aggregate columns it needs; ``scoring.profile`` puts a value together from them."""

from __future__ import annotations

from collections.abc import Sequence

from scoring.catalogue import Item, Op
from scoring.compiler.dialect import Dialect, count, only
from scoring.compiler.predicates import accepted, conjunction, matching, text_literal
from scoring.compiler.state import FeedState
from scoring.feeds import Column, ColumnType

#: Stored in place of a code that the item's dictionary does not list; the assembly refuses it.
UNLISTED_CODE = 32767
#: Months one streak mask holds, well inside the bits of int64.
MASK_MONTHS = 60

#: Part name (``value``, ``later`` …) → SQL expression.
Expressions = dict[str, str]


def value_of(item: Item, column: Column, sql: Dialect) -> str:
    """The column as the item stores it: a listed code as its place in the dictionary, a flag as 0 or 1."""
    name = sql.column(column.stored)
    if column.type is ColumnType.CODE:
        return _place_in(item.codes, name)
    if column.type is ColumnType.FLAG:
        return f"CAST({name} AS SMALLINT)"
    return name


def _place_in(codes: Sequence[str], name: str) -> str:
    listed = " ".join(f"WHEN {text_literal(code)} THEN {place}" for place, code in enumerate(codes))
    return f"CASE WHEN {name} IS NOT NULL THEN CASE {name} {listed} ELSE {UNLISTED_CODE} END END"


def latest_values(state: FeedState, item: Item, sql: Dialect) -> Expressions:
    """What a ``latest`` item takes from the newest record: ``value``, and ``per`` for a ratio."""
    columns = {"value": value_of(item, state.feed.column(item.compute.of), sql)}
    if item.compute.per:
        columns["per"] = sql.column(state.feed.column(item.compute.per).stored)
    return columns


def aggregates(state: FeedState, item: Item, sql: Dialect) -> Expressions:
    """The aggregates over one firm's records that ``item`` needs; empty for an item with a statement of its own."""
    compute = item.compute
    column = state.feed.column(compute.of) if compute.of else None
    name = sql.column(column.stored) if column else ""
    records = matching(state, compute, sql)
    observed = sql.column("observed_on")
    match compute.op:
        case Op.COUNT | Op.EXISTS:
            return {
                "value": count(records),
                **{f"y{n}": count(_in_year(state, item, n, sql)) for n in _years(item)},
            }
        case Op.SUM if column:
            parts = _sum(column, "value", records, sql)
            for number in _years(item):
                parts |= _sum(column, f"y{number}", _in_year(state, item, number, sql), sql)
            return parts
        case Op.MEAN if column:
            return {
                "sum": sql.total(name, column.type, records),
                "number": f"COUNT({only(name, records)})",
            }
        case Op.MIN | Op.MAX:
            return {"value": f"{compute.op.upper()}({only(name, records)})"}
        case Op.HIGHEST if column:
            return {"value": f"MAX({only(value_of(item, column, sql), records)})"}
        case Op.MONTHS_OPEN:
            return {"first": f"MIN({only(observed, records)})"}
        case Op.MONTHS_SINCE:
            return {"last": f"MAX({only(observed, records)})"}
        case Op.STREAK:
            return _streak(state, item, sql)
        case Op.GROWTH if column:
            later = state.window(compute.window_months)
            windows = {"later": later, "earlier": later.before(compute.window_months)}
            return {
                part: sql.total(name, column.type, matching(state, compute, sql, window=window))
                for part, window in windows.items()
            }
        case Op.SHARE:
            return {"whole": count(records), "part": count(_part(state, item, sql))}
    return {}


def _years(item: Item) -> range:
    return range(1, item.compute.by_year + 1)


def _in_year(state: FeedState, item: Item, number: int, sql: Dialect) -> str:
    return matching(state, item.compute, sql, window=state.year_back(number))


def _sum(column: Column, part: str, records: str, sql: Dialect) -> Expressions:
    """The sum; where the column may be empty also how many records there were, so that none and unsaid differ."""
    total = sql.total(sql.column(column.stored), column.type, records)
    if column.required:
        return {part: total}
    return {part: total, f"{part}_of": count(records)}


def _streak(state: FeedState, item: Item, sql: Dialect) -> Expressions:
    """Bit n of mask k is set when month ``60 k + n`` before the covered one has a matching record."""
    months = item.compute.window_months
    observed = sql.column("observed_on")
    last = state.covered_to.year * 12 + state.covered_to.month
    back = f"{last} - (EXTRACT(YEAR FROM {observed}) * 12 + EXTRACT(MONTH FROM {observed}))"
    masks = {}
    for number, start in enumerate(range(0, months, MASK_MONTHS)):
        # Days say which records a mask takes, so that the month is worked out of those alone.
        window = state.calendar_months(start, min(MASK_MONTHS, months - start))
        records = matching(state, item.compute, sql, window=window)
        # CASE, not FILTER: the shift must not be tried for a month outside the mask.
        masks[f"mask{number}"] = f"BIT_OR(CASE WHEN {records} THEN {sql.bit(f'{back} - {start}')} ELSE 0 END)"
    return masks


def _part(state: FeedState, item: Item, sql: Dialect) -> str:
    feed, compute = state.feed, item.compute
    chosen = conjunction(accepted(feed, compute.part_where, sql))
    if compute.part_or_negative:
        negative = f"{sql.column(feed.column(compute.part_or_negative).stored)} < 0"
        chosen = f"({chosen} OR {negative})" if chosen else negative
    return conjunction((matching(state, compute, sql), chosen))
