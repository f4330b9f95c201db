"""One feed's items as a few SELECT statements: one row per firm, never one wide statement over feeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scoring.catalogue import Compute, Item, Op
from scoring.compiler.checks import check_item
from scoring.compiler.dialect import DUCKDB, Dialect, only
from scoring.compiler.parts import Expressions, aggregates, latest_values
from scoring.compiler.predicates import matching
from scoring.compiler.records import FIRM_ORDER, RECORDS, REVISION_ORDER, newest_first, with_effective
from scoring.compiler.state import FeedState
from scoring.feeds import Feed

#: Part of a feed's first statement that belongs to the firm, not to an item.
FIRM = ""


@dataclass(frozen=True)
class CompiledQuery:
    """SQL that gives one row per firm, column ``uscc`` first.

    ``parts`` says, per item, which result column holds which part of it; items may share a column. The first query of
    a feed has a row for every firm with an effective record and, under the item ``FIRM``, ``records`` (how many),
    ``oldest`` and ``newest`` (observed).
    """

    feed: str
    sql: str
    parts: Mapping[str, Mapping[str, str]]

    def over(self, relation: str) -> str:
        """The text with ``relation`` (a table, a view, a table function) in place of the feed's records."""
        return self.sql.replace(RECORDS, relation)


@dataclass
class _Columns:
    """A SELECT list that names each expression once, after the item that asked first."""

    names: dict[str, str] = field(default_factory=dict)
    parts: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, item_id: str, expressions: Expressions) -> None:
        mine = self.parts.setdefault(item_id, {})
        for part, expression in expressions.items():
            mine[part] = self.names.setdefault(expression, f"{item_id}__{part}")

    def listed(self) -> str:
        return "".join(f",\n  {expression} AS {name}" for expression, name in self.names.items())


def compile_feed(state: FeedState, items: Sequence[Item], sql: Dialect = DUCKDB) -> list[CompiledQuery]:
    """The statements for ``items``, all of ``state.feed``; the first covers every firm the feed knows.

    Dates stand in the text as literals. ``RefusedInput`` for an item whose operation does not fit its column or kind.
    """
    for item in items:
        check_item(state.feed, item)
    ranked = [item for item in items if item.compute.op is Op.LATEST and not one_a_day(state.feed, item.compute)]
    grouped = [item for item in items if item.compute.op in (Op.DISTINCT, Op.TOP_SHARE)]
    apart = {item.id for item in (*ranked, *grouped)}
    return [
        _per_firm(state, [item for item in items if item.id not in apart], sql),
        *(_newest_record(state, group, sql) for group in _alike(state, ranked, sql)),
        *_per_group(state, grouped, sql),
    ]


def one_a_day(feed: Feed, compute: Compute) -> bool:
    """Whether a firm can have only one matching record on a day, so that the day alone says which is the latest.

    True when the natural key, once revisions are resolved, is the firm, the day, and columns the filter fixes.
    """
    fixed = {name for name, texts in compute.where if len(texts) == 1}
    return set(feed.key) <= {"uscc", feed.observed} | fixed


def _alike(state: FeedState, items: Iterable[Item], sql: Dialect) -> list[list[Item]]:
    """Items that look at the same records, together."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(matching(state, item.compute, sql), []).append(item)
    return list(groups.values())


def _per_firm(state: FeedState, items: Sequence[Item], sql: Dialect) -> CompiledQuery:
    on = sql.column("observed_on")
    firm = {"records": "COUNT(*)", "oldest": f"MIN({on})", "newest": f"MAX({on})"}
    columns = _Columns({expression: name for name, expression in firm.items()})
    columns.add(FIRM, firm)
    for item in items:
        if item.compute.op is Op.LATEST:
            records = matching(state, item.compute, sql)
            day = only(on, records)
            values = {"on": f"MAX({day})"}
            for part, value in latest_values(state, item, sql).items():
                values[part] = sql.latest(value, day)
            columns.add(item.id, values)
        else:
            columns.add(item.id, aggregates(state, item, sql))
    text = (
        f"{with_effective(state, columns_read(state.feed, items), sql)}SELECT uscc{columns.listed()}\nFROM effective\n"
    )
    return CompiledQuery(state.feed.id, f"{text}GROUP BY uscc", columns.parts)


def _newest_record(state: FeedState, items: Sequence[Item], sql: Dialect) -> CompiledQuery:
    """Items that take values from the one newest matching record, where a day alone does not decide which it is."""
    columns = _Columns()
    for item in items:
        columns.add(item.id, {"on": sql.column("observed_on"), **latest_values(state, item, sql)})
    records = matching(state, items[0].compute, sql)
    effective = with_effective(state, (*columns_read(state.feed, items), *FIRM_ORDER), sql)
    text = (
        f"{effective}SELECT uscc{columns.listed()}\nFROM (\n"
        f"  SELECT *, ROW_NUMBER() OVER (PARTITION BY uscc ORDER BY {newest_first(FIRM_ORDER, sql)}) AS firm_place\n"
        f"  FROM effective{_where(records)}\n) AS ranked\nWHERE firm_place = 1"
    )
    return CompiledQuery(state.feed.id, text, columns.parts)


def _per_group(state: FeedState, items: Sequence[Item], sql: Dialect) -> list[CompiledQuery]:
    """``distinct`` and ``top_share``: first one row per firm and group, then one per firm.

    A ``distinct`` joins a ``top_share`` over the same records and groups, whose grouping is the costly step.
    """
    batches: dict[tuple[str, str], list[list[Item]]] = {}
    for item in sorted(items, key=lambda item: item.compute.op is Op.DISTINCT):
        compute = item.compute
        by = compute.by if compute.op is Op.TOP_SHARE else compute.of
        groups = batches.setdefault((matching(state, compute, sql), by), [])
        if compute.op is Op.TOP_SHARE:
            same = [group for group in groups if group[0].compute.of == compute.of]
        else:
            same = groups
        if same:
            same[0].append(item)
        else:
            groups.append([item])
    return [_groups(state, group, by, records, sql) for (records, by), groups in batches.items() for group in groups]


def _groups(state: FeedState, items: Sequence[Item], by: str, records: str, sql: Dialect) -> CompiledQuery:
    feed = state.feed
    by_name = sql.column(feed.column(by).stored)
    ranked = items[0].compute.op is Op.TOP_SHARE
    columns = _Columns()
    for item in items:
        if item.compute.op is Op.DISTINCT:
            columns.add(item.id, {"value": f"COUNT({by_name})"})
        else:
            columns.add(item.id, _top_parts(state, item, sql))
    if ranked:
        amount = feed.column(items[0].compute.of)
        total = sql.total(sql.column(amount.stored), amount.type)
        groups = (
            f"  SELECT uscc, {by_name}, group_total,\n"
            f"    ROW_NUMBER() OVER (PARTITION BY uscc ORDER BY group_total DESC NULLS LAST) AS group_place\n"
            f"  FROM (\n    SELECT uscc, {by_name}, {total} AS group_total\n    FROM effective{_where(records)}\n"
            f"    GROUP BY uscc, {by_name}\n  ) AS summed"
        )
    else:
        groups = f"  SELECT DISTINCT uscc, {by_name}\n  FROM effective{_where(records)}"
    effective = with_effective(state, columns_read(feed, items), sql)
    text = f"{effective}SELECT uscc{columns.listed()}\nFROM (\n{groups}\n) AS grouped\nGROUP BY uscc"
    return CompiledQuery(feed.id, text, columns.parts)


def _top_parts(state: FeedState, item: Item, sql: Dialect) -> Expressions:
    """Sums over the largest groups and over all groups, those above zero only."""
    type_ = state.feed.column(item.compute.of).type
    positive = "CASE WHEN group_total > 0 THEN group_total END"
    largest = f"CASE WHEN group_total > 0 AND group_place <= {item.compute.top} THEN group_total END"
    return {"top": sql.total(largest, type_), "whole": sql.total(positive, type_)}


def _where(records: str) -> str:
    return f"\n  WHERE {records}" if records else ""


def lake_columns(state: FeedState, items: Sequence[Item]) -> list[str]:
    """Stored names of every column that the statements for ``items`` name, once each."""
    names = [*columns_read(state.feed, items), "withdrawn_on"]
    if state.feed.publicity or state.has_contested:
        names.append("public_until")
    if any(item.compute.op is Op.LATEST and not one_a_day(state.feed, item.compute) for item in items):
        names += FIRM_ORDER
    if state.has_contested:
        names += [*(state.feed.column(key).stored for key in state.feed.key), *REVISION_ORDER, "contested"]
    return list(dict.fromkeys(names))


def columns_read(feed: Feed, items: Iterable[Item]) -> list[str]:
    """Stored names of the columns ``items`` read, firm and day first."""
    names = ["uscc", "observed_on"]
    for item in items:
        compute = item.compute
        asked = [compute.of, compute.per, compute.by, compute.part_or_negative]
        asked += [name for name, _ in (*compute.where, *compute.part_where)]
        asked += [feed.ends] if compute.current or compute.ended_months else []
        names += [feed.column(name).stored for name in asked if name]
    return names
