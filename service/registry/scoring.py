"""The probability of default in a snapshot: the model in force over every firm that is evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from models.kinds import UNKNOWN_FLAG, Kind
from scoring.columns import Array, Columns
from scoring.derived import DERIVED
from scoring.evaluation.evaluate import State
from scoring.evaluation.model import MILLI
from scoring.pd_scale import PdScale
from scoring.scorecard.inputs import Inputs
from scoring.scorecard.interval import spread_coverage
from service.books.seedbook import catalogue
from service.registry.store import LoadedModel

#: The facts a model in force adds to a snapshot.
PD_KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "pd": Kind.RATIO,
        "pd_points": Kind.NUMBER,
        "pd_coverage": Kind.RATIO,
        "pd_thin": Kind.FLAG,
        "pd_grade": Kind.CODE,
    }
)
#: Kept for watching alone: neither a condition nor a reason can ask it.
CHALLENGER_PD = "pd_challenger"
_FIRMS_AT_ONCE = 50_000
_EVALUATED = (State.SCORED, State.STATUS_UNKNOWN)


@dataclass(frozen=True)
class PdScores:
    """``facts`` in the kinds of :data:`PD_KINDS`; ``kept`` for watching."""

    facts: Columns
    kept: Mapping[str, Array]


def pd_scores(model: LoadedModel, scale: PdScale, columns: Columns, evaluated: Columns, state: Array) -> PdScores:
    """The model over the firms of ``columns`` (items and derived facts) that ``state`` says are evaluated.

    ``evaluated`` brings the official grade. A firm that is not evaluated (not live, nothing known) has no probability.
    Firms go through in blocks, so that memory does not grow with the city.
    """
    n = columns.n
    pd, points, coverage, beside = (np.full(n, np.nan) for _ in range(4))
    kinds = kinds_of(model.scorecard.items)
    beside_kinds = kinds if model.challenger is None else kinds_of(model.challenger.items)
    rows = np.flatnonzero(np.isin(state, _EVALUATED))
    for start in range(0, len(rows), _FIRMS_AT_ONCE):
        block = rows[start : start + _FIRMS_AT_ONCE]
        mine = columns.take(block, {*kinds, *beside_kinds})
        inputs = Inputs.from_columns(mine, kinds)
        scored = model.scorecard.score(inputs, contributions=False)
        pd[block], points[block] = scored.pd, scored.points / MILLI
        coverage[block] = spread_coverage(model.scorecard, inputs)
        if model.challenger is not None:
            beside[block] = model.challenger.pd(model.challenger.matrix(Inputs.from_columns(mine, beside_kinds)))
    official = evaluated.get("official_grade")
    places = scale.places(pd)
    if official is not None:
        places = scale.capped(places, official, evaluated.codes.get("official_grade", ()))
    thin = np.where(np.isnan(coverage), UNKNOWN_FLAG, coverage < scale.thin_below).astype(np.int8)
    values = {
        "pd": pd,
        "pd_points": points,
        "pd_coverage": coverage,
        "pd_thin": thin,
        "pd_grade": places,
    }
    return PdScores(
        Columns(n, values, {"pd_grade": scale.grades}), {} if model.challenger is None else {CHALLENGER_PD: beside}
    )


def kinds_of(names: Iterable[str]) -> dict[str, Kind]:
    """The kind of each fact a model reads."""
    items = catalogue().items
    return {name: items[name].kind if name in items else DERIVED[name] for name in names}
