"""Shapes of a what-if answer: every before and after. Amounts are text in yuan, points text with three decimals."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import Field

from service.api.shapes import Shape
from service.api.shapes_options import NotCovered, OptionShape
from service.api.shapes_rules import NameShape
from service.api.shapes_ways import ClaimsShape, FirstLoanShape, SettlesShape


class SupposedFact(NameShape):
    fact: str
    unit: str
    was: Any = Field(description="null: unknown, or hidden from the asker")
    becomes: Any
    masked: bool
    covered: bool = Field(description="False: it moves with what the reader's consent leaves out, and is not told")


class FollowedFact(SupposedFact):
    because: NameShape


class RecordedFact(NameShape):
    fact: str


class StandingShape(Shape):
    state: str
    model: str | None
    score: str | None
    low: str | None = Field(description="Were every unknown item at its worst")
    high: str | None
    grade: str | None
    grade_low: str | None
    grade_high: str | None
    official_grade: str | None
    coverage: float | None


class PointsShape(NameShape):
    id: str
    before: str | None
    after: str | None
    difference: str | None


class LinePoints(PointsShape):
    kind: str
    dimension: str | None
    item: str | None


class VetoEffect(NameShape):
    id: str
    item: str
    cite: str
    before: str | None = Field(description="met forces the lowest grade, unknown only lowers the low end")
    after: str | None


class ScoreEffect(Shape):
    before: StandingShape
    after: StandingShape
    difference: str | None
    dimensions: list[PointsShape] = Field(description="Those whose points differ")
    lines: list[LinePoints] = Field(description="Those whose points differ; they add up to the difference")
    vetoes: list[VetoEffect]


class MovedOption(NameShape):
    id: str
    kind: str
    was: str
    becomes: str


class CostEffect(Shape):
    principal_before_yuan: str | None
    principal_after_yuan: str | None
    cost_before_yuan: str | None = Field(description="null: out of reach, or no terms published")
    cost_after_yuan: str | None
    difference_yuan: str | None = Field(description="After less before; below zero the firm saves")
    all_in_before: float | None
    all_in_after: float | None


class BestEffect(CostEffect):
    before: str | None = Field(description="The best eligible option that has a price, today")
    after: str | None


class OptionCostEffect(CostEffect, NameShape):
    id: str


class YuanEffect(Shape):
    before_yuan: str | None
    after_yuan: str | None
    difference_yuan: str | None


class BenefitEffect(YuanEffect, NameShape):
    id: str


class OptionsEffect(Shape):
    opened: list[MovedOption] = Field(description="Eligible only after the change")
    closed: list[MovedOption] = Field(description="Eligible only before it")
    otherwise_moved: list[MovedOption]
    best: BestEffect
    costs: list[OptionCostEffect] = Field(description="Options whose principal, cost or rate differs")
    benefits: list[BenefitEffect] = Field(description="Schemes whose amount differs")
    claims: YuanEffect = Field(description="The best set of awards that may be claimed together")


class WhatIfAnswer(Shape):
    hypothetical: bool = Field(description="Always true: this is no answer about the firm as it is, and has no receipt")
    notice: NameShape
    uscc: str
    name: str | None
    as_of: date
    snapshot_id: str
    need: dict[str, Any]
    changed: list[SupposedFact] = Field(description="As stated")
    followed: list[FollowedFact] = Field(description="What moved with it, and why")
    as_recorded: list[RecordedFact] = Field(description="Items of the same records that were left as they are")
    score: ScoreEffect
    effect: OptionsEffect
    counts: dict[str, int]
    options: list[OptionShape] = Field(description="After the change, best first")
    settles: list[SettlesShape]
    first_loan: list[FirstLoanShape]
    claims: ClaimsShape
    not_covered: NotCovered | None = Field(default=None, description="What a wider consent would add; null: nothing")
    notes: list[NameShape]
