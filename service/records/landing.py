"""Puts one batch into the lake: files first, then names and manifest row in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables import Batch
from scoring.feeds import Feed
from scoring.intake import Faults, lake_order, lake_schema
from service.office import Office
from service.records import lake
from service.records.quarantine import write_rejects

#: Rows per Parquet row group: the unit in which DuckDB reads, in parallel, and passes over what lies sorted by firm. A
#: fourth of DuckDB's own 122,880 gives one firm's records in a third of the time; a whole feed reads as fast.
ROW_GROUP = 32_768


def finished(feed: Feed, records: Any, contested: NDArray[Any], received_at: datetime) -> Any:
    """Records as they lie in the lake: all columns, sorted by firm, then by id so that file order does not matter."""
    stamp = pa.scalar(received_at, pa.timestamp("us", tz="UTC"))
    records = records.append_column("contested", pa.array(contested))
    records = records.append_column("received_at", pa.repeat(stamp, records.num_rows))
    schema = lake_schema(feed)
    return records.take(pa.array(lake_order(records))).select(schema.names).cast(schema)


def content_digest(records: Any) -> str:
    """SHA-256 over the record ids of finished records: equal for equal content, whose order is the same."""
    return sha256("".join(records.column("record_id").to_pylist()).encode()).hexdigest()


def free_id(session: Session, feed: str, file_sha256: str, received_at: datetime, covers_to: date | None) -> str:
    """A batch id that follows from the delivery, so that the same deliveries give the same ids in another office."""
    said = f"{feed}|{file_sha256}|{received_at.isoformat()}|{covers_to}"
    number = 0
    while True:
        batch_id = sha256(f"{said}|{number}".encode()).hexdigest()[:20]
        if session.scalar(select(Batch.seq).where(Batch.id == batch_id)) is None:
            return batch_id
        number += 1


def commit_batch(
    office: Office,
    feed: Feed,
    batch: Batch,
    faults: Sequence[Faults],
    records: Any = None,
    earlier: Sequence[lake.LandedBatch] | None = None,
    effect: Callable[[Session], None] | None = None,
) -> bool:
    """Write quarantine and records, then name them and commit ``batch`` in one transaction, with ``effect`` in it.

    False, with nothing done, if the feed's visible batches are no longer ``earlier``: another delivery landed
    meanwhile, and what was decided about these records no longer holds.
    """
    with ExitStack() as stack:
        drafts = []
        if faults:
            drafts.append(stack.enter_context(lake.draft(lake.rejects_path(office.lake, batch.id))))
            write_rejects(drafts[-1].file, feed, faults)
        if records is not None:
            path = lake.record_path(office.lake, feed.id, batch.id)
            batch.path = str(path.relative_to(office.lake))
            drafts.append(stack.enter_context(lake.draft(path)))
            pq.write_table(records, drafts[-1].file, compression="zstd", row_group_size=ROW_GROUP)
        for draft in drafts:
            draft.finish()
        with office.write() as session:
            if earlier is not None and lake.landed_batches(session, feed.id) != list(earlier):
                return False
            if effect:
                effect(session)
            for draft in drafts:
                draft.publish()
            session.add(batch)
    return True
