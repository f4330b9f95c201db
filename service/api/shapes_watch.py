"""Shapes of what is watched of a model."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from service.api.shapes import Shape
from service.api.shapes_rules import NameShape

_LIGHT = "green, amber, red; null: unknown or not judged"


class WatchedModel(Shape):
    id: str
    name: str
    version: str
    active: bool
    served: bool = Field(description="It scored the snapshot when that was built; else it was asked now")


class SubjectShape(NameShape):
    id: str


class AlertShape(NameShape):
    metric: str
    severity: str = Field(description="amber or red")
    value: float
    threshold: float = Field(description="For calibration: the predicted rate, which lies outside the interval")
    worse: str = Field(description="above, below, or outside of an interval")
    subject: SubjectShape | None = Field(description="Item, attribute or grade; null: the whole model")
    against: str | None = Field(description="training, a snapshot's id, or the day of a cohort")
    do: NameShape
    basis: str


class ScoreBand(Shape):
    from_: float | None = Field(alias="from", description="Points; null: open")
    below: float | None
    expected: float
    actual: float


class ScoreDriftShape(Shape):
    psi: float
    chance: float = Field(description="What pure chance stays below")
    light: str | None = Field(description=_LIGHT)
    mean: float
    reference_mean: float
    bands: list[ScoreBand]


class SlotShape(Shape):
    expected: float
    actual: float
    points: float


class ItemDriftShape(SubjectShape):
    csi: float
    chance: float
    light: str | None = Field(description=_LIGHT)
    points_effect: float = Field(description="Points by which the drift moves the mean score; they sum to its move")
    slots: list[SlotShape] = Field(description="The first is unknown")


class DriftShape(Shape):
    against: str
    population: str = Field(description="like_training: firms the definition of default asks about; scored: all")
    firms: int
    score: ScoreDriftShape | None
    items: list[ItemDriftShape]


class BandShape(Shape):
    grade: str | None = Field(description="null: all firms")
    firms: int
    defaults: int
    mean_pd: float | None
    observed: float | None
    low: float | None
    high: float | None
    light: str | None = Field(description=_LIGHT)
    direction: str | None = Field(description="understated: more defaults than predicted; overstated: fewer")


class CohortShape(Shape):
    as_of: date
    snapshot_id: str
    scored: str = Field(description="served: as predicted that day; again: by this model now")
    in_fit: bool
    hindsight_days: int
    judged: bool
    months: int
    window_months: int
    complete: bool
    firms: int
    defaults: int
    left_out: int
    auc: float | None
    challenger_auc: float | None
    calibration_slope: float | None
    bands: list[BandShape]


class DefinitionShape(SubjectShape):
    version: str


class OutcomesShape(Shape):
    definition: DefinitionShape
    interval_level: float
    cohorts: list[CohortShape]


class MigrationFrom(Shape):
    as_of: date
    snapshot_id: str


class MigrationShape(SubjectShape):
    grades: list[str | None] = Field(description="Rows (before) and columns (now); null: no grade")
    counts: list[list[int]]
    shares: list[list[float] | None]
    new: list[int]
    gone: list[int]
    graded_twice: int
    upgrades: int
    downgrades: int
    downgrade_share: float | None
    light: str | None = Field(description=_LIGHT)


class MigrationsShape(Shape):
    from_: MigrationFrom = Field(alias="from")
    by: list[MigrationShape]


class RatioShape(Shape):
    measure: str = Field(description="approved or matched")
    ratio: float | None = Field(description="Lowest over highest rate among assessed groups")
    light: str | None = Field(description=_LIGHT)


class ParityGroup(NameShape):
    group: str | None
    firms: int
    assessed: bool
    approved: float
    matched: float
    mean_points: float
    mean_pd: float


class ParityShape(SubjectShape):
    approved_grade: str
    least_firms: int
    ratios: list[RatioShape]
    groups: list[ParityGroup]


class PairShape(Shape):
    champion: float
    challenger: float


class QuantileShape(PairShape):
    at: float


class ChallengerShape(Shape):
    firms: int
    rank_correlation: float | None
    grade_differs: float
    rank_light: str | None
    grades_light: str | None
    mean_pd: PairShape
    quantiles: list[QuantileShape]
    grades: list[str]
    counts: list[list[int]] = Field(description="Rows champion, columns challenger")


class WatchAnswer(Shape):
    as_of: date
    snapshot_id: str
    synthetic: bool
    notes: list[NameShape]
    model: WatchedModel
    firms: int
    light: str
    alerts: list[AlertShape]
    drift: list[DriftShape]
    outcomes: OutcomesShape | None
    migration: MigrationsShape | None
    parity: list[ParityShape]
    challenger: ChallengerShape | None
