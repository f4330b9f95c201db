"""Our conditions in the languages of the peers: Polars expressions, DuckDB SQL, ZEN expressions.

Each peer gets its native null for unknown and the stored numbers otherwise: fen, days, places of codes. All three
then answer in Kleene's logic. Rules here are ``all`` of conditions, as :mod:`bench.synthetic` makes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from bench.synthetic import Columns, codes_of
from matching.arguments import constant_arguments
from matching.nodes import Condition, Node, Op, leaves
from models.kinds import UNKNOWNS, Kind

_SIGNS = {Op.IS: "=", Op.IS_NOT: "<>", Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">="}


def distinct(rules: Mapping[str, Node]) -> tuple[list[Condition], dict[str, list[int]]]:
    """Every different condition once, and for each rule the places of its conditions."""
    places: dict[Condition, int] = {}
    of_rule = {
        rule: [places.setdefault(condition, len(places)) for condition in leaves(node)] for rule, node in rules.items()
    }
    return list(places), of_rule


def arrow_table(columns: Columns, facts: Mapping[str, Any]) -> pa.Table:
    """The columns with nulls for unknown."""
    made = {}
    for name, column in columns.items():
        unknown = np.isnan(column) if column.dtype.kind == "f" else column == UNKNOWNS[facts[name].kind]
        made[name] = pa.array(column, mask=unknown)
    return pa.table(made)


def stored(condition: Condition) -> list[Any]:
    """Stored arguments; codes as places in the dictionary."""
    values = constant_arguments(condition).stored or ()
    if condition.spec.kind is Kind.CODE:
        codes = codes_of(condition.spec)
        return [codes.index(str(value)) for value in values]
    return list(values)


def sql(condition: Condition) -> str:
    """One condition in SQL."""
    values = stored(condition)
    if condition.op is Op.IN:
        return f"{condition.fact} IN ({', '.join(map(str, values))})"
    if condition.op is Op.BETWEEN:
        return f"{condition.fact} BETWEEN {values[0]!r} AND {values[1]!r}"
    return f"{condition.fact} {_SIGNS[condition.op]} {values[0]!r}"


def polars_expression(pl: Any, condition: Condition) -> Any:
    """One condition as a Polars expression."""
    column, values = pl.col(condition.fact), stored(condition)
    match condition.op:
        case Op.IN:
            return column.is_in(values)
        case Op.BETWEEN:
            return column.is_between(values[0], values[1])
        case Op.IS:
            return column == values[0]
        case Op.LT:
            return column < values[0]
        case Op.LE:
            return column <= values[0]
        case Op.GT:
            return column > values[0]
        case _:
            return column >= values[0]


def _zen(condition: Condition) -> str:
    name, values = condition.fact, stored(condition)
    if condition.op is Op.IN:
        test = f"{name} in {values}"
    elif condition.op is Op.BETWEEN:
        test = f"({name} >= {values[0]!r} and {name} <= {values[1]!r})"
    else:
        sign = {Op.IS: "==", Op.IS_NOT: "!="}.get(condition.op, _SIGNS[condition.op])
        test = f"{name} {sign} {values[0]!r}"
    return f"{name} == null ? null : {test}"


def zen_decision(conditions: Sequence[Condition], rules: Mapping[str, Sequence[int]]) -> str:
    """One decision model: each different condition once, then a verdict per rule (0 unmet, 1 unknown, 2 met)."""
    expressions = [(f"c{place}", _zen(condition)) for place, condition in enumerate(conditions)]
    for rule, places in rules.items():
        unmet = " or ".join(f"$.c{place} == false" for place in places)
        unknown = " or ".join(f"$.c{place} == null" for place in places)
        expressions.append((rule, f"{unmet} ? 0 : ({unknown} ? 1 : 2)"))
    nodes: list[dict[str, Any]] = [
        {"id": "in", "type": "inputNode", "name": "in"},
        {
            "id": "rules",
            "type": "expressionNode",
            "name": "rules",
            "content": {"expressions": [{"id": key, "key": key, "value": text} for key, text in expressions]},
        },
        {"id": "out", "type": "outputNode", "name": "out"},
    ]
    edges = [
        {"id": "a", "type": "edge", "sourceId": "in", "targetId": "rules"},
        {"id": "b", "type": "edge", "sourceId": "rules", "targetId": "out"},
    ]
    for node in nodes:
        node["position"] = {"x": 0, "y": 0}
    return json.dumps({"contentType": "application/vnd.gorules.decision", "nodes": nodes, "edges": edges})


def plain_row(columns: Columns, facts: Mapping[str, Any], row: int) -> dict[str, Any]:
    """One firm's stored values as plain numbers, ``None`` for unknown."""
    made: dict[str, Any] = {}
    for name, column in columns.items():
        value = column[row].item()
        unknown = value != value or value == UNKNOWNS[facts[name].kind]
        made[name] = None if unknown else value
    return made
