"""The `benefit` part of a scheme's file: parsed by its `kind`, and worked out from the facts of one loan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from matching.benefits import Benefit, FeeTier, GuaranteeTerms, Payout, RateToShare
from matching.loans import LONGEST_MONTHS, DayCount, Loan, Repayment
from matching.parameters import ParameterBook
from matching.rulefile import RuleFile
from models.errors import RefusedInput
from models.kinds import Kind, Scalar

BenefitTerms = RateToShare | GuaranteeTerms

#: Facts of the loan that may say which day counts.
LOAN_DAYS = ("loan_contract_on",)

_RATE_TO_SHARE = ("kind", "cite", "parameter", "share", "cap", "day", "months_at_most", "day_count", "payout")
_GUARANTEE = ("kind", "cite", "fee_tiers", "fee_paid_by", "shares", "bank_share_at_least")


def parse_benefit(scheme: RuleFile, parameters: ParameterBook | None = None) -> BenefitTerms:
    """The terms under ``benefit``; ``DataFileError`` for a fault, an unknown kind or an unknown parameter."""
    raw = scheme.part("benefit", (*_RATE_TO_SHARE, *_GUARANTEE), ("kind", "cite"))
    kind = raw.one_of("kind", _PARSERS)
    return _PARSERS[kind](scheme, parameters)


def _rate_to_share(scheme: RuleFile, parameters: ParameterBook | None) -> RateToShare:
    part = scheme.part("benefit", _RATE_TO_SHARE, _RATE_TO_SHARE)
    if parameters is not None:
        try:
            parameters.fits(part.text("parameter"), Kind.RATIO)
        except RefusedInput as problem:
            raise part.raw.wrong("parameter", problem.rule, problem.fix) from None
    return RateToShare(
        parameter=part.text("parameter"),
        share=part.decimal("share"),
        cap=part.decimal("cap"),
        cite=part.text("cite"),
        day=part.one_of("day", ("as_of", *LOAN_DAYS)),
        months_at_most=part.whole("months_at_most", 1, LONGEST_MONTHS),
        day_count=part.choice("day_count", DayCount),
        payout=part.choice("payout", Payout),
    )


def _guarantee(scheme: RuleFile, parameters: ParameterBook | None) -> GuaranteeTerms:
    part = scheme.part("benefit", _GUARANTEE, ("kind", "cite", "fee_tiers", "shares"))
    tiers = []
    for tier in part.parts("fee_tiers", ("annual_rate", "below_yuan"), ("annual_rate",)):
        tiers.append(FeeTier(tier.decimal("annual_rate"), tier.yuan("below_yuan") if tier.has("below_yuan") else None))
    if not tiers or tiers[-1].below_yuan is not None:
        raise part.raw.wrong("fee_tiers", "The last tier is for every amount.", "End with one without below_yuan.")
    listed = part.part("shares", part.raw["shares"])
    shares = {str(bearer): listed.decimal(str(bearer)) for bearer in listed.raw}
    if sum(shares.values()) != 1:
        raise part.raw.wrong("shares", "Shares of a loss sum to 1.", "Correct one of them.")
    if part.has("bank_share_at_least") and shares.get("bank", Decimal(0)) < part.decimal("bank_share_at_least"):
        raise part.raw.wrong("shares", "The bank bears less than its least share.", "Raise `bank`.")
    payer = part.one_of("fee_paid_by", ("firm", "guarantor")) if part.has("fee_paid_by") else "firm"
    return GuaranteeTerms(tuple(tiers), shares, part.text("cite"), payer)


_PARSERS: Mapping[str, Callable[[RuleFile, ParameterBook | None], BenefitTerms]] = {
    RateToShare.kind: _rate_to_share,
    GuaranteeTerms.kind: _guarantee,
}


def benefit_of(
    terms: BenefitTerms,
    values: Mapping[str, Scalar | None],
    parameters: ParameterBook,
    as_of: date,
    loan: Loan | None = None,
) -> Benefit:
    """The benefit on the loan that ``values`` describe (or on ``loan``, whose schedule is then known).

    Where a fact is unknown the amounts that hang on it are ``None`` and ``missing`` names it. ``RefusedInput`` for a
    rate, an amount or a term no loan can have.
    """
    if isinstance(terms, GuaranteeTerms):
        return _guarantee_benefit(terms, values)
    rate, day = _exact(values.get("loan_annual_rate")), as_of if terms.day == "as_of" else values.get(terms.day)
    needed = {"loan_annual_rate": rate, terms.day: day}
    if rate is None or not isinstance(day, date):
        return Benefit(terms.kind, missing=tuple(fact for fact, value in needed.items() if value is None))
    if not 0 <= rate <= 1:
        rule = "A rate is a fraction from 0 to 1."
        raise RefusedInput("bad_rate", "loan_annual_rate", rate, rule, "Write 4.35 % as 0.0435.")
    base = parameters.on(terms.parameter, day)
    cite = f"{base.id} from {base.in_force_from} ({base.source}) {base.note}".strip()
    if loan is None:
        amount, months = _exact(values.get("loan_amount_yuan")), values.get("loan_term_months")
        contract_on = values.get("loan_contract_on")
        if amount is None or not isinstance(months, int):
            unknown = ("loan_amount_yuan",) * (amount is None) + ("loan_term_months",) * (months is None)
            priced = terms.on_rate(rate, base.value, cite)
            a_year = None if amount is None else terms.in_a_year(amount, priced.annual_rate or Decimal(0))
            return replace(priced, missing=unknown, amount_per_year_yuan=a_year)
        drawn_on = contract_on if isinstance(contract_on, date) else as_of
        loan = Loan(amount, rate, months, drawn_on, Repayment.INTEREST_MONTHLY)
    return terms.on_loan(loan, base.value, cite)


def _guarantee_benefit(terms: GuaranteeTerms, values: Mapping[str, Scalar | None]) -> Benefit:
    amount, months = _exact(values.get("loan_amount_yuan")), values.get("loan_term_months")
    if amount is None:
        return Benefit(terms.kind, shares=terms.shares, missing=("loan_amount_yuan",))
    return terms.on_amount(amount, months if isinstance(months, int) else None)


def _exact(value: Scalar | None) -> Decimal | None:
    """A number as people wrote it: 0.0345 held as a float is 3.45 %, not a hair beside it."""
    return None if value is None else Decimal(str(value))
