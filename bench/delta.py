"""A landed record of one firm: how long until its profile and a screen show it, over a snapshot of 400,000 firms.

Alone, with another size: ``python -m bench.delta [RECORDS] [--keep DIR]``. The lake is that of ``bench.build`` (75
synthetic records per firm, every feed, quarterly batches), the snapshot goes through every stage of a real build.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb

from bench.build import AS_OF, RECEIVED, RECORDS_PER_FIRM, generate
from bench.ratios import Claim, milliseconds, show
from matching.conditions import parse_conditions
from models.tables import Batch
from scoring.feeds import Feed
from service.books.rulebook import facts, parameters
from service.books.seedbook import feeds
from service.market.published import rules_of
from service.office import Office, opened
from service.records.lake import record_path
from service.snapshot.office_stages import office_stages
from service.snapshot.shelf import Shelf
from service.usecases.build_snapshot import build_snapshot
from service.usecases.find_prospects import screen_of

#: The feed with the most records, and one whose register is small.
FEEDS = ("vat_invoice", "administrative_penalty")
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


def measured(records: int, home: Path) -> list[Claim]:
    """Generate and build unless ``home`` has them; then land batches of one firm and of more, and ask."""
    if not (home / "lake").exists():
        generate(home, records, 0.0)
    claims = []
    with opened(home) as office:
        start = time.perf_counter()
        report = build_snapshot(office, AS_OF, RECEIVED, stages=office_stages())
        print(f"  build {time.perf_counter() - start:.0f} s, {report.firms:,} firms", flush=True)
        for feed_id in FEEDS:
            for count in (1, 1, 100, 1_000):
                claims.append(_one(office, feeds()[feed_id], count, report.firms))
    return claims


def _one(office: Office, feed: Feed, count: int, city: int) -> Claim:
    shelf = Shelf(office, 0, delta_records=10**9)
    firms = some_firms(office, feed, count)
    rules = rules_of(office, date(2024, 11, 6))
    node = parse_conditions(SCREEN, facts(), parameters=parameters())
    screen_of(shelf.current(), rules, node)
    land(office, feed, firms, int(time.time() * 1000) % 10**9)
    start = time.perf_counter()
    snapshot = shelf.current()
    made = time.perf_counter() - start
    snapshot.readings(snapshot.row_of(firms[0]))
    read = time.perf_counter() - start
    screen_of(snapshot, rules, node)
    seen = time.perf_counter() - start
    standing = shelf.delta.standing
    again = f"{standing.firms:,} of {city:,} firms made again, a batch of {feed.id} for {count:,} of them"
    told = f"{milliseconds(made)}, with one profile {milliseconds(read)}, with a screen {milliseconds(seen)}"
    return Claim(again, told, "1 s", seen, "<= 1")


def run() -> list[Claim]:
    """The measurement of ``make bench``."""
    with tempfile.TemporaryDirectory() as scratch:
        return measured(400_000 * RECORDS_PER_FIRM, Path(scratch))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", nargs="?", type=int, default=400_000 * RECORDS_PER_FIRM)
    parser.add_argument("--keep", type=Path, help="keep lake and snapshot in this folder; what is there is used")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        show(measured(chosen.records, chosen.keep or Path(scratch)))


if __name__ == "__main__":
    main()
