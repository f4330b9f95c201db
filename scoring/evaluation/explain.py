"""One firm's evaluation, line by line: the bulk evaluation of a single row, put into words and exact points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.kinds import Kind, Scalar, decode
from models.truth import Truth
from scoring.columns import Array, Columns
from scoring.evaluation.bands import band_points
from scoring.evaluation.evaluate import UNKNOWN_POINTS, Slot, State, evaluate
from scoring.evaluation.lines import Line, LineKind
from scoring.evaluation.model import Model, ModelBook, Table


@dataclass(frozen=True)
class ExplainedLine:
    """One line of the sum. ``worst``, ``best`` and ``counted_as`` are set for bands; ``counted_as`` only while the item
    is unknown: what it adds to the dimension's "unknown items" line. ``value`` is the item's value, ``None`` unknown.
    """

    line: Line
    points: Decimal
    value: Scalar | None = None
    worst: Decimal | None = None
    best: Decimal | None = None
    counted_as: Decimal | None = None

    @property
    def known(self) -> bool:
        """Whether the line rests on known items; lines that are no band always do, but for "unknown items"."""
        return self.counted_as is None and self.line.kind is not LineKind.UNKNOWN


@dataclass(frozen=True)
class ExplainedVeto:
    """``MET`` forces the lowest grade, ``UNKNOWN`` widens the range down to it."""

    id: str
    zh: str
    en: str
    item: str
    truth: Truth
    cite: str


@dataclass(frozen=True)
class Explanation:
    """Why one firm has its score. ``lines`` add up to ``total`` exactly; all points are Decimal with three decimals.

    ``total`` is ``None`` for a firm that is not scored (``state`` says why) and ``grade`` for one with too little
    coverage. ``notes`` are (zh, en) sentences: limits that applied, what the model could not ask.
    """

    as_of: date
    state: State
    model: Model | None
    total: Decimal | None
    low: Decimal | None
    high: Decimal | None
    grade: str | None
    grade_low: str | None
    grade_high: str | None
    official_grade: str | None
    coverage: float | None
    dimensions: Mapping[str, Decimal]
    lines: tuple[ExplainedLine, ...]
    vetoes: tuple[ExplainedVeto, ...]
    slots: tuple[Slot, ...]
    notes: tuple[tuple[str, str], ...]


def explain(book: ModelBook, columns: Columns, position: int, as_of: date) -> Explanation:
    """The evaluation of the firm at ``position``, as :func:`scoring.evaluation.evaluate.evaluate` makes it.

    A peer percentile needs the peers, so it is not here; take it from the evaluation of all firms.
    """
    one = columns.row(position)
    made = evaluate(book, one, as_of)
    model = book.scored[int(made.model[0])] if made.model[0] >= 0 else None
    scored = bool(made.parts)

    def grade(codes: tuple[str, ...], places: Array) -> str | None:
        return codes[int(places[0])] if places[0] >= 0 else None

    return Explanation(
        as_of=as_of,
        state=State(int(made.state[0])),
        model=model,
        total=_points(made.total[0]),
        low=_points(made.low[0]),
        high=_points(made.high[0]),
        grade=grade(made.grades, made.grade),
        grade_low=grade(made.grades, made.grade_low),
        grade_high=grade(made.grades, made.grade_high),
        official_grade=grade(made.official_grades, made.official_grade),
        coverage=float(made.coverage[0]) if scored else None,
        dimensions={
            name: points
            for name, value in zip(made.dimension_ids, made.dimensions[:, 0], strict=True)
            if (points := _points(value)) is not None
        },
        lines=explained_lines(one, made.parts[0].lines, made.parts[0].contributions) if scored else (),
        vetoes=_vetoes(model, int(made.veto[0]), int(made.veto_open[0])) if scored and model else (),
        slots=made.slots,
        notes=_notes(model, State(int(made.state[0])), made.grade[0] >= 0),
    )


def _points(milli: int) -> Decimal | None:
    return None if milli == UNKNOWN_POINTS else _exact(int(milli))


def _exact(milli: int) -> Decimal:
    return Decimal(milli).scaleb(-3)


def explained_lines(one: Columns, lines: tuple[Line, ...], contributions: Array) -> tuple[ExplainedLine, ...]:
    """The lines of one firm in words; ``contributions`` is (lines × 1), as the arithmetic fills it."""
    made = []
    for line, points in zip(lines, contributions[:, 0].tolist(), strict=True):
        if line.band is None:
            made.append(ExplainedLine(line, _exact(points)))
            continue
        band = line.band
        _, known = band_points(band, one)
        made.append(
            ExplainedLine(
                line,
                _exact(points),
                value=_value(one, band.item, band.item_kind, band.rule.default if isinstance(band.rule, Table) else ()),
                worst=_exact(band.worst),
                best=_exact(band.best),
                counted_as=None if known[0] else _exact(band.expected),
            )
        )
    return tuple(made)


def _value(one: Columns, item: str, kind: Kind, codes: tuple[str, ...]) -> Scalar | None:
    column = one.get(item)
    return None if column is None else decode(kind, column[0].item(), one.codes.get(item, codes))


def _vetoes(model: Model, bits: int, open_bits: int) -> tuple[ExplainedVeto, ...]:
    def truth(place: int) -> Truth:
        if open_bits >> place & 1:
            return Truth.UNKNOWN
        return Truth.MET if bits >> place & 1 else Truth.UNMET

    return tuple(
        ExplainedVeto(veto.id, veto.zh, veto.en, veto.item, truth(place), veto.cite)
        for place, veto in enumerate(model.vetoes)
    )


_STATE_NOTES = {
    State.STATUS_UNKNOWN: (
        "登记状态未知，仍予评价。",
        "The registration status is unknown; the firm is scored all the same.",
    ),
    State.NOT_LIVE: ("已注销、吊销或迁出，仅展示，不评价。", "Cancelled, revoked or moved away: shown, not scored."),
    State.NOTHING_KNOWN: ("没有可评价的数据。", "Nothing the model asks is known."),
    State.NO_MODEL: ("当日没有适用的评价模型。", "No model for this kind of firm is in use on the day."),
}


def _notes(model: Model | None, state: State, graded: bool) -> tuple[tuple[str, str], ...]:
    notes = [_STATE_NOTES[state]] if state in _STATE_NOTES else []
    if model is not None and state in (State.SCORED, State.STATUS_UNKNOWN):
        if not graded:
            share = f"{model.needs_coverage:.0%}"
            notes.append((f"已知信息不足{share}，不评等级。", f"Less than {share} rests on known items: no grade."))
        notes += [(f"本模型应查而未归集：{what}。", f"Not collected, so not asked: {what}.") for what in model.not_held]
    return tuple(notes)
