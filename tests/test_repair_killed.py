"""``kill -9`` while a repair is granted: all of it or nothing, and what was acknowledged is there after the restart."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from models.tables import AuditEntry, Batch, CorrectionNotice, Repair
from service.access.auth import Caller, Role
from service.audit.chain import Event
from service.audit.journal import record, verify
from service.office import Office, opened
from service.snapshot.snapshots import open_snapshot
from service.usecases.build_snapshot import build_snapshot
from service.usecases.ingest_batch import ingest_batch
from service.usecases.repair import RepairAsked, firm_repairs, request_repair
from service.usecases.step_repair import RepairStepAsked, step_repair
from tests.cases_city import NOON, penalty
from tests.deliveries import PENALTY, write
from tests.killed_repair import grant
from tests.postgres import copy_office
from tests.shell import a_code

FIRM = a_code(1)
#: More flushes and renames than one grant makes; the last ones find nothing left to kill before.
MOMENTS = 8


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An office with one repair that waits for its decision, and one bank that read the firm."""
    home = tmp_path_factory.mktemp("killed") / "home"
    with opened(home) as office:
        file = write(home / "penalty.csv", [penalty(FIRM)])
        ingest_batch(office, PENALTY, file, received_at=datetime(2024, 11, 29, 4, 0, tzinfo=UTC))
        build_snapshot(office, date(2024, 12, 1), NOON)
        snapshot = open_snapshot(office)
        read = Event(NOON, "bank", "bank", "read_firm", "allowed", tenant="bank", firm=FIRM, consent_id="c")
        with office.write() as session:
            record(session, read)
        answer = firm_repairs(office, snapshot, FIRM, NOON)
        one = answer["records"][0]
        papers = [each["id"] for each in answer["materials"]["asks"] if each["id"] != "promise"]
        materials = tuple({"id": paper, "name": paper, "sha256": "ab" * 32} for paper in papers)
        asked = RepairAsked(one["record_id"], materials, one["promise"]["sha256"], True)
        repair: str = request_repair(office, snapshot, Caller("firm", Role.FIRM, FIRM), asked, NOON, "")["id"]
        review = RepairStepAsked("review", "fine paid", True)
        step_repair(office, Caller("office", Role.OFFICE), repair, review, NOON, "")
    return home, repair


def state(home: Path) -> dict[str, Any]:
    """Everything a grant changes, and that the chain is whole."""
    office = Office.open(home)
    assert verify(office).broken is None
    with office.read() as session:
        batches = [(each.id, each.rows_landed) for each in session.scalars(select(Batch).order_by(Batch.seq))]
        found = {
            "stage": session.scalars(select(Repair.stage)).one(),
            "batches": batches,
            "notices": session.scalars(select(CorrectionNotice.lender)).all(),
            "journal": [each.detail for each in session.scalars(select(AuditEntry).order_by(AuditEntry.seq))],
        }
    office.close()
    for batch, _ in batches:
        assert (home / "lake" / PENALTY / f"{batch}.parquet").exists()
    return found


def test_a_grant_is_whole_or_nothing_and_never_lost_once_acknowledged(
    reviewed: tuple[Path, str], tmp_path: Path
) -> None:
    home, repair = reviewed
    before = state(home)
    untouched = tmp_path / "untouched"
    copy_office(home, untouched)
    assert grant(untouched, repair) == "granted"
    after = state(untouched)
    assert after != before
    homes = [tmp_path / f"killed{step}" for step in range(MOMENTS)]
    for each in homes:
        copy_office(home, each)
    lines = "".join(f"{each} {repair} {step}\n" for step, each in enumerate(homes))
    child = subprocess.run(
        [sys.executable, "-m", "tests.killed_repair"], input=lines, capture_output=True, text=True, check=False
    )
    assert child.returncode == 0, child.stderr
    assert [int(status) for status in child.stdout.split()] == [signal.SIGKILL] * MOMENTS
    found = [state(each) for each in homes]
    for each, seen in zip(homes, found, strict=True):
        assert seen in (before, after)
        if each.with_suffix(".acknowledged").exists():
            assert seen == after
        assert grant(each, repair) == "granted"
        assert state(each) == after, "granting again ends where an untouched grant ends"
    assert found[0] == after
    assert before in found, "some kills fell before the end"
