"""Shapes of applications, tickets and certificates: what comes in, and what is answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from service.api.inputs import Body
from service.api.shapes import Shape
from service.api.shapes_cases import ClockShape, IdShape
from service.api.shapes_rules import NameShape
from service.api.shapes_ways import NearMissShape

_TEXT = 4_000


class FeeBody(Body):
    name: str = Field(min_length=1, max_length=80)
    yuan: str = Field(max_length=20)


class TermsBody(Body):
    amount_yuan: str = Field(max_length=20)
    annual_rate: str = Field(max_length=12, description='A fraction: "0.0435" is 4.35 %')
    term_months: int
    fees: list[FeeBody] = Field(default=[], max_length=20, description="Everything charged beside interest")


class DrawnBody(Body):
    amount_yuan: str = Field(max_length=20)
    drawn_on: str = Field(max_length=10)
    reference: str = Field(default="", max_length=80, description="The lender's own number of the loan")


class ApplicationStepBody(Body):
    step: str = Field(max_length=20, description="One of `open_steps`", examples=["accept"])
    version: int = Field(description="Of the application as it was read: of two who decide on it, one is told")
    text: str = Field(default="", max_length=_TEXT)
    reason: str = Field(default="", max_length=40, description="With `decline`: a named reason")
    terms: TermsBody | None = Field(default=None, description="With `approve`")
    loan: DrawnBody | None = Field(default=None, description="With `draw`")


class TicketStepBody(Body):
    step: str = Field(max_length=20, examples=["report"])
    version: int
    text: str = Field(max_length=_TEXT)


class WantedShape(Shape):
    low_yuan: str
    high_yuan: str
    term: int
    term_unit: str
    term_months: int
    use: str
    security: str
    valid_until: date


class ReasonShape(IdShape):
    repairable: bool


class FeeShape(Shape):
    name: str
    yuan: str


class TermsShape(Shape):
    amount_yuan: str
    annual_rate: str
    term_months: int
    fees: list[FeeShape]
    taken_up_at: datetime | None


class DrawnShape(Shape):
    amount_yuan: str
    drawn_on: date
    reference: str


class ValueShape(Shape):
    annual_rate: str | None = Field(description="Margin less expected loss; null where the risk is unknown")
    yuan_a_year: str | None
    rate: str | None
    funding: str
    margin: str | None
    pd: str | None
    loss_given_default: str
    expected_loss: str | None
    confirmed: bool


class RunningClockShape(ClockShape):
    id: str


class ApplicationLine(Shape):
    id: str
    need_id: str
    uscc: str | None = Field(description="null for a lender without the firm's consent")
    name: str | None
    card: dict[str, Any] | None = Field(description="The firm without identity, for a lender without consent")
    consent_id: str | None
    lender: IdShape
    product: IdShape
    need: WantedShape
    ask_yuan: str
    round: int
    met_stated_rules: bool
    state: IdShape
    version: int
    waits_for: str | None
    clock: RunningClockShape | None
    offered_at: datetime
    reason: ReasonShape | None
    terms: TermsShape | None
    drawn: DrawnShape | None
    silent: bool = Field(description="It expired because the lender let its limit pass")
    value: ValueShape | None = Field(description="For the lender, under the firm's consent")


class OpenStepShape(IdShape):
    needs: list[str]


class ApplicationStepShape(Shape):
    number: int
    step: IdShape
    from_: str = Field(alias="from")
    to: str
    at: datetime
    by: str
    text: str
    late: bool


class PlanShape(Shape):
    stated_rules_met: bool
    near_miss: NearMissShape | None


class ApplicationAnswer(ApplicationLine):
    steps: list[ApplicationStepShape]
    open_steps: list[OpenStepShape]
    plan: PlanShape | None = Field(default=None, description="Beside a refusal, for the firm and staff")


class TicketLine(Shape):
    id: str
    uscc: str
    application_id: str
    need_id: str
    lender: IdShape
    product: IdShape
    reason: IdShape
    type: IdShape
    department: NameShape | None
    measure: NameShape | None
    state: IdShape
    waits_for: str | None
    due: date | None
    late: bool
    version: int
    opened_at: datetime
    closed_at: datetime | None


class TicketStepShape(Shape):
    number: int
    step: IdShape
    from_: str = Field(alias="from")
    to: str
    at: datetime
    by: str
    text: str


class TicketAnswer(TicketLine):
    steps: list[TicketStepShape]
    open_steps: list[OpenStepShape]


class CertificateAnswer(Shape):
    certificate: dict[str, Any] = Field(description="What is certified, for people to read")
    jws: str = Field(description="The same, signed with the office's Ed25519 key (RFC 7515, compact)")
    key_id: str
