"""Gates a model passes before it may be used: named numbers of its card against limits that are data. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from models.marked import MarkedDict, marked


class Relation(StrEnum):
    """How the number stands to the limit. ``CHAMPION_LESS``: at least that of the model in force, less the limit."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    CHAMPION_LESS = "champion_less"


@dataclass(frozen=True)
class Gate:
    """One check. ``number`` is the path of a number in the card, members joined by dots (``out_of_time.auc``)."""

    id: str
    zh: str
    en: str
    number: str
    relation: Relation
    limit: float


@dataclass(frozen=True)
class GateResult:
    """What came of one gate. ``value`` is ``None`` where the card has no such number: that fails. ``bound`` is what the
    value was held against; ``None`` where no model is in force to compare with, which passes.
    """

    gate: Gate
    value: float | None
    bound: float | None
    passed: bool


def parse_gates(document: Mapping[str, Any]) -> tuple[Gate, ...]:
    """The gates of ``seed/models/gates.yaml``; ``DataFileError`` for the first fault."""
    raw = marked(dict(document)) if not isinstance(document, MarkedDict) else document
    if not isinstance(raw.get("gates"), list):
        raise raw.wrong("gates", "The file lists gates.", "Give a list under `gates`.")
    gates = tuple(_gate(marked(each)) for each in raw["gates"])
    for place, gate in enumerate(gates):
        if gate.id in {earlier.id for earlier in gates[:place]}:
            raise marked(raw["gates"][place]).wrong("id", "A gate's id is used once.", "Rename one of the two.")
    return gates


def _gate(raw: MarkedDict) -> Gate:
    for name in ("id", "zh", "en", "number"):
        if not isinstance(raw.get(name), str) or not raw[name]:
            raise raw.wrong(name, "A gate has id, zh, en and the path of a number.", f"Add {name}.")
    named = [relation for relation in Relation if relation in raw]
    if len(named) != 1:
        raise raw.wrong("id", "A gate has one limit.", f"Give exactly one of {', '.join(Relation)}.")
    try:
        limit = float(raw[named[0]])
    except (TypeError, ValueError):
        limit = math.nan
    if not math.isfinite(limit):
        raise raw.wrong(named[0], "A limit is a number.", "Write it like 0.25.")
    return Gate(raw["id"], raw["zh"], raw["en"], raw["number"], named[0], limit)


def evaluate_gates(
    gates: tuple[Gate, ...], card: Mapping[str, Any], champion: Mapping[str, Any] | None
) -> tuple[GateResult, ...]:
    """Every gate over ``card``; ``champion`` is the card of the model in force, ``None`` without one."""
    return tuple(_result(gate, card, champion) for gate in gates)


def _result(gate: Gate, card: Mapping[str, Any], champion: Mapping[str, Any] | None) -> GateResult:
    value = number_at(card, gate.number)
    bound: float | None = gate.limit
    if gate.relation is Relation.CHAMPION_LESS:
        held = None if champion is None else number_at(champion, gate.number)
        bound = None if held is None else held - gate.limit
    if value is None:
        return GateResult(gate, None, bound, False)
    if bound is None:
        return GateResult(gate, value, None, True)
    passed = value <= bound if gate.relation is Relation.AT_MOST else value >= bound
    return GateResult(gate, value, bound, passed)


def number_at(card: Mapping[str, Any], path: str) -> float | None:
    """The finite number at ``path`` of a card; ``None`` where there is none."""
    found: Any = card
    for member in path.split("."):
        if not isinstance(found, Mapping) or member not in found:
            return None
        found = found[member]
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not math.isfinite(found):
        return None
    return float(found)
