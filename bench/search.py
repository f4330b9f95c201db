"""Prospect search: 1.3 million firms, 200 screens of 8 conditions, page and total, against DuckDB and PostgreSQL."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from bench.peers import arrow_table, sql
from bench.ratios import Claim, milliseconds, peer, timed
from bench.synthetic import AS_OF, Columns, column_facts, columns, dictionaries, rule_book, screens
from matching.atoms import KnownBits
from matching.facts import FactBook
from matching.nodes import Node, leaves
from matching.screen import Order, Page, evaluate_screen, parse_order, run_screen
from service.books.rulebook import facts as seed_facts
from service.books.rulebook import parameters as seed_parameters
from tests.postgres import a_cluster, why_not

FIRMS = 1_300_000
PREVIEWED = 400_000
QUERIES = 200
#: PostgreSQL reads the whole table for each, so that fewer do.
POSTGRES_QUERIES = 20
PAGE = 50
#: Items asked by the screens. PostgreSQL reads whole rows: more items would only make it slower.
ITEMS = 40
SORT = "-sales_12m"

Asked = Callable[[Node], list[tuple[int, int]]]


def run() -> list[Claim]:
    """p50 and p95 in process in two orders, the same queries by DuckDB and PostgreSQL, and a preview of a product."""
    whole = seed_facts()
    chosen = np.random.default_rng(17).permutation([spec.id for spec in column_facts(whole)])[:ITEMS].tolist()
    facts = FactBook([whole[name] for name in dict.fromkeys(("score", SORT[1:], *chosen))])
    table = columns(facts, FIRMS)
    asked = screens(facts, {name: column[:5000] for name, column in table.items()}, QUERIES)
    known, codes, parameters = KnownBits(table), dictionaries(facts), seed_parameters()

    def answer(node: Node, sort: Order | None = None) -> Page:
        return run_screen(
            node, table, FIRMS, {}, parameters, AS_OF, dictionaries=codes, known=known, sort=sort, limit=PAGE
        )

    by_item = parse_order(SORT, facts)
    pages = [answer(node) for node in asked]
    ours = _percentiles(timed(answer, asked))
    sorted_otherwise = _percentiles(timed(lambda node: answer(node, by_item), asked))
    slower = max(ours[1], sorted_otherwise[1])
    claims = [
        Claim("search, best score first: p95 / 20 ms", _shown(ours), "20 ms", slower / 20, "<= 1"),
        Claim("search, sorted by an item", _shown(sorted_otherwise), ""),
    ]
    arrow = arrow_table(table, facts).append_column("place", [np.arange(FIRMS)])
    for name, database, queries, aim in (
        ("DuckDB in memory", _duckdb, QUERIES, ">= 3"),
        ("PostgreSQL, score indexed", _postgres, POSTGRES_QUERIES, ">= 30"),
    ):
        with database(arrow) as ask:
            if ask is None:
                continue
            for node, page in zip(asked[:queries], pages, strict=False):
                rows = ask(node)
                if [row for row, _ in rows] != page.rows.tolist() or (rows and rows[0][1] != page.total):
                    raise AssertionError(f"{name}: page or total differs from ours")
            theirs = _percentiles(timed(ask, asked[:queries]))
            what = f"{name} p50, page and total ({queries} queries) / ours with waterfall"
            claims.append(Claim(what, _shown(ours), _shown(theirs), theirs[0] / ours[0], aim))
    return [*claims, _preview(facts, table)]


def _preview(facts: FactBook, whole: Columns) -> Claim:
    """A changed product of 10 conditions at 400,000 firms: hits, waterfall, and the hits a guarantee is open to."""
    table = {name: column[:PREVIEWED] for name, column in whole.items()}
    sample = {name: column[:5000] for name, column in table.items()}
    products = list(rule_book(facts, sample, rules=QUERIES).values())
    guarantee = next(iter(rule_book(facts, sample, rules=1, per_rule=6).values()))
    known, codes, parameters = KnownBits(table), dictionaries(facts), seed_parameters()

    def preview(product: Node) -> tuple[Any, ...]:
        found = evaluate_screen(product, table, PREVIEWED, {}, parameters, AS_OF, dictionaries=codes, known=known)
        open_to = evaluate_screen(guarantee, table, PREVIEWED, {}, parameters, AS_OF, dictionaries=codes, known=known)
        both = found.left[-1] & np.bitwise_and.reduce(open_to.possible, axis=0)
        return found.total, found.waterfall, int(np.bitwise_count(both).sum())

    preview(products[0])
    p50, p95 = _percentiles(timed(preview, products))
    return Claim(f"preview of a product at {PREVIEWED:,}: p95 / 10 ms", _shown((p50, p95)), "10 ms", p95 / 10, "<= 1")


def _statement(node: Node) -> str:
    where = " AND ".join(sql(condition) for condition in leaves(node))
    return f"SELECT place, count(*) OVER () FROM firms WHERE {where} ORDER BY score DESC, place LIMIT {PAGE}"


@contextmanager
def _duckdb(arrow: pa.Table) -> Iterator[Asked | None]:
    duckdb = peer("duckdb", "duckdb")
    if duckdb is None:
        yield None
        return
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    connection.register("given", arrow)
    connection.execute("CREATE TABLE firms AS SELECT * FROM given")
    yield lambda node: connection.execute(_statement(node)).fetchall()
    connection.close()


@contextmanager
def _postgres(arrow: pa.Table) -> Iterator[Asked | None]:
    """A server of our own: ``double precision`` and ``bigint`` columns, an index on the order, analysed."""
    psycopg = peer("psycopg", "psycopg")
    if psycopg is None or why_not():
        print(f"  {why_not()}: skipped", flush=True)
        yield None
        return
    kinds = ", ".join(
        f"{field.name} {'double precision' if pa.types.is_floating(field.type) else 'bigint'}" for field in arrow.schema
    )
    with a_cluster() as cluster:
        url = cluster.url.replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE UNLOGGED TABLE firms ({kinds})")
            with connection.cursor().copy("COPY firms FROM STDIN (FORMAT csv)") as copy:
                for batch in arrow.to_batches(max_chunksize=50_000):
                    text = io.BytesIO()
                    csv.write_csv(pa.table(batch), text, csv.WriteOptions(include_header=False))
                    copy.write(text.getvalue())
            connection.execute("CREATE INDEX ON firms (score DESC, place)")
            connection.execute("VACUUM ANALYZE firms")
            yield lambda node: connection.execute(_statement(node)).fetchall()


def _percentiles(taken: list[float]) -> tuple[float, float]:
    """p50 and p95 in milliseconds."""
    p50, p95 = np.percentile(taken, [50, 95]) * 1e3
    return float(p50), float(p95)


def _shown(percentiles: tuple[float, float]) -> str:
    return f"p50 {milliseconds(percentiles[0] / 1e3)}, p95 {milliseconds(percentiles[1] / 1e3)}"
