"""Shapes of the office's figures about applications."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from service.api.shapes import Shape
from service.api.shapes_cases import IdShape


class AimsShape(Shape):
    contacted_share: str
    decision_days: int
    cite: str


class CountedReason(IdShape):
    count: int


class LenderFigures(Shape):
    lender: IdShape
    asked: int
    waiting: int
    answered: int
    contacted_share: float | None = Field(description="Answered, of those answered or let pass in silence")
    aim_met: bool | None
    decided: int
    approved: int
    drawn: int
    drawn_yuan: str
    median_days_to_decision: float | None
    longest_days_to_decision: int | None
    decided_in_time: int
    silent: int
    reasons: list[CountedReason]


class LenderFiguresAnswer(Shape):
    since: date | None
    needs: dict[str, int]
    aims: AimsShape
    items: list[LenderFigures]


class HiddenCriterionShape(IdShape):
    kind: str = Field(description="reason or level")
    factor: str | None
    n: int
    declined: int
    others: int
    others_declined: int
    p_value: float
    low: float = Field(description="Exact bound of the share (reason) or the odds ratio (level)")
    high: float | None = Field(description="null: unbounded")
    error: float
    flagged: bool


class ProductFigures(Shape):
    product: IdShape
    decisions: int
    approved: int
    met_stated_rules: int = Field(description="Decisions about firms that met every stated condition")
    declined_though_met: int
    tested: bool
    hidden_criteria: list[HiddenCriterionShape]


class ProductFiguresAnswer(Shape):
    least_decisions: int
    error: str
    items: list[ProductFigures]


class LedgerSum(Shape):
    loans: int
    yuan: str
    unknown: int = Field(description="Lines whose amount is not known, which the sum leaves out")


class LedgerLine(LedgerSum):
    kind: str = Field(description="guarantee (quota used) or subsidy (promised)")
    scheme: IdShape


class LedgersAnswer(Shape):
    drawn: LedgerSum
    items: list[LedgerLine]
