"""Agencies that let a limit pass: inquiries not answered, repairs they have not taken into their own data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from models.tables import Objection, ObjectionStep, Repair, RepairStep
from service.answers.objection import agency_answer, clock_answer
from service.answers.repair import agency_update
from service.books.rulebook import objection_rules, working_days
from service.books.seedbook import feeds
from service.clock import day_of
from service.office import Office
from service.records.firm_records import revisions_of


def late_agencies(office: Office, now: datetime) -> list[dict[str, Any]]:
    """Every agency that is late today or answered late before, the one with most open matters first."""
    inquiries, answered, repairs = _inquiries(office, now), _answered_late(office), _not_updated(office, now)
    named = {*inquiries, *answered, *repairs}
    found = [
        {
            "agency": agency_answer(agency),
            "inquiries": inquiries.get(agency, []),
            "repairs": repairs.get(agency, []),
            "answered_late": answered.get(agency, 0),
        }
        for agency in named
    ]
    return sorted(found, key=lambda each: (-len(each["inquiries"]) - len(each["repairs"]), each["agency"]["id"]))


def _inquiries(office: Office, now: datetime) -> dict[str, list[dict[str, Any]]]:
    rules, late = objection_rules(), defaultdict(list)
    waiting = [stage.id for stage in rules.procedure.stages.values() if stage.by == "agency"]
    query = select(Objection).where(Objection.stage.in_(waiting)).order_by(Objection.stage_since, Objection.id)
    with office.read() as session:
        for row in session.scalars(query):
            clock = rules.stage_clock(row.stage, row.stage_since, day_of(row.filed_at), working_days())
            if clock.late_on(day_of(now)):
                said = {"objection_id": row.id, "item": row.item, "stage": row.stage}
                late[row.agency].append(said | clock_answer(clock, day_of(now)))
    return late


def _answered_late(office: Office) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    query = (
        select(Objection.agency, ObjectionStep.at, ObjectionStep.due)
        .join(Objection, Objection.id == ObjectionStep.objection_id)
        .where(ObjectionStep.step == "answer", ObjectionStep.due.is_not(None))
    )
    with office.read() as session:
        for agency, at, due in session.execute(query):
            counts[agency] += due is not None and day_of(at) > due
    return {agency: count for agency, count in counts.items() if count}


def _not_updated(office: Office, now: datetime) -> dict[str, list[dict[str, Any]]]:
    """Granted repairs whose agency neither delivered the withdrawal itself nor said that it is done, past the limit."""
    late: dict[str, list[dict[str, Any]]] = defaultdict(list)
    granted = select(Repair).where(Repair.stage == "granted", Repair.agency_updated_at.is_(None))
    with office.read() as session:
        rows = session.scalars(granted.order_by(Repair.stage_since, Repair.id)).all()
        steps = defaultdict(list)
        for step in session.scalars(select(RepairStep).where(RepairStep.repair_id.in_([row.id for row in rows]))):
            steps[step.repair_id].append(step)
    overdue = []
    for row in rows:
        clock = agency_update(row, steps[row.id], day_of(now))
        if clock and clock["late"]:
            overdue.append((row, clock))
    updated = _delivered(office, [row for row, _ in overdue], {row.id: steps[row.id][-1].at for row, _ in overdue})
    for row, clock in overdue:
        if row.id not in updated:
            said = {"repair_id": row.id, "feed": row.feed, "document": row.document}
            late[row.agency].append(said | dict(clock))
    return late


def _delivered(office: Office, rows: Iterable[Repair], granted_at: dict[str, datetime]) -> set[str]:
    """The repairs whose record the agency has delivered as withdrawn since."""
    found = set()
    by_feed: dict[str, list[Repair]] = defaultdict(list)
    for row in rows:
        by_feed[row.feed].append(row)
    for feed, repairs in by_feed.items():
        known = revisions_of(office, feeds()[feed], sorted({row.firm for row in repairs}))
        for row in repairs:
            since = granted_at[row.id]
            revisions = known.get((row.firm, row.document), [])
            # Our own withdrawal was received at the very moment of the decision; the agency's came later.
            if any(each.received_at > since and each.withdrawn_on for each in revisions):
                found.add(row.id)
    return found
