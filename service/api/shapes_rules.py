"""Shapes of answers about rules and money. Amounts are text in yuan, rates fractions per year."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import Field

from service.api.shapes import Shape

Yuan = str


class NameShape(Shape):
    zh: str
    en: str


class FindingShape(Shape):
    fact: str
    op: str
    expected: Any
    actual: Any = Field(description="null: unknown")
    unit: str
    truth: str = Field(description="met, unmet, unknown, or not_covered: rests on what the reader's consent leaves out")
    source: str
    cite: str
    settled_by: str | None = Field(description="The document that would settle an unknown")
    masked: bool = Field(description="True: the value is there, but not for this viewer")


class StepShape(Shape):
    zh: str
    en: str
    value: Any = Field(description="Text in yuan, or a number")
    unit: str
    cite: str


class DatedPayment(Shape):
    on: date
    yuan: Yuan


class PartShape(NameShape):
    id: str | None
    truth: str = Field(description="Whether it is reached: met, unmet or unknown")
    amount_yuan: Yuan | None = Field(description="What it gives if it is reached, whatever `truth` says")
    cite: str


class BenefitShape(NameShape):
    kind: str = Field(description="The arithmetic; zh and en name it")
    annual_rate: float | None
    amount_yuan: Yuan | None = Field(description="What the firm receives and keeps; null: unknown, or not of this kind")
    at_least_yuan: Yuan | None = Field(description="Bounds of the amount while facts are missing")
    at_most_yuan: Yuan | None = Field(description="null: nothing bounds it, or not of this kind")
    amount_per_year_yuan: Yuan | None = Field(description="Of a year in which the whole principal is owed")
    fee_annual_rate: float | None = Field(description="The most the firm may be charged a year")
    fee_yuan: Yuan | None = Field(description="The most it may be charged: a guarantee's fee, the return of a fund")
    funding_yuan: Yuan | None = Field(description="The most money it is given the use of and gives back")
    contribution_low_yuan: Yuan | None = Field(description="What it pays into a pool, at least")
    contribution_high_yuan: Yuan | None = Field(description="What it pays into a pool, at most")
    given: NameShape | None = Field(description="What is given that is no money")
    parts: list[PartShape] = Field(description="Tiers, stages or years, each with its own truth and sum")
    shares: dict[str, float] = Field(description="Who bears what part of a loss")
    payments: list[DatedPayment]
    missing: list[str]
    unconfirmed: list[str] = Field(description="Numbers used that are not confirmed for their day")
    steps: list[StepShape]


class OnceShape(NameShape):
    per: str = Field(description="firm, loan, event, year or lifetime")
    window_months: int | None
    cite: str
    truth: str = Field(description="met: nothing stands in the way; unmet: used up; unknown: nobody says")
    opens_on: date | None = Field(description="The day a window or a year ends")
    record: NameShape | None = Field(description="The paper that would tell what was enjoyed")


class SchemeResultShape(Shape):
    scheme: str
    zh: str
    en: str
    as_of: date
    verdict: str = Field(description="met, unmet, unknown, expired or not_yet")
    confirmed: bool
    cite: str
    findings: list[FindingShape]
    benefit: BenefitShape | None
    opens_on: date | None
    closed_on: date | None
    successor: str | None
    missing: list[str]
    settled_by: list[str]
    once: OnceShape | None


class ReadingShape(Shape):
    id: str
    zh: str
    en: str
    value: Any
    note: str


class SchemeShape(Shape):
    id: str
    city: str
    zh: str
    en: str
    offers: str
    office: NameShape
    cite: str
    confirmed: bool = Field(description="Whether an official text was read")
    terms_published: bool
    valid_from: date | None
    valid_until: date | None
    superseded_by: str | None
    readings: list[ReadingShape] = Field(description="What the text leaves open, and how we read it")
    documents: list[NameShape]
    note: str


class ParameterShape(Shape):
    id: str
    zh: str
    en: str
    on: date
    value: Any = Field(description="A fraction or number; text for yuan")
    unit: str
    in_force_from: date
    confirmed: bool
    last_confirmed: date
    source: str
    note: str


class LenderShape(NameShape):
    id: str
    kind: str


class SpanShape(Shape):
    min: Any
    max: Any
    typical: Any


class RateShape(Shape):
    low: float
    high: float
    typical: float
    over: str | None = Field(description="The parameter these are added to; null: they are the rate itself")


class FeeShape(NameShape):
    payee: str
    charged: str
    rate: float
    yuan: Yuan


class TermsShape(Shape):
    amount_yuan: SpanShape
    term_months: SpanShape
    rate: RateShape | None
    repayment: str
    day_count: str
    deposit_share: float
    guarantee: str | None
    fees: list[FeeShape]


class ProductShape(Shape):
    id: str
    zh: str
    en: str
    offers: str
    lender: LenderShape
    origin: str
    purposes: list[str]
    security: str | None
    tags: list[str]
    valid_from: date | None
    valid_until: date | None
    terms: TermsShape | None = Field(description="null: the lender has not published them")
    evidence: list[NameShape]
    note: str


class PaymentShape(Shape):
    on: date
    principal_yuan: Yuan
    interest_yuan: Yuan
    balance_yuan: Yuan


class CostShape(Shape):
    principal_yuan: Yuan
    interest_yuan: Yuan
    guarantee_fee_yuan: Yuan
    other_fees_yuan: Yuan
    subsidy_yuan: Yuan
    total_yuan: Yuan
    contract_annual_rate: float | None
    lowest_annual_rate: float | None
    highest_annual_rate: float | None
    all_in_annual_rate: float | None = Field(description="Compound rate of the firm's own dated payments")
    all_in_nominal_rate: float | None
    steps: list[StepShape]
    schedule: list[PaymentShape]
