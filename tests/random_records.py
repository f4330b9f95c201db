"""Random lake records for any declared feed: revisions, late arrivals, withdrawals, ends of publicity, empty cells."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from models.dates import month_end
from models.tables import Batch
from models.uscc import check_character
from scoring.feeds import Column, ColumnType, Feed
from service.office import Office

Row = dict[str, Any]

#: Days records are observed on, around the days profiles are asked for.
FIRST_DAY, LAST_DAY = date(2021, 6, 1), date(2024, 12, 31)
#: Days that records and questions share often, so that every bound is hit from both sides and on the day itself.
EDGES = tuple(
    day
    for year in range(2021, 2025)
    for day in (date(year, 6, 30), date(year, 7, 1), date(year, 12, 31), month_end(date(year, 2, 1)))
    if day >= FIRST_DAY
)

_ARROW = {
    ColumnType.TEXT: pa.string(),
    ColumnType.CODE: pa.string(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.DECIMAL: pa.float64(),
    ColumnType.MONEY: pa.int64(),
    ColumnType.DATE: pa.date32(),
    ColumnType.MONTH: pa.date32(),
    ColumnType.FLAG: pa.bool_(),
}


@dataclass
class LandedBatch:
    """One landed batch: its rows as they lie in the lake, with the day the agency says it is complete to."""

    feed: str
    number: int
    received_at: datetime
    covers_to: date
    rows: list[Row] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"{self.feed}-{self.number:03d}"

    @property
    def contested(self) -> int:
        return sum(row["contested"] for row in self.rows)


def firm_codes(count: int, seed: int = 1) -> list[str]:
    """Invented but well-formed codes of firms."""
    picker = random.Random(seed)
    codes = set()
    while len(codes) < count:
        body = "91210100" + "".join(picker.choice("0123456789ABCDEFGH") for _ in range(9))
        codes.add(body + check_character(body))
    return sorted(codes)


def random_batches(
    feed: Feed,
    firms: Sequence[str],
    picker: random.Random,
    *,
    batches: int = 3,
    rows: int = 60,
    corrections: float = 0.3,
) -> list[LandedBatch]:
    """Batches in the order they landed; about ``corrections`` of the rows meet a key that stands already."""
    made: list[LandedBatch] = []
    seen_ids: set[str] = set()
    keys: list[Row] = []
    landed: set[tuple[Any, ...]] = set()
    for number in range(batches):
        received = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=picker.randrange(0, 400), seconds=number)
        fresh = [_random_row(feed, firms, picker, keys, corrections) for _ in range(rows)]
        batch = LandedBatch(feed.id, number, received, LAST_DAY)
        revisions: dict[tuple[Any, ...], set[int]] = {}
        for row in fresh:
            key = tuple(row[feed.column(name).stored] for name in feed.key)
            identifier = hashlib.sha256(repr(sorted(row.items())).encode()).hexdigest()[:32]
            if identifier in seen_ids or row["revision"] in revisions.get(key, set()):
                continue
            seen_ids.add(identifier)
            revisions.setdefault(key, set()).add(row["revision"])
            batch.rows.append(
                {**row, "observed_on": row[feed.observed], "received_at": received, "record_id": identifier}
            )
        for row in batch.rows:
            key = tuple(row[feed.column(name).stored] for name in feed.key)
            row["contested"] = key in landed or len(revisions[key]) > 1
        landed |= set(revisions)
        observed = [row["observed_on"] for row in batch.rows]
        batch.covers_to = picker.choice([max(observed), picker.choice(observed), month_end(picker.choice(observed))])
        made.append(batch)
    return made


def _random_row(feed: Feed, firms: Sequence[str], picker: random.Random, keys: list[Row], corrections: float) -> Row:
    row: Row = {"uscc": picker.choice(firms)}
    row |= {column.stored: random_value(column, picker) for column in feed.columns}
    if keys and picker.random() < corrections:
        row |= picker.choice(keys)
    elif len(keys) < 200:
        keys.append({feed.column(name).stored: row[feed.column(name).stored] for name in feed.key})
    row["revision"] = picker.choice([1, 1, 1, 2, 3])
    row["withdrawn_on"] = random_day(picker) if picker.random() < 0.15 else None
    row["public_until"] = random_day(picker) if feed.publicity and picker.random() < 0.4 else None
    return row


def random_day(picker: random.Random) -> date:
    """Any day of the span, one in three an edge."""
    if picker.random() < 1 / 3:
        return picker.choice(EDGES)
    return FIRST_DAY + timedelta(days=picker.randrange((LAST_DAY - FIRST_DAY).days + 1))


def random_value(column: Column, picker: random.Random) -> Any:
    """A value in its stored form; ``None`` in a quarter of the cells that may be empty."""
    if not column.required and picker.random() < 0.25:
        return None
    match column.type:
        case ColumnType.CODE:
            return picker.choice(column.values)
        case ColumnType.FLAG:
            return picker.random() < 0.5
        case ColumnType.DATE:
            return random_day(picker)
        case ColumnType.MONTH:
            return month_end(random_day(picker))
        case ColumnType.MONEY:
            low = -500_000 if column.min is None else int(column.min) * 100
            return picker.choice([0, picker.randrange(low, 10**6), picker.randrange(low, 10**12)])
        case ColumnType.INTEGER:
            return picker.randrange(int(column.min or 0), int(column.min or 0) + 40)
        case ColumnType.DECIMAL:
            return picker.randrange(0, 10**6) / 1000
    if column.id == "industry_code":
        return picker.choice(["C3311", "F5211", "A0111"])
    return picker.choice("abcdefgh") + "'甲"


def arrow_schema(feed: Feed) -> pa.Schema:
    """Columns of a lake file, in the contract's order."""
    own = [(column.stored, _ARROW[column.type]) for column in feed.columns]
    return pa.schema(
        [
            ("uscc", pa.string()),
            *own,
            ("revision", pa.int32()),
            ("withdrawn_on", pa.date32()),
            ("public_until", pa.date32()),
            ("observed_on", pa.date32()),
            ("received_at", pa.timestamp("us", tz="UTC")),
            ("record_id", pa.string()),
            ("contested", pa.bool_()),
        ]
    )


def write_batch(lake: Path, feed: Feed, batch: LandedBatch) -> Path:
    """The batch as a Parquet file of the lake, sorted by firm."""
    path = lake / feed.id / f"{batch.id}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = sorted(batch.rows, key=lambda row: row["uscc"])
    pq.write_table(pa.Table.from_pylist(rows, schema=arrow_schema(feed)), path, compression="zstd")
    return path


def land(office: Office, feed: Feed, batch: LandedBatch) -> None:
    """The batch in the office's lake and manifest, as an ingest would leave it."""
    write_batch(office.lake, feed, batch)
    with office.write() as session:
        session.add(
            Batch(
                id=batch.id,
                feed=feed.id,
                status="landed",
                received_at=batch.received_at,
                file_name=f"{batch.id}.csv",
                file_sha256=hashlib.sha256(batch.id.encode()).hexdigest(),
                content_digest=hashlib.sha256(repr(batch.rows).encode()).hexdigest(),
                rows_landed=len(batch.rows),
                contested=batch.contested,
                covers_to=batch.covers_to,
            )
        )
