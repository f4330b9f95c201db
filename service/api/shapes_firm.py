"""Shapes of answers about firms and prospects."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from service.api.shapes import Shape
from service.api.shapes_models import OverrideShape, PdExplained, PdShape
from service.api.shapes_rules import NameShape


class RegistrationShape(Shape):
    entity_type: str | None
    registration_status: str | None
    established_on: date | None
    district: str | None
    industry_code: str | None
    industry_section: str | None


class EvaluationShape(Shape):
    label: NameShape
    state: str = Field(description="scored, status_unknown, not_live, nothing_known or no_model")
    model: str | None
    score: float | None = Field(description="0 to 1000")
    low: float | None = Field(description="Least the score could be, were every missing item known")
    high: float | None
    grade: str | None
    grade_low: str | None
    grade_high: str | None
    official_grade: str | None = Field(description="The imported official grade; it can cap ours")
    coverage: float | None = Field(description="Share of the points that rest on known items")
    percentile: float | None = Field(description="Standing among peers, 0 to 1")
    peer_group: str | None
    peers: int


class OtherEvaluation(NameShape):
    """An evaluation beside the financing evaluation; nothing of that rests on it."""

    id: str
    version: str
    purpose: str
    legal_basis: str
    origin: str
    proposed: bool = Field(description="Its weights are a proposal of ours, not a published table")
    personal: bool
    state: str = Field(description="evaluated, among_unknown, no_consent, not_live or nothing_known")
    score: float | None
    low: float | None = Field(description="Least the score could be, were every missing item known")
    high: float | None
    most: float = Field(description="The most points there are")
    grade: str | None
    coverage: float | None


class FrozenShape(Shape):
    quarter: date
    snapshot_id: str
    score: float | None
    grade: str | None
    coverage: float | None
    percentile: float | None


class FirmAnswer(Shape):
    uscc: str
    name: str | None
    as_of: date
    snapshot_id: str
    registration: RegistrationShape
    size_class: str | None
    evaluation: EvaluationShape
    pd: PdShape = Field(description="Probability of default; unknown, and said so, without an approved model")
    override: OverrideShape | None = Field(description="A grade adjusted by a reviewer, beside the evaluation")
    other_evaluations: list[OtherEvaluation] = Field(description="Those you may see")
    contested: bool = Field(description="The firm objects to something this rests on; profile and score say to what")
    frozen: FrozenShape | None = Field(description="The quotable result of the last quarter end")


class ContestedShape(NameShape):
    """One objection, as every reader is told of it from the moment it was received."""

    objection_id: str
    item: str
    record_id: str | None
    state: str = Field(description="Stage of the objection; `zh` and `en` name it")
    reason: str
    since: datetime
    statement: str | None = Field(description="The firm's own words, for who may see the item")


class ProfileItem(Shape):
    id: str
    code: str
    zh: str
    en: str
    dimension: str
    category: str
    type: str
    unit: str
    known: bool
    value: Any = Field(description="null: unknown, or masked. Amounts are text in yuan")
    masked: bool
    observed_on: date | None
    age_days: int | None
    past_refresh: bool
    agency: str
    feed: str
    share: str
    personal: bool
    contested: bool = Field(description="The firm objects to it; see `contested` of the whole answer")


class ProfileAnswer(Shape):
    uscc: str
    name: str | None
    as_of: date
    snapshot_id: str
    known: int
    unknown: int
    contested: list[ContestedShape]
    items: list[ProfileItem]


class ScoreLine(Shape):
    kind: str = Field(description="base, band, unknown, group, dimension, veto or official")
    id: str
    dimension: str | None
    zh: str
    en: str
    points: str = Field(description="Exact, three decimals")
    worst: float | None
    best: float | None
    counted_as: float | None = Field(description="What an unknown item counts for meanwhile")
    item: str | None
    value: Any
    known: bool
    masked: bool
    contested: bool
    cite: str


class VetoShape(NameShape):
    id: str
    item: str
    truth: str
    cite: str


class SlotShape(NameShape):
    id: str
    version: str
    state: str = Field(description="used, off, not_yet, expired or empty")
    note: NameShape


class CardShape(NameShape):
    id: str
    version: str
    legal_basis: str
    origin: str
    valid_from: date
    valid_until: date | None


class OtherEvaluationExplained(OtherEvaluation):
    lines: list[ScoreLine] = Field(description="They sum to the score exactly; empty where it is not evaluated")
    notes: list[NameShape]


class ScoreAnswer(EvaluationShape):
    uscc: str
    as_of: date
    snapshot_id: str
    card: CardShape | None
    dimensions: dict[str, float]
    lines: list[ScoreLine] = Field(description="They sum to the score exactly")
    contested: list[ContestedShape]
    vetoes: list[VetoShape]
    slots: list[SlotShape]
    notes: list[NameShape]
    other_evaluations: list[OtherEvaluationExplained] = Field(description="Those you may see")
    pd: PdExplained
    override: OverrideShape | None = Field(description="A grade adjusted by a reviewer, beside the evaluation")
    frozen: FrozenShape | None
