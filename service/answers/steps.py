"""Steps of cases as answers: what every kind of case tells of a step alike."""

from __future__ import annotations

from typing import Any

from models.tables import ApplicationStep, ObjectionStep
from models.tables.step import CaseStep
from service.clock import day_of


def step_line(row: CaseStep, step: Any) -> dict[str, Any]:
    """One step that was taken; ``step`` is how the answer names it: by its id, or by id and names."""
    return {
        "number": row.number,
        "step": step,
        "from": row.from_stage,
        "to": row.to_stage,
        "at": row.at,
        "by": row.party,
        "text": row.text,
    }


def is_late(row: ApplicationStep | ObjectionStep) -> bool:
    """Whether a step was taken after the last day of the limit that ran then."""
    return row.due is not None and day_of(row.at) > row.due
