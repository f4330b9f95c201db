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
    truth: str = Field(description="met, unmet or unknown")
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


class BenefitShape(Shape):
    kind: str
    annual_rate: float | None
    amount_yuan: Yuan | None
    amount_per_year_yuan: Yuan | None
    fee_annual_rate: float | None
    fee_yuan: Yuan | None
    shares: dict[str, float]
    payments: list[DatedPayment]
    missing: list[str]
    steps: list[StepShape]


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
