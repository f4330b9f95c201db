"""How often each scheme was seen, self-tested, matched, applied for and paid. Nobody is named."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.tables import UsageEvent
from service.office import Office


class Usage(StrEnum):
    """SEEN: its card was opened. SELF_TESTED: asked with stated facts. MATCHED: eligible in an options answer (once per
    receipt). APPLIED and PAID are counted by the applications they belong to.
    """

    SEEN = "seen"
    SELF_TESTED = "self_tested"
    MATCHED = "matched"
    APPLIED = "applied"
    PAID = "paid"


def add_usage(session: Session, day: date, kind: Usage, schemes: Iterable[str]) -> None:
    """Add one event for each scheme to a write transaction."""
    session.add_all(UsageEvent(day=day, scheme=scheme, kind=kind.value) for scheme in schemes)


def count_usage(office: Office, day: date, kind: Usage, scheme: str) -> None:
    """Count one event in a transaction of its own."""
    with office.write() as session:
        add_usage(session, day, kind, [scheme])


def usage_by_scheme(office: Office, since: date, until: date) -> dict[str, dict[str, int]]:
    """Events from ``since`` to ``until``, both included: by scheme, every kind with its number."""
    total = func.sum(UsageEvent.count)
    asked = (
        select(UsageEvent.scheme, UsageEvent.kind, total)
        .where(UsageEvent.day >= since, UsageEvent.day <= until)
        .group_by(UsageEvent.scheme, UsageEvent.kind)
        .order_by(UsageEvent.scheme)
    )
    counts: dict[str, dict[str, int]] = {}
    with office.read() as session:
        for scheme, kind, number in session.execute(asked):
            counts.setdefault(scheme, {each.value: 0 for each in Usage})[kind] = int(number)
    return counts
