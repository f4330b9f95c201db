"""Shapes of answers about models, reviews and the probability of default."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from service.api.shapes import Shape
from service.api.shapes_rules import NameShape


class RegisteredModel(Shape):
    name: str
    id: str
    version: str


class EvaluationModel(Shape):
    id: str
    version: str


class ScoredBy(Shape):
    """Which models the scores of an answer come from."""

    evaluation: list[EvaluationModel]
    pd: RegisteredModel | None = Field(description="The model of the probability of default; null: there was none")


class PdCap(Shape):
    official_grade: str
    at_most: str = Field(description="The best grade that official grade leaves")
    without: str = Field(description="The grade the probability alone would have")
    cite: str


class PdShape(Shape):
    state: str = Field(description="scored, not_evaluated or no_model")
    model: RegisteredModel | None = Field(description="The registered model that gave it")
    pd: float | None = Field(description="Probability of default within twelve months, 0 to 1; null: unknown")
    low: float | None = Field(
        description="Low end of its range: what is unknown or old of the firm, and the model's own error; null: none"
    )
    high: float | None
    points: float | None = Field(description="The same as points; more is better")
    grade: str | None = Field(description="No better than an official grade allows; see capped_by")
    capped_by: PdCap | None
    coverage: float | None = Field(description="Share of the model's facts that is known, weighed by points")
    thin_file: bool | None = Field(description="Too little is known: the figure leans on what is unknown")
    note: NameShape


class PdItem(NameShape):
    id: str
    known: bool
    masked: bool
    value: Any


class PdRange(Shape):
    """Where a value of an item lies in the model."""

    item: str
    kind: str = Field(description="interval, values, special, unknown, or other (a value the training never met)")
    from_: float | None = Field(alias="from", description="First value of an interval; null: open")
    below: float | None
    values: list[str]


class PdLine(Shape):
    items: list[PdItem] = Field(description="One fact, or two that are read together")
    points: str = Field(description="Exact, three decimals")
    lost: str = Field(description="Points short of the best the line can give")
    reached: list[PdRange] = Field(description="Where the firm stands; empty for what the viewer may not see")
    better: list[PdRange] = Field(description="The nearest range that gives more; empty where none does")
    gain: str = Field(description="Points that range would give")


class PdExplained(PdShape):
    base: str | None
    lines: list[PdLine] = Field(description="They and base sum to the points exactly")
    lines_missing: str = Field(description="Why there are none although there is a probability; else empty")


class ModelShape(Shape):
    id: str
    name: str
    status: str = Field(description="registered, approved, active, rolled_back or retired")
    catalogue_version: str
    manifest_sha256: str
    registered_by: str
    registered_at: datetime


class GateShape(NameShape):
    id: str
    number: str = Field(description="Path of the number in the card")
    relation: str
    limit: float
    bound: float | None = Field(description="What the value was held against; null: nothing to compare with")
    value: float | None
    passed: bool


class ModelStep(Shape):
    kind: str
    by: str
    at: datetime
    why: str
    key_id: str


class ModelDetail(ModelShape):
    fault: str | None = Field(description="Why this model cannot be trusted; then card and gates are left out")
    gates: list[GateShape]
    history: list[ModelStep]
    card: Any


class ReasonShape(NameShape):
    id: str


class ReviewShape(Shape):
    id: str
    quarter: date
    uscc: str
    snapshot_id: str
    as_of: date
    score: float
    grade: str
    rate: float = Field(description="The share of the firms of this grade that is drawn")
    decision: str | None = Field(description="confirm or adjust; null: open")
    decided_by: str | None
    decided_at: datetime | None
    reason: ReasonShape | None
    note: str
    override_grade: str | None
    expires_on: date | None


class OverrideShape(Shape):
    grade: str = Field(description="Shown beside the evaluation; the score is not changed")
    instead_of: str
    reason: ReasonShape
    expires_on: date
    decided_at: datetime
