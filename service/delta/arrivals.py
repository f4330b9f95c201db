"""Which batches landed since a snapshot was built, and the records of a few firms in the feeds they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

import pyarrow.parquet as pq
from sqlalchemy import func, select

from models.tables import Batch
from scoring.compiler import FeedState
from scoring.feeds import FeedBook
from service.office import Office
from service.personal.records import REPLACED
from service.records.lake import LANDED, record_path
from service.snapshot.aggregate import FeedFiles
from service.snapshot.snapshots import OpenSnapshot


@dataclass(frozen=True)
class Arrival:
    """One batch that a snapshot does not hold. ``seq`` is its place in the order of commits."""

    seq: int
    id: str
    feed: str
    rows: int
    received_at: datetime
    content_digest: str


def last_commit(office: Office) -> int:
    """The place of the newest batch in the order of commits: one row of an index, asked for at every look."""
    with office.read() as session:
        return session.scalar(select(func.max(Batch.seq))) or 0


def arrivals_since(office: Office, base: OpenSnapshot, feeds: FeedBook) -> list[Arrival]:
    """Every landed batch that a build of the same day would add to ``base``, in the order of commits."""
    held = ids_of(base.manifest["inputs"]["batches"])
    columns = (Batch.seq, Batch.id, Batch.feed, Batch.rows_landed, Batch.received_at, Batch.content_digest)
    query = select(*columns).where(Batch.status == LANDED, Batch.covers_to.is_not(None)).order_by(Batch.seq)
    with office.read() as session:
        rows = session.execute(query).all()
    return [Arrival(*row) for row in rows if row.id not in held and row.feed in feeds]


def has_lost_records(office: Office, base: OpenSnapshot, through: int = 0) -> bool:
    """Whether records were removed from a batch of ``base``, or from another that was committed up to ``through``:
    then what was made of them cannot be made again.
    """
    held = ids_of(base.manifest["inputs"]["batches"])
    with office.read() as session:
        rows = session.execute(select(Batch.seq, Batch.id).where(Batch.status == REPLACED)).all()
    return any(seq <= through or batch in held for seq, batch in rows)


def ids_of(batches: Mapping[str, Sequence[Sequence[str]]]) -> frozenset[str]:
    """The ids of the batches a manifest names."""
    return frozenset(batch[0] for listed in batches.values() for batch in listed)


def firms_in(office: Office, arrivals: Iterable[Arrival]) -> list[str]:
    """The codes of every firm that some of the batches tell of, ascending."""
    paths = [record_path(office.lake, each.feed, each.id) for each in arrivals if each.rows]
    return sorted(frozenset[str]().union(*map(_firms_of, paths)))


@lru_cache(maxsize=10_000)
def _firms_of(path: Path) -> frozenset[str]:
    """The firms of one file, which never changes under its name."""
    return frozenset(pq.ParquetFile(path).read(["uscc"])["uscc"].to_pylist())


def feed_files(
    office: Office, base: OpenSnapshot, arrivals: Sequence[Arrival], feeds: FeedBook, only: Iterable[str]
) -> list[FeedFiles]:
    """What a build of the snapshot's batches and of ``arrivals`` would read of the feeds in ``only``."""
    in_play = ids_of(base.manifest["inputs"]["batches"]) | {each.id for each in arrivals}
    columns = (Batch.feed, Batch.id, Batch.covers_to, Batch.contested)
    query = select(*columns).where(Batch.feed.in_(only), Batch.status == LANDED, Batch.covers_to.is_not(None))
    by_feed: dict[str, list[tuple[str, date, int]]] = {}
    with office.read() as session:
        for feed, batch, covers, contested in session.execute(query.order_by(Batch.seq)):
            if covers is not None and batch in in_play and feed in feeds:
                by_feed.setdefault(feed, []).append((batch, covers, contested))
    made = []
    for feed, batches in sorted(by_feed.items()):
        covered = min(base.as_of, max(covers for _, covers, _ in batches))
        state = FeedState(feeds[feed], base.as_of, covered, any(contested for _, _, contested in batches))
        made.append(FeedFiles(state, tuple(record_path(office.lake, feed, batch) for batch, _, _ in batches)))
    return made
