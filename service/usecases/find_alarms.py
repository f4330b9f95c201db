"""Unusual readings of firms' data, from the journal of the office."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from sqlalchemy import select

from models.errors import NotFound
from models.tables import Application, AuditEntry, Need, Receipt
from service.access.auth import Role
from service.audit.alarms import Alarm, AlarmRules, Look, find_alarms, parse_alarm_rules
from service.books.receipts import KIND
from service.books.seedbook import rule_set
from service.clock import CITY_TIME, day_of
from service.office import Office
from service.snapshot.snapshots import OpenSnapshot

#: How far back is looked when nobody says otherwise.
USUAL_DAYS = 7


@cache
def alarm_rules() -> AlarmRules:
    """The rules as shipped."""
    return parse_alarm_rules(rule_set().document("alarms.yaml"))


def alarms_since(
    office: Office, snapshot: OpenSnapshot | None, since: date | None, now: datetime, rules: AlarmRules | None = None
) -> list[dict[str, Any]]:
    """Alarms from the day ``since`` on (default: a week back), newest first. ``snapshot`` tells where firms are."""
    rules = rules or alarm_rules()
    day = since or day_of(now) - timedelta(days=USUAL_DAYS)
    begin = datetime.combine(day, time(), CITY_TIME)
    looks = _looks(office, snapshot, begin - timedelta(days=rules.baseline_days), rules)
    return [_answer(alarm) for alarm in find_alarms(looks, rules, begin)]


def _looks(office: Office, snapshot: OpenSnapshot | None, begin: datetime, rules: AlarmRules) -> Iterator[Look]:
    needs = _needs(office, begin - timedelta(days=rules.need_days))
    where: dict[str, str | None] = {}
    query = (
        select(AuditEntry)
        .where(AuditEntry.at >= begin, AuditEntry.firm != "", AuditEntry.result.in_(("allowed", "denied")))
        .where(AuditEntry.role != Role.FIRM.value)
        .order_by(AuditEntry.seq)
    )
    with office.read() as session:
        for row in session.scalars(query.execution_options(yield_per=2000)):
            if rules.lender_districts and row.firm not in where:
                where[row.firm] = _district(snapshot, row.firm)
            yield Look(
                row.seq,
                row.at,
                row.actor,
                row.role,
                row.tenant,
                row.firm,
                row.purpose,
                row.result == "allowed",
                where.get(row.firm),
                any(
                    _needed(needs.get((row.firm, house), []), row.at, timedelta(days=rules.need_days))
                    for house in ("", row.tenant)
                ),
            )


def _needs(office: Office, begin: datetime) -> Mapping[tuple[str, str], list[datetime]]:
    """When each firm asked for financing, in order, by firm and house: under no house that it was given options itself
    or stated a need, under a lender that an application of it went there.
    """
    receipts = select(Receipt.subject, Receipt.answered_at, Receipt.question).where(
        Receipt.kind == KIND, Receipt.answered_at >= begin
    )
    stated = select(Need.firm, Need.stated_at).where(Need.stated_at >= begin)
    sent = select(Application.firm, Application.lender, Application.offered_at).where(Application.offered_at >= begin)
    found: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    with office.read() as session:
        for subject, at, question in session.execute(receipts):
            if question["viewer"] == Role.FIRM:
                found[subject, ""].append(at)
        for firm, at in session.execute(stated):
            found[firm, ""].append(at)
        for firm, lender, at in session.execute(sent):
            found[firm, lender].append(at)
    for moments in found.values():
        moments.sort()
    return found


def _needed(asked: list[datetime], at: datetime, within: timedelta) -> bool:
    place = bisect_left(asked, at)
    return place > 0 and at - asked[place - 1] <= within


def _district(snapshot: OpenSnapshot | None, firm: str) -> str | None:
    try:
        value = snapshot.value("district", snapshot.row_of(firm)) if snapshot else None
    except NotFound:
        return None
    return None if value is None else str(value)


def _answer(alarm: Alarm) -> dict[str, Any]:
    return {
        "rule": alarm.rule.value,
        "actor": alarm.actor,
        "role": alarm.role,
        "house": alarm.tenant,
        "since": alarm.since,
        "readings": alarm.readings,
        "threshold": alarm.threshold,
        "firms": alarm.firms,
        "first_entry": alarm.first_entry,
        "last_entry": alarm.last_entry,
    }
