"""Shapes of answers, for the API document. Routes return bytes; a test holds the bytes to these shapes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Entry = TypeVar("Entry")


class Shape(BaseModel):
    """An answer. Members may be added later; clients ignore what they do not know."""

    model_config = ConfigDict(extra="forbid")


class Page(Shape, Generic[Entry]):
    items: list[Entry]
    next_cursor: str | None = Field(description="Give it as ?cursor= for the next page; null on the last")


class Problem(BaseModel):
    """RFC 9457, with what the input got wrong and what to do."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str
    value: Any = None
    rule: str
    fix: str
    instance: str
    request_id: str


class TokenAnswer(Shape):
    access_token: str
    token_type: str
    expires_in: int = Field(description="Seconds")


class Health(Shape):
    status: str


class KeyShape(Shape):
    kty: str
    crv: str
    x: str
    kid: str
    use: str
    alg: str


class KeysAnswer(Shape):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[KeyShape]


class Readiness(Shape):
    status: str
    checks: dict[str, bool] = Field(description="model: only while a model is in force")
    reasons: dict[str, str] = Field(description="What a failed check found, where it says")


class VersionAnswer(Shape):
    product: str
    version: str
    demo: bool = Field(description="True: every firm, lender and person is invented")
    snapshot_id: str | None
    as_of: date | None


class ItemShape(Shape):
    id: str
    code: str
    zh: str
    en: str
    type: str
    unit: str
    codes: list[str]
    agency: str
    feed: str
    computed_by: str
    window_months: int
    share: str
    personal: bool
    refresh_months: int
    valid_for_months: int
    direction: str
    repairable: bool
    use: list[str]
    legal_basis: str


class CategoryShape(Shape):
    id: str
    code: str
    zh: str
    en: str
    items: list[ItemShape]


class DimensionShape(Shape):
    id: str
    number: int
    zh: str
    en: str
    categories: list[CategoryShape]


class CatalogueAnswer(Shape):
    version: str
    origin: dict[str, str]
    counts: dict[str, int]
    dimensions: list[DimensionShape]


class ColumnShape(Shape):
    id: str
    type: str
    zh: str
    en: str
    unit: str
    required: bool
    values: list[str]


class FeedShape(Shape):
    id: str
    zh: str
    en: str
    agency: str
    share: str
    period: str
    refresh_months: int
    absence: str = Field(description="What no record means: none or unknown")
    key: list[str]
    observed: str
    personal: bool
    columns: list[ColumnShape]


class BatchShape(Shape):
    id: str
    feed: str
    status: str = Field(description="landed, unchanged or refused")
    received_at: datetime
    file_name: str
    file_sha256: str
    rows_read: int
    rows_landed: int
    rows_unchanged: int
    rows_rejected: int
    observed_min: date | None
    observed_max: date | None
    covers_to: date | None
    reasons: dict[str, Any] = Field(description="Why rows were rejected: reason to count")


class DeliveryShape(Shape):
    batch_id: str = Field(description="Empty when nothing was written")
    feed: str
    status: str = Field(description="landed, unchanged or refused")
    rows_read: int
    rows_landed: int
    rows_unchanged: int
    rows_rejected: int
    contested: int = Field(description="Landed rows whose natural key had landed before")
    observed_min: date | None
    observed_max: date | None
    covers_to: date | None
    reasons: dict[str, int]


class RejectShape(Shape):
    row: int | None
    column: str
    value: str
    reason: str
    reason_zh: str
    reason_en: str
