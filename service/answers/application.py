"""Applications as answers: where one stands, whose turn it is and until when, what was offered, refused or drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from matching.applications.bank_value import RiskAdjusted, risk_adjusted
from matching.applications.rules import LENDER
from matching.near_miss import NearMiss
from models.money import from_fen
from models.tables import Application, ApplicationStep, Need
from service.answers.objection import clock_answer
from service.answers.steps import is_late, step_line
from service.answers.ways import near_miss_answer
from service.books.rulebook import application_rules, lenders, offers, working_days
from service.needs.finding import Seen
from service.web.encode import yuan_text


def named(thing_id: str, found: Any) -> dict[str, Any]:
    """An id with both names, or the id in their place where the thing is no longer declared."""
    name = getattr(found, "name", None)
    return {"id": thing_id, "zh": name.zh if name else thing_id, "en": name.en if name else thing_id}


def fen_text(fen: int | None) -> str | None:
    """Fen as an answer carries it: yuan."""
    return None if fen is None else yuan_text(from_fen(fen))


def wanted_answer(need: Need) -> dict[str, Any]:
    """What the firm stated."""
    return {
        "low_yuan": fen_text(need.low_fen),
        "high_yuan": fen_text(need.high_fen),
        "term": need.term,
        "term_unit": need.term_unit,
        "term_months": need.term_months,
        "use": need.use,
        "security": need.security,
        "valid_until": need.valid_until,
    }


def application_line(row: Application, need: Need, seen: Seen, today: date) -> dict[str, Any]:
    """One application as lists show it to one reader."""
    rules = application_rules()
    running, clock = rules.clock_of_stage(row.stage), rules.due(row.stage, row.clock_since, working_days())
    reason = rules.reasons.get(row.reason)
    return {
        "id": row.id,
        "need_id": row.need_id,
        "uscc": seen.uscc,
        "name": seen.name,
        "card": seen.card,
        "consent_id": seen.consent_id,
        "lender": named(row.lender, lenders().get(row.lender)),
        "product": named(row.product, offers().products.get(row.product)),
        "need": wanted_answer(need),
        "ask_yuan": fen_text(row.ask_fen),
        "round": row.round,
        "met_stated_rules": row.eligible,
        "state": named(row.stage, rules.procedure.stages[row.stage]),
        "version": row.version,
        "waits_for": _waits_for(row),
        "clock": {**clock_answer(clock, today), "id": running.id} if clock and running else None,
        "offered_at": row.offered_at,
        "reason": {**named(reason.id, reason), "repairable": reason.repairable} if reason else None,
        "terms": _terms(row),
        "drawn": _drawn(row),
        "silent": row.silent,
        "value": value_answer(_value(row, need, seen)) if seen.party == LENDER and seen.consent_id else None,
    }


def application_answer(
    row: Application, need: Need, steps: Sequence[ApplicationStep], seen: Seen, today: date
) -> dict[str, Any]:
    """One application with every step so far and what the reader may do now."""
    possible = application_rules().procedure.open_steps(row.stage, seen.party, late=False)
    taken_up = {"take_up"} if row.taken_up_at else set()
    return {
        **application_line(row, need, seen, today),
        "steps": [_step(each) for each in steps],
        "open_steps": [
            {**named(step.id, step), "needs": list(step.needs)} for step in possible if step.id not in taken_up
        ],
    }


def value_answer(value: RiskAdjusted) -> dict[str, Any]:
    """What the application is worth to the bank, number by number."""
    return {
        "annual_rate": value.annual_rate,
        "yuan_a_year": yuan_text(value.yuan),
        "rate": value.rate,
        "funding": value.funding,
        "margin": value.margin,
        "pd": value.pd,
        "loss_given_default": value.loss_given_default,
        "expected_loss": value.expected_loss,
        "confirmed": value.confirmed,
    }


def plan_answer(way: NearMiss | None, met: bool) -> dict[str, Any]:
    """Beside a refusal: what the product's own stated rules would still ask; nothing where they are met."""
    return {"stated_rules_met": met, "near_miss": near_miss_answer(way) if way else None}


def value_of(line: Mapping[str, Any]) -> Decimal | None:
    """The value a line of a lender tells, for sorting."""
    found = line["value"]["annual_rate"] if line["value"] else None
    return None if found is None else Decimal(str(found))


def _value(row: Application, need: Need, seen: Seen) -> RiskAdjusted:
    product = offers().products.get(row.product)
    security = product.security if product and product.security else "credit"
    amount = from_fen(row.approved_fen or row.ask_fen)
    return risk_adjusted(seen.rate, seen.pd, security, amount, application_rules().bank_value)


def _waits_for(row: Application) -> str | None:
    if row.stage == "approved" and row.taken_up_at is not None:
        return LENDER
    return application_rules().procedure.stages[row.stage].by or None


def _terms(row: Application) -> dict[str, Any] | None:
    if row.approved_fen is None:
        return None
    return {
        "amount_yuan": fen_text(row.approved_fen),
        "annual_rate": Decimal(row.rate),
        "term_months": row.term_months,
        "fees": [{"name": each["name"], "yuan": fen_text(each["fen"])} for each in row.fees],
        "taken_up_at": row.taken_up_at,
    }


def _drawn(row: Application) -> dict[str, Any] | None:
    if row.drawn_fen is None:
        return None
    return {"amount_yuan": fen_text(row.drawn_fen), "drawn_on": row.drawn_on, "reference": row.reference}


def _step(row: ApplicationStep) -> dict[str, Any]:
    step = named(row.step, application_rules().procedure.steps.get(row.step))
    return {**step_line(row, step), "late": is_late(row)}
