"""Building a snapshot from 30 million records, against a bare DuckDB GROUP BY of the same feeds.

Alone, with other sizes: ``python -m bench.build [RECORDS] [--corrections SHARE] [--keep DIR]``. Records are synthetic:
every declared feed, in a mix where invoices and monthly records dominate, about 75 per firm over 36 months, written
straight into a lake in quarterly batches. Each side runs in a process of its own, so that its peak memory is its own.
The build runs every stage of the real thing; deriving, evaluating and matching do nothing.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from bench.ratios import Claim, show
from models.tables import Batch
from scoring.compiler.queries import columns_read
from scoring.feeds import Column, ColumnType, Feed
from service.books.seedbook import catalogue, feeds
from service.office import opened
from service.records.lake import record_path
from service.records.landing import ROW_GROUP
from service.snapshot.aggregate import Limits
from service.snapshot.stages import Stages
from service.usecases.build_snapshot import build_snapshot

AS_OF = date(2024, 10, 31)
RECEIVED = datetime(2024, 11, 5, tzinfo=UTC)
RECORDS_PER_FIRM = 75
QUARTERS = 12
#: Share of all records per feed; the other feeds share the rest equally.
MIX = {
    "vat_invoice": 0.42,
    "social_insurance_month": 0.10,
    "tax_filing": 0.10,
    "electricity_month": 0.08,
    "housing_fund_month": 0.05,
    "water_month": 0.05,
    "payroll_month": 0.03,
    "loan_balance_month": 0.03,
    "gas_month": 0.03,
    "telecom_heat_month": 0.02,
    "business_registration": 0.0133,
}


def rows_per_feed(records: int) -> dict[str, int]:
    """How many records each feed gets."""
    rest = [feed for feed in feeds() if feed not in MIX]
    each = (1 - sum(MIX.values())) / len(rest)
    return {feed: max(int(records * MIX.get(feed, each)), QUARTERS) for feed in feeds()}


def generate(home: Path, records: int, corrections: float) -> None:
    """Fill the lake and the manifest of an office at ``home``."""
    firms = max(records // RECORDS_PER_FIRM, 10)
    with opened(home) as office, duckdb.connect(config={"threads": 2, "memory_limit": "3GB"}) as engine:
        for feed_id, rows in rows_per_feed(records).items():
            feed = feeds()[feed_id]
            (office.lake / feed_id).mkdir(exist_ok=True)
            for quarter in range(QUARTERS):
                batch_id = f"{feed_id}-{quarter:02d}"
                path = record_path(office.lake, feed_id, batch_id)
                count = rows // QUARTERS
                engine.execute(f"COPY ({_rows(feed, quarter, count, firms, corrections)}) TO '{path}' {_FORMAT}")
                with office.write() as session:
                    session.add(_manifest_row(feed_id, batch_id, count, int(count * corrections)))


_FORMAT = f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"


def _manifest_row(feed_id: str, batch_id: str, rows: int, contested: int) -> Batch:
    return Batch(
        id=batch_id,
        feed=feed_id,
        status="landed",
        received_at=RECEIVED,
        file_name=f"{batch_id}.parquet",
        file_sha256="0" * 64,
        content_digest=batch_id,
        rows_read=rows,
        rows_landed=rows,
        contested=contested,
        covers_to=AS_OF,
    )


def _rows(feed: Feed, quarter: int, count: int, firms: int, corrections: float) -> str:
    """A SELECT of one batch. Monthly feeds give every firm they know one record a month; others spread at random.

    With corrections, that share of a batch's rows repeats the key of a row of the same batch with a higher revision.
    """
    own = ", ".join(f"{_cell(column, feed)} AS {column.stored}" for column in feed.columns)
    start = quarter * 3
    if feed.period == "month" and feed.observed in feed.key:
        known = max(count // 3, 1)
        firm, month = f"(n % {known}) * {max(firms // known, 1)} % {firms}", f"{start} + n // {known}"
        day = f"last_day(DATE '2021-11-01' + to_months(CAST({month} AS INTEGER)))"
    else:
        firm = f"CAST(hash(n + {quarter * 10**9}) % {firms} AS BIGINT)"
        day = f"DATE '2021-11-01' + CAST({start * 30.4} + hash(n + 7) % 91 AS INTEGER)"
    again = int(count * corrections)
    numbers = f"SELECT range AS n, 1 AS revision FROM range({count - again})"
    if again:
        numbers += f" UNION ALL SELECT range AS n, 2 AS revision FROM range({again})"
    return (
        f"SELECT printf('91210100%09dX', {firm}) AS uscc, {own}, CAST(revision AS INTEGER) AS revision, "
        f"CAST(NULL AS DATE) AS withdrawn_on, CAST(NULL AS DATE) AS public_until, CAST(day AS DATE) AS observed_on, "
        f"TIMESTAMPTZ '{RECEIVED.isoformat()}' AS received_at, "
        f"md5(concat(n, '/', {quarter}, '/', revision)) AS record_id, n < {again} AS contested "
        f"FROM (SELECT n, revision, {day} AS day, {quarter * 10**9} + n AS unique_n FROM ({numbers})) ORDER BY uscc"
    )


def _cell(column: Column, feed: Feed) -> str:
    """An SQL expression for a plausible value."""
    if column.id == feed.observed:
        return "CAST(day AS DATE)"
    salt = sum(map(ord, column.id))
    number = f"CAST(hash(unique_n * 31 + {salt}) % 1000000007 AS BIGINT)"
    match column.type:
        case ColumnType.CODE:
            listed = ", ".join(f"'{value}'" for value in column.values)
            return f"list_extract([{listed}], 1 + {number} % {len(column.values)})"
        case ColumnType.FLAG:
            return f"{number} % 20 <> 0"
        case ColumnType.MONEY:
            return f"{number} % 100000000"
        case ColumnType.DECIMAL:
            return f"({number} % 1000000) / 100.0"
        case ColumnType.INTEGER:
            low = int(column.min or 0)
            return f"{low} + {number} % 100"
        case ColumnType.DATE | ColumnType.MONTH:
            return f"CASE WHEN {number} % 3 = 0 THEN CAST(day + CAST({number} % 900 AS INTEGER) AS DATE) END"
    if column.id in feed.key and column.id != "counterparty":
        return "concat('N', unique_n)"
    if column.id == "industry_code":
        return f"list_extract(['C3311', 'F5211', 'A0111', 'I6510'], 1 + {number} % 4)"
    if column.id == "district":
        return f"concat('2101', 10 + {number} % 13)"
    return f"concat('P', {number} % 60)"


def bare_group_by(home: Path, limits: Limits, side: str) -> dict[str, object]:
    """Per feed one GROUP BY firm: count, newest day, and of the columns the items read the sums or the maxima."""
    start = time.perf_counter()
    with duckdb.connect(config={"threads": limits.threads, "memory_limit": f"{limits.memory_mb}MB"}) as engine:
        for feed in feeds().values():
            aggregates = _sums(feed) if side == "sums" else [f"MAX({name})" for name in _columns_read(feed)]
            listed = ", ".join(["COUNT(*)", "MAX(observed_on)", *aggregates])
            engine.sql(
                f"SELECT uscc, {listed} FROM read_parquet('{home}/lake/{feed.id}/*.parquet') GROUP BY uscc"
            ).to_arrow_table()
    return {"seconds": time.perf_counter() - start}


def _sums(feed: Feed) -> list[str]:
    numbers = (ColumnType.MONEY, ColumnType.INTEGER, ColumnType.DECIMAL)
    summed = {item.compute.of: None for item in catalogue().of_feed(feed.id) if item.compute.of}
    return [f"SUM({feed.column(name).stored})" for name in summed if feed.column(name).type in numbers]


def _columns_read(feed: Feed) -> list[str]:
    items = catalogue().of_feed(feed.id)
    return [name for name in dict.fromkeys(columns_read(feed, items)) if name not in ("uscc", "observed_on")]


def build(home: Path, limits: Limits) -> dict[str, object]:
    """One build, with the seconds of each stage."""
    catalogue()
    shutil.rmtree(home / "snapshots", ignore_errors=True)
    with opened(home) as office:
        start = time.perf_counter()
        report = build_snapshot(office, AS_OF, RECEIVED, stages=Stages(), limits=limits)
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "firms": report.firms, "records": report.records, "stages": dict(report.seconds)}


def in_child(side: str, home: Path) -> dict[str, Any]:
    """One side in a process of its own, with its peak memory in MB."""
    command = [sys.executable, "-m", "bench.build", "--child", side, "--keep", str(home)]
    answer: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return answer


def measured(records: int, corrections: float, home: Path, repeats: int = 3) -> list[Claim]:
    """Generate unless ``home`` has a lake, then each side ``repeats`` times in turn; the fastest run of each counts."""
    if not (home / "lake").exists():
        start = time.perf_counter()
        generate(home, records, corrections)
        print(f"  {records:,} records generated in {time.perf_counter() - start:.0f} s", flush=True)
    best: dict[str, dict[str, Any]] = {}
    for _ in range(repeats):
        for side in ("sums", "columns", "build"):
            answer = in_child(side, home)
            if side not in best or answer["seconds"] < best[side]["seconds"]:
                best[side] = answer
    ours = best["build"]
    print("  " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in ours["stages"].items()), flush=True)
    claims = [Claim(f"build, {records:,} records, {ours['firms']:,} firms", _speed(records, ours), "")]
    for side, what in (("columns", "of the columns the items read"), ("sums", "of the sums alone")):
        peer, aim = best[side], "<= 2" if side == "columns" else ""
        ratio = ours["seconds"] / peer["seconds"]
        claims.append(Claim(f"build / bare GROUP BY {what}", _speed(records, ours), _speed(records, peer), ratio, aim))
    return claims


def _speed(records: int, side: Mapping[str, Any]) -> str:
    return f"{side['seconds']:.1f} s, {records / side['seconds'] / 1e6:.2f} M records/s, {side['peak_mb']:,} MB"


def run() -> list[Claim]:
    """The measurement of ``make bench``."""
    with tempfile.TemporaryDirectory() as scratch:
        return measured(30_000_000, 0.0, Path(scratch))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", nargs="?", type=int, default=30_000_000)
    parser.add_argument("--corrections", type=float, default=0.0, help="share of rows that correct another")
    parser.add_argument("--keep", type=Path, help="keep the lake in this folder; one that is there is used")
    parser.add_argument("--child", choices=("sums", "columns", "build"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    limits = Limits()
    if chosen.child:
        work = build if chosen.child == "build" else partial(bare_group_by, side=chosen.child)
        answer = work(chosen.keep, limits)
        print(json.dumps({**answer, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
        return
    with tempfile.TemporaryDirectory() as scratch:
        show(measured(chosen.records, chosen.corrections, chosen.keep or Path(scratch)))


if __name__ == "__main__":
    main()
