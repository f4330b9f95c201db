"""Shapes of contacts, screens and the products that lenders publish."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from service.api.inputs import Body
from service.api.shapes import Shape
from service.api.shapes_firm import ProfileAnswer
from service.api.shapes_models import ScoredBy


class ContactBody(Body):
    """What a firm says about being contacted."""

    lenders: list[str] | None = Field(default=None, max_length=200, description="Lender ids; left out: every lender")
    at_a_time: int = Field(description="Lenders in contact at once", examples=[3])
    per_quarter: int = Field(description="Lenders that may contact the firm in a quarter of the year", examples=[6])
    valid_until: str = Field(max_length=10, description="Last day (YYYY-MM-DD)")


class ContactShape(Shape):
    lender: str
    made_at: datetime
    valid_until: date
    ended_at: datetime | None
    open: bool = Field(description="The lender may read the firm's name and public items now")


class ContactAnswer(Shape):
    firm: str
    open: bool
    lenders: list[str] | None = Field(description="null: every lender")
    at_a_time: int
    per_quarter: int
    valid_until: date | None
    places_left: int
    contacts: list[ContactShape]


class WaterfallShape(Shape):
    condition: dict[str, Any]
    removes: int | None = Field(description="Firms this condition alone does not let through; null: too few to tell")
    unknown: int | None = Field(description="Of these, firms without the fact")
    left: int | None = Field(description="Firms that meet this condition and all before it")


class FacetShape(Shape):
    code: str
    firms: int


class ProspectCard(Shape):
    prospect_id: str = Field(description="For you and this screen; another screen has another id for the same firm")
    size_class: str | None
    district: str | None
    industry_section: str | None
    age_band: list[int | None] | None = Field(default=None, description="Months, from and below; lenders only")
    left_out: list[str] = Field(default=[], description="Traits not shown, since too few firms are alike in them")
    grade: str | None
    score_band: list[int] | None
    sort_band: int | None = Field(default=None, description="Tenth of the firms by what is sorted by; 11: unknown")
    open_to_contact: bool | None = Field(default=None, description="POST …/contact will tell you who it is")
    uscc: str | None = Field(default=None, description="Staff only")
    name: str | None = Field(default=None, description="Staff only")
    score: float | None = Field(default=None, description="Staff only")


class FoundAnswer(Shape):
    as_of: date
    snapshot_id: str
    models: ScoredBy
    among: int = Field(description="Firms looked at: those not known to have ended")
    total: int | None
    undecided: int | None = Field(description="Firms that may yet meet the conditions, once a fact is known")
    approximate: bool = Field(description="Counts are moved by a few firms, the same way whenever they are asked for")
    withheld_below: int | None = Field(description="Set when the group is too small to be shown to a lender")
    waterfall: list[WaterfallShape]
    facets: dict[str, list[FacetShape]] = Field(description="By district, size_class, industry_section, grade")
    items: list[ProspectCard]
    next_cursor: str | None


class ProspectsAnswer(FoundAnswer):
    product: str


class SearchAnswer(FoundAnswer):
    conditions: dict[str, Any]


class ContactedAnswer(ProfileAnswer):
    """The public items of a firm that opened itself to contact."""

    prospect_id: str
    contact_until: date


class ScreenBody(Body):
    """A screen to keep."""

    name: str = Field(max_length=200, examples=["Young manufacturers with sales"])
    conditions: dict[str, Any] = Field(description="As in POST /v1/prospects/search")
    sort: str = Field(default="", max_length=80)


class ScreenShape(Shape):
    id: str
    name: str
    conditions: dict[str, Any]
    sort: str
    version: int
    seen_snapshot: str
    saved_at: datetime


class ScreenAlertShape(Shape):
    id: int
    version: int = Field(description="Of the screen")
    snapshot_id: str
    since_snapshot: str
    as_of: date
    new: int | None = Field(description="About how many firms are new; null: too few to tell")
    prospect_ids: list[str] = Field(description="Those of them that are listed")
    made_at: datetime
