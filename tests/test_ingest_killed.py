"""``kill -9`` at any moment leaves the old state or the new, and running again ends where an untouched run ends."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from models.tables import Batch
from service.office import Office
from service.records import lake
from tests.deliveries import PENALTY, code, penalty, write
from tests.killed_ingest import ingest_all
from tests.postgres import copy_office

KILLS = 12
SEED = 7
State = dict[str, object]


def deliveries(folder: Path) -> None:
    """Rows, a large delivery, corrections, quarantine, a refused batch, another feed."""
    folder.mkdir()
    write(folder / f"00.{PENALTY}.csv", [penalty(number) for number in range(60)])
    write(folder / f"01.{PENALTY}.csv", [penalty(number) for number in range(50, 6000)])
    write(folder / f"02.{PENALTY}.csv", [penalty(number, amount_yuan="1") for number in range(20)])
    write(
        folder / f"03.{PENALTY}.csv",
        [penalty(number, severity="x" if number == 6040 else "minor") for number in range(6000, 6050)],
    )
    write(folder / f"04.{PENALTY}.csv", [penalty(number, severity="x") for number in range(7000, 7010)])
    for place, month in enumerate(range(1, 5), start=5):
        rows = [
            {"uscc": code(number), "month": f"2024-{month:02d}", "tax_kind": "vat", "late": "0", "paid_yuan": "5"}
            for number in range(200)
        ]
        write(folder / f"{place:02d}.tax_filing.csv", rows, tuple(rows[0]))


def state(home: Path) -> State:
    """Everything readers can see: the manifest, the records and the quarantine, with every promise checked."""
    office = Office.open(home)
    with office.read() as session:
        batches = [
            {name: value for name, value in vars(batch).items() if not name.startswith("_")}
            for batch in session.scalars(select(Batch).order_by(Batch.seq))
        ]
    office.close()
    seen: State = {}
    for batch in batches:
        if batch["status"] == lake.LANDED:
            path = lake.record_path(office.lake, batch["feed"], batch["id"])
            assert pq.ParquetFile(path).metadata.num_rows == batch["rows_landed"]
            seen[str(path.relative_to(home))] = path.read_bytes()
        if batch["rows_rejected"]:
            path = lake.rejects_path(office.lake, batch["id"])
            seen[str(path.relative_to(home))] = path.read_bytes()
    return {"batches": batches, **seen}


def files(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in (home / "lake").rglob("*") if path.is_file()}


class Ingests:
    """Child processes that ingest all deliveries, to be killed; see ``tests.killed_ingest``."""

    def __init__(self, folder: Path):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.killed_ingest", str(folder)],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, home: Path, step: int = 0) -> int:
        assert self.process.stdin
        self.process.stdin.write(f"{home} {step}\n")
        self.process.stdin.flush()
        return self._number()

    def status(self) -> int:
        """How the child ended; waits for it."""
        return self._number()

    def _number(self) -> int:
        assert self.process.stdout
        return int(self.process.stdout.readline())

    def close(self) -> None:
        self.process.communicate()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed") / "deliveries"
    deliveries(folder)
    return folder


@pytest.fixture(scope="module")
def ingests(folder: Path) -> Iterator[Ingests]:
    ingests = Ingests(folder)
    yield ingests
    ingests.close()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("killed") / "empty"
    Office.open(home).close()
    return home


@pytest.fixture(scope="module")
def untouched(empty: Path, folder: Path, ingests: Ingests) -> tuple[State, float]:
    """The state an undisturbed run ends in, and how long a run takes (the second: the first warms up)."""
    for name in ("warm", "untouched"):
        home = empty.with_name(name)
        copy_office(empty, home)
        start = time.perf_counter()
        ingests.start(home)
        assert ingests.status() == 0
        seconds = time.perf_counter() - start
    final = state(home)
    assert [batch["status"] for batch in final["batches"]] == ["landed"] * 4 + ["refused"] + ["landed"] * 4  # type: ignore[attr-defined]
    return final, seconds


def check_and_finish(home: Path, folder: Path, final: State) -> int:
    """What a killed run left is a beginning of the final state; running again gives all of it. Batches it had."""
    left = state(home)
    count = len(left["batches"])  # type: ignore[arg-type]
    assert left["batches"] == final["batches"][:count]  # type: ignore[index]
    assert {name: left[name] for name in left if name != "batches"}.items() <= final.items()
    ingest_all(home, folder)
    # The refused file is refused again, under its own number; everything else was known or is landed now.
    again = [batch for batch in state(home)["batches"] if batch["status"] == lake.LANDED]  # type: ignore[attr-defined]
    plain = [{**batch, "seq": 0} for batch in again]
    assert plain == [{**batch, "seq": 0} for batch in final["batches"] if batch["status"] == lake.LANDED]  # type: ignore[attr-defined]
    ended = state(home)
    for name in final:
        assert name == "batches" or ended[name] == final[name], name
    assert files(home) == {name for name in ended if name != "batches"}, "left-overs were not swept"
    return count


def test_killed_at_random_moments(empty: Path, folder: Path, ingests: Ingests, untouched: tuple[State, float]) -> None:
    final, seconds = untouched
    dice = random.Random(SEED)
    counts = []
    for kill in range(KILLS):
        home = empty.with_name(f"timed-{kill}")
        copy_office(empty, home)
        child = ingests.start(home)
        # One moment in each twelfth of the run, so that kills reach every delivery.
        time.sleep(seconds * (kill + dice.random()) / KILLS)
        with suppress(ProcessLookupError):  # it was quicker this time
            os.kill(child, signal.SIGKILL)
        ingests.status()
        counts.append(check_and_finish(home, folder, final))
    assert len(set(counts)) > 1, "the kills came all at the same stage"


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 6, 7, 8, 9, 18, 19, 20, 30, 31])
def test_killed_between_flush_rename_and_commit(
    step: int, empty: Path, folder: Path, ingests: Ingests, untouched: tuple[State, float]
) -> None:
    home = empty.with_name(f"step-{step}")
    copy_office(empty, home)
    ingests.start(home, step)
    assert os.WTERMSIG(ingests.status()) == signal.SIGKILL
    check_and_finish(home, folder, untouched[0])
