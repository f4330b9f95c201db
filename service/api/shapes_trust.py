"""Shapes of consents and of the audit journal."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from service.api.inputs import Body
from service.api.shapes import Shape


class ConsentBody(Body):
    """What the firm agrees to."""

    lender: str = Field(max_length=64, description="Lender id", examples=["bank_a"])
    purpose: Annotated[str, WithJsonSchema({"type": "string", "enum": ["pre_loan", "in_loan", "post_loan"]})]
    dimensions: list[str] = Field(max_length=10, description="Ids of the profile's dimensions that may be read")
    personal: bool = Field(default=False, description="Also the items about persons; needs words of its own")
    valid_from: str = Field(max_length=10, description="First day (YYYY-MM-DD)")
    valid_until: str = Field(max_length=10, description="Last day (YYYY-MM-DD)")
    text_sha256: str = Field(default="", max_length=64, description="Names the text that was shown to the firm")


class ConsentTextAnswer(Shape):
    purpose: str
    version: str
    zh: str
    en: str
    text_sha256: str


class ConsentAnswer(Shape):
    id: str
    firm: str
    lender: str
    purpose: str
    dimensions: list[str]
    personal: bool
    valid_from: date
    valid_until: date
    given_at: datetime
    revoked_at: datetime | None
    text_sha256: str
    state: str = Field(description="in_force, not_yet, expired, revoked, too_old")


class PersonTextAnswer(Shape):
    version: str
    zh: str
    en: str
    text_sha256: str


class PersonConsentAnswer(Shape):
    """A person's consent to be evaluated through the firm they lead."""

    id: str
    uscc: str
    person: str
    given_on: date
    text_sha256: str
    document: str = Field(description="Where the signed paper is kept")
    recorded_by: str
    recorded_at: datetime
    withdrawn_at: datetime | None
    stands: bool


class LookAnswer(Shape):
    """One entry of a firm's access log."""

    seq: int
    at: datetime
    action: str
    role: str
    house: str = Field(description="The lender or agency whose caller it was; empty for the office")
    purpose: str
    consent_id: str
    result: str
    reason: str


class AuditEntryAnswer(LookAnswer):
    actor: str
    person: str
    firm: str
    object_id: str
    detail: dict[str, Any]
    request_id: str
    entry_hash: str


class AlarmAnswer(Shape):
    """An unusual amount or kind of readings by one caller."""

    rule: str = Field(description="hour, day, night, denials, outside_district, no_need")
    actor: str
    role: str
    house: str
    since: datetime
    readings: int
    threshold: int = Field(description="So many readings would have gone unsaid")
    firms: int = Field(description="How many firms they were about")
    first_entry: int = Field(description="Number of the first entry of the journal")
    last_entry: int


class AuditStateAnswer(Shape):
    entries: int
    head_hash: str
    anchors: int
    whole: bool
    first_bad_entry: int | None
    fault: str | None
