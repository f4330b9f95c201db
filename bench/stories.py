"""Stories that are cut off on purpose: what a client does step by step, and what must be so afterwards.

A story is a list of steps, each of which is acknowledged when it is done. A client that got no acknowledgment does the
step again. Whatever happened in between, the office must show in the end what an undisturbed run shows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from bench.story import AS_OF, BATCHES, NOW, Story, absent, code_of, deliver, delivered, empty
from bench.story_application import APPLICATION
from bench.story_keyed import KEYED
from bench.story_webhooks import WEBHOOKS
from models.tables import AuditEntry, Batch, Consent, Job, ReviewCase, Snapshot
from service.access.auth import Action, Caller, Role
from service.access.policy import Purpose
from service.access.reading import open_file
from service.audit.chain import Event
from service.audit.journal import record
from service.books.rulebook import lenders
from service.books.seedbook import catalogue
from service.jobs.kinds import JobKind
from service.jobs.queue import Asked, enqueue
from service.jobs.work import Work
from service.jobs.worker import Worker
from service.office import Office, opened
from service.records import lake
from service.usecases.backup_office import backup_office, restore_office
from service.usecases.build_snapshot import build_snapshot
from service.usecases.consent import Wanted, consent_text, give_consent, revoke_consent


def _batches(office: Office) -> dict[str, Any]:
    """The manifest without its numbers, which a refused attempt uses up, and every file it speaks of."""
    with office.read() as session:
        rows = session.scalars(select(Batch).order_by(Batch.id)).all()
    seen: dict[str, Any] = {}
    for row in rows:
        told = {name: value for name, value in vars(row).items() if not name.startswith("_") and name != "seq"}
        paths = [lake.record_path(office.lake, row.feed, row.id)] if row.status == lake.LANDED else []
        paths += [lake.rejects_path(office.lake, row.id)] if row.rows_rejected else []
        seen[row.id] = (told, [sha256(path.read_bytes()).hexdigest() for path in paths])
    return seen


INGEST = Story("ingest", BATCHES, empty, deliver, _batches, lambda office, acked: absent(office, Batch.id, acked))


def _build(office: Office, step: int, folder: Path) -> str:
    return build_snapshot(office, AS_OF - timedelta(days=step), NOW).snapshot_id


def _snapshots(office: Office) -> dict[str, Any]:
    with office.read() as session:
        rows = {row.id: (row.as_of, row.firms, row.manifest_sha256) for row in session.scalars(select(Snapshot))}
        cases = sorted(session.scalars(select(ReviewCase.id)))
    content = {
        name: sorted(
            (path.relative_to(office.snapshots).as_posix(), sha256(path.read_bytes()).hexdigest())
            for path in (office.snapshots / name).rglob("*")
            if path.is_file()
        )
        for name in rows
    }
    return {"rows": rows, "cases": cases, "content": content}


BUILD = Story("build", 6, delivered, _build, _snapshots, lambda office, acked: absent(office, Snapshot.id, acked))


def _consent(office: Office, step: int, folder: Path) -> str:
    """Give a consent, and in every third step take back the one before."""
    now, caller = NOW + timedelta(minutes=step), Caller("firm", Role.FIRM, code_of(step // 3))
    given = step - 1 if step % 3 == 2 else step
    day = NOW.date()
    lender, dimensions = sorted(lenders())[given % 5], tuple(each.id for each in catalogue().dimensions)
    wanted = Wanted(lender, Purpose.PRE_LOAN, dimensions, False, day, day + timedelta(days=10 + given))
    words = consent_text(wanted, day)["text_sha256"]
    if given == step:
        asked = Wanted(**{**vars(wanted), "text_sha256": words})
        return str(give_consent(office, caller, asked, now, f"consent-{step}")["id"])
    with office.read() as session:
        mine = select(Consent.id).where(Consent.firm == caller.tenant, Consent.text_sha256 == words)
        kept = session.scalars(mine).one()
    return str(revoke_consent(office, caller, kept, now, f"consent-{step}")["id"])


def _consents(office: Office) -> dict[str, Any]:
    """Consents and their journal without the ids, which are drawn anew."""
    with office.read() as session:
        rows = sorted(
            (row.firm, row.lender, row.valid_until, row.given_at, row.revoked_at)
            for row in session.scalars(select(Consent))
        )
        told = session.execute(select(AuditEntry.action, AuditEntry.firm, AuditEntry.at).order_by(AuditEntry.seq)).all()
    return {"consents": rows, "journal": [tuple(row) for row in told]}


CONSENT = Story("consent", 30, empty, _consent, _consents, lambda office, acked: absent(office, Consent.id, acked))


def _read(office: Office, step: int, folder: Path) -> str:
    asked = f"reading-{step:04d}"
    open_file(office, Caller("ana", Role.OFFICE), code_of(step), None, Action.READ_FIRM, NOW, asked)
    return asked


def _readings(office: Office) -> list[str]:
    with office.read() as session:
        query = select(AuditEntry.request_id).group_by(AuditEntry.request_id)
        return list(session.scalars(query.order_by(func.min(AuditEntry.seq))))


def _read_again(office: Office) -> int:
    with office.read() as session:
        entries = session.scalar(select(func.count()).select_from(AuditEntry)) or 0
    return entries - len(_readings(office))


AUDIT = Story(
    "audit",
    60,
    empty,
    _read,
    _readings,
    lambda office, acked: absent(office, AuditEntry.request_id, acked),
    _read_again,
)


def _count(office: Office, work: Work) -> Mapping[str, Any]:
    """A job of five steps; each leaves one entry in the journal."""
    for number in range(work.checkpoint.get("next", 0), 5):
        with work.step(next=number + 1) as session:
            told = f"{work.arguments['step']}-{number}"
            record(session, Event(NOW, "count", "system", "count", "done", reason="step", request_id=told))
    return {"counted": work.checkpoint["next"]}


def _job(office: Office, step: int, folder: Path) -> str:
    now = datetime.now(UTC)
    with office.write() as session:
        # A kill is a failed attempt, and these jobs are killed often.
        asked = Asked("count", f"count {step}", {"step": step}, "ana", "office", max_attempts=10_000)
        job = enqueue(session, asked, now).id
    worker = Worker(office, kinds={"count": JobKind("count", _count)}, lease=timedelta(seconds=0.2))
    done = select(Job.id).where(Job.id == job, Job.state == "done")
    while True:
        worker.work_one()
        with office.read() as session:
            if session.scalar(done):
                return job


def _jobs(office: Office) -> dict[str, Any]:
    with office.read() as session:
        jobs = session.execute(select(Job.key, Job.state, Job.result).order_by(Job.seq)).all()
        steps = session.scalars(
            select(AuditEntry.request_id).where(AuditEntry.reason == "step").order_by(AuditEntry.request_id)
        ).all()
    return {"jobs": [tuple(row) for row in jobs], "steps": list(steps)}


JOBS = Story("jobs", 12, empty, _job, _jobs, lambda office, acked: absent(office, Job.id, acked))


def _tar(home: Path, step: int) -> Path:
    return home.with_name(f"{home.name}.{step}.tar")


def _backup(office: Office, step: int, folder: Path) -> str:
    target = _tar(office.home, step)
    if not target.exists():  # an acknowledgment was lost: the file is whole under its name, or not there
        backup_office(office, target, NOW)
    return target.name


def _backups(office: Office) -> dict[str, Any]:
    """What each backup gives back."""
    found = {}
    for step in range(BACKUP.steps):
        if (source := _tar(office.home, step)).exists():
            with tempfile.TemporaryDirectory() as scratch:
                restore_office(source, Path(scratch) / "home")
                with opened(Path(scratch) / "home") as restored:
                    found[step] = _batches(restored)
    return found


BACKUP = Story(
    "backup", 3, delivered, _backup, _backups,
    lambda office, acked: [name for name in acked.values() if not (office.home.parent / name).exists()],
)  # fmt: skip

#: What is killed. Another part of the product adds its own.
STORIES: dict[str, Story] = {
    story.name: story for story in (INGEST, BUILD, CONSENT, AUDIT, JOBS, BACKUP, APPLICATION, KEYED, WEBHOOKS)
}
