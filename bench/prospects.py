"""Prospect query: 8 random conditions, sorted page of 50, total and waterfall, 200 queries over 400,000 firms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.peers import arrow_table, sql
from bench.ratios import Claim, best, peer, timed
from bench.synthetic import AS_OF, Columns, columns, dictionaries, screens
from matching.atoms import KnownBits
from matching.nodes import Node, leaves
from matching.screen import Order, Page, parse_order, run_screen
from service.books.rulebook import facts as seed_facts
from service.books.rulebook import parameters as seed_parameters

FIRMS = 400_000
QUERIES = 200
PAGE = 50
#: DuckDB's waterfall is slow enough that fewer queries do.
WATERFALLS = 40


def run() -> list[Claim]:
    """p50 and p95 in process, against one column pass and against DuckDB in memory on the same queries."""
    facts = seed_facts()
    table = columns(facts, FIRMS)
    asked = screens(facts, {name: column[:5000] for name, column in table.items()}, QUERIES)
    known, codes, parameters = KnownBits(table), dictionaries(facts), seed_parameters()

    def answer(node: Node, sort: Order | None = None) -> Page:
        return run_screen(
            node, table, FIRMS, {}, parameters, AS_OF, dictionaries=codes, known=known, sort=sort, limit=PAGE
        )

    pages = [answer(node) for node in asked]
    print(
        f"  {QUERIES} queries, median match {np.median([page.total for page in pages]):,.0f} of {FIRMS:,}", flush=True
    )
    by_sales = parse_order("-sales_12m", facts)
    ours = _percentiles(timed(answer, asked))
    sorted_otherwise = _percentiles(timed(lambda node: answer(node, by_sales), asked))
    column_pass = best(lambda: _pass(table), 9)[0] / len(table) * 1e3
    passes = ours[1] / column_pass
    claims = [
        Claim("prospect p95 / one pass over one column", _shown(ours), f"{column_pass:.3f} ms", passes, "<= 80"),
        Claim("prospect query, sorted by another column", _shown(sorted_otherwise), ""),
    ]
    return claims + _duckdb(arrow_table(table, facts), asked, pages, ours)


def _pass(table: Columns) -> None:
    """One comparison over every column in turn, so that none is still in cache from the time before."""
    held = np.empty(FIRMS, np.bool_)
    for column in table.values():
        np.greater_equal(column, column[0], out=held)


def _percentiles(taken: Sequence[float]) -> tuple[float, float]:
    """p50 and p95 in milliseconds."""
    p50, p95 = np.percentile(taken, [50, 95]) * 1e3
    return float(p50), float(p95)


def _shown(percentiles: tuple[float, float]) -> str:
    return "p50 {:.2f}, p95 {:.2f} ms".format(*percentiles)


def _duckdb(arrow: Any, asked: list[Node], pages: list[Page], ours: tuple[float, float]) -> list[Claim]:
    duckdb = peer("duckdb", "duckdb")
    if duckdb is None:
        return []
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    connection.register("given", arrow.append_column("place", [np.arange(FIRMS)]))
    connection.execute("CREATE TABLE firms AS SELECT * FROM given")

    def page(node: Node) -> list[tuple[int, int]]:
        where = " AND ".join(sql(condition) for condition in leaves(node))
        return connection.execute(  # type: ignore[no-any-return]
            f"SELECT place, count(*) OVER () FROM firms WHERE {where} ORDER BY score DESC, place LIMIT {PAGE}"
        ).fetchall()

    def waterfall(node: Node) -> tuple[int, ...]:
        tests = [sql(condition) for condition in leaves(node)]
        atoms = ", ".join(f"{test} AS c{place}" for place, test in enumerate(tests))
        runs = ", ".join(
            f"{' AND '.join(f'c{before}' for before in range(place + 1))} AS r{place}" for place in range(len(tests))
        )
        counts = ", ".join(
            f"count(*) FILTER (c{place}), count(*) - count(c{place}), count(*) FILTER (r{place})"
            for place in range(len(tests))
        )
        query = f"SELECT {counts} FROM (SELECT *, {runs} FROM (SELECT {atoms} FROM firms))"
        return tuple(connection.execute(query).fetchall()[0])

    for node, mine in zip(asked, pages, strict=True):
        rows = page(node)
        if [row for row, _ in rows] != mine.rows.tolist() or (rows and rows[0][1] != mine.total):
            raise AssertionError("DuckDB's page or total differs from ours")
    for node, mine in zip(asked[:WATERFALLS], pages, strict=False):
        steps = tuple(count for step in mine.waterfall for count in (FIRMS - step.removes, step.unknown, step.left))
        if waterfall(node) != steps:
            raise AssertionError("DuckDB's waterfall differs from ours")
    print(f"  DuckDB: {QUERIES} pages and totals equal, {WATERFALLS} waterfalls equal", flush=True)
    whole = _percentiles(timed(lambda node: (page(node), waterfall(node)), asked[:WATERFALLS]))
    alone = _percentiles(timed(page, asked))
    connection.close()
    return [
        Claim(
            f"DuckDB in memory p50, waterfall too ({WATERFALLS} queries) / ours",
            _shown(ours),
            _shown(whole),
            whole[0] / ours[0],
            ">= 5",
        ),
        Claim("DuckDB in memory p50, page and total only / ours, all", _shown(ours), _shown(alone), alone[0] / ours[0]),
    ]
