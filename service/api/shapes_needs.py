"""Shapes of needs: what comes in, and what is answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from service.api.inputs import Body
from service.api.shapes import Shape
from service.api.shapes_applications import ApplicationLine, WantedShape
from service.api.shapes_cases import IdShape
from service.api.shapes_rules import NameShape

_EXAMPLE: JsonDict = {
    "amount": {"low_yuan": "1000000", "high_yuan": "3000000"},
    "term": {"number": 12, "unit": "month"},
    "use": "working_capital",
    "security": "none_stated",
    "valid_until": "2024-12-31",
}


class AmountBody(Body):
    low_yuan: str = Field(max_length=20, description="The least that helps")
    high_yuan: str = Field(max_length=20, description="The most that is wanted")


class TermBody(Body):
    number: int = Field(ge=1, le=100_000)
    unit: str = Field(max_length=8, description="year, month or day")


class ConsentGiven(Body):
    lender: str = Field(max_length=64)
    dimensions: list[str] = Field(max_length=10)
    personal: bool = False
    valid_from: str = Field(max_length=10)
    valid_until: str = Field(max_length=10)
    text_sha256: str = Field(max_length=64, description="Of POST /v1/firms/{uscc}/consents/text, purpose pre_loan")


class WantedBody(Body):
    """The five things a firm is asked."""

    amount: AmountBody
    term: TermBody
    use: str = Field(max_length=40)
    security: str = Field(max_length=40)
    valid_until: str = Field(max_length=10, description="Last day the need stands")


class NeedBody(WantedBody):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, json_schema_extra={"examples": [_EXAMPLE]})

    consents: list[ConsentGiven] = Field(default=[], max_length=50, description="Given along, for lenders to be asked")
    weights: dict[str, float | int] = Field(default={}, max_length=4, description="cost, chance, speed, fit: 0 to 1000")


class KnownShape(NameShape):
    fact: str
    unit: str
    known: bool
    value: Any
    observed: date | None
    stale: bool
    source: IdShape | None


class PrefillAnswer(Shape):
    uscc: str
    as_of: date
    snapshot_id: str
    known: list[KnownShape] = Field(description="What the profile knows of the form, with day and source")
    asked: list[str] = Field(description="What is asked: five things at most")
    uses: list[str]
    securities: list[str]
    term_units: list[str]
    latest_valid_until: date


class CriterionShape(Shape):
    id: str
    value: float | None = Field(description="What was found; null: unknown, and then it counts for nothing")
    points: float | None = Field(description="0 to 100")
    counts: float = Field(description="Its share of the weights of what is known")


class ChanceShape(Shape):
    share: float = Field(description="Approvals of decisions about like firms, shrunk for small numbers")
    low: float
    high: float
    prior: float
    decisions: int
    approved: int
    of_product: int


class SpeedShape(Shape):
    days: float
    decisions: int


class RankedPart(Shape):
    product: IdShape
    lender: IdShape
    status: str
    ask_yuan: str
    all_in_annual_rate: str | None
    contract_annual_rate: str | None
    total_cost_yuan: str | None
    missing: list[str]
    points: str | None
    criteria: list[CriterionShape]
    chance: ChanceShape | None
    speed: SpeedShape | None


class RankingAnswer(Shape):
    uscc: str
    as_of: date
    snapshot_id: str
    weights: dict[str, str]
    items: list[RankedPart]


class MatchShape(RankedPart):
    place: int
    asked: int = Field(description="How many times the lender was asked")
    again: bool


class NeedLine(WantedShape):
    id: str
    uscc: str
    state: str = Field(description="open, met, withdrawn or expired")
    stated_at: datetime
    ended_at: datetime | None
    as_of: date
    snapshot_id: str


class NeedAnswer(NeedLine):
    at_most_lenders: int
    drawn_yuan: str
    matches: list[MatchShape]
    applications: list[ApplicationLine]
