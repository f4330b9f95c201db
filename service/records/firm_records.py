"""The records of one firm in one feed, read from the lake: every revision, and the one of each key that counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from models.errors import NotFound
from scoring.feeds import Feed
from service.office import Office
from service.records import lake


@dataclass(frozen=True)
class FirmRecord:
    """One record as it lies in the lake: ``content`` by stored column name, with what every record has beside it.

    ``first_received_at`` is when the first revision of its key arrived.
    """

    feed: Feed
    record_id: str
    key: tuple[Any, ...]
    revision: int
    observed_on: date
    received_at: datetime
    first_received_at: datetime
    content: Mapping[str, Any]

    @property
    def withdrawn_on(self) -> date | None:
        day: date | None = self.content["withdrawn_on"]
        return day

    @property
    def public_until(self) -> date | None:
        day: date | None = self.content["public_until"]
        return day


def firm_records(office: Office, feed: Feed, uscc: str) -> list[FirmRecord]:
    """The newest revision of every record of the firm, newest event first."""
    found = [revisions[-1] for revisions in revisions_of(office, feed, [uscc]).values()]
    return sorted(found, key=lambda record: (record.observed_on, record.record_id), reverse=True)


def record_of(office: Office, feed: Feed, uscc: str, record_id: str) -> FirmRecord:
    """The newest revision of the record one of whose revisions is ``record_id``; ``NotFound`` for an id of no record
    of this firm in this feed."""
    for revisions in revisions_of(office, feed, [uscc]).values():
        if any(each.record_id == record_id for each in revisions):
            return revisions[-1]
    raise NotFound(
        "record_id",
        record_id,
        "The firm has no such record in this feed.",
        "Take the id from GET /v1/firms/{uscc}/records.",
        "unknown_record",
    )


def revisions_of(office: Office, feed: Feed, usccs: Sequence[str]) -> dict[tuple[Any, ...], list[FirmRecord]]:
    """All revisions of all records of some firms by natural key (the firm's code is part of it), oldest first."""
    with office.read() as session:
        batches = lake.landed_batches(session, feed.id)
    paths = [str(lake.record_path(office.lake, feed.id, batch.id)) for batch in batches if batch.rows_landed]
    if not paths or not usccs:
        return {}
    engine = lake.query_engine()
    try:
        # Through Arrow: DuckDB's own conversion of moments asks for a package of time zones.
        rows = engine.sql(
            "select * from read_parquet($files, union_by_name = true) where uscc in (select unnest($firms)) "
            "order by revision, received_at, record_id",
            params={"files": paths, "firms": list(usccs)},
        ).to_arrow_table()
    finally:
        engine.close()
    return _by_key(feed, rows.to_pylist())


def _by_key(feed: Feed, rows: Iterable[Mapping[str, Any]]) -> dict[tuple[Any, ...], list[FirmRecord]]:
    stored = [feed.column(name).stored for name in feed.key]
    grouped: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(tuple(row[name] for name in stored), []).append(row)
    return {
        key: [_record(feed, key, row, min(each["received_at"] for each in revisions)) for row in revisions]
        for key, revisions in grouped.items()
    }


def _record(feed: Feed, key: tuple[Any, ...], row: Mapping[str, Any], first: datetime) -> FirmRecord:
    columns = ("uscc", *(column.stored for column in feed.columns), "revision", "withdrawn_on", "public_until")
    return FirmRecord(
        feed,
        row["record_id"],
        key,
        row["revision"],
        row["observed_on"],
        row["received_at"],
        first,
        {name: row.get(name) for name in columns},
    )
