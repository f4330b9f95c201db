"""Tickets of repair as answers: what stands against the firm, whose matter it is, what is done, until when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from models.tables import Ticket, TicketStep
from service.answers.application import named
from service.answers.steps import step_line
from service.books.rulebook import application_rules, lenders, offers


def ticket_line(row: Ticket, today: date) -> dict[str, Any]:
    """One ticket as lists show it."""
    rules = application_rules()
    kind, stage = rules.tickets.get(row.type), rules.ticket_procedure.stages[row.stage]
    return {
        "id": row.id,
        "uscc": row.firm,
        "application_id": row.application_id,
        "need_id": row.need_id,
        "lender": named(row.lender, lenders().get(row.lender)),
        "product": named(row.product, offers().products.get(row.product)),
        "reason": named(row.reason, rules.reasons.get(row.reason)),
        "type": named(row.type, kind),
        "department": {"zh": kind.department.zh, "en": kind.department.en} if kind else None,
        "measure": {"zh": kind.measure.zh, "en": kind.measure.en} if kind else None,
        "state": named(row.stage, stage),
        "waits_for": stage.by or None,
        "due": row.due,
        "late": row.due is not None and not stage.closed and today > row.due,
        "version": row.version,
        "opened_at": row.opened_at,
        "closed_at": row.closed_at,
    }


def ticket_answer(row: Ticket, steps: Sequence[TicketStep], party: str, today: date) -> dict[str, Any]:
    """One ticket with every step so far and what ``party`` may do now."""
    procedure = application_rules().ticket_procedure
    possible = procedure.open_steps(row.stage, party, late=False)
    return {
        **ticket_line(row, today),
        "steps": [step_line(each, named(each.step, procedure.steps.get(each.step))) for each in steps],
        "open_steps": [{**named(step.id, step), "needs": list(step.needs)} for step in possible],
    }
