"""Shapes of what an options answer says beside its options: ways, combinations, what would settle the unknown."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import Field

from service.api.shapes import Shape
from service.api.shapes_rules import FindingShape, NameShape


class GapShape(Shape):
    fact: str
    zh: str
    en: str
    op: str
    expected: Any
    actual: Any = Field(description="null when unknown, or hidden from the asker")
    wanted: bool = Field(description="Whether the condition must hold, or must not (under `not`)")
    by: str | None = Field(description="How far the value lies from the nearest one that would do, in `unit`")
    unit: str
    cite: str
    effort: NameShape | None = Field(description="What the firm can do about it; null: nothing")
    passing: str | None = Field(description="What time alone does to it: age, streak, window or listing")


class ChangeShape(Shape):
    fact: str
    zh: str
    en: str
    was: Any
    becomes: Any
    unit: str
    effort: NameShape


class NearMissShape(Shape):
    gaps: list[GapShape]
    changes: list[ChangeShape] = Field(description="The cheapest set that opens the offer, asked again to be sure")
    changes_on: date | None
    opens_on: date | None = Field(description="The day on which time alone opens it")
    opens_no_later_than: date | None
    undated: list[str]
    unknown: list[str]


class WarningShape(Shape):
    kind: str
    scheme: str
    loss: str
    yuan_forgone: str
    instead: str
    instead_amount_yuan: str | None
    zh: str
    en: str
    cite: str


class PaidShape(Shape):
    scheme: str
    yuan: str


class SchemeSetShape(Shape):
    paid: list[PaidShape]
    yuan: str


class PairShape(Shape):
    first: str
    second: str
    ruling: str
    cite: str
    zh: str
    en: str


class LeftOutShape(Shape):
    scheme: str
    ruling: str
    zh: str
    en: str
    cite: str
    barred_by: list[PairShape]
    yuan_with: str | None


class ClaimsShape(Shape):
    best: SchemeSetShape
    next_best: SchemeSetShape | None
    pairs: list[PairShape]
    left_out: list[LeftOutShape]


class SettlesShape(Shape):
    fact: str
    zh: str
    en: str
    document: NameShape
    opens: list[str] = Field(description="Offers that some value of this fact alone opens")
    needed_by: list[str]


class FirstLoanShape(Shape):
    scheme: str
    first: bool | None
    stated: bool
    definition: list[FindingShape]
    proof: NameShape
    cite: str
