"""Killing a build at any moment leaves the old snapshot or the new one, never half of one."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from models.tables import Snapshot
from service.books import seedbook
from service.office import Office, opened
from service.snapshot.snapshots import OpenSnapshot, open_snapshot
from service.usecases.build_snapshot import build_snapshot
from tests.random_records import firm_codes, land, random_batches

OLD_DAY, NEW_DAY = date(2024, 9, 30), date(2024, 10, 31)
KNOWN_BY = datetime(2024, 11, 30, tzinfo=UTC)
KILLS = 5
#: The child says when its imports are done, so that kills fall into the build. `tests` puts it on our database.
CHILD = """
import sys
import tests
from datetime import date, datetime, timezone
from pathlib import Path
from service.office import opened
from service.usecases.build_snapshot import build_snapshot
with opened(Path(sys.argv[1])) as office:
    print("ready", flush=True)
    build_snapshot(office, date.fromisoformat(sys.argv[2]), datetime(2024, 11, 30, tzinfo=timezone.utc),
                   progress=lambda step: print(step.stage, flush=True))
    print("done", flush=True)
"""


def fill(office: Office) -> None:
    picker = random.Random(8)
    firms = firm_codes(40)
    for name in ("business_registration", "vat_invoice", "administrative_penalty", "electricity_month"):
        feed = seedbook.feeds()[name]
        for batch in random_batches(feed, firms, picker, batches=2, rows=60):
            batch.received_at = datetime(2024, 11, 1 + batch.number, tzinfo=UTC)
            land(office, feed, batch)


def test_killed_builds_leave_the_old_or_the_new(tmp_path: Path) -> None:
    picker = random.Random(4)
    with opened(tmp_path) as office:
        fill(office)
        old = build_snapshot(office, OLD_DAY, KNOWN_BY).snapshot_id
    days = [NEW_DAY - timedelta(days=number) for number in range(KILLS)]
    unfinished = sum(not run_and_kill(tmp_path, day, picker, number % 2 == 1) for number, day in enumerate(days))
    assert unfinished >= 2
    with opened(tmp_path) as office:
        reports = [build_snapshot(office, day, KNOWN_BY) for day in days]
        assert all(report.folder.exists() for report in reports)
        assert not build_snapshot(office, NEW_DAY, KNOWN_BY).is_new
        # Nothing half-made stays behind.
        folders = {path.name for path in office.snapshots.iterdir()}
        assert folders == {old, *(report.snapshot_id for report in reports)}
        assert [path.name for path in office.work.iterdir()] == ["build.lock"]


def run_and_kill(home: Path, day: date, picker: random.Random, while_writing: bool) -> bool:
    """Whether the snapshot of ``day`` stands after its build was killed; whatever stands must be whole."""
    command = [sys.executable, "-c", CHILD, str(home), day.isoformat()]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    if while_writing:
        while child.stdout.readline() not in ("write\n", "done\n", ""):
            pass
    time.sleep(picker.uniform(0, 0.1 if while_writing else 0.5))
    child.kill()
    child.communicate()
    with opened(home) as office, office.read() as session:
        rows = {snapshot.as_of: snapshot.id for snapshot in session.scalars(select(Snapshot))}
        assert OLD_DAY in rows
        for identifier in (rows[OLD_DAY], rows.get(day, rows[OLD_DAY])):
            assert_whole(open_snapshot(office, identifier))
        return day in rows


def assert_whole(snapshot: OpenSnapshot) -> None:
    """Every file is there, of full length, and every firm can be read."""
    assert snapshot.firms == 40
    for row in range(snapshot.firms):
        assert len(snapshot.readings(snapshot.row_of(snapshot.firm_at(row)))) == 139


def test_a_folder_without_a_row_is_taken_up_by_the_next_build(tmp_path: Path) -> None:
    with opened(tmp_path) as office:
        fill(office)
        report = build_snapshot(office, NEW_DAY, KNOWN_BY)
        with office.write() as session:
            session.delete(session.scalars(select(Snapshot)).one())
        before = report.folder.stat().st_mtime_ns
        again = build_snapshot(office, NEW_DAY, KNOWN_BY)
        assert again.is_new
        assert "write" not in again.seconds
        assert report.folder.stat().st_mtime_ns == before
        assert open_snapshot(office).id == report.snapshot_id
