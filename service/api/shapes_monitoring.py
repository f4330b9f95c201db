"""Shapes of the monitoring answers."""

from __future__ import annotations

from datetime import date, datetime

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
