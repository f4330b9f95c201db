"""Needs and terms of loans as a body carries them, into typed values."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from matching.applications.wanted import Wanted
from models.errors import RefusedInput
from models.money import parse_yuan
from service.access.policy import Purpose
from service.api.shapes_applications import ApplicationStepBody
from service.api.shapes_needs import ConsentGiven, WantedBody
from service.asking import asked_day
from service.usecases.consent import Wanted as WantedConsent
from service.usecases.step_application import Drawn, Fee, StepAsked, Terms


def wanted_of_body(body: WantedBody) -> Wanted:
    """What the firm states; ``RefusedInput`` for an amount or a day that is none."""
    return Wanted(
        parse_yuan(body.amount.low_yuan, "amount.low_yuan"),
        parse_yuan(body.amount.high_yuan, "amount.high_yuan"),
        body.term.number,
        body.term.unit,
        body.use,
        body.security,
        asked_day(body.valid_until, "valid_until"),
    )


def consent_of_body(body: ConsentGiven) -> WantedConsent:
    """A consent given along, for what comes before a loan."""
    return WantedConsent(
        body.lender,
        Purpose.PRE_LOAN,
        tuple(body.dimensions),
        body.personal,
        asked_day(body.valid_from, "consents.valid_from"),
        asked_day(body.valid_until, "consents.valid_until"),
        body.text_sha256,
    )


def step_of_body(body: ApplicationStepBody) -> StepAsked:
    """A step with what goes with it."""
    terms = body.terms and Terms(
        parse_yuan(body.terms.amount_yuan, "terms.amount_yuan"),
        _rate(body.terms.annual_rate),
        body.terms.term_months,
        tuple(Fee(each.name, parse_yuan(each.yuan, "terms.fees.yuan")) for each in body.terms.fees),
    )
    loan = body.loan and Drawn(
        parse_yuan(body.loan.amount_yuan, "loan.amount_yuan"),
        asked_day(body.loan.drawn_on, "loan.drawn_on"),
        body.loan.reference.strip(),
    )
    return StepAsked(body.step, body.version, body.text, body.reason, terms, loan)


def _rate(text: str) -> Decimal:
    try:
        rate = Decimal(text)
    except InvalidOperation:
        rate = Decimal("NaN")
    if not (rate.is_finite() and 0 <= rate <= 1):
        rule = "A rate is a fraction from 0 to 1."
        raise RefusedInput("bad_rate", "terms.annual_rate", text, rule, "Write 4.35 % as 0.0435.")
    return rate
