"""Take one delivered file: check it, land its new records as one batch, put the bad rows in quarantine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from hashlib import file_digest
from pathlib import Path

import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import RefusedInput
from models.tables import Batch
from scoring.feeds import Feed
from service.access.auth import Action
from service.audit.journal import record
from service.audit.told import told
from service.books.seedbook import feeds
from service.clock import day_of
from service.files import open_rows
from service.office import Office
from service.records import lake
from service.records.delivery import Delivery, Progress, observed_range, take_delivery
from service.records.landed import Known, known
from service.records.landing import commit_batch, content_digest, finished, free_id


@dataclass(frozen=True)
class BatchReport:
    """What became of a delivery.

    ``status``: ``landed``; ``refused`` (more bad rows than allowed: nothing landed, the quarantine is readable); or
    ``unchanged`` (everything good in it was known). ``batch_id`` is empty if nothing was written; for a file that
    landed before it is that batch's. ``rows_unchanged`` counts rows known before and rows the file repeats. Every row
    read is landed, unchanged or rejected, except in a refused batch, where the good ones are none of these.
    """

    batch_id: str
    feed: str
    status: str
    rows_read: int
    rows_landed: int
    rows_unchanged: int
    rows_rejected: int
    contested: int
    observed_min: date | None
    observed_max: date | None
    covers_to: date | None
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Arrival:
    """The circumstances of one delivery."""

    feed: Feed
    file_name: str
    file_sha256: str
    received_at: datetime
    covers_to: date | None
    batch_id: str = ""


def ingest_batch(
    office: Office,
    feed: str,
    path: Path,
    *,
    received_at: datetime,
    covers_to: date | None = None,
    max_bad_share: float = 0.05,
    encoding: str | None = None,
    file_name: str = "",
    progress: Callable[[Progress], None] | None = None,
) -> BatchReport:
    """Ingest one file of a feed, whole or not at all.

    ``covers_to`` is the day up to which the agency says the feed is complete (default: the last observed day);
    ``max_bad_share`` the largest share of bad rows with which the good ones still land; ``encoding`` that of a text
    file, if it is to be taken at its word; ``file_name`` what the sender called it. Raises ``RefusedInput`` for a file
    that cannot be read as this feed, ``NotFound`` for an unknown feed.
    """
    lake.sweep_once(office)
    declared = feeds().get_or_refuse(feed)
    _refuse_arguments(received_at, covers_to, max_bad_share)
    arrival = _Arrival(declared, file_name or path.name, _sha256_of(path), received_at, covers_to)
    with office.read() as session:
        before = _same_file(session, arrival)
        if before is not None:
            return before
        arrival = replace(arrival, batch_id=free_id(session, feed, arrival.file_sha256, received_at, covers_to))
        earlier = lake.landed_batches(session, feed)
    delivery = take_delivery(declared, open_rows(path, office.work, encoding), day_of(received_at), progress)
    _refuse_empty(arrival, delivery)
    if delivery.rejected > max_bad_share * delivery.read:
        return _refuse(office, arrival, delivery)
    while True:
        found = known(office.lake, declared, delivery.records, earlier)
        report = _land(office, arrival, delivery, found, earlier)
        if report is not None:
            return report
        with office.read() as session:
            earlier = lake.landed_batches(session, feed)


def _refuse_arguments(received_at: datetime, covers_to: date | None, max_bad_share: float) -> None:
    if received_at.tzinfo is None:
        raise ValueError("received_at names no time zone; give an aware datetime")
    if not 0 <= max_bad_share <= 1:
        raise RefusedInput(
            "bad_share", "max_bad_share", max_bad_share, "A share lies between 0 and 1.", "Write 0.05 for 5 %."
        )
    if covers_to is not None and covers_to > day_of(received_at):
        rule = f"A delivery received on {day_of(received_at)} cannot be complete up to a later day."
        raise RefusedInput("covers_future", "covers_to", covers_to.isoformat(), rule, "State a day that is over.")


def _sha256_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        rule = f"It cannot be opened: {problem.strerror}."
        raise RefusedInput("unreadable_file", "file", path.name, rule, "Check the path.") from None


def _same_file(session: Session, arrival: _Arrival) -> BatchReport | None:
    """The answer for bytes that landed before, if nothing about them can have changed.

    Rows that were rejected then are checked again: a day that lay ahead may have come.
    """
    batch = session.scalars(
        select(Batch)
        .where(Batch.feed == arrival.feed.id, Batch.file_sha256 == arrival.file_sha256, Batch.status == lake.LANDED)
        .order_by(Batch.seq.desc())
        .limit(1)
    ).first()
    if batch is None or batch.rows_rejected:
        return None
    if arrival.covers_to is not None and (batch.covers_to is None or arrival.covers_to > batch.covers_to):
        return None
    return _report(batch, status=lake.UNCHANGED, rows_landed=0, rows_unchanged=batch.rows_read, contested=0)


def _refuse_empty(arrival: _Arrival, delivery: Delivery) -> None:
    """A file without rows says something only about a closed-world feed, and only with a day."""
    if delivery.read or (arrival.feed.absent_means_none and arrival.covers_to is not None):
        return
    if arrival.feed.absent_means_none:
        fix = "To say that nothing happened, state the day up to which that is so (covers_to)."
    else:
        fix = "For this feed no rows say nothing: an absent firm is unknown. Deliver rows."
    raise RefusedInput("no_rows", "file", arrival.file_name, "The file has a header and no rows.", fix)


def _refuse(office: Office, arrival: _Arrival, delivery: Delivery) -> BatchReport:
    batch = _batch(arrival, delivery, lake.REFUSED)
    commit_batch(office, arrival.feed, batch, delivery.faults, effect=_telling(batch))
    return _report(batch)


def _land(
    office: Office, arrival: _Arrival, delivery: Delivery, found: Known, earlier: Sequence[lake.LandedBatch]
) -> BatchReport | None:
    """Commit what is new; ``None`` if another delivery landed meanwhile and the comparison must be made again."""
    new = ~found.same
    covered = max((one.covers_to for one in earlier if one.covers_to), default=None)
    advances = arrival.covers_to is not None and (covered is None or arrival.covers_to > covered)
    if not new.any() and not advances:
        return _unchanged(office, arrival, delivery)
    contested = (delivery.contested | found.key)[new]
    records = finished(arrival.feed, delivery.records.filter(pa.array(new)), contested, arrival.received_at)
    batch = _batch(arrival, delivery, lake.LANDED)
    batch.rows_landed = records.num_rows
    batch.rows_unchanged = delivery.read - delivery.rejected - records.num_rows
    batch.contested = int(contested.sum())
    batch.observed_min, batch.observed_max = observed_range(records)
    batch.covers_to = arrival.covers_to or observed_range(delivery.records)[1]
    batch.content_digest = content_digest(records)
    landed = commit_batch(office, arrival.feed, batch, delivery.faults, records, earlier, _telling(batch))
    return _report(batch) if landed else None


def _unchanged(office: Office, arrival: _Arrival, delivery: Delivery) -> BatchReport:
    """Everything good was known. Only refused rows leave a trace, so that they can be read."""
    batch = _batch(arrival, delivery, lake.UNCHANGED)
    batch.rows_unchanged = delivery.read - delivery.rejected
    if not delivery.rejected:
        return _report(batch, batch_id="")
    with office.read() as session:
        before = session.scalar(
            select(Batch.id).where(
                Batch.feed == batch.feed,
                Batch.file_sha256 == batch.file_sha256,
                Batch.rows_rejected == batch.rows_rejected,
                Batch.status != lake.REFUSED,
            )
        )
    if before is not None:
        return _report(batch, batch_id=before)
    commit_batch(office, arrival.feed, batch, delivery.faults, effect=_telling(batch))
    return _report(batch)


def _telling(batch: Batch) -> Callable[[Session], None]:
    """Writes the delivery into the journal, in the transaction that makes it visible."""
    said = {"feed": batch.feed, "status": batch.status, "landed": batch.rows_landed, "rejected": batch.rows_rejected}
    return lambda session: record(
        session, told(Action.DELIVER_BATCH, batch.received_at, object_id=batch.id, detail=said)
    )


def _batch(arrival: _Arrival, delivery: Delivery, status: str) -> Batch:
    return Batch(
        id=arrival.batch_id,
        feed=arrival.feed.id,
        status=status,
        received_at=arrival.received_at,
        file_name=arrival.file_name[:400],
        file_sha256=arrival.file_sha256,
        content_digest="",
        path="",
        rows_read=delivery.read,
        rows_landed=0,
        rows_unchanged=0,
        rows_rejected=delivery.rejected,
        contested=0,
        reasons=delivery.reasons,
    )


def _report(batch: Batch, **changes: object) -> BatchReport:
    said = {
        "batch_id": batch.id,
        "feed": batch.feed,
        "status": batch.status,
        "rows_read": batch.rows_read,
        "rows_landed": batch.rows_landed,
        "rows_unchanged": batch.rows_unchanged,
        "rows_rejected": batch.rows_rejected,
        "contested": batch.contested,
        "observed_min": batch.observed_min,
        "observed_max": batch.observed_max,
        "covers_to": batch.covers_to,
        "reasons": dict(batch.reasons),
    }
    return BatchReport(**{**said, **changes})  # type: ignore[arg-type]
