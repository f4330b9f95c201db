"""Review cases as answers."""

from __future__ import annotations

from typing import Any

from models.tables import ReviewCase
from service.books.rulebook import review_rules


def case_answer(case: ReviewCase) -> dict[str, Any]:
    """One case as the office sees it."""
    return {
        "id": case.id,
        "quarter": case.quarter,
        "uscc": case.uscc,
        "snapshot_id": case.snapshot_id,
        "as_of": case.as_of,
        "score": case.score,
        "grade": case.grade,
        "rate": case.rate,
        "decision": case.decision or None,
        "decided_by": case.decided_by or None,
        "decided_at": case.decided_at,
        "reason": _reason(case.reason) if case.reason else None,
        "note": case.note,
        "override_grade": case.override_grade or None,
        "expires_on": case.expires_on,
    }


def override_answer(case: ReviewCase | None) -> dict[str, Any] | None:
    """An adjusted grade as everyone sees it who may see the evaluation: not who decided, and not the office's note."""
    if case is None:
        return None
    return {
        "grade": case.override_grade,
        "instead_of": case.grade,
        "reason": _reason(case.reason),
        "expires_on": case.expires_on,
        "decided_at": case.decided_at,
    }


def _reason(reason: str) -> dict[str, str]:
    known = review_rules().reasons.get(reason)
    return {"id": reason, "zh": known.zh if known else reason, "en": known.en if known else reason}
