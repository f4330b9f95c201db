"""Findings, steps, benefits, schemes, products and options as answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from matching.benefits import Benefit, Part
from matching.cost import Cost
from matching.evaluate_scheme import SchemeResult
from matching.once import OnceAnswer
from matching.option import Option
from matching.parameters import ParameterValue
from matching.products import Product, Span
from matching.rulefile import Name
from matching.scheme_parts import Once
from matching.schemes import Scheme
from matching.steps import Step
from models.evidence import Finding
from models.kinds import Scalar
from service.labels import LANGUAGES, labels
from service.web.encode import yuan_text

_MONEY_UNITS = ("yuan", "CNY", "元")
#: A value of exactly one of these types stands in an answer as it is.
_AS_GIVEN = frozenset({str, bool, int, float, type(None)})


def rate(value: Decimal | None) -> float | None:
    """A rate or share as a number: a fraction, per year where it is a rate."""
    return None if value is None else float(value)


def named(name: Name) -> dict[str, str]:
    """A name or a text in both languages."""
    return {"zh": name.zh, "en": name.en}


def plain(value: Scalar | tuple[Scalar, ...] | None) -> Any:
    """A fact's value: an amount as text in yuan, a date as ISO text, several as a list."""
    if type(value) in _AS_GIVEN:
        return value
    if isinstance(value, tuple):
        return [each if type(each) in _AS_GIVEN else plain(each) for each in value]
    if isinstance(value, Decimal):
        return yuan_text(value)
    return value.isoformat() if isinstance(value, date) else value


def finding_answer(finding: Finding) -> dict[str, Any]:
    """One condition: what was asked, what was found, and the text behind it."""
    return {
        "fact": finding.fact,
        "op": finding.op,
        "expected": plain(finding.expected),
        "actual": plain(finding.actual),
        "unit": finding.unit,
        "truth": str(finding.truth),
        "source": finding.source,
        "cite": finding.cite,
        "settled_by": finding.settled_by or None,
        "masked": False,
    }


def step_answer(step: Step) -> dict[str, Any]:
    """One step of a calculation."""
    value = yuan_text(step.value) if step.unit in _MONEY_UNITS else rate(step.value)
    return {"zh": step.zh, "en": step.en, "value": value, "unit": step.unit, "cite": step.cite}


def benefit_answer(benefit: Benefit) -> dict[str, Any]:
    """What a scheme gives or costs; :class:`matching.benefits.Benefit` says what each part means. Null is unknown."""
    return {
        "kind": benefit.kind,
        **{language: labels(language)(f"benefit_kind.{benefit.kind}") for language in LANGUAGES},
        "annual_rate": rate(benefit.annual_rate),
        "amount_yuan": yuan_text(benefit.amount_yuan),
        "at_least_yuan": yuan_text(benefit.at_least_yuan),
        "at_most_yuan": yuan_text(benefit.at_most_yuan),
        "amount_per_year_yuan": yuan_text(benefit.amount_per_year_yuan),
        "fee_annual_rate": rate(benefit.fee_annual_rate),
        "fee_yuan": yuan_text(benefit.fee_yuan),
        "funding_yuan": yuan_text(benefit.funding_yuan),
        "contribution_low_yuan": yuan_text(benefit.contribution_low_yuan),
        "contribution_high_yuan": yuan_text(benefit.contribution_high_yuan),
        "given": named(benefit.given) if benefit.given else None,
        "parts": [_part_answer(part) for part in benefit.parts],
        "shares": {bearer: rate(share) for bearer, share in benefit.shares.items()},
        "payments": [{"on": flow.on, "yuan": yuan_text(flow.yuan)} for flow in benefit.flows],
        "missing": list(benefit.missing),
        "unconfirmed": list(benefit.unconfirmed),
        "steps": [step_answer(step) for step in benefit.steps],
    }


def _part_answer(part: Part) -> dict[str, Any]:
    """One tier, stage or year, and what it gives if it is reached."""
    return {
        "id": part.id or None,
        **named(part.name),
        "truth": part.truth.value,
        "amount_yuan": yuan_text(part.amount_yuan),
        "cite": part.cite,
    }


def once_rule(once: Once) -> dict[str, Any]:
    """How often support is given, in words and as data."""
    said = {"per": once.per, "window_months": once.window_months, "cite": once.cite}
    for language in LANGUAGES:
        t = labels(language)
        said[language] = t("once.window", months=once.window_months) if once.window_months else t(f"once.{once.per}")
    return said


def once_answer(answer: OnceAnswer | None) -> dict[str, Any] | None:
    """What a once-only rule says; null for a scheme without one."""
    if answer is None:
        return None
    return {
        **once_rule(answer.rule),
        "truth": answer.truth.value,
        "opens_on": answer.opens_on,
        "record": named(answer.record) if answer.record else None,
    }


def scheme_result_answer(result: SchemeResult, scheme: Scheme) -> dict[str, Any]:
    """The verdict of one scheme with every finding."""
    return {
        "scheme": result.scheme,
        **named(scheme.name),
        "as_of": result.as_of,
        "verdict": result.verdict.value,
        "confirmed": scheme.confirmed,
        "cite": scheme.cite,
        "findings": [finding_answer(finding) for finding in result.findings],
        "benefit": benefit_answer(result.benefit) if result.benefit else None,
        "opens_on": result.opens_on,
        "closed_on": result.closed_on,
        "successor": result.successor or None,
        "missing": list(result.missing),
        "settled_by": list(result.settled_by),
        "once": once_answer(result.once),
    }


def scheme_answer(scheme: Scheme) -> dict[str, Any]:
    """A scheme as it is listed."""
    return {
        "id": scheme.id,
        "city": scheme.city,
        **named(scheme.name),
        "offers": scheme.offers,
        "office": named(scheme.office),
        "cite": scheme.cite,
        "confirmed": scheme.confirmed,
        "terms_published": scheme.terms_published,
        "valid_from": scheme.validity.since,
        "valid_until": scheme.validity.until,
        "superseded_by": scheme.superseded_by or None,
        "readings": [
            {"id": reading.id, **named(reading.name), "value": reading.value, "note": reading.note}
            for reading in scheme.readings
        ],
        "documents": [named(document) for document in scheme.documents],
        "note": scheme.note,
    }


def product_answer(product: Product) -> dict[str, Any]:
    """A product as it is listed; ``terms`` is null while the lender has not published them."""
    terms = product.terms
    return {
        "id": product.id,
        **named(product.name),
        "offers": product.offers,
        "lender": {"id": product.lender.id, **named(product.lender.name), "kind": product.lender.kind},
        "origin": product.origin,
        "purposes": list(product.purposes),
        "security": product.security or None,
        "tags": list(product.tags),
        "valid_from": product.validity.since,
        "valid_until": product.validity.until,
        "terms": None
        if terms is None
        else {
            "amount_yuan": _span(terms.amount, yuan_text),
            "term_months": _span(terms.months, int),
            "rate": None
            if terms.rate is None
            else {
                "low": rate(terms.rate.low),
                "high": rate(terms.rate.high),
                "typical": rate(terms.rate.typical),
                "over": terms.rate.parameter or None,
            },
            "repayment": terms.repayment.value,
            "day_count": terms.day_count.value,
            "deposit_share": rate(terms.deposit),
            "guarantee": terms.guarantee.scheme if terms.guarantee else None,
            "fees": [
                {
                    **named(fee.name),
                    "payee": fee.payee,
                    "charged": fee.charged.value,
                    "rate": rate(fee.rate),
                    "yuan": yuan_text(fee.yuan),
                }
                for fee in terms.fees
            ],
        },
        "evidence": [named(document) for document in product.evidence],
        "note": product.note,
    }


def _span(span: Span, shown: Any) -> dict[str, Any]:
    return {"min": shown(span.low), "max": shown(span.high), "typical": shown(span.typical)}


def cost_answer(cost: Cost) -> dict[str, Any]:
    """What an offer costs over its term, step by step, with its repayment plan."""
    return {
        "principal_yuan": yuan_text(cost.principal_yuan),
        "interest_yuan": yuan_text(cost.interest_yuan),
        "guarantee_fee_yuan": yuan_text(cost.guarantee_fee_yuan),
        "other_fees_yuan": yuan_text(cost.other_fees_yuan),
        "subsidy_yuan": yuan_text(cost.subsidy_yuan),
        "total_yuan": yuan_text(cost.total_yuan),
        "contract_annual_rate": rate(cost.contract_annual_rate),
        "lowest_annual_rate": rate(cost.lowest_annual_rate),
        "highest_annual_rate": rate(cost.highest_annual_rate),
        "all_in_annual_rate": rate(cost.all_in_annual_rate),
        "all_in_nominal_rate": rate(cost.all_in_nominal_rate),
        "steps": [step_answer(step) for step in cost.steps],
        "schedule": [
            {
                "on": payment.due_on,
                "principal_yuan": yuan_text(payment.principal),
                "interest_yuan": yuan_text(payment.interest),
                "balance_yuan": yuan_text(payment.balance),
            }
            for payment in cost.schedule
        ],
    }


def option_answer(option: Option, name: Name, lender: str | None, schemes: Mapping[str, Scheme]) -> dict[str, Any]:
    """One option. ``lender`` is null for a scheme; ``schemes`` resolves the names of stacked and dropped ones."""
    return {
        "id": option.id,
        "kind": option.kind,
        **named(name),
        "lender": lender,
        "status": option.status.value,
        "findings": [finding_answer(finding) for finding in option.findings],
        "cost": cost_answer(option.cost) if option.cost else None,
        "benefit": benefit_answer(option.benefit) if option.benefit else None,
        "once": next((once_answer(each.once) for each in option.schemes if each.scheme == option.id), None),
        "stack": [{"scheme": each, **named(schemes[each].name)} for each in option.stack],
        "missing": list(option.missing),
        "settled_by": list(option.settled_by),
        "assumed": list(option.assumed),
        "through": option.through or None,
        "opens_on": option.opens_on,
        "successor": option.successor or None,
    }


def parameter_answer(value: ParameterValue, zh: str, en: str) -> dict[str, Any]:
    """A dated number. A fraction stays a number; yuan are text."""
    return {
        "id": value.id,
        "zh": zh,
        "en": en,
        "on": value.on,
        "value": yuan_text(value.value) if value.unit == "yuan" else rate(value.value),
        "unit": value.unit,
        "in_force_from": value.in_force_from,
        "confirmed": value.confirmed,
        "last_confirmed": value.last_confirmed,
        "source": value.source,
        "note": value.note,
    }
