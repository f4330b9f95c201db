"""Screens over firms as answers: the waterfall, and one card per firm as its viewer may see it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from matching.nodes import All, Condition, Node, Not
from matching.parameters import ParameterRef
from matching.screen import Step
from models.kinds import Scalar
from service.answers.rules import plain
from service.snapshot.snapshots import OpenSnapshot

_BAND = 100


def node_answer(node: Node) -> dict[str, Any]:
    """A condition tree in the grammar it was written in."""
    match node:
        case Condition():
            values = [_argument(value) for value in node.values]
            many = node.op.value in ("in", "not_in", "between")
            answer: dict[str, Any] = {"fact": node.fact, "op": node.op.value}
            if values:
                answer["value"] = values if many else values[0]
            if node.cite:
                answer["cite"] = node.cite
            return answer
        case Not(child):
            return {"not": node_answer(child)}
    return {"all" if isinstance(node, All) else "any": [node_answer(child) for child in node.children]}


def _argument(value: Scalar | ParameterRef) -> Any:
    if not isinstance(value, ParameterRef):
        return plain(value)
    answer: dict[str, Any] = {"param": value.id, "on": value.on}
    if value.times != 1:
        answer["times"] = format(value.times, "f")
    if value.plus != Decimal(0):
        answer["plus"] = format(value.plus, "f")
    for name in ("at_least", "at_most"):
        bound = getattr(value, name)
        if bound is not None:
            answer[name] = format(bound, "f")
    return answer


def step_answer(step: Step) -> dict[str, Any]:
    """One line of the waterfall."""
    return {
        "condition": node_answer(step.part),
        "removes": step.removes,
        "unknown": step.unknown,
        "left": step.left,
    }


def anonymous_card(snapshot: OpenSnapshot, row: int, prospect: str) -> dict[str, Any]:
    """A firm without consent: nothing that names it, everything banded."""
    score = snapshot.value("score", row)
    low = int(float(str(score)) // _BAND * _BAND) if score is not None else None
    return {
        "prospect_id": prospect,
        "size_class": snapshot.value("size_class", row),
        "district": snapshot.value("district", row),
        "industry_section": snapshot.value("industry_section", row),
        "grade": snapshot.value("grade", row),
        "score_band": None if low is None else [low, low + _BAND],
    }


def named_card(snapshot: OpenSnapshot, row: int, prospect: str) -> dict[str, Any]:
    """A firm as the office sees it."""
    return {
        **anonymous_card(snapshot, row, prospect),
        "uscc": snapshot.firm_at(row),
        "name": snapshot.value("firm_name", row),
        "score": snapshot.value("score", row),
    }
