"""One year of the demo city at 20,000 firms, stage by stage, so that the next size up can be foretold.

Every stage runs once, through the real pipeline. Rates are rows or firms per second; peak memory is the process's own
and never falls, so each stage shows the highest so far.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from bench.ratios import Claim, milliseconds
from seed.city import plan_city, write_deliveries
from service.office import opened
from service.snapshot.office_stages import office_stages
from service.snapshot.snapshots import open_snapshot
from service.usecases.build_snapshot import build_snapshot
from service.usecases.ingest_batch import ingest_batch

FIRMS, MONTHS, AS_OF = 20_000, 12, date(2024, 10, 31)
KNOWN_BY = datetime(2025, 1, 31, tzinfo=UTC)
Result = TypeVar("Result")


def run() -> list[Claim]:
    """The stages in order, then the build's own stages."""
    with tempfile.TemporaryDirectory() as folder:
        return _measure(Path(folder))


def _measure(folder: Path) -> list[Claim]:
    claims: list[Claim] = []

    def stage(name: str, size: Callable[[Result], int], unit: str, work: Callable[[], Result]) -> Result:
        start = time.perf_counter()
        result = work()
        claims.append(_claim(name, time.perf_counter() - start, size(result), unit))
        return result

    city = stage("draw the city", lambda _: FIRMS, "firms", lambda: plan_city(FIRMS, AS_OF, MONTHS))
    files = stage(
        "write the agencies' files",
        lambda made: sum(each.rows for each in made),
        "rows",
        lambda: write_deliveries(city, folder / "files"),
    )
    with opened(folder / "home") as office:

        def ingest() -> int:
            read = 0
            for each in files:
                read += ingest_batch(
                    office, each.feed, each.path, received_at=each.received_at, covers_to=each.covers_to
                ).rows_read
            return read

        stage("ingest", lambda rows: rows, "rows", ingest)
        report = stage(
            "build",
            lambda made: made.records,
            "records",
            lambda: build_snapshot(office, AS_OF, KNOWN_BY, stages=office_stages()),
        )
        for name, seconds in report.seconds.items():
            claims.append(_claim(f"  build: {name}", seconds, report.firms, "firms"))
        stage("open the snapshot", lambda made: made.firms, "firms", lambda: open_snapshot(office))
    return claims


def _claim(name: str, seconds: float, size: int, unit: str) -> Claim:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Claim(
        f"{name} ({FIRMS:,} firms, {MONTHS} months)",
        f"{milliseconds(seconds)} for {size:,} {unit}: {size / seconds:,.0f} {unit}/s",
        f"peak {memory:,.0f} MB",
    )
