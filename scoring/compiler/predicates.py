"""Literals and conditions on one record, as SQL text."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from models.dates import Window, parse_date
from models.money import parse_yuan, to_fen
from scoring.catalogue import Compute
from scoring.compiler.dialect import Dialect
from scoring.compiler.state import FeedState
from scoring.feeds import Column, ColumnType, Feed

Where = tuple[tuple[str, tuple[str, ...]], ...]


def text_literal(text: str) -> str:
    """A quoted string; quotes inside are doubled."""
    return "'" + text.replace("'", "''") + "'"


def date_literal(day: date) -> str:
    return f"DATE '{day.isoformat()}'"


def stored_literal(column: Column, text: str) -> str:
    """The literal a column's stored form is compared with; ``text`` is what the item declaration says."""
    match column.type:
        case ColumnType.TEXT | ColumnType.CODE:
            return text_literal(text)
        case ColumnType.FLAG:
            return "TRUE" if text == "true" else "FALSE"
        case ColumnType.MONEY:
            return str(to_fen(parse_yuan(text, column.id)))
        case ColumnType.DATE | ColumnType.MONTH:
            return date_literal(parse_date(text, column.id))
        case ColumnType.INTEGER:
            return str(int(text))
    return str(Decimal(text))


def conjunction(terms: Iterable[str]) -> str:
    """All of ``terms``; empty text when there is none."""
    return " AND ".join(term for term in terms if term)


def accepted(feed: Feed, where: Where, sql: Dialect) -> list[str]:
    """One term per filtered column."""
    terms = []
    for name, texts in where:
        column = feed.column(name)
        literals = ", ".join(stored_literal(column, text) for text in texts)
        name = sql.column(column.stored)
        terms.append(f"{name} = {literals}" if len(texts) == 1 else f"{name} IN ({literals})")
    return terms


def inside(window: Window, sql: Dialect) -> str:
    """The record was observed in ``window``."""
    on = sql.column("observed_on")
    return f"{on} > {date_literal(window.start)} AND {on} <= {date_literal(window.end)}"


def not_ended(state: FeedState, sql: Dialect) -> str:
    """The record is still true on the day: the day it ends no longer counts."""
    ends = sql.column(state.feed.column(state.feed.ends).stored)
    return f"({ends} IS NULL OR {ends} > {date_literal(state.as_of)})"


def ended_inside(state: FeedState, months: int, sql: Dialect) -> str:
    """The record ended in the ``months`` that close on the covered day."""
    window = state.window(months)
    ends = sql.column(state.feed.column(state.feed.ends).stored)
    return f"{ends} > {date_literal(window.start)} AND {ends} <= {date_literal(window.end)}"


def matching(state: FeedState, compute: Compute, sql: Dialect, *, window: Window | None = None) -> str:
    """The records an item looks at: filter, window and currency; ``window`` replaces the item's own."""
    if window is None and compute.window_months:
        window = state.window(compute.window_months)
    return conjunction(
        (
            *accepted(state.feed, compute.where, sql),
            inside(window, sql) if window else "",
            not_ended(state, sql) if compute.current else "",
            ended_inside(state, compute.ended_months, sql) if compute.ended_months else "",
        )
    )
