"""Shapes of campaigns: what is asked of one, its versions, rows, outcomes, report."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import ConfigDict, Field

from service.api.inputs import Body
from service.api.shapes import Shape

_EXAMPLE: dict[str, Any] = {
    "quarter": "2025-01-01",
    "name": "first quarter",
    "products": [{"id": "score-based-loan", "firms": 20, "yuan": "20000000"}],
    "fair": [{"by": "district", "least": "0.1"}],
}


class QuotaBody(Body):
    id: str = Field(max_length=80, description="A product, or a lender")
    firms: int | None = Field(default=None, ge=0, description="Most firms; left out: no limit")
    yuan: str | None = Field(default=None, max_length=20, description="Most yuan; left out: no limit")


class PotBody(Body):
    id: str = Field(max_length=80)
    products: list[str] = Field(max_length=500, description="Whose rows draw on it")
    yuan: str = Field(max_length=20)
    share: str = Field(default="1", max_length=10, description="Of a row's amount")


class FairBody(Body):
    by: str = Field(max_length=20, description="district or size_class")
    value: str = Field(default="", max_length=40, description="One of them; left out: each")
    least: str = Field(max_length=10, description="Share of the group's eligible firms that get a place")


class CampaignBody(Body):
    """What is asked of a campaign."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, json_schema_extra={"examples": [_EXAMPLE]})

    quarter: str = Field(max_length=10, description="First day of the quarter")
    name: str = Field(max_length=80, description="With the quarter it names the campaign: sent again, a new version")
    products: list[QuotaBody] = Field(min_length=1, max_length=500)
    lenders: list[QuotaBody] = Field(default=[], max_length=200, description="Quotas over all products of a lender")
    pots: list[PotBody] = Field(default=[], max_length=100, description="Guarantee and subsidy money")
    fair: list[FairBody] = Field(default=[], max_length=200)
    contacts_each: int = Field(default=3, ge=1, le=20, description="Most lenders before one firm")
    list_most: int = Field(default=15, ge=1, le=300, description="Products considered for a firm, cheapest first")
    candidates_each: int = Field(default=5000, ge=1, le=100_000, description="Firms considered for a product")
    sales_share: str = Field(default="0.1", max_length=10, description="Of yearly sales, where no need is open")
    bound: bool = Field(default=True, description="Solve the linear programme for the optimality report")


class PublishBody(Body):
    version: int = Field(ge=1, description="The newest, as it was read")


class ReceiptBody(Body):
    version: int = Field(ge=1)
    rows_sha256: str = Field(min_length=64, max_length=64, description="Of the rows as they were read")


class OutcomeBody(Body):
    state: str = Field(max_length=12, description="contacted, in_process, approved, drawn or declined")
    approved_yuan: str | None = Field(default=None, max_length=20, description="With approved")
    drawn_yuan: str | None = Field(default=None, max_length=20, description="With drawn: all that is drawn so far")
    reason: str = Field(default="", max_length=40, description="With declined: a named reason, as of an application")


class CampaignLine(Shape):
    id: str
    quarter: date
    name: str
    version: int
    rows: int
    published_at: datetime | None


class ReceiptLine(Shape):
    lender: str
    received_at: datetime
    rows_sha256: str


class CampaignAnswer(Shape):
    id: str
    quarter: date
    name: str
    version: int
    newest_version: int
    rows: int = Field(description="Of a lender: its own")
    rows_sha256: str | None = Field(description="For a lender's receipt; null for staff")
    content_sha256: str
    drawn_up_at: datetime
    drawn_up_by: str | None
    published_at: datetime | None
    published_by: str | None
    snapshot_id: str
    spec: dict[str, Any] | None = Field(description="What was asked; staff only")
    summary: dict[str, Any] | None = Field(
        description="Blocking pairs, limits used, fair shares, distance from the bound; staff only"
    )
    ranking: dict[str, Any] | None = Field(
        description="What lenders rank by: margin less expected loss of each product; of a lender: its own products"
    )
    receipts: list[ReceiptLine]


class CampaignRowShape(Shape):
    row: str
    lender: str
    product: str
    place: int = Field(description="The lender's order within the product")
    amount_yuan: str
    size_class: str | None
    district: str | None
    industry_section: str | None
    grade: str | None
    uscc: str | None = Field(description="null for a lender unless the firm is open to contact by it now")
    name: str | None
    state: str = Field(description="listed, contacted, in_process, approved, drawn or declined")
    approved_yuan: str | None
    drawn_yuan: str | None
    reason: str | None
    told_at: datetime | None


class CampaignFigures(Shape):
    rows: int
    firms: int
    asked_yuan: str
    contacted: int
    in_process: int
    approved: int
    drawn: int
    declined: int
    approved_rows: int = Field(description="Approved, drawn or not")
    approved_yuan: str
    drawn_yuan: str
    contacted_share: float | None = Field(description="Rows of which anything was told")
    conversion: float | None = Field(description="Drawn rows over all")
    declined_by: dict[str, int]


class CampaignGroup(CampaignFigures):
    group: str


class CampaignReport(Shape):
    id: str
    version: int
    published_at: datetime | None
    all: CampaignFigures
    by_lender: list[CampaignGroup]
    by_product: list[CampaignGroup]
    by_district: list[CampaignGroup]
    by_size_class: list[CampaignGroup]
