"""What somebody on call watches of an office besides its requests: the age of its data, its journal, what waits."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.tables import AuditHead, Batch, Job, Snapshot, WebhookDelivery
from service.integration import endpoints
from service.jobs import queue as jobs
from service.office import Office
from service.usecases.read_audit import ANCHORS


class Gauge(NamedTuple):
    """A number under a name; ages are seconds, NaN for what never happened."""

    name: str
    meaning: str
    value: float


def office_gauges(office: Office, now: datetime) -> list[Gauge]:
    """The gauges at ``now``."""
    with office.read() as session:
        newest = session.scalars(select(Snapshot).order_by(Snapshot.as_of.desc(), Snapshot.seq.desc()).limit(1)).first()
        built = session.scalar(select(func.max(Snapshot.built_at)))
        received = session.scalar(select(func.max(Batch.received_at)))
        head = session.get(AuditHead, 1)
        queues = [*_jobs(session, now), *_messages(session, now)]
    return [
        Gauge("snapshot_firms", "Firms of the snapshot that answers.", newest.firms if newest else 0),
        Gauge("snapshot_built_age_seconds", "Since the latest build.", _age(built, now)),
        Gauge("batch_age_seconds", "Since the latest delivery.", _age(received, now)),
        Gauge("audit_entries", "Entries of the audit journal.", head.seq if head else 0),
        Gauge("audit_anchor_age_seconds", "Since the journal's end was last signed.", _age(_anchored(office), now)),
        *queues,
    ]


def _jobs(session: Session, now: datetime) -> list[Gauge]:
    """The queue of jobs: how many in which state, how long the oldest has waited, and leases nobody renewed."""
    by_state = select(Job.state, func.count()).group_by(Job.state)
    counts = dict(session.execute(by_state).all())
    due = session.scalar(select(func.min(Job.due_at)).where(Job.state == jobs.QUEUED, Job.due_at <= now))
    lost = select(func.count()).select_from(Job).where(Job.state == jobs.RUNNING, Job.lease_until < now)
    return [
        Gauge("jobs_queued", "Jobs that wait.", counts.get(jobs.QUEUED, 0)),
        Gauge("jobs_running", "Jobs under a lease.", counts.get(jobs.RUNNING, 0)),
        Gauge("jobs_dead", "Jobs that were given up.", counts.get(jobs.DEAD, 0)),
        Gauge("jobs_lease_lost", "Running jobs whose worker did not renew its lease.", session.scalar(lost) or 0),
        Gauge("jobs_wait_seconds", "How long the oldest job that is due has waited.", _wait(due, now)),
    ]


def _messages(session: Session, now: datetime) -> list[Gauge]:
    """What is on its way to lenders' receivers."""
    by_state = select(WebhookDelivery.state, func.count()).group_by(WebhookDelivery.state)
    counts = dict(session.execute(by_state).all())
    of_waiting = select(func.min(WebhookDelivery.due_at)).where(WebhookDelivery.state == endpoints.WAITING)
    return [
        Gauge("webhooks_waiting", "Messages on their way.", counts.get(endpoints.WAITING, 0)),
        Gauge("webhooks_dead", "Messages that were given up.", counts.get(endpoints.DEAD, 0)),
        Gauge("webhooks_overdue_seconds", "By how much the oldest is overdue.", _wait(session.scalar(of_waiting), now)),
    ]


def _wait(due: datetime | None, now: datetime) -> float:
    """Seconds since what was due; zero where nothing waits or it is not due yet."""
    return 0.0 if due is None else max(0.0, (now - due).total_seconds())


def _age(moment: datetime | None, now: datetime) -> float:
    return float("nan") if moment is None else (now - moment).total_seconds()


def _anchored(office: Office) -> datetime | None:
    """The moment of the last anchor; its signature is looked at by ``audit verify``, not here."""
    try:
        last = (office.home / ANCHORS).read_bytes().splitlines()[-1]
        return datetime.fromisoformat(orjson.loads(last)["at"])
    except (OSError, IndexError, ValueError, KeyError, TypeError):
        return None
