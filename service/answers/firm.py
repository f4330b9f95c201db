"""One firm of a snapshot as answers: summary, profile, evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from scoring.catalogue import Item
from scoring.evaluation.evaluate import UNKNOWN_POINTS, State
from scoring.evaluation.explain import ExplainedLine, Explanation
from scoring.evaluation.model import MILLI
from scoring.evaluation.peers import PeerGroup
from service.access.disclosure import Shown, Viewer
from service.access.scope import shown_fact
from service.answers.pd import pd_answer
from service.answers.rules import plain
from service.books.rulebook import evaluations
from service.books.seedbook import catalogue
from service.cases.marks import Mark, marks_answer
from service.registry.shelf import ModelShelf
from service.snapshot.snapshots import OpenSnapshot

_REGISTRATION = ("entity_type", "registration_status", "established_on", "district", "industry_code")
_LABEL = {"zh": "融资评价（非官方公共信用评价）", "en": "Financing evaluation (not the official public credit grade)"}


def points(value: Decimal | None) -> float | None:
    """Points with three decimals as a number; sums of them are exact in the core, see `lines`."""
    return None if value is None else float(value)


def summary_answer(snapshot: OpenSnapshot, row: int, models: ModelShelf) -> dict[str, Any]:
    """Who the firm is, its size, and its evaluation in one screen."""
    return {
        "uscc": snapshot.firm_at(row),
        "name": snapshot.value("firm_name", row),
        "as_of": snapshot.as_of,
        "snapshot_id": snapshot.id,
        "registration": {
            **{name: plain(snapshot.value(name, row)) for name in _REGISTRATION},
            "industry_section": snapshot.value("industry_section", row),
        },
        "size_class": snapshot.value("size_class", row),
        "evaluation": evaluation_answer(snapshot, row),
        "pd": pd_answer(snapshot, row, models),
    }


def evaluation_answer(snapshot: OpenSnapshot, row: int) -> dict[str, Any]:
    """Score, grade, range and standing among peers, from what the build kept. Points are 0 to 1000."""
    scores = snapshot.scores
    place = int(scores["model"][row])
    models = evaluations().scored
    group = PeerGroup(int(scores["peer_group"][row]))
    grades = snapshot.columns.codes.get("grade", ())
    percentile = float(scores["percentile"][row])
    return {
        "label": _LABEL,
        "state": State(int(scores["state"][row])).name.lower(),
        "model": models[place].card.id if 0 <= place < len(models) else None,
        "score": snapshot.value("score", row),
        "low": _milli(scores["low"][row]),
        "high": _milli(scores["high"][row]),
        "grade": snapshot.value("grade", row),
        "grade_low": _grade(grades, scores["grade_low"][row]),
        "grade_high": _grade(grades, scores["grade_high"][row]),
        "official_grade": snapshot.value("official_grade", row),
        "coverage": snapshot.value("coverage", row),
        "percentile": None if np.isnan(percentile) else percentile,
        "peer_group": None if group is PeerGroup.NONE else group.name.lower(),
        "peers": int(scores["peers"][row]),
    }


def _milli(stored: Any) -> float | None:
    return None if int(stored) == UNKNOWN_POINTS else int(stored) / MILLI


def _grade(grades: tuple[str, ...], place: Any) -> str | None:
    return grades[int(place)] if int(place) >= 0 else None


def profile_answer(snapshot: OpenSnapshot, row: int, viewer: Viewer, marks: Sequence[Mark] = ()) -> dict[str, Any]:
    """Every item the viewer may see, with observed day, age, source, freshness; missing is null and ``known`` false.

    ``marks`` say which are contested.
    """
    declared = catalogue().items
    contested = {mark.item for mark in marks}
    items = []
    readings = snapshot.readings(row)
    for name, item in declared.items():
        if name not in readings:
            continue  # the item is younger than the snapshot
        reading = readings[name]
        shown = viewer.shown(item)
        if shown is Shown.HIDDEN:
            continue
        items.append(
            {
                "id": name,
                "code": item.code,
                "zh": item.zh,
                "en": item.en,
                "dimension": item.dimension,
                "category": item.category,
                "type": reading.kind.value,
                "unit": reading.unit,
                "known": reading.value is not None,
                "value": plain(reading.value) if shown is Shown.FULL else None,
                "masked": shown is Shown.MASKED,
                "observed_on": reading.observed,
                "age_days": reading.age_days,
                "past_refresh": reading.stale,
                "agency": reading.agency,
                "feed": reading.feed,
                "share": item.share.value,
                "personal": item.personal,
                "contested": name in contested,
            }
        )
    shown_items = {item["id"] for item in items}
    known = sum(1 for item in items if item["known"])
    return {
        "uscc": snapshot.firm_at(row),
        "name": snapshot.value("firm_name", row),
        "as_of": snapshot.as_of,
        "snapshot_id": snapshot.id,
        "known": known,
        "unknown": len(items) - known,
        "contested": marks_answer([mark for mark in marks if mark.item in shown_items], viewer, declared),
        "items": items,
    }


def score_answer(
    snapshot: OpenSnapshot,
    row: int,
    why: Explanation,
    viewer: Viewer,
    marks: Sequence[Mark] = (),
) -> dict[str, Any]:
    """The evaluation line by line. ``lines`` sum to ``score`` exactly, in text with three decimals.

    Lines of dimensions that a lender's consent does not name are one line a dimension: their points would tell the
    values. So would a veto by such an item, which is left out.
    """
    declared = catalogue().items
    contested = frozenset(mark.item for mark in marks)
    card = why.model.card if why.model else None
    return {
        "uscc": snapshot.firm_at(row),
        "as_of": why.as_of,
        "snapshot_id": snapshot.id,
        **evaluation_answer(snapshot, row),
        "card": None
        if card is None
        else {
            "id": card.id,
            "version": card.version,
            "zh": card.zh,
            "en": card.en,
            "legal_basis": card.legal_basis,
            "origin": card.origin,
            "valid_from": card.valid_from,
            "valid_until": card.valid_until,
        },
        "dimensions": {name: points(value) for name, value in why.dimensions.items()},
        "lines": lines_answer(why.lines, declared, viewer, contested),
        "contested": marks_answer(marks, viewer, declared),
        "vetoes": [
            {"id": v.id, "zh": v.zh, "en": v.en, "item": v.item, "truth": v.truth.value, "cite": v.cite}
            for v in why.vetoes
            if v.item not in declared or viewer.shown(declared[v.item]) is not Shown.HIDDEN
        ],
        "slots": [
            {
                "id": slot.id,
                "version": slot.version,
                "zh": slot.zh,
                "en": slot.en,
                "state": slot.state,
                "note": {"zh": slot.note_zh, "en": slot.note_en},
            }
            for slot in why.slots
        ],
        "notes": [{"zh": zh, "en": en} for zh, en in why.notes],
    }


def lines_answer(
    lines: Sequence[ExplainedLine],
    declared: Mapping[str, Item],
    viewer: Viewer,
    contested: frozenset[str] = frozenset(),
) -> list[dict[str, Any]]:
    """Every line of an evaluation; those of facts the viewer is not shown are one line a dimension."""
    made: list[dict[str, Any]] = []
    hidden: dict[str, Decimal] = {}
    for line in lines:
        if line.line.band is not None and shown_fact(viewer, line.line.band.item, declared) is Shown.HIDDEN:
            hidden[line.line.dimension] = hidden.get(line.line.dimension, Decimal(0)) + line.points
        else:
            made.append(_line(line, declared, viewer, contested))
    return made + [_undisclosed(dimension, total) for dimension, total in hidden.items()]


def _undisclosed(dimension: str, total: Decimal) -> dict[str, Any]:
    return {
        "kind": "undisclosed",
        "id": f"undisclosed.{dimension}",
        "dimension": dimension or None,
        "zh": "未获授权的信息项",
        "en": "Items not disclosed",
        "points": format(total, "f"),
        "worst": None,
        "best": None,
        "counted_as": None,
        "item": None,
        "value": None,
        "known": False,
        "masked": True,
        "contested": False,
        "cite": "",
    }


def _line(
    line: ExplainedLine, declared: Mapping[str, Item], viewer: Viewer, contested: frozenset[str]
) -> dict[str, Any]:
    """One line of an evaluation, its value masked where ``viewer`` may not see it."""
    band = line.line.band
    masked = band is not None and shown_fact(viewer, band.item, declared) is not Shown.FULL
    return {
        "kind": line.line.kind.value,
        "id": line.line.id,
        "dimension": line.line.dimension or None,
        "zh": line.line.zh,
        "en": line.line.en,
        "points": format(line.points, "f"),
        "worst": points(line.worst),
        "best": points(line.best),
        "counted_as": points(line.counted_as),
        "item": band.item if band else None,
        "value": None if masked else plain(line.value),
        "known": line.known,
        "masked": masked,
        "contested": band is not None and band.item in contested,
        "cite": band.cite if band else "",
    }
