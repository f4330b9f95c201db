"""Generated snapshots and rule books for the measurements. Independent columns, 20 % unknown in each: synthetic.

Real columns are correlated, so the share of firms that pass differs; the cost of full-column work does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np

from matching.conditions import Node, Op, parse_conditions
from matching.facts import FactBook, FactSpec, Source
from models.dates import days
from models.kinds import DTYPES, UNKNOWNS, Kind, decode

AS_OF = date(2024, 10, 31)
UNKNOWN_SHARE = 0.2
#: Places of an open dictionary (districts, industry classes) in the generated snapshot.
OPEN_CODES = tuple(f"K{number:03d}" for number in range(120))
Columns = dict[str, np.ndarray]


def codes_of(spec: FactSpec) -> tuple[str, ...]:
    """The dictionary the generated columns use."""
    return spec.codes or OPEN_CODES


def column_facts(facts: FactBook) -> list[FactSpec]:
    """Facts that a snapshot holds as columns and that may be asked."""
    return [spec for spec in facts.of_source(Source.ITEM, Source.DERIVED) if spec.matchable]


def columns(facts: FactBook, n: int, seed: int = 7) -> Columns:
    """A column of ``n`` firms for every askable item and derived fact; ``score`` falls from row to row."""
    rng = np.random.default_rng(seed)
    made: Columns = {}
    for spec in column_facts(facts):
        values = _known(spec, n, rng)
        values[rng.random(n) < UNKNOWN_SHARE] = UNKNOWNS[spec.kind]
        made[spec.id] = values
    made["score"] = np.sort(rng.uniform(200, 950, n))[::-1].copy()
    return made


def _known(spec: FactSpec, n: int, rng: np.random.Generator) -> np.ndarray:
    values: np.ndarray
    match spec.kind:
        case Kind.MONEY:
            values = rng.lognormal(18, 2, n)
        case Kind.COUNT | Kind.MONTHS:
            values = rng.integers(0, 240, n)
        case Kind.DATE:
            values = rng.integers(days(date(2000, 1, 1)), days(date(2027, 1, 1)), n)
        case Kind.CODE:
            values = rng.integers(0, len(codes_of(spec)), n)
        case Kind.FLAG:
            values = rng.integers(0, 2, n)
        case _:
            values = rng.random(n)
    return values.astype(DTYPES[spec.kind])


def rule_book(
    facts: FactBook, sample: Columns, rules: int = 200, per_rule: int = 10, seed: int = 11
) -> dict[str, Node]:
    """``rules`` rules, each ``all`` of about ``per_rule`` conditions drawn from a pool of ``6 * rules`` conditions.

    Thresholds are quantiles of ``sample``, so that a known value passes one condition four times in five.
    """
    rng = np.random.default_rng(seed)
    specs = column_facts(facts)
    pool = [_condition(specs[at % len(specs)], sample, rng, (0.05, 0.35)) for at in range(rules * 6)]
    book: dict[str, Node] = {}
    for number in range(rules):
        size = int(rng.integers(per_rule - 3, per_rule + 4))
        book[f"rule_{number:03d}"] = _all_of(rng.permutation(len(pool)), pool, size, facts)
    return book


def screens(facts: FactBook, sample: Columns, count: int = 200, size: int = 8, seed: int = 13) -> list[Node]:
    """``count`` screens of ``size`` conditions, each met by about half the firms whose value is known."""
    rng = np.random.default_rng(seed)
    specs = column_facts(facts)
    made = []
    for _ in range(count):
        chosen = [specs[at] for at in rng.choice(len(specs), 2 * size, replace=False)]
        pool = [_condition(spec, sample, rng, (0.2, 0.6)) for spec in chosen]
        made.append(_all_of(np.arange(len(pool)), pool, size, facts))
    return made


def _all_of(order: np.ndarray, pool: list[dict[str, object]], size: int, facts: FactBook) -> Node:
    """The first ``size`` conditions in ``order`` on facts not asked yet, so that no two contradict each other."""
    chosen: dict[object, dict[str, object]] = {}
    for at in order:
        chosen.setdefault(pool[at]["fact"], pool[at])
        if len(chosen) == size:
            break
    return parse_conditions({"all": list(chosen.values())}, facts)


def _condition(
    spec: FactSpec, sample: Columns, rng: np.random.Generator, cut: tuple[float, float]
) -> dict[str, object]:
    """A condition that refuses a share of the known values drawn from ``cut``."""
    refused = rng.uniform(*cut)
    if spec.kind is Kind.FLAG:
        return {"fact": spec.id, "op": Op.IS, "value": bool(rng.integers(2))}
    if spec.kind is Kind.CODE:
        codes = codes_of(spec)
        kept = max(1, round(len(codes) * (1 - refused)))
        return {"fact": spec.id, "op": Op.IN, "value": [codes[at] for at in rng.permutation(len(codes))[:kept]]}
    column = sample[spec.id]
    known = np.sort(column[column == column] if column.dtype.kind == "f" else column[column != UNKNOWNS[spec.kind]])
    op = (Op.GE, Op.GT, Op.LE, Op.LT, Op.BETWEEN)[rng.integers(5)]
    shares = {Op.GE: (refused,), Op.GT: (refused,), Op.BETWEEN: (refused / 2, 1 - refused / 2)}.get(op, (1 - refused,))
    ends = [_plain(spec, known[int(share * (len(known) - 1))]) for share in shares]
    return {"fact": spec.id, "op": op, "value": ends if op is Op.BETWEEN else ends[0]}


def _plain(spec: FactSpec, stored: np.generic) -> object:
    value = decode(spec.kind, stored.item())
    return value if isinstance(value, (int, float, date)) else str(value)


def dictionaries(facts: FactBook) -> Mapping[str, tuple[str, ...]]:
    """Codes of the facts whose dictionary the snapshot brings."""
    return {spec.id: OPEN_CODES for spec in column_facts(facts) if spec.kind is Kind.CODE and not spec.codes}
