"""Shapes of the monitoring answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from service.api.shapes import Shape
from service.api.shapes_rules import NameShape


class _Head(Shape):
    as_of: date
    snapshot_id: str


class OverviewAnswer(_Head):
    firms: int
    live: int
    states: dict[str, int]
    scored: int
    graded: int
    mean_coverage: float | None
    private_share: float | None = Field(description="Of the firms whose ownership is known")
    records: int
    feeds_declared: int
    feeds_delivered: int
    last_received_at: datetime | None
    batches: dict[str, int]


class GradeShare(Shape):
    grade: str
    firms: int
    share: float | None = Field(description="Of the graded firms")
    zhejiang_share: float | None = Field(description="Published for Zhejiang; for comparison")


class BandShape(Shape):
    low: int
    high: int
    firms: int


class GroupShape(Shape):
    group: str | None
    zh: str | None = None
    en: str | None = None
    firms: int
    grades: dict[str, int]
    median_score: float | None


class GradesAnswer(_Head):
    grades: list[GradeShare]
    not_graded: int
    score_bands: list[BandShape]
    by_size: list[GroupShape]
    by_district: list[GroupShape]
    by_section: list[GroupShape]


class ItemCoverage(NameShape):
    id: str
    known: int
    known_share: float | None
    median_age_days: float | None


class FeedCoverage(NameShape):
    feed: str
    delivered: bool
    covered_to: date | None
    days_behind: int | None
    batches: int
    records: int


class AgencyCoverage(NameShape):
    agency: str
    mean_known_share: float
    feeds: list[FeedCoverage]
    items: list[ItemCoverage]


class CoverageAnswer(_Head):
    agencies: list[AgencyCoverage]


class MatchShape(NameShape):
    id: str
    kind: str
    offers: str
    met: int
    unknown: int
    met_share: float | None


class MatchesAnswer(_Head):
    firms: int
    matches: list[MatchShape]


class HealthGrade(Shape):
    grade: str | None = Field(description="null: too little is known for a grade")
    firms: int | None
    withheld: bool


class HealthFigures(Shape):
    evaluated: int | None = Field(description="Firms evaluated; null where withheld")
    mean: float | None
    median: float | None
    withheld: bool = Field(description="A small group, or one that would give a small group away by subtraction")


class HealthGroup(HealthFigures):
    group: str | None
    zh: str | None
    en: str | None


class HealthModel(HealthFigures, NameShape):
    id: str
    version: str
    purpose: str
    legal_basis: str
    proposed: bool = Field(description="Its weights are a proposal of ours, not a published table")
    state: str = Field(description="used, off, not_yet or expired")
    most: float = Field(description="The most points there are")
    asked: int = Field(description="Firms the model is for, or may be for")
    grades: list[HealthGrade]
    by_district: list[HealthGroup]
    by_section: list[HealthGroup]


class HealthIndexAnswer(_Head):
    smallest_group: int
    models: list[HealthModel]


class EvidenceShape(NameShape):
    fact: str
    value: Any = Field(description="Amounts are text in yuan")
    unit: str
    observed_on: date | None = Field(description="Day of the record, or to which its register is complete")
    agency: str | None
    feed: str | None
    cite: str


class AlarmShape(NameShape):
    id: str
    severity: str = Field(description="high, medium or low")
    cite: str


class AlarmCount(AlarmShape):
    firms: int
    unknown: int = Field(description="Watched firms whose facts do not say whether the alarm holds")


class FiredAlarm(AlarmShape):
    evidence: list[EvidenceShape]


class WatchedFirm(Shape):
    uscc: str
    name: str | None
    industry: str
    district: str | None
    on: date | None = Field(description="Latest day of its alarms")
    severity: str
    alarms: list[FiredAlarm]


class WatchListAnswer(_Head, NameShape):
    id: str
    industry: str | None
    watched: int = Field(description="Firms looked at: of a watched industry, not known to have ended")
    unplaced: int = Field(description="Firms whose registered code does not tell the industry")
    alarmed: int
    alarms: list[AlarmCount]
    items: list[WatchedFirm]
    next_cursor: str | None
