"""The health index: aggregates of the evaluations beside the financing evaluation, with no small group in them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.kinds import UNKNOWN_CODE
from scoring.evaluation.beside import SideState
from scoring.evaluation.model import MILLI, SideModel
from scoring.small_cells import hidden
from service.access.disclosure import SMALLEST_GROUP
from service.books.rulebook import evaluations, industries
from service.snapshot.side_scores import side_columns
from service.snapshot.snapshots import OpenSnapshot

_GROUPS = {"by_district": "district", "by_section": "industry_section"}


@lru_cache(maxsize=4)
def health_index(snapshot: OpenSnapshot) -> dict[str, Any]:
    """Every model that may be aggregated: how many firms it evaluated, and their points, by district and section.

    Groups of fewer than five evaluated firms, and those that would give one away by subtraction, have no figures.
    """
    return {
        "as_of": snapshot.as_of,
        "snapshot_id": snapshot.id,
        "smallest_group": SMALLEST_GROUP,
        "models": [_model(snapshot, side) for side in evaluations().sides if side.aggregated and not side.personal],
    }


def _model(snapshot: OpenSnapshot, side: SideModel) -> dict[str, Any]:
    card = side.card
    said = {
        "id": card.id,
        "version": card.version,
        "zh": card.zh,
        "en": card.en,
        "purpose": side.purpose,
        "legal_basis": card.legal_basis,
        "proposed": side.proposed,
        "state": card.state(snapshot.as_of),
        "most": side.most / MILLI,
    }
    columns = side_columns(snapshot, side)
    if columns is None:
        nothing = {"asked": 0, "grades": [], "by_district": [], "by_section": []}
        return {**said, **nothing, **_figures(np.zeros(0), False)}
    evaluated = columns["state"] == SideState.EVALUATED
    points = columns["total"] / MILLI
    withheld = 0 < int(np.count_nonzero(evaluated)) < SMALLEST_GROUP
    grades = {code: columns["grade"] == place for place, code in enumerate(side.grades)}
    return {
        **said,
        "asked": int(np.count_nonzero(columns["state"] != SideState.NOT_AMONG)),
        **_figures(points[evaluated], withheld),
        "grades": [] if withheld else _grades(grades, evaluated),
        **{name: [] if withheld else _groups(snapshot, fact, evaluated, points) for name, fact in _GROUPS.items()},
    }


def _grades(grades: Mapping[str, NDArray[np.bool_]], evaluated: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Firms by grade; the firms too little is known of for a grade come last, as null."""
    none = evaluated & ~np.logical_or.reduce(list(grades.values()))
    cells = [*grades.items(), (None, none)]
    counts = [int(np.count_nonzero(mine & evaluated)) for _, mine in cells]
    away = hidden(counts, SMALLEST_GROUP)
    return [
        {"grade": code, "firms": None if gone else count, "withheld": gone}
        for (code, _), count, gone in zip(cells, counts, away, strict=True)
    ]


def _groups(
    snapshot: OpenSnapshot, fact: str, evaluated: NDArray[np.bool_], points: NDArray[np.float64]
) -> list[dict[str, Any]]:
    column, codes = snapshot.columns.values[fact], snapshot.columns.codes.get(fact, ())
    named = _section_names if fact == "industry_section" else _no_names
    places = [place for place in (*range(len(codes)), UNKNOWN_CODE) if (evaluated & (column == place)).any()]
    counts = [int(np.count_nonzero(evaluated & (column == place))) for place in places]
    made = []
    for place, gone in zip(places, hidden(counts, SMALLEST_GROUP), strict=True):
        code = codes[place] if place >= 0 else None
        made.append({"group": code, **named(code), **_figures(points[evaluated & (column == place)], gone)})
    return made


def _figures(points: NDArray[np.float64], withheld: bool) -> dict[str, Any]:
    shown = len(points) > 0 and not withheld
    return {
        "evaluated": None if withheld else len(points),
        "mean": round(float(points.mean()), 2) if shown else None,
        "median": round(float(np.median(points)), 2) if shown else None,
        "withheld": withheld,
    }


def _section_names(code: str | None) -> dict[str, str | None]:
    section = industries().sections.get(code or "")
    return {"zh": section.zh if section else None, "en": section.en if section else None}


def _no_names(code: str | None) -> dict[str, str | None]:
    return {"zh": None, "en": None}
