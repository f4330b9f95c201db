"""What a snapshot says about one firm: summary, profile, evaluation with its reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.errors import NotFound
from scoring.evaluation.explain import explain
from scoring.evaluation.quarter import frozen_quarter
from service.access.disclosure import Viewer
from service.access.person_consents import consent_stands
from service.answers.firm import evaluation_answer, profile_answer, score_answer, summary_answer
from service.answers.other_evaluations import other_evaluations
from service.answers.pd import pd_answer, pd_lines
from service.answers.reviews import override_answer
from service.books.rulebook import evaluations
from service.cases.marks import Mark, standing_marks
from service.snapshot.shelf import Shelf
from service.snapshot.snapshots import OpenSnapshot
from service.watching.review_queue import override_of


def firm_summary(
    shelf: Shelf,
    snapshot: OpenSnapshot,
    uscc: str,
    viewer: Viewer,
    marks: Sequence[Mark] = (),
) -> dict[str, Any]:
    """The firm in one screen, with the frozen result of the last quarter end beside the daily one, and the other
    evaluations that ``viewer`` may see.

    ``contested`` says whether anything it rests on is contested; the profile and the score say what.
    """
    row = snapshot.row_of(uscc)
    return {
        **summary_answer(snapshot, row, shelf.models),
        "contested": bool(standing_marks(marks, snapshot.known_by)),
        "other_evaluations": other_evaluations(
            snapshot, row, viewer, person_consents=consent_stands(shelf.office, uscc)
        ),
        "override": override_answer(override_of(shelf.office, uscc, snapshot.as_of)),
        "frozen": _frozen(shelf, snapshot, uscc),
    }


def firm_profile(snapshot: OpenSnapshot, uscc: str, viewer: Viewer, marks: Sequence[Mark] = ()) -> dict[str, Any]:
    """The items of the profile that ``viewer`` may see, those under objection marked."""
    standing = standing_marks(marks, snapshot.known_by)
    return profile_answer(snapshot, snapshot.row_of(uscc), viewer, standing)


def firm_score(
    shelf: Shelf,
    snapshot: OpenSnapshot,
    uscc: str,
    viewer: Viewer,
    marks: Sequence[Mark] = (),
) -> dict[str, Any]:
    """The evaluation with every line of points, vetoes, notes, objections, the probability of default with its lines, a
    grade adjusted by hand, and the frozen quarter-end result.
    """
    row = snapshot.row_of(uscc)
    why = explain(evaluations(), snapshot.columns, row, snapshot.as_of)
    standing = standing_marks(marks, snapshot.known_by)
    return {
        **score_answer(snapshot, row, why, viewer, standing),
        "other_evaluations": other_evaluations(
            snapshot, row, viewer, person_consents=consent_stands(shelf.office, uscc), lines=True
        ),
        "pd": {**pd_answer(snapshot, row, shelf.models), **pd_lines(snapshot, row, shelf.models, viewer)},
        "override": override_answer(override_of(shelf.office, uscc, snapshot.as_of)),
        "frozen": _frozen(shelf, snapshot, uscc),
    }


def _frozen(shelf: Shelf, snapshot: OpenSnapshot, uscc: str) -> dict[str, Any] | None:
    """The firm's result as frozen at the last quarter end; ``None`` where no snapshot was built for it."""
    quarter = frozen_quarter(snapshot.as_of)
    kept = shelf.frozen(quarter)
    if kept is None:
        return None
    try:
        made = evaluation_answer(kept, kept.row_of(uscc))
    except NotFound:
        return None  # the firm came into the records after that quarter
    return {
        "quarter": quarter,
        "snapshot_id": kept.id,
        **{name: made[name] for name in ("score", "grade", "coverage", "percentile")},
    }
