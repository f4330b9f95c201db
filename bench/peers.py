"""Our conditions in the languages of the peers: Polars expressions, DuckDB SQL, ZEN expressions.

Each peer gets its native null for unknown and the stored numbers otherwise: fen, days, places of codes. All three
then answer in Kleene's logic. Polars and DuckDB get rules that are ``all`` of conditions, as :mod:`bench.synthetic`
makes them; ZEN gets any tree.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from bench.synthetic import Columns, codes_of
from matching.arguments import constant_arguments
from matching.nodes import All, Condition, Node, Not, Op, leaves
from models.kinds import UNKNOWNS, Kind
from models.truth import Truth

#: A verdict as ZEN is made to answer it.
ZEN_TRUTHS = {Truth.UNMET: 0, Truth.UNKNOWN: 1, Truth.MET: 2}
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


def _zen(condition: Condition, values: Sequence[Any]) -> str:
    name, op = condition.fact, condition.op
    written = [json.dumps(value) for value in values]
    if op in (Op.IN, Op.NOT_IN):
        test = f"{name} {'in' if op is Op.IN else 'not in'} [{', '.join(written)}]"
    elif op is Op.BETWEEN:
        test = f"({name} >= {written[0]} and {name} <= {written[1]})"
    elif op is Op.KNOWN:
        test = "true"
    else:
        sign = {Op.IS: "==", Op.IS_NOT: "!="}.get(op, _SIGNS[op])
        test = f"{name} {sign} {written[0]}"
    return f"{name} == null ? null : {test}"


def _zen_truth(node: Node, places: Mapping[Condition, int], truth: bool) -> str:
    """Whether a node is met (``truth``) or unmet, over the answers ``c0``, ``c1`` … of the conditions."""
    if isinstance(node, Condition):
        return f"$.c{places[node]} == {json.dumps(truth)}"
    if isinstance(node, Not):
        return _zen_truth(node.child, places, not truth)
    every = isinstance(node, All) is truth
    parts = [_zen_truth(child, places, truth) for child in node.children]
    return f"({(' and ' if every else ' or ').join(parts)})" if parts else json.dumps(every)


def zen_decision(rules: Mapping[str, Node], arguments: Callable[[Condition], Sequence[Any]] = stored) -> str:
    """One decision model: each different condition once, then a verdict per rule (0 unmet, 1 unknown, 2 met)."""
    places = {condition: at for at, condition in enumerate(distinct(rules)[0])}
    expressions = [(f"c{place}", _zen(condition, arguments(condition))) for condition, place in places.items()]
    for rule, node in rules.items():
        unmet, met = _zen_truth(node, places, False), _zen_truth(node, places, True)
        expressions.append((rule, f"{unmet} ? 0 : ({met} ? 2 : 1)"))
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
