"""Evaluates firms with the models that stand beside the financing evaluation. Nothing here changes that evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import IntEnum

import numpy as np

from models.kinds import Kind
from scoring.columns import Array, Columns
from scoring.derived import column_or_unknown
from scoring.evaluation.arithmetic import UNKNOWN_GRADE, score
from scoring.evaluation.bands import holds
from scoring.evaluation.evaluate import UNKNOWN_POINTS
from scoring.evaluation.explain import ExplainedLine, explained_lines
from scoring.evaluation.lines import LineKind, lines_of
from scoring.evaluation.model import ModelBook, SideModel

#: The flag that a person's consent to be evaluated through the firm is recorded; unknown: nobody asked, nobody is.
CONSENT = "person_consent"


class SideState(IntEnum):
    """What became of a firm under one side model. Without a grade although evaluated: too little is known for one."""

    EVALUATED = 0
    NOT_AMONG = 1  # the model is not for this firm
    AMONG_UNKNOWN = 2  # nobody says whether the model is for this firm
    NO_CONSENT = 3  # no consent of the person is recorded
    NOT_LIVE = 4
    NOTHING_KNOWN = 5


@dataclass(frozen=True)
class Beside:
    """The answer of one side model for ``n`` firms.

    ``state`` int8; ``total``, ``low``, ``high`` int32 milli-points, ``UNKNOWN_POINTS`` where not evaluated; ``grade``
    int8 places in ``model.grades``, -1 unknown; ``coverage`` float64, NaN where not evaluated.
    """

    model: SideModel
    state: Array
    total: Array
    low: Array
    high: Array
    grade: Array
    coverage: Array


def evaluate_beside(book: ModelBook, columns: Columns, as_of: date) -> tuple[Beside, ...]:
    """Every side model in use on the day over every firm. ``columns`` as for :func:`scoring.evaluation.evaluate`."""
    return tuple(_beside(side, columns) for side in book.sides if side.card.state(as_of) == "used")


def _beside(side: SideModel, columns: Columns) -> Beside:
    n = columns.n
    state = _states(side, columns)
    made = Beside(
        model=side,
        state=state,
        total=np.full(n, UNKNOWN_POINTS, np.int32),
        low=np.full(n, UNKNOWN_POINTS, np.int32),
        high=np.full(n, UNKNOWN_POINTS, np.int32),
        grade=np.full(n, UNKNOWN_GRADE, np.int8),
        coverage=np.full(n, np.nan),
    )
    rows = np.flatnonzero(state == SideState.EVALUATED)
    answer = score(side, columns.take(rows, side.columns), None, (), keep=False)
    blank = answer.coverage == 0.0
    state[rows[blank]] = SideState.NOTHING_KNOWN
    rows = rows[~blank]
    for name in ("total", "low", "high", "grade", "coverage"):
        getattr(made, name)[rows] = getattr(answer, name)[~blank]
    return made


def _states(side: SideModel, columns: Columns) -> Array:
    """The first reason that holds, in the order of :class:`SideState`, for not evaluating a firm."""
    status = column_or_unknown(columns, side.status, Kind.CODE)
    dictionary = columns.codes.get(side.status, side.status_codes)
    gone = np.isin(status, [place for place, code in enumerate(dictionary) if code in side.not_scored])
    state = np.where(gone, SideState.NOT_LIVE, SideState.EVALUATED).astype(np.int8)
    if side.personal:
        state[column_or_unknown(columns, CONSENT, Kind.FLAG) != 1] = SideState.NO_CONSENT
    outside, unsure = np.zeros(columns.n, np.bool_), np.zeros(columns.n, np.bool_)
    for test in side.among:
        hit, unsettled = holds(test, columns)
        unsure |= unsettled
        outside |= ~(hit | unsettled)
    state[unsure] = SideState.AMONG_UNKNOWN
    state[outside] = SideState.NOT_AMONG
    return state


def explain_beside(side: SideModel, columns: Columns, position: int) -> tuple[ExplainedLine, ...]:
    """The lines of one evaluated firm; they add up to its total exactly."""
    one = columns.row(position)
    made = score(side, one, None, (), keep=True)
    lines = explained_lines(one, lines_of(side), made.contributions)
    return tuple(each for each in lines if each.line.kind is not LineKind.OFFICIAL)
