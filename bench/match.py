"""Bulk match: 400,000 firms against 200 rules of about 10 conditions, three-valued."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.peers import ZEN_TRUTHS, arrow_table, distinct, plain_row, polars_expression, sql, zen_decision
from bench.ratios import Claim, best, in_turn, milliseconds, peer
from bench.synthetic import AS_OF, Columns, columns, dictionaries, rule_book
from matching.bulk import Matches, RuleBook, match
from matching.conditions import Condition, Node
from service.books.rulebook import facts as seed_facts
from service.books.rulebook import parameters as seed_parameters

FIRMS = 400_000
RULES = 200
ZEN_FIRMS = 300
#: Rules that DuckDB is asked one by one; the time is scaled to all of them.
SINGLE_QUERIES = 20


def run() -> list[Claim]:
    """Ours against one numpy pass, Polars, DuckDB and GoRules ZEN; every peer's answers are compared with ours."""
    facts = seed_facts()
    table = columns(facts, FIRMS)
    rules = rule_book(facts, {name: column[:5000] for name, column in table.items()}, RULES)
    conditions, places = distinct(rules)
    needed = sorted({condition.fact for condition in conditions})
    asked = sum(map(len, places.values()))
    print(
        f"  {FIRMS:,} firms, {RULES} rules, {asked:,} conditions, {len(conditions)} of them distinct, "
        f"{len(needed)} columns",
        flush=True,
    )
    book = RuleBook(rules)

    def ours_once() -> Matches:
        return match(book, table, FIRMS, {}, seed_parameters(), AS_OF, dictionaries(facts))

    matches = ours_once()
    fastest = in_turn({"pass": lambda: _pass(table, needed), "ours": ours_once}, 9)
    single_pass, ours = fastest["pass"], fastest["ours"]
    claims = [
        _claim("bulk match / one numpy pass over its columns", ours, single_pass, ours / single_pass, "<= 25"),
        Claim("bulk match, firm x rule decided", f"{FIRMS * RULES / ours / 1e6:.0f} M/s", ""),
    ]
    arrow = arrow_table({name: table[name] for name in needed}, facts)
    claims += _polars(arrow, conditions, places, ours_once, matches)
    claims += _duckdb(arrow, conditions, places, ours, matches)
    claims += _zen(table, rules, ours, matches)
    return claims


def _claim(what: str, ours: float, peer_seconds: float, ratio: float, aim: str) -> Claim:
    return Claim(what, milliseconds(ours), milliseconds(peer_seconds), ratio, aim)


def _pass(table: Columns, needed: list[str]) -> None:
    """Reads every needed column once: one comparison into one buffer."""
    held = np.empty(FIRMS, np.bool_)
    for name in needed:
        np.greater_equal(table[name], table[name][0], out=held)


def _counts(matches: Matches) -> list[tuple[int, int]]:
    return [(matches.count(rule), matches.count_unknown(rule)) for rule in matches.rule_ids]


def _check(who: str, theirs: list[tuple[int, int]], matches: Matches) -> None:
    ours = _counts(matches)[: len(theirs)]
    if theirs != ours:
        wrong = sum(mine != other for mine, other in zip(ours, theirs, strict=True))
        raise AssertionError(f"{who} disagrees on {wrong} of {len(theirs)} rules")
    print(f"  {who}: met and unknown counts equal for {len(theirs)} rules", flush=True)


def _polars(
    arrow: Any,
    conditions: list[Condition],
    places: dict[str, list[int]],
    ours_once: Callable[[], Matches],
    matches: Matches,
) -> list[Claim]:
    pl = peer("polars", "polars")
    if pl is None:
        return []
    frame = pl.from_arrow(arrow).rechunk()
    atoms = [polars_expression(pl, condition).alias(f"c{at}") for at, condition in enumerate(conditions)]
    verdicts = [pl.all_horizontal([f"c{at}" for at in rows]).alias(rule) for rule, rows in places.items()]
    query = frame.lazy().select(atoms).select(verdicts)
    answer = query.collect()
    _check("Polars", [(int(answer[rule].sum()), answer[rule].null_count()) for rule in places], matches)
    fastest = in_turn(
        {
            "ours": ours_once,
            "lazy": query.collect,
            "streaming": lambda: query.collect(engine="streaming"),
            "eager": lambda: frame.select(atoms).select(verdicts),
        }
    )
    ours = fastest.pop("ours")
    form, theirs = min(fastest.items(), key=lambda measured: measured[1])
    return [_claim(f"Polars' best form ({form}) / bulk match", ours, theirs, theirs / ours, ">= 1")]


def _duckdb(
    arrow: Any, conditions: list[Condition], places: dict[str, list[int]], ours: float, matches: Matches
) -> list[Claim]:
    duckdb = peer("duckdb", "duckdb")
    if duckdb is None:
        return []
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    connection.register("given", arrow)
    connection.execute("CREATE TABLE firms AS SELECT * FROM given")
    atoms = ", ".join(f"{sql(condition)} AS c{at}" for at, condition in enumerate(conditions))
    verdicts = ", ".join(f"({' AND '.join(f'c{at}' for at in rows)}) AS {rule}" for rule, rows in places.items())
    start = time.perf_counter()
    connection.execute(f"CREATE TEMP TABLE answers AS SELECT {verdicts} FROM (SELECT {atoms} FROM firms)")
    one_query = time.perf_counter() - start
    counts = ", ".join(f"count(*) FILTER ({rule}), count(*) - count({rule})" for rule in places)
    row = connection.execute(f"SELECT {counts} FROM answers").fetchall()[0]
    _check("DuckDB", list(zip(row[::2], row[1::2], strict=True)), matches)
    start = time.perf_counter()
    for rule in list(places)[:SINGLE_QUERIES]:
        test = " AND ".join(sql(conditions[at]) for at in places[rule])
        connection.execute(f"CREATE OR REPLACE TEMP TABLE answer AS SELECT {test} AS verdict FROM firms")
    per_rule = (time.perf_counter() - start) * len(places) / SINGLE_QUERIES
    connection.close()
    fastest = min(one_query, per_rule)
    print(f"  DuckDB: distinct conditions in one query {one_query:.1f} s, one query per rule {per_rule:.1f} s (scaled)")
    return [_claim("DuckDB's best SQL form / bulk match", ours, fastest, fastest / ours, ">= 15")]


def _zen(table: Columns, rules: dict[str, Node], ours: float, matches: Matches) -> list[Claim]:
    zen = peer("zen", "zen-engine")
    if zen is None:
        return []
    decision = zen.ZenEngine().create_decision(zen_decision(rules))
    facts = seed_facts()
    needed = {condition.fact: table[condition.fact] for condition in distinct(rules)[0]}
    rows = [plain_row(needed, facts, row) for row in range(ZEN_FIRMS)]
    taken, answers = best(lambda: [decision.evaluate(row)["result"] for row in rows], 2)
    wrong = sum(
        answer[rule] != ZEN_TRUTHS[matches.truth(rule, firm)] for firm, answer in enumerate(answers) for rule in rules
    )
    if wrong:
        raise AssertionError(f"ZEN disagrees on {wrong} of {ZEN_FIRMS * len(rules)} verdicts")
    print(f"  ZEN: {ZEN_FIRMS * len(rules):,} verdicts equal", flush=True)
    whole = taken * FIRMS / ZEN_FIRMS
    return [_claim(f"GoRules ZEN, {ZEN_FIRMS} firms scaled / bulk match", ours, whole, whole / ours, ">= 1000")]
