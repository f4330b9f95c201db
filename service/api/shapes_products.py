"""Shapes of products that lenders publish."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from service.api.inputs import Body
from service.api.shapes import Shape
from service.api.shapes_market import WaterfallShape
from service.api.shapes_rules import NameShape


class DraftBody(Body):
    """A product as it is written."""

    document: dict[str, Any] = Field(description="In the form of the product files: docs/products.md")
    cases: dict[str, Any] | None = Field(default=None, description="Worked examples that must hold")


class DraftChange(DraftBody):
    """Other content for a draft."""

    revision: int = Field(description="Of the draft as you read it")


class PreviewBody(Body):
    """What to preview; nothing: the product as it is offered."""

    document: dict[str, Any] | None = None
    version: int | None = None


class ActivationBody(Body):
    """From when on it is offered."""

    effective_from: str = Field(max_length=10, description="First day (YYYY-MM-DD)")


class RetirementBody(Body):
    """From when on it is offered no more."""

    on: str = Field(max_length=10, description="First day without it (YYYY-MM-DD)")


class VersionLine(Shape):
    product: str
    version: int
    lender: str
    state: str = Field(description="draft, submitted, active, retired")
    offered: bool = Field(description="It is the version in force today")
    revision: int
    content_sha256: str
    author: str
    drafted_at: datetime
    submitted_by: str | None
    submitted_at: datetime | None
    activated_by: str | None
    activated_at: datetime | None
    effective_from: date | None
    retired_by: str | None
    retired_on: date | None


class VersionAnswer(VersionLine):
    document: dict[str, Any]
    cases: dict[str, Any] | None
    untried: list[str] = Field(description="What no case tries, where that was looked at")


class ChangeShape(Shape):
    place: str
    before: Any
    after: Any


class ComparisonAnswer(Shape):
    product: str
    version: int
    against: int
    changes: list[ChangeShape]


class GuaranteedShape(NameShape):
    scheme: str
    hits: int | None = Field(description="Of the hits, firms that do not fail the guarantee's conditions")


class PreviewAnswer(Shape):
    product: str
    as_of: date
    snapshot_id: str
    among: int
    approximate: bool
    hits: int | None
    hits_now: int | None = Field(description="Of the product as it is offered now")
    waterfall: list[WaterfallShape]
    with_guarantee: list[GuaranteedShape]
