"""A landed record of one firm: how long until its options and a prospects search show it, over a city's snapshot.

Alone: ``python -m bench.delta [FIRMS] [--keep DIR]``; `make bench` takes 60,000 firms, 400,000 take some minutes more
to be made. The lake is that of ``bench.build`` (75 synthetic records per firm, every feed, quarterly batches), the
snapshot goes through every stage of a real build. Batches land in a linked copy: a kept folder stays as it was built.
Time runs from the commit of a batch, in one process that asks again and again as clients would.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from bench.build import AS_OF, RECEIVED, RECORDS_PER_FIRM, generate
from bench.ratios import Claim, milliseconds, show
from models.tables import Batch
from scoring.feeds import Feed
from service.access.auth import Caller, Role
from service.access.disclosure import Viewer
from service.books.seedbook import feeds
from service.delta.delta import LOOK_SECONDS
from service.delta.keeping_up import kept_up
from service.market.seeker import Seeker
from service.office import DATABASE, Office, opened
from service.records.lake import record_path
from service.snapshot.office_stages import office_stages
from service.snapshot.shelf import Shelf
from service.usecases.build_snapshot import build_snapshot
from service.usecases.find_prospects import search_prospects
from service.usecases.firm_report import firm_profile
from service.usecases.list_options import list_options
from service.web.encode import encode

FIRMS = 60_000
#: The feed with the most records, and one whose register is small.
FEEDS = ("vat_invoice", "administrative_penalty")
COUNTS = (1, 1, 100, 1_000)
#: Seconds in which a batch is to show: of one firm, and of more.
AIM_ONE, AIM_MORE = 1, 5
NOW = datetime(2024, 11, 7, tzinfo=UTC)
NEED = {"amount_yuan": "3000000", "term_months": 12, "purpose": "working_capital"}
SCREEN = {
    "all": [
        {"fact": "penalty_minor", "op": "ge", "value": 0},
        {"fact": "sales_12m", "op": "ge", "value": "1000"},
        {"fact": "firm_age_months", "op": "ge", "value": 12},
    ]
}


def land(office: Office, feed: Feed, firms: list[str], number: int) -> None:
    """One more batch: the newest record of each firm in the feed's last file, delivered again as a correction."""
    source = record_path(office.lake, feed.id, f"{feed.id}-11")
    batch = f"{feed.id}-late-{number}"
    codes = ", ".join(f"'{code}'" for code in firms)
    received = RECEIVED + timedelta(days=1, seconds=number)
    with duckdb.connect() as engine:
        engine.execute(
            f"copy (select * replace (revision + {number + 1} as revision, true as contested, "
            f"'{batch}-' || record_id as record_id) from '{source}' where uscc in ({codes}) order by uscc) "
            f"to '{record_path(office.lake, feed.id, batch)}' (format parquet, compression zstd)"
        )
        rows = engine.sql(f"select count(*) from '{record_path(office.lake, feed.id, batch)}'").fetchall()[0][0]
    with office.write() as session:
        session.add(
            Batch(
                id=batch, feed=feed.id, status="landed", received_at=received, file_name=batch, file_sha256="0" * 64,
                content_digest=batch, rows_read=rows, rows_landed=rows, contested=rows, covers_to=AS_OF,
            )
        )  # fmt: skip


def some_firms(office: Office, feed: Feed, count: int) -> list[str]:
    """Firms spread over the feed's last file."""
    source = record_path(office.lake, feed.id, f"{feed.id}-11")
    with duckdb.connect() as engine:
        rows = engine.sql(
            f"select uscc from (select distinct uscc from '{source}') order by hash(uscc) limit {count}"
        ).fetchall()
    return [str(code) for (code,) in rows]


@contextmanager
def linked(home: Path) -> Iterator[Path]:
    """An office like the one at ``home``, for a while: its files by link, its database copied."""
    with tempfile.TemporaryDirectory(dir=home) as scratch:
        copy = Path(scratch)
        for folder in ("lake", "snapshots"):
            shutil.copytree(home / folder, copy / folder, copy_function=os.link)
        with closing(sqlite3.connect(home / DATABASE)) as ours, closing(sqlite3.connect(copy / DATABASE)) as theirs:
            ours.backup(theirs)
        yield copy


def measured(firms: int, home: Path) -> list[Claim]:
    """Generate and build unless ``home`` has them; then land batches of one firm and of more, and ask."""
    if not (home / "lake").exists():
        generate(home, firms * RECORDS_PER_FIRM, 0.0)
    with opened(home) as office:
        start = time.perf_counter()
        city = build_snapshot(office, AS_OF, RECEIVED, stages=office_stages()).firms
        print(f"  build {time.perf_counter() - start:.0f} s, {city:,} firms", flush=True)
    with linked(home) as copy, opened(copy) as office:
        shelf = Shelf(office, delta_records=10**9, delta_patience=0)
        _ask(office, shelf, shelf.current().firm_at(0))
        with kept_up(shelf.current, LOOK_SECONDS):
            claims = [_one(office, shelf, feeds()[feed], count, city) for feed in FEEDS for count in COUNTS]
        return [*claims, _first_look(office, shelf, city)]


def _ask(office: Office, shelf: Shelf, uscc: str) -> None:
    """What a client sees: the firm's options, and the first page of a search over all firms."""
    encode(list_options(office, shelf.current(), uscc, NEED, Viewer(Role.OFFICE), NOW))
    encode(search_prospects(Seeker(shelf, Caller("bench", Role.OFFICE), None, NOW), SCREEN, "", "", 50))


def _one(office: Office, shelf: Shelf, feed: Feed, count: int, city: int) -> Claim:
    firms, before = some_firms(office, feed, count), shelf.current()
    reads, another = 0, before.firm_at(0)
    land(office, feed, firms, int(time.time() * 1000) % 10**9)
    start, cpu, slowest = time.perf_counter(), time.process_time(), 0.0
    while True:
        asked = time.perf_counter()
        snapshot = shelf.current()
        encode(firm_profile(snapshot, another, Viewer(Role.OFFICE)))
        slowest, reads = max(slowest, time.perf_counter() - asked), reads + 1
        if snapshot.id != before.id:
            break
        time.sleep(0.02)
    made, spent = time.perf_counter() - start, time.process_time() - cpu
    _ask(office, shelf, firms[0])
    shown = time.perf_counter() - start
    standing, aim = shelf.delta.standing, AIM_ONE if count == 1 else AIM_MORE
    what = f"{count:,} firms in {feed.id}, {standing.firms:,} of {city:,} laid over"
    told = f"{milliseconds(shown)}: made {milliseconds(made)} ({milliseconds(spent)} of processors)"
    told += f", slowest of {reads} requests meanwhile {milliseconds(slowest)}"
    return Claim(f"landed until options and prospects show it, {what}", told, f"{aim} s", shown / aim, "<= 1")


def _first_look(office: Office, shelf: Shelf, city: int) -> Claim:
    """A process that begins makes all of the delta at once, before it answers."""
    standing, start, cpu = shelf.delta.standing, time.perf_counter(), time.process_time()
    Shelf(office, delta_records=10**9).current()
    taken, spent = time.perf_counter() - start, time.process_time() - cpu
    what = f"first look of a process, {standing.records:,} records, {standing.firms:,} of {city:,} laid over"
    return Claim(what, f"{milliseconds(taken)} ({milliseconds(spent)} of processors)", "")


def run() -> list[Claim]:
    """The measurement of ``make bench``."""
    with tempfile.TemporaryDirectory() as scratch:
        return measured(FIRMS, Path(scratch))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("firms", nargs="?", type=int, default=FIRMS)
    parser.add_argument("--keep", type=Path, help="keep lake and snapshot in this folder; what is there is used")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        print(f"  load average {os.getloadavg()[0]:.1f}", flush=True)
        show(measured(chosen.firms, chosen.keep or Path(scratch)))
        print(f"  load average {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main()
