"""Penalties out of sight for a time under a court's restructuring ruling (暂时屏蔽), and back when it is over."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import RefusedInput
from models.tables import PublicityLift
from service.access.auth import Action, Caller
from service.answers.repair import document_of
from service.audit.chain import Event
from service.audit.journal import record
from service.books.rulebook import repair_rules
from service.books.seedbook import feeds
from service.cases.notices import Correction, make_notices
from service.cases.office_revision import land_revision, revision_id, withdrawn
from service.cases.parties import actor_of, case_event, said_text
from service.clock import CITY_TIME, day_of
from service.office import Office
from service.records.firm_records import record_of
from service.usecases.repair import find_repairable

_LONGEST = timedelta(days=5 * 366)


@dataclass(frozen=True)
class LiftAsked:
    """What the ruling says: its number, the court, the record, the last day."""

    record_id: str
    ruling: str
    court: str
    ends_on: date


def lift_publicity(
    office: Office, caller: Caller, uscc: str, asked: LiftAsked, now: datetime, request_id: str
) -> dict[str, Any]:
    """Take a record out of publicity and use from today to ``ends_on``, that day included; lenders that read it are
    told, in one transaction. The same ruling entered twice for a record is one lift."""
    today = day_of(now)
    ruling, court = said_text(asked.ruling, "ruling")[:120], said_text(asked.court, "court")[:120]
    found = find_repairable(office, uscc, asked.record_id)
    document = document_of(found)
    with office.read() as session:
        before = _same(session, uscc, found.feed.id, document, ruling)
    if before is not None:
        return lift_answer(before)
    if not today < asked.ends_on <= today + _LONGEST:
        rule = f"A lift ends after {today} and by {today + _LONGEST}."
        raise RefusedInput("bad_lift", "ends_on", asked.ends_on, rule, "Name the last day the ruling gives.")
    if found.withdrawn_on is not None and found.withdrawn_on <= today:
        rule = "The record is out of sight already."
        raise RefusedInput("bad_lift", "record_id", asked.record_id, rule, "Nothing is to be done.", status=409)
    revision = withdrawn(found, today)
    row = PublicityLift(
        id=f"l_{uuid.uuid4().hex}",
        firm=uscc,
        feed=found.feed.id,
        document=document,
        ruling=ruling,
        court=court,
        starts_on=today,
        ends_on=asked.ends_on,
        ordered_by=actor_of(caller),
        ordered_at=now,
        batch_id=revision_id(found.feed, revision, now),
        lifted_record_id=revision.column("record_id")[0].as_py(),
        end_batch_id="",
    )

    def effect(session: Session) -> None:
        session.add(row)
        told = make_notices(session, Correction(uscc, "lift", row.id, row.feed, since=found.first_received_at), now)
        detail = {"document": document, "ruling": ruling, "ends_on": asked.ends_on, "told": told}
        record(session, case_event(caller, Action.LIFT_PUBLICITY, uscc, row.id, now, request_id, detail))

    land_revision(office, found.feed, revision, now, f"lift-{row.id}", effect)
    return lift_answer(row)


def end_lifts(office: Office, now: datetime) -> int:
    """Bring back every record whose lift was over by ``now``, as known from the day after it on; how many lifts ended.

    A record that was corrected, repaired or withdrawn otherwise meanwhile stays as it is.
    """
    today = day_of(now)
    with office.read() as session:
        over = session.scalars(
            select(PublicityLift)
            .where(PublicityLift.ended_at.is_(None), PublicityLift.ends_on < today)
            .order_by(PublicityLift.ends_on, PublicityLift.id)
        ).all()
    for lift in over:
        _end(office, lift)
    return len(over)


def _end(office: Office, lift: PublicityLift) -> None:
    at = datetime.combine(lift.ends_on + timedelta(1), time(), CITY_TIME)
    feed = feeds()[lift.feed]
    newest = record_of(office, feed, lift.firm, lift.lifted_record_id)
    event = Event(
        at=at,
        actor="build",
        role="system",
        action=Action.LIFT_PUBLICITY.value,
        firm=lift.firm,
        object_id=lift.id,
        result="done",
        reason="lift_over",
    )

    def effect(session: Session, batch_id: str = "") -> None:
        row = session.get_one(PublicityLift, lift.id, with_for_update=True)
        row.ended_at, row.end_batch_id = at, batch_id
        record(session, event)

    if newest.record_id != lift.lifted_record_id:
        with office.write() as session:
            effect(session)
        return
    revision = withdrawn(newest, None)
    batch_id = revision_id(feed, revision, at)
    land_revision(office, feed, revision, at, f"lift-{lift.id}-over", lambda session: effect(session, batch_id))


def lift_answer(row: PublicityLift) -> dict[str, Any]:
    """A lift as the office sees it."""
    rules = repair_rules()
    return {
        "id": row.id,
        "uscc": row.firm,
        "feed": row.feed,
        "document": row.document,
        "zh": rules.lift.zh,
        "en": rules.lift.en,
        "cite": rules.lift_cite,
        "ruling": row.ruling,
        "court": row.court,
        "starts_on": row.starts_on,
        "ends_on": row.ends_on,
        "ended_at": row.ended_at,
        "batch_id": row.batch_id,
    }


def _same(session: Session, uscc: str, feed: str, document: str, ruling: str) -> PublicityLift | None:
    return session.scalars(
        select(PublicityLift).where(
            PublicityLift.firm == uscc,
            PublicityLift.feed == feed,
            PublicityLift.document == document,
            PublicityLift.ruling == ruling,
        )
    ).one_or_none()
