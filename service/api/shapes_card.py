"""Shape of a policy card."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import Field

from service.api.shapes_rules import NameShape, ReadingShape


class ConditionInWords(NameShape):
    cites: list[str]


class DecidingDay(NameShape):
    fact: str


class EditionShape(NameShape):
    scheme: str
    valid_from: date | None
    valid_until: date | None


class ServiceClassShape(NameShape):
    id: str = Field(description="instant, fast or ordinary")
    cite: str


class ClockShape(NameShape):
    id: str
    working_days: int
    from_: NameShape = Field(alias="from", description="The event it runs from; that day does not count")
    started_on: date | None
    due_on: date | None = Field(description="null: the first day is not known, or the end lies beyond the calendar")
    confirmed: bool
    note: str = Field(description="What the end rests on")
    cite: str


class CardShape(NameShape):
    id: str
    city: str
    offers: str
    benefit_kind: str | None
    as_of: date
    state: str = Field(description="in_force, expired or not_yet, by as_of")
    beneficiaries: NameShape | None
    conditions: list[ConditionInWords]
    redeemed: NameShape | None
    place: NameShape | None
    phone: str | None
    office: NameShape
    documents: list[NameShape]
    valid_from: date | None
    valid_until: date | None
    selected_by: DecidingDay = Field(description="The day that must lie within the dates")
    supersedes: list[EditionShape]
    superseded_by: EditionShape | None
    service_class: ServiceClassShape
    clocks: list[ClockShape]
    once: dict[str, Any] | None
    terms_published: bool
    planned: bool
    confirmed: bool
    unconfirmed: list[NameShape]
    readings: list[ReadingShape]
    cite: str
    note: str
