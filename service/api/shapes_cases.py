"""Shapes of objections, repairs and notices of corrections."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from service.api.inputs import Body
from service.api.shapes import Shape
from service.api.shapes_rules import NameShape

_TEXT = 4_000


class ObjectionBody(Body):
    item: str = Field(max_length=80, description="Item id", examples=["penalty_general"])
    record_id: str = Field(default="", max_length=32, description="One record behind it; empty: the whole item")
    reason: str = Field(max_length=40, description="wrong, omitted, not_ours or outdated", examples=["wrong"])
    evidence: str = Field(max_length=_TEXT, description="What the firm says, in its own words")


class StepBody(Body):
    step: str = Field(max_length=20, description="One of `open_steps`", examples=["accept"])
    text: str = Field(default="", max_length=_TEXT, description="What is said with it")
    batch_id: str = Field(default="", max_length=64, description="Of a correction: the batch that holds it")
    withdraw: bool = Field(default=False, description="Of a correction by the office: take the record out")


class IdShape(NameShape):
    id: str


class ClockShape(Shape):
    since: date
    due: date | None = Field(description="Last day; null where there is no limit or it cannot be told")
    late: bool
    confirmed: bool = Field(description="False: the limit or the calendar was not read in a text of this city")
    note: str


class RecordAnswer(Shape):
    record_id: str
    feed: str
    observed_on: date
    received_at: datetime
    revision: int
    withdrawn_on: date | None
    public_until: date | None
    content: dict[str, Any]


class ObjectionLine(Shape):
    id: str
    uscc: str
    item: IdShape
    record_id: str | None
    agency: IdShape
    reason: str
    filed_at: datetime
    state: IdShape
    waits_for: str | None = Field(description="office, agency or null")
    stage: ClockShape
    whole: ClockShape | None = Field(description="The limit of the whole; null once closed")
    contested: bool = Field(description="Readers of the item are told")


class ObjectionStepShape(Shape):
    number: int
    step: str
    from_: str = Field(alias="from")
    to: str
    at: datetime
    by: str
    text: str
    late: bool
    letter: NameShape | None
    batch_id: str | None


class ObjectionAnswer(ObjectionLine):
    evidence: str
    statement: str | None
    corrected_at: datetime | None
    steps: list[ObjectionStepShape]
    open_steps: list[IdShape]


class MaterialBody(Body):
    id: str = Field(max_length=40, examples=["performance"])
    name: str = Field(max_length=200, description="What the firm calls it", examples=["payment.pdf"])
    sha256: str = Field(default="", max_length=64, description="Digest of a file the firm keeps")
    text: str = Field(default="", max_length=_TEXT)


class RepairBody(Body):
    record_id: str = Field(max_length=32)
    materials: list[MaterialBody] = Field(max_length=20)
    promise_sha256: str = Field(default="", max_length=64, description="Names the promise the firm agrees to")
    duty_done: bool | None = Field(default=None, description="What the firm says; null: not said")
    matter: str | None = Field(default=None, max_length=40, description="Field of law, where the record does not say")


class RepairStepBody(Body):
    step: str = Field(max_length=20, examples=["review"])
    text: str = Field(default="", max_length=_TEXT)
    duty_done: bool | None = Field(default=None, description="With `review` only")


class LiftBody(Body):
    record_id: str = Field(max_length=32)
    ruling: str = Field(max_length=120, description="Number of the ruling")
    court: str = Field(max_length=120)
    ends_on: str = Field(max_length=10, description="Last day out of sight (YYYY-MM-DD)")


class RepairClassShape(IdShape):
    shown: bool = Field(description="False: normally not shown at all")


class RegimeShape(IdShape):
    cite: str = ""


class MaterialShape(IdShape):
    fetched: bool = Field(description="The agency is asked where the firm brings none")


class MaterialsShape(Shape):
    id: str
    cite: str
    confirmed: bool
    asks: list[MaterialShape]


class LettersShape(Shape):
    decision: NameShape
    repair: NameShape


class PromiseShape(NameShape):
    sha256: str


class RepairableRecord(Shape):
    record_id: str
    feed: str
    document: str
    decided_on: date
    received_at: datetime
    class_: RepairClassShape | None = Field(alias="class", description="null: the source does not say how serious")
    regime: RegimeShape
    earliest: date | None = Field(description="First day on which repair can be asked for")
    latest: date | None = Field(description="Last day it may be shown by law")
    public_until: date | None = Field(description="Last day by the agency's word")
    stops_on: date | None
    over_lawful_time: bool = Field(description="The agency still shows it past the lawful time")
    confirmed: bool
    notes: list[NameShape]
    state: str = Field(description="not_yet, open, requested, reviewed, granted, lifted, withdrawn, ended, unknown")
    request_id: str | None
    lifted_until: date | None
    withdrawn_on: date | None
    letters: LettersShape
    promise: PromiseShape


class FirmRepairsAnswer(Shape):
    uscc: str
    name: str
    on: date
    regime: RegimeShape
    materials: MaterialsShape
    records: list[RepairableRecord]


class RepairLine(Shape):
    id: str
    uscc: str
    feed: str
    document: str
    record_id: str
    agency: IdShape
    regime: str
    requested_at: datetime
    state: IdShape
    waits_for: str | None
    duty_done: bool | None


class CheckShape(Shape):
    check: str
    truth: str
    found: str
    cite: str


class RepairStepShape(Shape):
    number: int
    step: str
    from_: str = Field(alias="from")
    to: str
    at: datetime
    by: str
    text: str


class RepairAnswer(RepairLine):
    checks: list[CheckShape]
    materials: list[MaterialBody]
    promise: PromiseShape
    batch_id: str | None
    agency_update: ClockShape | None
    steps: list[RepairStepShape]
    open_steps: list[IdShape]


class LiftAnswer(NameShape):
    id: str
    uscc: str
    feed: str
    document: str
    cite: str
    ruling: str
    court: str
    starts_on: date
    ends_on: date
    ended_at: datetime | None
    batch_id: str


class NoticeAnswer(NameShape):
    id: str
    lender: str
    uscc: str
    kind: str = Field(description="correction, repair or lift")
    item: str | None
    feed: str | None
    about: NameShape | None = Field(description="null where the consent did not cover it")
    last_read_at: datetime
    made_at: datetime
    received_at: datetime | None


class LateInquiry(ClockShape):
    objection_id: str
    item: str
    stage: str


class LateRepair(ClockShape):
    repair_id: str
    feed: str
    document: str


class LateAgency(Shape):
    agency: IdShape
    inquiries: list[LateInquiry]
    repairs: list[LateRepair]
    answered_late: int


class LateAgenciesAnswer(Shape):
    items: list[LateAgency]
