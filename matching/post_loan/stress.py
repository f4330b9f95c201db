"""A borrower that came under stress by guarantees: through its circle, or a chain it stands in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from matching.post_loan.found import Found
from matching.post_loan.watch_file import BorrowerAlertRule, Grade


@dataclass(frozen=True)
class CircleState:
    """A firm among guarantees on a day. ``members``: firms of its circle, 0 outside any; ``defaulted``: others of them
    in default; ``fails``: called for more than it is known to be able to pay.
    """

    members: int = 0
    defaulted: int = 0
    fails: bool = False


def found_stress(rule: BorrowerAlertRule, before: CircleState, now: CircleState, as_of: date) -> Found | None:
    """A stress graver than before. It names no member and counts none in default: in a circle of two that is a name."""
    grade, old = _grade_of(rule, now), _grade_of(rule, before)
    if grade is None or (old is not None and rule.grades.index(old) <= rule.grades.index(grade)):
        return None
    return Found(rule.id, f"{as_of}/{grade.severity}", grade.severity, as_of, said={"members": now.members})


def _grade_of(rule: BorrowerAlertRule, state: CircleState) -> Grade | None:
    return next((each for each in rule.grades if _fits(each, state)), None)


def _fits(grade: Grade, state: CircleState) -> bool:
    return state.fails if grade.failing else 0 < grade.defaulted <= state.defaulted
