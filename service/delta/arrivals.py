"""Which batches landed since a snapshot was built, which firms they tell of, and the files of their feeds."""

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
    covers_to: date


def last_commit(office: Office) -> int:
    """The place of the newest batch in the order of commits: one row of an index, asked for at every look."""
    with office.read() as session:
        return session.scalar(select(func.max(Batch.seq))) or 0


def arrivals_since(office: Office, base: OpenSnapshot, feeds: FeedBook, after: int = 0) -> list[Arrival]:
    """Every landed batch that a build of the same day would add to ``base``, in the order of commits.

    ``after``: a place up to which ``base`` is known to lack none, so that only later rows are read.
    """
    columns = (Batch.seq, Batch.id, Batch.feed, Batch.rows_landed, Batch.received_at, Batch.content_digest)
    query = select(*columns, Batch.covers_to).where(Batch.status == LANDED, Batch.seq > after).order_by(Batch.seq)
    with office.read() as session:
        rows = session.execute(query).all()
    missing = (row for row in rows if row.id not in base.batches and row.feed in feeds)
    return [Arrival(*row[:-1], covers_to=row.covers_to) for row in missing if row.covers_to is not None]


def has_lost_records(office: Office, base: OpenSnapshot, through: int = 0) -> bool:
    """Whether records were removed from a batch of ``base``, or from another that was committed up to ``through``:
    then what was made of them cannot be made again.
    """
    with office.read() as session:
        rows = session.execute(select(Batch.seq, Batch.id).where(Batch.status == REPLACED)).all()
    return any(seq <= through or batch in base.batches for seq, batch in rows)


def firms_of(office: Office, arrivals: Iterable[Arrival]) -> dict[str, frozenset[str]]:
    """By feed the codes of every firm that some of the batches tell of; feeds whose batches are empty as well."""
    told: dict[str, frozenset[str]] = {}
    for each in arrivals:
        path = record_path(office.lake, each.feed, each.id)
        told[each.feed] = told.get(each.feed, frozenset()) | (_firms_in(path) if each.rows else frozenset())
    return told


@lru_cache(maxsize=10_000)
def _firms_in(path: Path) -> frozenset[str]:
    """The firms of one file, which never changes under its name."""
    return frozenset(pq.ParquetFile(path).read(["uscc"])["uscc"].to_pylist())


def states_of(office: Office, base: OpenSnapshot, arrivals: Sequence[Arrival], feeds: FeedBook) -> dict[str, FeedState]:
    """Every feed in play as a build of the snapshot's batches and of ``arrivals`` would know it."""
    covered = {feed: date.fromisoformat(entry["covered_to"]) for feed, entry in base.manifest["feeds"].items()}
    for each in arrivals:
        covered[each.feed] = min(base.as_of, max(each.covers_to, covered.get(each.feed, each.covers_to)))
    with office.read() as session:
        contested = set(session.scalars(select(Batch.feed).where(Batch.contested > 0).distinct()))
    return {feed: FeedState(feeds[feed], base.as_of, to, feed in contested) for feed, to in covered.items()}


def feed_files(
    office: Office,
    base: OpenSnapshot,
    arrivals: Sequence[Arrival],
    states: Mapping[str, FeedState],
    firms: Mapping[str, Iterable[str]],
) -> list[FeedFiles]:
    """What a build of the snapshot's batches and of ``arrivals`` would read of the feeds in ``firms``, for those firms
    alone.
    """
    held = base.manifest["inputs"]["batches"]
    made = []
    for feed, codes in sorted(firms.items()):
        batches = [batch[0] for batch in held.get(feed, ())] + [each.id for each in arrivals if each.feed == feed]
        paths = tuple(record_path(office.lake, feed, batch) for batch in batches)
        made.append(FeedFiles(states[feed], paths, firms=tuple(sorted(codes))))
    return made
