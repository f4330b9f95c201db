"""The evaluations beside the financing evaluation, of one firm, as its viewer may see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.evaluation.beside import SideState, explain_beside
from scoring.evaluation.evaluate import UNKNOWN_POINTS
from scoring.evaluation.model import MILLI, SideModel
from service.access.disclosure import Viewer
from service.answers.firm import lines_answer
from service.books.rulebook import evaluations
from service.books.seedbook import catalogue
from service.snapshot.side_scores import side_columns
from service.snapshot.snapshots import OpenSnapshot


def other_evaluations(
    snapshot: OpenSnapshot,
    row: int,
    viewer: Viewer,
    *,
    person_consents: bool,
    lines: bool = False,
) -> list[dict[str, Any]]:
    """What each side model that is for this firm made of it; with ``lines`` also why.

    A model that ``viewer`` may not see is not named, nor is one that is not for the firm. ``person_consents``: whether
    the consent of the person who leads the firm stands now; without it nothing a build computed of the person is shown.
    """
    made = []
    for side in evaluations().sides:
        if not viewer.sees_evaluation(side.shown_to, side.personal):
            continue
        columns = side_columns(snapshot, side)
        if columns is None or columns["state"][row] == SideState.NOT_AMONG:
            continue
        answer = _answer(side, columns, row)
        if side.personal and not person_consents:
            answer |= _WITHHELD
        if lines:
            answer |= _why(side, snapshot, row, viewer, answer["score"] is not None)
        made.append(answer)
    return made


#: Of a person whose consent does not stand.
_WITHHELD: Mapping[str, Any] = {
    "state": SideState.NO_CONSENT.name.lower(),
    **dict.fromkeys(("score", "low", "high", "grade", "coverage")),
}


def _answer(side: SideModel, columns: Mapping[str, NDArray[Any]], row: int) -> dict[str, Any]:
    grade, coverage = int(columns["grade"][row]), float(columns["coverage"][row])
    return {
        "id": side.card.id,
        "version": side.card.version,
        "zh": side.card.zh,
        "en": side.card.en,
        "purpose": side.purpose,
        "legal_basis": side.card.legal_basis,
        "origin": side.card.origin,
        "proposed": side.proposed,
        "personal": side.personal,
        "state": SideState(int(columns["state"][row])).name.lower(),
        "score": _points(columns["total"][row]),
        "low": _points(columns["low"][row]),
        "high": _points(columns["high"][row]),
        "most": side.most / MILLI,
        "grade": side.grades[grade] if 0 <= grade < len(side.grades) else None,
        "coverage": None if np.isnan(coverage) else coverage,
    }


def _why(side: SideModel, snapshot: OpenSnapshot, row: int, viewer: Viewer, evaluated: bool) -> dict[str, Any]:
    declared = {**catalogue().items, **catalogue().further}
    lines = explain_beside(side, snapshot.columns, row) if evaluated else ()
    notes = [(f"本模型应查而未归集：{what}。", f"Not collected, so not asked: {what}.") for what in side.not_held]
    return {
        "lines": lines_answer(lines, declared, viewer),
        "notes": [{"zh": zh, "en": en} for zh, en in notes],
    }


def _points(stored: Any) -> float | None:
    return None if int(stored) == UNKNOWN_POINTS else int(stored) / MILLI
