"""Shapes of cost lists: the form, its confirmations, promised against charged."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from service.api.shapes import Shape
from service.api.shapes_rules import NameShape


class PartyShape(NameShape):
    id: str | None


class CostListSummary(Shape):
    id: str
    reference: str = Field(description="The lender's own number of the loan")
    version: int
    state: str = Field(description="draft, bank_confirmed, firm_confirmed or agreed")
    content_sha256: str = Field(description="SHA-256 of `content`: what a confirmation confirms")
    uscc: str
    firm_name: str
    lender: PartyShape
    product: PartyShape
    principal_yuan: str
    drawn_on: date
    all_in_annual_rate: float | None = Field(description="Compound rate of the dated flows; null: nothing is lent")
    drafted_at: datetime


class DueShape(Shape):
    on: date
    yuan: str


class CostItemShape(Shape):
    id: str
    kind: str = Field(description="interest, guarantee_fee, fee or deposit")
    zh: str
    en: str
    charged_by: str
    charger: str | None
    when: str = Field(description="instalments, drawdown, yearly (in advance), maturity, on_day or held")
    rate: float | None
    yuan: str = Field(description="Over the term")
    annual_rate: float = Field(description="yuan over the money used in time; the items add up")
    held_yuan: str
    due: list[DueShape]
    cite: str


class PreferenceShape(Shape):
    id: str
    scheme: str | None
    zh: str
    en: str
    yuan: str
    annual_rate: float
    fee_ceiling_annual_rate: float | None
    due: list[DueShape]
    cite: str
    confirmed: bool


class ReductionShape(Shape):
    scheme: str | None
    zh: str
    en: str
    yuan: str | None
    annual_rate: float | None
    reason: NameShape
    settled_by: list[str]
    confirmed: bool


class RateStepShape(Shape):
    on: date
    yuan: str = Field(description="As the firm sees it: received above zero, paid below")
    days: int
    present_yuan: str = Field(description="Worth on the first day at the all-in rate")


class ConfirmationShape(Shape):
    side: str = Field(description="bank or firm")
    name: str
    at: datetime
    content_sha256: str
    entered_by: str = Field(description="The client that said so; terminal: the office, from paper")


class EarlierShape(Shape):
    version: int
    content_sha256: str
    drafted_at: datetime
    void_confirmations: list[ConfirmationShape]


class ChargeShape(Shape):
    line: str
    on: date
    yuan: str = Field(description="Below zero: it went back")
    reference: str | None
    told_by: str
    recorded_at: datetime
    entered_by: str


class DifferenceShape(Shape):
    line: str
    zh: str
    en: str
    charged_by: str | None = Field(description="null for a preference")
    charger: str | None
    received: bool = Field(description="True: a preference, paid to the firm")
    promised_yuan: str | None = Field(description="Due by `until`; null: undisclosed")
    charged_yuan: str | None = Field(description="null: nobody has said what moved")
    surplus_yuan: str | None = Field(description="Above zero is to the firm's harm")
    outcome: str = Field(description="as_promised, more, less, unrecorded or undisclosed")


class ComparisonShape(Shape):
    until: date
    lines: list[DifferenceShape]
    surplus_yuan: str = Field(description="Sum over what is recorded and what is undisclosed")
    undisclosed: list[str]
    unrecorded: list[str]
    promised_annual_rate: float | None
    charged_annual_rate: float | None = Field(
        description="All-in rate of what was charged until then and is promised after; unrecorded counts as promised"
    )
    annual_rate_difference: float | None


class CostListAnswer(CostListSummary):
    receipt_id: str | None = Field(description="The options answer it was drawn up from")
    months: int
    ends_on: date
    contract_annual_rate: float | None
    repayment: str | None
    day_count: str | None
    items: list[CostItemShape]
    preferences: list[PreferenceShape]
    reductions_open: list[ReductionShape]
    total_yuan: str
    total_annual_rate: float
    all_in_steps: list[RateStepShape]
    confirmations: list[ConfirmationShape]
    earlier: list[EarlierShape]
    charges: list[ChargeShape]
    comparison: ComparisonShape | None = Field(description="null until both sides have confirmed")
    content: str = Field(description="Canonical JSON of everything that is confirmed")


class RecordedAnswer(Shape):
    recorded: int
    known: int = Field(description="Told before, and not stored again")
    cost_list: CostListAnswer
