"""Stories that are cut off on purpose: what a client does step by step, and what must be so afterwards.

A story is a list of steps, each of which is acknowledged when it is done. A client that got no acknowledgment does the
step again. Whatever happened in between, the office must show in the end what an undisturbed run shows.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from models.tables import AuditEntry, Batch, Consent, Job, ReviewCase, Snapshot
from models.uscc import check_character
from seed.city import plan_city, write_deliveries
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
from service.usecases.ingest_batch import ingest_batch

NOW = datetime(2024, 11, 30, 4, 0, tzinfo=UTC)
AS_OF = date(2024, 10, 31)
_FEEDS = (
    "business_registration", "electricity_month", "registered_person", "shareholder", "tax_filing", "vat_invoice",
)  # fmt: skip
_DELIVERIES, _INDEX = "deliveries", "index.json"


@dataclass(frozen=True)
class Story:
    """``prepare`` makes the office the story begins in, from a folder with synthetic deliveries.

    ``act`` does one step, the first time or again, and answers with what is acknowledged. ``seen`` is everything
    readers can see of it, in a form that does not hold what may rightly differ between two runs. ``missing`` names
    acknowledgments the office does not know. ``repeats`` counts effects that are there twice because a client, left
    without an answer, did the step again and the step is of a kind that may be done twice (a reading).
    """

    name: str
    steps: int
    prepare: Callable[[Path, Path], None]
    act: Callable[[Office, int, Path], str]
    seen: Callable[[Office], Any]
    missing: Callable[[Office, Mapping[int, str]], list[str]]
    repeats: Callable[[Office], int] = lambda office: 0


def write_city(folder: Path) -> None:
    """Put what the agencies of a small synthetic city deliver into ``folder``, once for all stories."""
    made = write_deliveries(plan_city(50, AS_OF, months=12, seed=7), folder / _DELIVERIES)
    told = [
        {
            "feed": each.feed,
            "file": str(each.path),
            "received_at": each.received_at.isoformat(),
            "covers_to": each.covers_to.isoformat(),
        }
        for each in made
        if each.feed in _FEEDS and each.rows
    ]
    (folder / _INDEX).write_text(json.dumps(told), encoding="utf-8")


def _deliver(office: Office, step: int, folder: Path) -> str:
    each = json.loads((folder / _INDEX).read_text(encoding="utf-8"))[step]
    received, covers = datetime.fromisoformat(each["received_at"]), date.fromisoformat(each["covers_to"])
    report = ingest_batch(office, each["feed"], Path(each["file"]), received_at=received, covers_to=covers)
    return report.batch_id


def _empty(home: Path, folder: Path) -> None:
    Office.open(home).close()


def _delivered(home: Path, folder: Path) -> None:
    with opened(home) as office:
        for step in range(INGEST.steps):
            _deliver(office, step, folder)


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


def _absent(office: Office, column: Any, acked: Mapping[int, str]) -> list[str]:
    with office.read() as session:
        known = set(session.scalars(select(column).where(column.in_(list(acked.values())))))
    return sorted(set(acked.values()) - known)


INGEST = Story("ingest", 20, _empty, _deliver, _batches, lambda office, acked: _absent(office, Batch.id, acked))


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


BUILD = Story("build", 6, _delivered, _build, _snapshots, lambda office, acked: _absent(office, Snapshot.id, acked))


def _code(number: int) -> str:
    first = f"91210100MA{number:07d}"
    return first + check_character(first)


def _consent(office: Office, step: int, folder: Path) -> str:
    """Give a consent, and in every third step take back the one before."""
    now, caller = NOW + timedelta(minutes=step), Caller("firm", Role.FIRM, _code(step // 3))
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


CONSENT = Story("consent", 30, _empty, _consent, _consents, lambda office, acked: _absent(office, Consent.id, acked))


def _read(office: Office, step: int, folder: Path) -> str:
    asked = f"reading-{step:04d}"
    open_file(office, Caller("ana", Role.OFFICE), _code(step), None, Action.READ_FIRM, NOW, asked)
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
    _empty,
    _read,
    _readings,
    lambda office, acked: _absent(office, AuditEntry.request_id, acked),
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


JOBS = Story("jobs", 12, _empty, _job, _jobs, lambda office, acked: _absent(office, Job.id, acked))


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
    "backup", 3, _delivered, _backup, _backups,
    lambda office, acked: [name for name in acked.values() if not (office.home.parent / name).exists()],
)  # fmt: skip

#: What is killed. Another part of the product adds its own.
STORIES: dict[str, Story] = {story.name: story for story in (INGEST, BUILD, CONSENT, AUDIT, JOBS, BACKUP)}


def copy_home(source: Path, target: Path) -> Path:
    """An office's folder once more; nobody may have it open."""
    shutil.copytree(source, target)
    return target
