"""Build a snapshot: every firm's profile, evaluation and matches as of a day, from what was known by a moment."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

from sqlalchemy import select

from models.tables import Snapshot
from scoring.catalogue import Catalogue
from scoring.feeds import FeedBook
from service.audit.journal import record
from service.audit.told import told
from service.books import seedbook
from service.clock import utc_now
from service.office import Office
from service.records.lake import sync_folder
from service.snapshot import folder as files
from service.snapshot.aggregate import Limits
from service.snapshot.build_inputs import Inputs, described, id_of, select_inputs
from service.snapshot.contents import BuildProgress, Run, make_contents
from service.snapshot.shelf import Shelf
from service.snapshot.snapshots import OpenSnapshot
from service.snapshot.stages import Stages
from service.usecases.alert_screens import alert_screens
from service.usecases.lift_publicity import end_lifts
from service.usecases.watch_borrowers import watch_borrowers
from service.watching.review_queue import add_cases, drawn_cases

_DRAFT = "snapshot-"


@dataclass(frozen=True)
class SnapshotReport:
    """What a build came to. ``is_new`` is false when the same inputs had been built before; ``seconds`` by stage."""

    snapshot_id: str
    as_of: date
    known_by: datetime
    firms: int
    rows: int
    records: int
    is_new: bool
    folder: Path
    seconds: Mapping[str, float]


def build_snapshot(
    office: Office,
    as_of: date,
    known_by: datetime,
    *,
    progress: Callable[[BuildProgress], None] | None = None,
    stages: Stages | None = None,
    catalogue: Catalogue | None = None,
    feeds: FeedBook | None = None,
    limits: Limits | None = None,
) -> SnapshotReport:
    """Build the snapshot as of ``as_of`` from the batches received by ``known_by``, or find it built already.

    The id follows from the day, the batches, the catalogue, the models and the rules; ``known_by`` only picks the
    batches, so two builds with no new batch between them are one snapshot. One build runs at a time per office; another
    waits.
    ``RefusedInput`` when nothing has landed by then, and for a day that was still to come.
    """
    stages = stages or Stages()
    catalogue, feeds = catalogue or seedbook.catalogue(), feeds or seedbook.feeds()
    run = Run(progress)
    with only_build(office):
        with run.stage("select"):
            end_lifts(office, known_by)
            inputs = select_inputs(office, as_of, known_by, feeds)
            made_of = described(inputs, catalogue, feeds, stages)
            snapshot_id = id_of(made_of)
            run.rows_total = sum(feed.rows for feed in inputs.feeds)
        folder = office.snapshots / snapshot_id
        is_new = not folder.exists()
        if is_new:
            with _draft(office, snapshot_id) as draft:
                said_of = {**made_of, "id": snapshot_id}
                contents = make_contents(inputs, said_of, catalogue, feeds, stages, limits or Limits(), draft, run)
                with run.stage("write"):
                    files.write_folder(draft / snapshot_id, contents)
                    (draft / snapshot_id).rename(folder)
        # Also for a folder that was there: whoever renamed it may have died before its name was on disk.
        sync_folder(office.snapshots)
        manifest = (folder / files.MANIFEST).read_bytes()
        said = json.loads(manifest)
        # A folder has its name only when it is complete: a build killed before this commit is finished here.
        is_new |= _commit(office, snapshot_id, inputs, said["firms"], sha256(manifest).hexdigest())
    if is_new:
        alert_screens(Shelf(office), utc_now())
        watch_borrowers(Shelf(office), utc_now())
    return SnapshotReport(
        snapshot_id=snapshot_id,
        as_of=as_of,
        known_by=inputs.known_by,
        firms=said["firms"],
        rows=run.rows_total,
        records=sum(feed["records"] for feed in said["feeds"].values()),
        is_new=is_new,
        folder=folder,
        seconds=run.seconds,
    )


@contextmanager
def only_build(office: Office) -> Iterator[None]:
    """Hold the office's build lock; the system frees it when the process dies."""
    with (office.work / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _draft(office: Office, snapshot_id: str) -> Iterator[Path]:
    """A scratch folder, gone afterwards. What killed builds left goes first: only one build runs at a time."""
    for left in office.work.glob(f"{_DRAFT}*"):
        shutil.rmtree(left)
    folder = office.work / f"{_DRAFT}{snapshot_id}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _commit(office: Office, snapshot_id: str, inputs: Inputs, firms: int, manifest_sha256: str) -> bool:
    """Make the snapshot visible with the review cases it draws; false when it was."""
    cases = tuple(drawn_cases(OpenSnapshot(office.snapshots / snapshot_id)))
    with office.write() as session:
        if session.scalar(select(Snapshot.seq).where(Snapshot.id == snapshot_id)) is not None:
            return False
        session.add(
            Snapshot(
                id=snapshot_id,
                as_of=inputs.as_of,
                known_by=inputs.known_by,
                built_at=utc_now(),
                firms=firms,
                manifest_sha256=manifest_sha256,
            )
        )
        add_cases(session, cases)
        record(session, told("build_snapshot", utc_now(), object_id=snapshot_id, detail={"firms": firms}))
    return True
