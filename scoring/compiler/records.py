"""The records that count as of a day: latest revision, observed, not withdrawn, still lawfully public."""

from __future__ import annotations

from collections.abc import Iterable

from scoring.compiler.dialect import Dialect
from scoring.compiler.predicates import conjunction, date_literal
from scoring.compiler.state import FeedState

#: Stands in the SQL text for the relation that holds the feed's rows; what runs the text puts it in.
RECORDS = "{records}"

#: Newest first among the records of one natural key.
REVISION_ORDER = ("revision", "received_at", "record_id")
#: Newest first among the records of one firm.
FIRM_ORDER = ("observed_on", *REVISION_ORDER)


def newest_first(names: Iterable[str], sql: Dialect) -> str:
    """An ORDER BY list, highest first."""
    return ", ".join(f"{sql.column(name)} DESC" for name in names)


def with_effective(state: FeedState, columns: Iterable[str], sql: Dialect) -> str:
    """A WITH clause that ends in ``effective``: ``columns`` (stored names) of the records that count.

    Batches received after the knowledge date are left out before this text runs, file by file. Without contested rows
    every key stands once and one pass is enough. Otherwise only the keys that have a contested row are ranked; the
    filter on dates comes after the ranking, since it is the latest revision that says when a record was true.
    """
    wanted = tuple(dict.fromkeys(columns))
    tables, source = ("", RECORDS)
    if state.has_contested:
        tables, source = _latest_revisions(state, wanted, sql), "latest_revision"
    return (
        f"WITH {tables}effective AS (\n  SELECT {_listed(wanted, sql)}\n  FROM {source} AS known\n"
        f"  WHERE {_counts(state, sql)}\n)\n"
    )


def _listed(names: Iterable[str], sql: Dialect, relation: str = "") -> str:
    prefix = f"{relation}." if relation else ""
    return ", ".join(prefix + sql.column(name) for name in names)


def _counts(state: FeedState, sql: Dialect) -> str:
    day = date_literal(state.as_of)
    withdrawn, until = sql.column("withdrawn_on"), sql.column("public_until")
    return conjunction(
        (
            f"{sql.column('observed_on')} <= {day}",
            f"({withdrawn} IS NULL OR {withdrawn} > {day})",
            f"({until} IS NULL OR {until} >= {day})" if state.feed.publicity else "",
        )
    )


def _latest_revisions(state: FeedState, wanted: tuple[str, ...], sql: Dialect) -> str:
    keys = [state.feed.column(name).stored for name in state.feed.key]
    read = tuple(dict.fromkeys((*wanted, "observed_on", "withdrawn_on", "public_until")))
    same = " AND ".join(f"every.{sql.column(key)} IS NOT DISTINCT FROM again.{sql.column(key)}" for key in keys)
    among = f"(SELECT 1 FROM contested_key AS again WHERE {same})"
    place = (
        f"ROW_NUMBER() OVER (PARTITION BY {_listed(keys, sql, 'every')} "
        f"ORDER BY {newest_first(REVISION_ORDER, sql)}) AS revision_place"
    )
    rows = _listed(read, sql, "every")
    return (
        f"contested_key AS (\n  SELECT DISTINCT {_listed(keys, sql)} FROM {RECORDS} AS marked"
        f" WHERE {sql.column('contested')}\n),\n"
        f"latest_revision AS (\n"
        f"  SELECT {rows} FROM {RECORDS} AS every\n  WHERE NOT EXISTS {among}\n"
        f"  UNION ALL\n"
        f"  SELECT {_listed(read, sql)} FROM (\n    SELECT {rows}, {place}\n    FROM {RECORDS} AS every\n"
        f"    WHERE EXISTS {among}\n  ) AS ranked WHERE revision_place = 1\n),\n"
    )
