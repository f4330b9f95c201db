"""The queue of jobs: asked once by key, claimed under a lease, written to only by whoever holds the lease.

A claim raises the job's fence; every later write of a worker names the fence it claimed under. A worker that was
paused, cut off or thought dead finds its fence outdated and is refused with ``LeaseLost``: two workers may believe that
they have a job, one of them can change anything. Clocks of machines that share a queue agree within a fraction of the
lease.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.errors import RefusedInput, RongqiaoError
from models.tables import Job
from service.access.auth import Action
from service.audit.chain import Event
from service.audit.journal import record
from service.office import Office
from service.web.encode import canonical

QUEUED, RUNNING, DONE, DEAD, CANCELLED = "queued", "running", "done", "dead", "cancelled"
#: The first pause after a failed attempt; each further one is twice as long, up to an hour.
_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)


class LeaseLost(RongqiaoError):
    """Another worker has the job, or it has ended: nothing was written."""


@dataclass(frozen=True)
class Asked:
    """A job as it is asked for. ``arguments`` are JSON; ``tenant`` is whom it is for, empty: the office."""

    kind: str
    key: str
    arguments: Mapping[str, Any]
    by: str
    role: str
    tenant: str = ""
    max_attempts: int = 3
    due_at: datetime | None = None
    request_id: str = ""


@dataclass(frozen=True)
class Lease:
    """The right to work on a job, and what was known when it was claimed."""

    job_id: str
    kind: str
    fence: int
    worker: str
    attempt: int
    max_attempts: int
    arguments: Mapping[str, Any]
    checkpoint: Mapping[str, Any] = field(default_factory=dict)


def enqueue(session: Session, asked: Asked, now: datetime) -> Job:
    """Put a job into the queue within ``session``'s transaction, or find the one with its key.

    Before ``record``, where the transaction also tells the journal something: locks are taken in one order.
    ``RefusedInput`` (409) when the key stands for another job. A key whose job died or was cancelled is free again.
    """
    known = _by_key(session, asked)
    if known is not None:
        return known
    job = Job(
        id=f"j_{uuid.uuid4().hex}",
        key=asked.key,
        kind=asked.kind,
        arguments=dict(asked.arguments),
        asked_by=asked.by,
        tenant=asked.tenant,
        asked_at=now,
        due_at=asked.due_at or now,
        state=QUEUED,
        attempts=0,
        max_attempts=asked.max_attempts,
        fence=0,
        worker="",
        cancel_asked=False,
        checkpoint={},
        progress={},
        error="",
    )
    try:
        with session.begin_nested():
            session.add(job)
    except IntegrityError:
        # Somebody else asked at the same moment.
        return _by_key(session, asked) or job
    told = _Told(asked.by, asked.role, Action.START_JOB.value, asked.request_id)
    record(session, told.event(job.id, QUEUED, now, asked.tenant, kind=job.kind))
    return job


def is_work_waiting(office: Office, kinds: Sequence[str], now: datetime) -> bool:
    """Whether ``claim`` may find something; a look that locks nothing."""
    with office.read() as session:
        return session.scalar(select(Job.seq).where(_is_due(kinds, now)).limit(1)) is not None


def claim(office: Office, kinds: Sequence[str], worker: str, now: datetime, lease: timedelta) -> Lease | None:
    """Take the job that waits longest, or one whose worker fell silent; ``None`` when there is none.

    One ``UPDATE``: of many workers at once each gets another job, on PostgreSQL without waiting for one another.
    """
    with office.write() as session:
        _bury(session, kinds, now)
        waiting = select(Job.seq).where(_is_due(kinds, now)).order_by(Job.due_at, Job.seq).limit(1)
        taken = (
            update(Job)
            .where(Job.seq == waiting.with_for_update(skip_locked=True).scalar_subquery())
            .values(
                state=RUNNING,
                attempts=Job.attempts + 1,
                fence=Job.fence + 1,
                worker=worker,
                lease_until=now + lease,
                heartbeat_at=now,
            )
            .returning(Job)
            .execution_options(synchronize_session=False, populate_existing=True)
        )
        job = session.scalars(taken).one_or_none()
        if job is None:
            return None
        record(session, _told_by(worker).event(job.id, "started", now, kind=job.kind, attempt=job.attempts))
        arguments, checkpoint = dict(job.arguments), dict(job.checkpoint)
        return Lease(job.id, job.kind, job.fence, worker, job.attempts, job.max_attempts, arguments, checkpoint)


def renew(office: Office, lease: Lease, now: datetime, length: timedelta, progress: Mapping[str, Any]) -> bool:
    """Prolong the lease, with what is shown of the progress; whether cancelling was asked. Raises ``LeaseLost``."""
    with office.write() as session:
        changes = {"lease_until": now + length, "heartbeat_at": now, "progress": dict(progress)}
        write_held(session, lease, changes)
        return bool(session.scalar(select(Job.cancel_asked).where(Job.id == lease.job_id)))


def write_held(session: Session, lease: Lease, changes: Mapping[str, Any]) -> None:
    """Change the job's row if the lease still holds, and lock it until the transaction ends; else ``LeaseLost``."""
    held = update(Job).where(Job.id == lease.job_id, Job.fence == lease.fence, Job.state == RUNNING)
    done = session.connection().execute(held.values(**changes))
    if done.rowcount != 1:
        raise LeaseLost(f"job {lease.job_id} is no longer this worker's")


def finish(
    office: Office, lease: Lease, result: Mapping[str, Any], now: datetime, progress: Mapping[str, Any] | None = None
) -> None:
    """The job is done; ``progress`` is what is shown of it for good."""
    _end(office, lease, DONE, now, result=dict(result), **({"progress": dict(progress)} if progress else {}))


def give_back(office: Office, lease: Lease, now: datetime) -> None:
    """The worker stops: the job waits again with its checkpoint, and the attempt does not count."""
    with office.write() as session:
        changes = {"state": QUEUED, "attempts": Job.attempts - 1, "lease_until": None, "worker": "", "due_at": now}
        write_held(session, lease, changes)
        record(session, _told_by(lease.worker).event(lease.job_id, "released", now, kind=lease.kind))


def fail(office: Office, lease: Lease, reason: str, now: datetime, for_good: bool = False) -> None:
    """An attempt failed: the job waits longer each time, and is dead after the last one or when it is ``for_good``."""
    if for_good or lease.attempt >= lease.max_attempts:
        _end(office, lease, DEAD, now, error=reason, key=None)
        return
    pause = min(_PAUSE * 2 ** (lease.attempt - 1), _LONGEST_PAUSE)
    with office.write() as session:
        changes = {"state": QUEUED, "lease_until": None, "worker": "", "due_at": now + pause, "error": reason}
        write_held(session, lease, changes)
        told = _told_by(lease.worker).event(lease.job_id, "failed", now, kind=lease.kind, attempt=lease.attempt)
        record(session, told)


def end_cancelled(office: Office, lease: Lease, now: datetime) -> None:
    """The worker stopped because somebody asked it to: the job is over."""
    _end(office, lease, CANCELLED, now, key=None)


def ask_to_cancel(session: Session, job: Job, by: str, role: str, now: datetime, request_id: str) -> None:
    """A waiting job is cancelled at once, a running one at its worker's next step; an ended one stays as it is."""
    if job.state not in (QUEUED, RUNNING) or job.cancel_asked:
        return
    job.cancel_asked = True
    if job.state == QUEUED:
        job.state, job.key, job.ended_at = CANCELLED, None, now
    told = _Told(by, role, Action.CANCEL_JOB.value, request_id)
    record(session, told.event(job.id, "cancel_asked", now, job.tenant, kind=job.kind))


def _by_key(session: Session, asked: Asked) -> Job | None:
    known = session.scalars(select(Job).where(Job.key == asked.key)).one_or_none()
    if known is not None and (known.kind != asked.kind or known.tenant != asked.tenant):
        raise RefusedInput(
            "other_job", "key", asked.key, "The key stands for another job.", "Use a key of your own.", status=409
        )
    return known


def _is_due(kinds: Sequence[str], now: datetime) -> ColumnElement[bool]:
    waits = and_(Job.state == QUEUED, Job.due_at <= now)
    return and_(Job.kind.in_(kinds), or_(waits, _fell_silent(now)))


def _fell_silent(now: datetime) -> ColumnElement[bool]:
    return and_(Job.state == RUNNING, Job.lease_until < now)


def _bury(session: Session, kinds: Sequence[str], now: datetime) -> None:
    """End what a silent worker left that is not to be tried again."""
    over = or_(Job.cancel_asked, Job.attempts >= Job.max_attempts)
    silent = select(Job).where(Job.kind.in_(kinds), _fell_silent(now), over).with_for_update(skip_locked=True)
    for job in session.scalars(silent):
        if job.cancel_asked:
            state = CANCELLED
        else:
            state = DEAD
            job.error = f"The worker fell silent in attempt {job.attempts} of {job.max_attempts}, the last one."
        job.state, job.key, job.ended_at, job.fence = state, None, now, job.fence + 1
        record(session, _told_by(job.worker).event(job.id, state, now, kind=job.kind))


def _end(office: Office, lease: Lease, state: str, now: datetime, **changes: Any) -> None:
    with office.write() as session:
        write_held(session, lease, {"state": state, "ended_at": now, "lease_until": None, "error": "", **changes})
        record(session, _told_by(lease.worker).event(lease.job_id, state, now, kind=lease.kind))


@dataclass(frozen=True)
class _Told:
    """Who changes a job, for the journal."""

    by: str
    role: str
    action: str
    request_id: str = ""

    def event(self, job_id: str, what: str, now: datetime, tenant: str = "", **detail: Any) -> Event:
        return Event(
            at=now,
            actor=self.by,
            role=self.role,
            tenant=tenant,
            action=self.action,
            object_id=job_id,
            result="done",
            reason=what,
            detail=canonical(detail).decode(),
            request_id=self.request_id,
        )


def _told_by(worker: str) -> _Told:
    return _Told(worker[:64], "system", "run_job")
