"""A person decides a review case: the evaluation stands, or an adjusted grade is shown beside it for a while."""

from __future__ import annotations

from datetime import date, datetime

from models.dates import add_months
from models.errors import NotFound, RefusedInput
from models.tables import ReviewCase
from service.access.auth import Action
from service.audit.journal import record
from service.audit.told import told
from service.books.rulebook import evaluations, review_rules
from service.clock import day_of
from service.office import Office
from service.registry.store import STAFF, check_person
from service.watching.review_queue import ADJUST, CONFIRM

#: Longest note, in characters.
LONGEST_NOTE = 2000


def decide_review(
    office: Office,
    case: str,
    *,
    by: str,
    decision: str,
    reason: str,
    note: str,
    grade: str | None,
    expires_on: date | None,
    now: datetime,
) -> ReviewCase:
    """Decide the case once. ``confirm`` takes no grade; ``adjust`` takes another grade than the case has and the last
    day it is shown. Neither touches a score. ``NotFound`` for a case that is none; ``RefusedInput`` names what is
    missing or does not fit, 409 for a case that was decided before.
    """
    rules = review_rules()
    if reason not in rules.reasons:
        raise RefusedInput("unknown_reason", "reason", reason, "No such reason.", f"One of {', '.join(rules.reasons)}.")
    if len(note) > LONGEST_NOTE:
        raise RefusedInput(
            "long_note", "note", len(note), f"A note has at most {LONGEST_NOTE} characters.", "Shorten it."
        )
    with office.write() as session:
        check_person(session, "by", by, STAFF)
        row = session.get(ReviewCase, case)
        if row is None:
            raise NotFound("case", case, "There is no such case.", "List them: `rongqiao review list`.", "unknown_case")
        if row.decision:
            raise RefusedInput(
                "decided_before", "case", case, f"It was decided by {row.decided_by}.", "A case is decided once.",
                status=409,
            )  # fmt: skip
        if decision == ADJUST:
            _check_adjusted(row, grade, expires_on, day_of(now), rules.longest_months)
        elif decision != CONFIRM or grade is not None or expires_on is not None:
            raise RefusedInput(
                "bad_decision", "decision", decision, "It is confirm, without a grade, or adjust, with one.", "Choose."
            )
        row.decision, row.decided_by, row.decided_at = decision, by, now
        row.reason, row.note, row.override_grade, row.expires_on = reason, note, grade or "", expires_on
        said = {"by": by, "decision": decision, "reason": reason, "grade": row.override_grade}
        record(session, told(Action.REVIEW, now, row.uscc, row.id, detail=said))
    return row


def _check_adjusted(row: ReviewCase, grade: str | None, expires_on: date | None, today: date, months: int) -> None:
    grades = {each for model in evaluations().scored for each in model.grades}
    if grade not in grades or grade == row.grade:
        fix = f"One of {', '.join(sorted(grades - {row.grade}))}."
        raise RefusedInput("bad_grade", "grade", grade, "An adjusted grade is another grade of the model.", fix)
    last = add_months(today, months)
    if expires_on is None or not today <= expires_on <= last:
        raise RefusedInput(
            "bad_expiry", "expires_on", None if expires_on is None else expires_on.isoformat(),
            f"An adjusted grade is shown until a day from today to {last}.", "Name its last day.",
        )  # fmt: skip
