"""When time alone opens an offer: ages and streaks grow, windows empty, rules come into force, once-only rules end.

Nothing else changes: the dated numbers are today's, an unbroken streak stays unbroken, no new record comes. A listing
ends by a decision, on a day no fact tells; for it no day is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_FLOOR, Decimal

from matching.changes import ChangeBook, InTime, Passing
from matching.cheapest import Examined, Leaf, measure, ways_of
from matching.question import Case, Question
from matching.scheme_parts import LAST_ON
from matching.status import Status
from models.dates import add_months, whole_months
from models.errors import RefusedInput
from models.kinds import Scalar

#: Days tried for one offer; an offer has as many as it has bounds on facts that time moves.
MOST_DAYS = 60


@dataclass(frozen=True)
class Opening:
    """The day from which an offer is open if nothing but time passes.

    ``on`` is exact. Where a window must empty first and the dates of its records are not in the facts, ``on`` is
    ``None`` and the offer is open on ``no_later_than`` if no new record comes. ``facts`` are what time moves.
    """

    on: date | None
    no_later_than: date | None
    facts: tuple[str, ...]


def opening(question: Question, case: Case, asked: Examined, book: ChangeBook) -> Opening | None:
    """The earliest day on which ``question`` answers eligible by itself; ``None`` where time alone never opens it.

    Every day named has been asked: the offer is eligible on it, and on no earlier day on which anything moves.
    """
    if not _in_reach(asked, book):
        return None
    for day in days(question, case, asked, book):
        if is_open(question, later(case, day, book)):
            exact = is_open(question, later(case, day, book, emptied=False))
            return Opening(day if exact else None, None if exact else day, _moving(asked, case, day, book))
    return None


def is_open(question: Question, case: Case) -> bool:
    """Whether the offer is eligible; a case that cannot be asked is not open."""
    try:
        return question.standing(case).status is Status.ELIGIBLE
    except RefusedInput:
        return False


def days(question: Question, case: Case, asked: Examined, book: ChangeBook) -> list[date]:
    """The days after ``as_of`` on which a fact the offer asks about crosses a bound, or a rule comes into force."""
    found = {day for day in question.openings(case) if day > case.as_of}
    for leaf in asked.leaves:
        moving = book.in_time.get(leaf.fact)
        value = case.firm.get(leaf.fact)
        if moving is not None and value is not None:
            found.update(_crossings(leaf, moving, value, case))
    return sorted(day for day in found if day > case.as_of)[:MOST_DAYS]


def _crossings(leaf: Leaf, moving: InTime, value: Scalar, case: Case) -> Iterator[date]:
    if moving.passing is Passing.WINDOW:
        if value:
            yield add_months(case.as_of, moving.months)
        return
    if moving.passing is Passing.LISTING:
        return
    expected = leaf.finding.expected
    for each in expected if isinstance(expected, tuple) else () if expected is None else (expected,):
        for target in (number := int(measure(each).to_integral_value(ROUND_FLOOR)), number + 1):
            missing = target - int(str(value))
            if missing <= 0 or (moving.passing is Passing.STREAK and (target > moving.most or not value)):
                continue
            born = _born(case, moving)
            yield add_months(born, target) if born else add_months(case.as_of, missing)


def _born(case: Case, moving: InTime) -> date | None:
    """The day an age counts from, where it is known and agrees with the age."""
    day = case.firm.get(moving.since)
    if not isinstance(day, date) or whole_months(day, case.as_of) != case.firm.get(moving.fact):
        return None
    return day


def later(case: Case, day: date, book: ChangeBook, emptied: bool = True) -> Case:
    """The case on a later day, nothing but time having passed. ``emptied``: windows count as empty once they can be."""
    passed = whole_months(case.as_of, day)
    firm = dict(case.firm)
    for fact, moving in book.in_time.items():
        value = firm.get(fact)
        if value is None:
            continue
        born = _born(case, moving)
        if moving.passing is Passing.AGE:
            firm[fact] = whole_months(born, day) if born else int(str(value)) + passed
        elif moving.passing is Passing.STREAK and value:
            firm[fact] = max(int(str(value)), min(int(str(value)) + passed, moving.most))
        elif moving.passing is Passing.WINDOW and emptied and add_months(case.as_of, moving.months) <= day:
            firm[fact] = Decimal(0) if isinstance(value, Decimal) else 0
    need = case.need
    if need.contract_on is not None and need.contract_on < day:
        need = replace(need, contract_on=day)
    return Case(firm, need, day)


def _in_reach(asked: Examined, book: ChangeBook) -> bool:
    """Whether every requirement could be met by moving what time moves."""
    return ways_of(asked, lambda leaf, want: _moves(leaf, book)) is not None


def _moves(leaf: Leaf, book: ChangeBook) -> bool:
    moving = book.in_time.get(leaf.fact)
    # The day of the contract moves with the day asked about, and so does what a once-only rule compares with.
    return leaf.fact in ("loan_contract_on", LAST_ON) or (moving is not None and moving.passing is not Passing.LISTING)


def _moving(asked: Examined, case: Case, day: date, book: ChangeBook) -> tuple[str, ...]:
    """The facts asked about that time has moved by ``day``, and the day a once-only rule counts from, if it barred."""
    then = later(case, day, book)
    moved = (
        leaf.fact
        for leaf in asked.leaves
        if then.firm.get(leaf.fact) != case.firm.get(leaf.fact) or (leaf.fact == LAST_ON and leaf.held is False)
    )
    return tuple(dict.fromkeys(moved))
