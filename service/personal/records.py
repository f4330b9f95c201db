"""Taking records out of the lake for good. Its files never change, so what stays of one is written as another.

The batch keeps its history: the row of the file that went stays as ``replaced``, the row beside it has the same arrival
and the same digest of the delivered file, so that the same delivery again is still known and lands nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import date, datetime
from hashlib import sha256
from itertools import islice

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import select

from models.tables import Batch
from scoring.feeds import Feed
from service.audit.journal import record
from service.audit.told import told
from service.books.seedbook import feeds
from service.office import Office
from service.personal.about import ENTITY_TYPE, REGISTRATION, SOLE_PROPRIETOR, adverse_feeds
from service.records import lake
from service.records.firm_records import FirmRecord, revisions_of
from service.records.landing import content_digest

REPLACED = "replaced"
#: Firms whose records are looked at together.
_AT_ONCE = 2_000
#: Columns of a batch that its successor has too.
_KEPT = (
    "feed",
    "status",
    "received_at",
    "file_name",
    "file_sha256",
    "rows_read",
    "rows_unchanged",
    "rows_rejected",
    "contested",
    "observed_min",
    "observed_max",
    "covers_to",
    "reasons",
)


def sole_proprietors(office: Office) -> list[str]:
    """Codes of the firms whose newest registration record says that they are one person, in order."""
    feed = feeds()[REGISTRATION]
    with office.read() as session:
        landed = [batch for batch in lake.landed_batches(session, feed.id) if batch.rows_landed]
    paths = [str(lake.record_path(office.lake, feed.id, batch.id)) for batch in landed]
    if not paths:
        return []
    engine: duckdb.DuckDBPyConnection = lake.query_engine()
    try:
        rows = engine.execute(
            f"select uscc from read_parquet($files, union_by_name = true) group by uscc "
            f"having arg_max({ENTITY_TYPE}, (observed_on, revision, record_id)) = $kind order by uscc",
            {"files": paths, "kind": SOLE_PROPRIETOR},
        ).fetchall()
    finally:
        engine.close()
    return [uscc for (uscc,) in rows]


def ended_on(record: FirmRecord) -> date | None:
    """When what a record tells of was over: its end where the feed has one (``None``: it goes on), else its day."""
    feed = record.feed
    return record.content[feed.column(feed.ends).stored] if feed.ends else record.observed_on


def outlived(office: Office, firms: Sequence[str], until: date) -> dict[str, set[str]]:
    """Adverse records of persons among ``firms`` that were over at ``until`` or earlier: record ids by feed, every
    revision of each."""
    found: dict[str, set[str]] = {}
    for feed in adverse_feeds():
        for some in _parts(firms):
            for revisions in revisions_of(office, feed, some).values():
                end = ended_on(revisions[-1])
                if end is not None and end <= until:
                    found.setdefault(feed.id, set()).update(each.record_id for each in revisions)
    return found


def _parts(firms: Iterable[str]) -> Iterator[list[str]]:
    left = iter(firms)
    while some := list(islice(left, _AT_ONCE)):
        yield some


def remove_records(office: Office, feed: Feed, ids: Set[str], why: str, now: datetime) -> int:
    """Take the records with these ids out of the feed's files; how many. No build may run meanwhile (``only_build``).

    Each file is replaced in one transaction, told in the journal. A process killed in between leaves whole files, and
    at most one old file, which the next run removes.
    """
    removed = 0
    with office.read() as session:
        landed = lake.landed_batches(session, feed.id)
    for batch in landed:
        if not batch.rows_landed:
            continue
        table = pq.read_table(lake.record_path(office.lake, feed.id, batch.id))
        stays = table.filter(pc.invert(pc.is_in(table.column("record_id"), pa.array(sorted(ids)))))
        if gone := table.num_rows - stays.num_rows:
            _replace(office, feed, batch.id, stays, gone, why, now)
            removed += gone
    return removed


def _replace(office: Office, feed: Feed, old: str, stays: pa.Table, gone: int, why: str, now: datetime) -> None:
    new = sha256(f"{why}|{old}|{now.isoformat()}".encode()).hexdigest()[:20]
    path = lake.record_path(office.lake, feed.id, new)
    with lake.draft(path) as draft:
        pq.write_table(stays, draft.file, compression="zstd")
        draft.finish()
        with office.write() as session:
            before = session.scalars(select(Batch).where(Batch.id == old)).one()
            after = Batch(id=new, **{name: getattr(before, name) for name in _KEPT})
            after.rows_landed, after.content_digest = stays.num_rows, content_digest(stays)
            after.path = str(path.relative_to(office.lake))
            before.status, before.path = REPLACED, ""
            draft.publish()
            session.add(after)
            detail = {"feed": feed.id, "records": gone, "batch": old, "why": why}
            record(session, told("remove_records", now, object_id=new, detail=detail))
    lake.record_path(office.lake, feed.id, old).unlink(missing_ok=True)


def remove_replaced(office: Office) -> int:
    """Remove files whose successor is there: a process was killed before it could. How many."""
    with office.read() as session:
        rows = session.execute(select(Batch.feed, Batch.id).where(Batch.status == REPLACED)).all()
    left = [path for feed, batch in rows if (path := lake.record_path(office.lake, feed, batch)).exists()]
    for path in left:
        path.unlink()
    return len(left)
