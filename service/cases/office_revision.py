"""A revision that the office itself enters: a record is withdrawn after a repair, or brought back after a lift.

It lands like a delivery, as a batch of one record with the next revision number, so that builds, profiles, scores and
options follow by the same rules as for any other record. What else happens with it is committed in its transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from hashlib import sha256

import numpy as np
import pyarrow as pa
from sqlalchemy.orm import Session

from models.tables import Batch
from scoring.feeds import Feed
from scoring.intake.identity import record_ids
from scoring.intake.storage import content_schema
from service.office import Office
from service.records import lake
from service.records.firm_records import FirmRecord
from service.records.landing import commit_batch, content_digest, finished


def withdrawn(record: FirmRecord, day: date | None) -> pa.Table:
    """``record`` as the next revision, withdrawn from ``day`` on, or not withdrawn for ``None``."""
    # Withdrawn before it was observed would be no withdrawal; the day of the event is the earliest.
    on = None if day is None else max(day, record.observed_on)
    content = {**record.content, "revision": record.revision + 1, "withdrawn_on": on}
    table = pa.Table.from_pylist([content], schema=content_schema(record.feed))
    observed = table.column(record.feed.column(record.feed.observed).stored)
    return table.append_column("observed_on", observed).append_column("record_id", record_ids(table))


def revision_id(feed: Feed, revision: pa.Table, at: datetime) -> str:
    """The id of the batch that lands ``revision`` at a moment."""
    said = f"office|{feed.id}|{revision.column('record_id')[0].as_py()}|{at.isoformat()}"
    return sha256(said.encode()).hexdigest()[:20]


def land_revision(
    office: Office, feed: Feed, revision: pa.Table, at: datetime, reason: str, effect: Callable[[Session], None]
) -> str:
    """Land one revision received ``at`` a moment, together with ``effect``, and answer with the id of its batch.

    One transaction: an ``effect`` that raises leaves nothing. ``reason`` says in the manifest why it was entered.
    """
    batch_id = revision_id(feed, revision, at)
    records = finished(feed, revision, np.array([True]), at)
    while True:
        with office.read() as session:
            earlier = lake.landed_batches(session, feed.id)
        day = records.column("observed_on")[0].as_py()
        batch = Batch(
            id=batch_id,
            feed=feed.id,
            status=lake.LANDED,
            received_at=at,
            file_name=f"office/{reason}",
            file_sha256=batch_id,
            content_digest=content_digest(records),
            path="",
            rows_read=1,
            rows_landed=1,
            rows_unchanged=0,
            rows_rejected=0,
            contested=1,
            observed_min=day,
            observed_max=day,
            covers_to=day,
            reasons={},
        )
        if commit_batch(office, feed, batch, (), records, earlier, effect):
            return batch_id
