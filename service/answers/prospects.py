"""Screens over firms as answers: the waterfall, and one card per firm as its viewer may see it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from matching.nodes import All, Condition, Node, Not
from matching.parameters import ParameterRef
from matching.screen import Step
from matching.search.veil import Trait
from models.kinds import Scalar
from service.answers.rules import plain
from service.market.release import SCORE_BAND, value_of
from service.snapshot.snapshots import OpenSnapshot


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


def lender_step(part: Node, removes: int | None, unknown: int | None, left: int | None) -> dict[str, Any]:
    """One line of the waterfall with moved counts; null where the group is too small to be told."""
    return {"condition": node_answer(part), "removes": removes, "unknown": unknown, "left": left}


def lender_card(
    snapshot: OpenSnapshot,
    row: int,
    prospect: str,
    traits: Sequence[Trait],
    shown: int,
    open_to_contact: bool,
) -> dict[str, Any]:
    """A firm without consent: nothing that names it, all in bands, the traits after the first ``shown`` left out."""
    told = {trait.name: value_of(snapshot, trait, row) if at < shown else None for at, trait in enumerate(traits)}
    return {
        "prospect_id": prospect,
        "sort_band": None,
        **told,
        "left_out": [trait.name for trait in traits[shown:]],
        "open_to_contact": open_to_contact,
    }


def named_card(snapshot: OpenSnapshot, row: int, prospect: str) -> dict[str, Any]:
    """A firm as the office sees it."""
    return {
        "prospect_id": prospect,
        "size_class": snapshot.value("size_class", row),
        "district": snapshot.value("district", row),
        "industry_section": snapshot.value("industry_section", row),
        "grade": snapshot.value("grade", row),
        "score_band": _score_band(snapshot, row),
        "uscc": snapshot.firm_at(row),
        "name": snapshot.value("firm_name", row),
        "score": snapshot.value("score", row),
    }


def _score_band(snapshot: OpenSnapshot, row: int) -> list[int] | None:
    score = snapshot.value("score", row)
    if score is None:
        return None
    low = int(float(str(score)) // SCORE_BAND * SCORE_BAND)
    return [low, low + SCORE_BAND]
