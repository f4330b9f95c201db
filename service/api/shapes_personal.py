"""Shapes of what is held of a person, of its deletion, and of the runs of the retention rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from service.api.shapes import Shape


class SectionShape(Shape):
    id: str = Field(description="record/FEED: records as agencies delivered them; table/NAME: the office's own rows")
    zh: str
    en: str
    items: list[dict[str, Any]]


class RuleShape(Shape):
    id: str
    zh: str
    en: str
    since: str = Field(description="What its time is counted from")
    days: int
    years: int
    cite: str
    confirmed: bool = Field(description="Whether the clause itself sets this time, not this office")


class StaysShape(Shape):
    id: str
    zh: str
    en: str
    why_zh: str
    why_en: str
    cite: str


class PersonalDataAnswer(Shape):
    uscc: str
    made_at: datetime
    sole_proprietor: bool | None = Field(description="null: no registration record says")
    sections: list[SectionShape]
    retention: list[RuleShape]
    stays: list[StaysShape] = Field(description="What is not deleted on request, and why")


class ErasureAnswer(Shape):
    id: str
    uscc: str
    at: datetime
    sole_proprietor: bool | None
    removed: dict[str, int]
    stays: list[StaysShape]
    backups: dict[str, str]


class RetentionLine(Shape):
    id: str
    zh: str
    en: str
    since: str
    over: datetime = Field(description="What ended at this moment or earlier had had its time")
    cite: str
    confirmed: bool
    removed: int


class RetentionRunShape(Shape):
    id: str
    at: datetime
    actor: str
    dry_run: bool = Field(description="Counted only")
    rules_sha256: str
    rules: list[RetentionLine]
    removed: int
    backups: dict[str, str]
