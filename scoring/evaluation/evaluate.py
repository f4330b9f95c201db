"""Evaluates all firms: picks each firm's model, scores it, ranks it among its peers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from enum import IntEnum

import numpy as np

from models.kinds import DTYPES, Kind
from scoring.columns import Array, Columns
from scoring.derived import column_or_unknown
from scoring.evaluation.arithmetic import UNKNOWN_GRADE, Scored, score
from scoring.evaluation.lines import Line, lines_of
from scoring.evaluation.model import MILLI, Model, ModelBook
from scoring.evaluation.peers import PeerGroup, percentiles

UNKNOWN_POINTS = -(2**31)


class State(IntEnum):
    """What became of a firm. A firm that is ``SCORED`` but has no grade has too little coverage for one."""

    SCORED = 0
    STATUS_UNKNOWN = 1  # scored, but nobody says whether the firm still exists
    NOT_LIVE = 2  # cancelled, revoked or moved away: shown, not scored
    NOTHING_KNOWN = 3  # none of the model's items is known
    NO_MODEL = 4  # no model for this kind of subject is switched on and valid on the day


@dataclass(frozen=True)
class Slot:
    """What a model did on this day: ``used``, ``off``, ``not_yet``, ``expired``, or ``empty`` (nothing delivered)."""

    id: str
    version: str
    zh: str
    en: str
    state: str
    note_zh: str = ""
    note_en: str = ""


@dataclass(frozen=True)
class Part:
    """The firms one model scored: ``rows`` their positions, ``contributions`` int32 (lines × rows)."""

    model: Model
    rows: Array
    lines: tuple[Line, ...]
    contributions: Array


@dataclass(frozen=True)
class Evaluation:
    """The evaluation of ``n`` firms as of one day. Points are int32 milli-points, ``UNKNOWN_POINTS`` where not scored.

    ``dimensions`` is (dimensions × n) in the order of ``dimension_ids``. ``grade`` and its range are int8 places in
    ``grades``, -1 unknown; ``official_grade`` int16 in ``official_grades``. ``coverage`` and ``percentile`` are float64
    fractions, NaN where not scored. ``veto``/``veto_open`` are bits over the vetoes of the firm's model, whose place in
    the book is ``model`` (-1: none). ``peer_group`` says whom ``percentile`` compares with, ``peers`` how many.
    """

    n: int
    as_of: date
    state: Array
    model: Array
    total: Array
    low: Array
    high: Array
    dimension_ids: tuple[str, ...]
    dimensions: Array
    coverage: Array
    grades: tuple[str, ...]
    grade: Array
    grade_low: Array
    grade_high: Array
    veto: Array
    veto_open: Array
    official_grades: tuple[str, ...]
    official_grade: Array
    percentile: Array
    peer_group: Array
    peers: Array
    parts: tuple[Part, ...]
    slots: tuple[Slot, ...]

    def facts(self) -> Columns:
        """The facts conditions may ask: score, grade, coverage, official_grade, in storage forms."""
        known = self.total != UNKNOWN_POINTS
        values = {
            "score": np.where(known, self.total / MILLI, np.nan),
            "grade": self.grade.astype(np.int16),
            "coverage": self.coverage,
            "official_grade": self.official_grade,
        }
        return Columns(self.n, values, {"grade": self.grades, "official_grade": self.official_grades})


def evaluate(book: ModelBook, columns: Columns, as_of: date, contributions: bool = True) -> Evaluation:
    """Evaluate every firm with the model for its kind of subject.

    ``columns`` are the items of the profile with their ``.y1`` … columns and the facts of ``scoring.derived``; what is
    missing is unknown. A firm whose kind is unknown is scored as an enterprise. ``contributions`` false leaves the
    matrices empty, which saves 4 bytes per line and firm. Raises ``ValueError`` when the models in use disagree on
    dimensions or grades, or a column holds a code its model does not know.
    """
    n = columns.n
    used = [model for model in book.scored if model.card.state(as_of) == "used"]
    shapes = {(tuple(d.id for d in model.dimensions), model.grades) for model in used}
    if len(shapes) > 1:
        raise ValueError("the models in use have different dimensions or grades, so their firms cannot be compared")
    dimension_ids, grades = shapes.pop() if shapes else ((), ())
    official, official_codes, slots = _official(book, columns, as_of)
    # Nothing delivered is unknown grades, not a switched-off model: the low end still allows for them.
    capping = official if slots and slots[-1].state in ("used", "empty") else None
    sole = column_or_unknown(columns, "sole_proprietor", Kind.FLAG) == 1
    chosen = np.where(
        sole, book.model_for("sole_proprietor", as_of), book.model_for("enterprise", as_of)
    ).astype(np.int8)  # fmt: skip
    made = _empty(n, len(dimension_ids))
    made["state"][chosen < 0] = State.NO_MODEL
    parts = []
    for place, model in enumerate(book.scored):
        rows = _scored_rows(model, columns, chosen == place, made["state"])
        if not len(rows):
            continue
        mine = columns if len(rows) == n else columns.take(rows, model.columns)
        answer = score(model, mine, None if capping is None else capping[rows], official_codes, contributions)
        _scatter(made, rows, answer)
        blank = rows[answer.coverage == 0.0]
        made["state"][blank] = State.NOTHING_KNOWN
        made["total"][blank] = UNKNOWN_POINTS
        parts.append(Part(model, rows, lines_of(model), answer.contributions))
    made |= standing(book, columns, chosen, made["total"])
    own = [_slot(model, as_of) for model in book.scored]
    return Evaluation(
        n=n, as_of=as_of, model=chosen, dimension_ids=dimension_ids, grades=grades, official_grades=official_codes,
        official_grade=official, parts=tuple(parts), slots=(*own, *slots), **made,
    )  # fmt: skip


def standing(book: ModelBook, columns: Columns, chosen: Array, total: Array) -> dict[str, Array]:
    """``percentile``, ``peer_group`` and ``peers`` of each firm: what depends on all firms and not on one alone.

    ``chosen`` is the place of each firm's model in the book, ``total`` its points. ``columns`` bring ``size_class`` and
    ``industry_section``.
    """
    n = len(total)
    share, group, peers = np.full(n, np.nan), np.full(n, PeerGroup.NONE, np.int8), np.zeros(n, np.int32)
    size, section = (column_or_unknown(columns, name, Kind.CODE) for name in ("size_class", "industry_section"))
    for place, model in enumerate(book.scored):
        ranked = np.flatnonzero((chosen == place) & (total != UNKNOWN_POINTS))
        if len(ranked):
            share[ranked], group[ranked], peers[ranked] = percentiles(
                total[ranked], size[ranked], section[ranked], model.peers
            )
    return {"percentile": share, "peer_group": group, "peers": peers}


def _empty(n: int, dimensions: int) -> dict[str, Array]:
    made: dict[str, Array] = {
        name: np.full(n, UNKNOWN_POINTS, np.int32) for name in ("total", "low", "high")
    }  # fmt: skip
    made["dimensions"] = np.full((dimensions, n), UNKNOWN_POINTS, np.int32)
    made |= {name: np.full(n, UNKNOWN_GRADE, np.int8) for name in ("grade", "grade_low", "grade_high")}
    made |= {name: np.zeros(n, np.uint32) for name in ("veto", "veto_open")}
    return made | {"coverage": np.full(n, np.nan), "state": np.zeros(n, np.int8)}


def _scatter(made: dict[str, Array], rows: Array, answer: Scored) -> None:
    for field in fields(answer):
        if field.name == "dimensions":
            made["dimensions"][:, rows] = answer.dimensions
        elif field.name != "contributions":
            made[field.name][rows] = getattr(answer, field.name)


def _scored_rows(model: Model, columns: Columns, mine: Array, state: Array) -> Array:
    """Positions of the model's firms that are scored; sets the state of those that are not, or not surely."""
    status = column_or_unknown(columns, model.status, Kind.CODE)
    dictionary = columns.codes.get(model.status, model.status_codes)
    gone = np.isin(status, [place for place, code in enumerate(dictionary) if code in model.not_scored])
    state[mine & gone] = State.NOT_LIVE
    state[mine & (status < 0)] = State.STATUS_UNKNOWN
    return np.flatnonzero(mine & ~gone)


def _official(book: ModelBook, columns: Columns, as_of: date) -> tuple[Array, tuple[str, ...], tuple[Slot, ...]]:
    """The imported grades, their dictionary, and what the official slot did."""
    unknown = np.full(columns.n, -1, DTYPES[Kind.CODE])
    if book.official is None:
        return unknown, (), ()
    own = book.official
    codes = columns.codes.get(own.imports, own.grades)
    state = own.card.state(as_of)
    grade = columns.get(own.imports)
    if state == "used" and (grade is None or not (grade >= 0).any()):
        state = "empty"
    slot = Slot(own.card.id, own.card.version, own.card.zh, own.card.en, state, own.note_zh, own.note_en)
    return (unknown if grade is None else grade), codes, (slot,)


def _slot(model: Model, as_of: date) -> Slot:
    card = model.card
    return Slot(card.id, card.version, card.zh, card.en, card.state(as_of))
