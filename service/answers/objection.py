"""Objections as answers: where a case stands, whose turn it is and until when, and every step so far."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from matching.procedure import Clock
from models.tables import Objection, ObjectionStep
from service.answers.steps import is_late, step_line
from service.books.rulebook import agencies, objection_rules, working_days
from service.books.seedbook import catalogue
from service.clock import day_of


def clock_answer(clock: Clock, today: date) -> dict[str, Any]:
    """The last day of a limit, whether it has passed, and what is uncertain about it."""
    return {
        "since": clock.since,
        "due": clock.due,
        "late": clock.late_on(today),
        "confirmed": clock.confirmed,
        "note": clock.note,
    }


def agency_answer(agency: str) -> dict[str, Any]:
    """An agency's id and names."""
    named = agencies().get(agency, {})
    return {"id": agency, "zh": str(named.get("zh", agency)), "en": str(named.get("en", agency))}


def objection_line(row: Objection, today: date) -> dict[str, Any]:
    """One objection as lists show it."""
    rules, item = objection_rules(), catalogue().items.get(row.item)
    stage = rules.procedure.stages[row.stage]
    filed_on = day_of(row.filed_at)
    return {
        "id": row.id,
        "uscc": row.firm,
        "item": {"id": row.item, "zh": item.zh if item else row.item, "en": item.en if item else row.item},
        "record_id": row.record_id or None,
        "agency": agency_answer(row.agency),
        "reason": row.reason,
        "filed_at": row.filed_at,
        "state": {"id": stage.id, "zh": stage.name.zh, "en": stage.name.en},
        "waits_for": stage.by or None,
        "stage": clock_answer(rules.stage_clock(row.stage, row.stage_since, filed_on, working_days()), today),
        "whole": None if stage.closed else clock_answer(rules.whole_clock(filed_on, working_days()), today),
        "contested": row.marked,
    }


def objection_answer(row: Objection, steps: Sequence[ObjectionStep], party: str, today: date) -> dict[str, Any]:
    """One objection with what the firm said, every step, and what ``party`` may do now."""
    rules = objection_rules()
    line = objection_line(row, today)
    possible = rules.procedure.open_steps(row.stage, party, line["stage"]["late"])
    return {
        **line,
        "evidence": row.evidence,
        "statement": row.statement or None,
        "corrected_at": row.corrected_at,
        "steps": [_step(each) for each in steps],
        "open_steps": [{"id": step.id, "zh": step.name.zh, "en": step.name.en} for step in possible],
    }


def _step(row: ObjectionStep) -> dict[str, Any]:
    brought = {"letter": row.detail.get("letter"), "batch_id": row.detail.get("batch_id")}
    return {**step_line(row, row.step), "late": is_late(row), **brought}
