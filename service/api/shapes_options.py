"""Shapes of an options answer."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import Field

from service.api.shapes import Shape
from service.api.shapes_firm import ContestedShape
from service.api.shapes_models import ScoredBy
from service.api.shapes_rules import BenefitShape, CostShape, FindingShape, NameShape, OnceShape
from service.api.shapes_ways import (
    ClaimsShape,
    FirstLoanShape,
    NearMissShape,
    PairShape,
    SchemeSetShape,
    SettlesShape,
    WarningShape,
)


class StackedScheme(NameShape):
    scheme: str


class DroppedScheme(Shape):
    scheme: str
    reason: str
    reason_zh: str
    ruling: str
    cite: str
    beside: list[str] = Field(description="Counted schemes that bar it")
    yuan_with: str | None = Field(description="The most a legal set with it would pay")


class OptionShape(Shape):
    id: str
    kind: str
    zh: str
    en: str
    lender: str | None
    status: str = Field(description="eligible, unknown, near_miss, ineligible, expired or not_yet")
    findings: list[FindingShape]
    cost: CostShape | None
    benefit: BenefitShape | None
    once: OnceShape | None = Field(description="For a scheme given once: whether it still can be")
    stack: list[StackedScheme]
    dropped: list[DroppedScheme]
    missing: list[str]
    settled_by: list[str]
    assumed: list[str] = Field(description="Parts of the need the firm left open and the usual case filled in")
    through: str | None = Field(description="For a scheme: the product on whose loan it was asked")
    opens_on: date | None
    successor: str | None
    next_best: SchemeSetShape | None = Field(description="The best other legal set of schemes on this loan")
    pairs: list[PairShape] = Field(description="What the texts say of every two schemes counted together")
    near_miss: NearMissShape | None = Field(description="The way to an offer that is shut")
    warnings: list[WarningShape]
    not_covered: list[str] = Field(default=[], description="Facts it asks that the reader's consent leaves out")


class PlatformFact(Shape):
    fact: str
    value: bool
    since: date
    source: str


class DimensionName(NameShape):
    id: str


class NotCovered(NameShape):
    """What a consent would have to name for the whole answer; there for a reader whose consent is narrower."""

    dimensions: list[DimensionName]
    persons: bool = Field(description="Whether it would have to include persons")
    facts: list[str] = Field(description="Facts that count as unknown here because the consent leaves them out")


class OptionsAnswer(Shape):
    uscc: str
    name: str | None
    as_of: date
    snapshot_id: str
    receipt_id: str = Field(description="Names question, snapshot, rules and answer, so that it can be given again")
    models: ScoredBy
    need: dict[str, Any]
    counts: dict[str, int] = Field(description="Options by status")
    options: list[OptionShape]
    settles: list[SettlesShape] = Field(description="Each unknown with the document that would settle it")
    first_loan: list[FirstLoanShape]
    claims: ClaimsShape
    contested: list[ContestedShape]
    not_covered: NotCovered | None = Field(default=None, description="What a wider consent would add; null: nothing")
    platform: list[PlatformFact] = Field(default=[], description="Loans drawn here that no feed has told of yet")
