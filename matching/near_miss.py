"""What keeps an offer shut, by how much, what a firm can do about it, and when time alone opens it.

Nothing is claimed that was not asked: every plan and every day named here made the offer answer eligible when it was
asked again with the change made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from matching.changes import Changeable, ChangeBook, Effort, Passing
from matching.cheapest import Examined, Leaf, cheapest_changes, examined, measure, nearest, ways_of
from matching.earliest import Opening, days, is_open, later, opening
from matching.nodes import All, Any, Condition, Node, Not
from matching.parameters import ParameterBook
from matching.question import Case, Question, Standing
from matching.rulefile import Name
from matching.status import Status
from models.errors import RefusedInput
from models.kinds import Kind, Scalar
from models.truth import Truth

#: Statuses of an offer that is shut. What is unknown is not shut: see ``settles``.
SHUT = (Status.NEAR_MISS, Status.INELIGIBLE, Status.NOT_YET)


@dataclass(frozen=True)
class Gap:
    """A condition that fails. ``wanted`` is false where the rule asks that it does not hold.

    ``by`` is how far the value lies from the nearest one that would do, in ``unit`` (days for a date); ``None`` where
    distance means nothing. ``effort`` is what the firm can do (``None``: not changeable); ``passing`` what time does.
    """

    fact: str
    name: Name
    op: str
    expected: Scalar | tuple[Scalar, ...] | None
    actual: Scalar | None
    wanted: bool
    by: Decimal | None
    unit: str
    cite: str
    effort: Effort | None
    passing: Passing | None


@dataclass(frozen=True)
class Change:
    """One fact a firm would change, and to what."""

    fact: str
    name: Name
    was: Scalar | None
    becomes: Scalar
    unit: str
    effort: Effort


@dataclass(frozen=True)
class NearMiss:
    """The way to an offer that is shut.

    ``gaps``: every condition that fails. ``changes``: the cheapest legal set that opens the offer on ``changes_on``
    (today, else the first day on which changes and time together do); empty where none does. ``opening``: when time
    alone does. ``undated``: listings whose end no fact dates. ``unknown``: facts whose values would have to be known
    first.
    """

    gaps: tuple[Gap, ...]
    changes: tuple[Change, ...] = ()
    changes_on: date | None = None
    opening: Opening | None = None
    undated: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def effort(self) -> int:
        """Sum of the weights of the changes."""
        return sum(change.effort.weight for change in self.changes)


def near_miss(
    question: Question, standing: Standing, case: Case, parameters: ParameterBook, book: ChangeBook
) -> NearMiss | None:
    """The way to an offer that ``standing`` says is shut; ``None`` for one that is open, unknown or over."""
    if standing.status not in SHUT:
        return None
    asked = examined(standing, parameters, case.as_of)
    gaps = _gaps(asked, book)
    opens = opening(question, case, asked, book)
    made, on = _changes(question, standing, case, parameters, book, asked, opens)
    return NearMiss(
        gaps=gaps,
        changes=made,
        changes_on=on,
        opening=opens,
        undated=tuple(dict.fromkeys(gap.fact for gap in gaps if gap.passing is Passing.LISTING)),
        unknown=tuple(dict.fromkeys(leaf.finding.fact for part in asked.unknown() for leaf in part)),
    )


def _changes(
    question: Question,
    standing: Standing,
    case: Case,
    parameters: ParameterBook,
    book: ChangeBook,
    asked: Examined,
    opens: Opening | None,
) -> tuple[tuple[Change, ...], date | None]:
    """Changes that open the offer today; where none do and time alone does not either, on the first day they do."""
    made = _cheapest(question, case, asked, standing.values, book)
    if made:
        return made, case.as_of
    if opens or not _mendable(asked, book):
        return (), None
    for day in days(question, case, asked, book):
        then = later(case, day, book, emptied=False)
        there = question.standing(then)
        made = _cheapest(question, then, examined(there, parameters, day), there.values, book)
        if made:
            return made, day
    return (), None


def _cheapest(
    question: Question, case: Case, asked: Examined, values: Mapping[str, Scalar | None], book: ChangeBook
) -> tuple[Change, ...]:
    found = cheapest_changes(asked, values, book, lambda changed: _holds(question, case, changed))
    return tuple(_change(book.changeable[fact], values.get(fact), value) for fact, value in (found or {}).items())


def _change(changeable: Changeable, was: Scalar | None, becomes: Scalar) -> Change:
    spec = changeable.spec
    return Change(spec.id, Name(spec.zh, spec.en), was, becomes, spec.unit, changeable.effort)


def _holds(question: Question, case: Case, changed: Mapping[str, Scalar]) -> bool:
    try:
        return is_open(question, case.changed(changed))
    except RefusedInput:
        return False


def _mendable(asked: Examined, book: ChangeBook) -> bool:
    """Whether each requirement could be met by what the firm or time moves."""
    return ways_of(asked, lambda leaf, want: bool(book.of(leaf.fact) or leaf.fact in book.in_time)) is not None


def _gaps(asked: Examined, book: ChangeBook) -> tuple[Gap, ...]:
    """The failing conditions of every unmet requirement, in the order written."""
    found = []
    for node, first, truth in zip(asked.nodes, asked.first, asked.truths, strict=True):
        if truth is Truth.UNMET:
            for place, wanted in enumerate(_wanted(node, True), start=first):
                if asked.leaves[place].held is (not wanted):
                    found.append(_gap(asked.leaves[place], wanted, book))
    return tuple(found)


def _wanted(node: Node, want: bool) -> list[bool]:
    """For each leaf, in the order written, the truth the rule asks of it."""
    match node:
        case Condition():
            return [want]
        case Not(child):
            return _wanted(child, not want)
        case All(children) | Any(children):
            return [each for child in children for each in _wanted(child, want)]


def _gap(leaf: Leaf, wanted: bool, book: ChangeBook) -> Gap:
    finding, spec = leaf.finding, leaf.condition.spec
    moving, changeable = book.in_time.get(leaf.fact), book.of(leaf.fact)
    by = None
    if finding.actual is not None and spec.kind not in (Kind.FLAG, Kind.CODE):
        goal = nearest([(leaf, wanted)], finding.actual)
        by = None if goal is None else abs(measure(goal) - measure(finding.actual))
    return Gap(
        fact=finding.fact,
        name=Name(spec.zh, spec.en),
        op=finding.op,
        expected=finding.expected,
        actual=finding.actual,
        wanted=wanted,
        by=by,
        unit="days" if spec.kind is Kind.DATE else finding.unit,
        cite=finding.cite,
        effort=changeable.effort if changeable else None,
        passing=moving.passing if moving else None,
    )
