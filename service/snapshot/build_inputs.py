"""What a snapshot is made of: the batches in play and everything else its id follows from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from models.errors import RefusedInput
from models.tables import Batch
from scoring.catalogue import Catalogue
from scoring.compiler import FeedState
from scoring.feeds import FeedBook
from service.clock import day_of
from service.office import Office
from service.records.lake import LANDED, record_path
from service.snapshot.aggregate import FeedFiles
from service.snapshot.folder import FORMAT, json_bytes
from service.snapshot.stages import Stages


@dataclass(frozen=True)
class Inputs:
    """What the snapshot is made of. ``known_by`` is when the last of its batches was received."""

    as_of: date
    known_by: datetime
    feeds: tuple[FeedFiles, ...]
    batches: Mapping[str, list[list[str]]]

    @property
    def states(self) -> dict[str, FeedState]:
        return {feed.state.feed.id: feed.state for feed in self.feeds}


def select_inputs(office: Office, as_of: date, known_by: datetime, feeds: FeedBook) -> Inputs:
    """The batches received by ``known_by`` and what they say of each feed on ``as_of``.

    ``RefusedInput`` when nothing has landed by then, and for a day that was still to come.
    """
    _refuse_moments(as_of, known_by)
    query = select(Batch).where(Batch.status == LANDED, Batch.received_at <= known_by).order_by(Batch.seq)
    by_feed: dict[str, list[Batch]] = {}
    with office.read() as session:
        for batch in session.scalars(query):
            if batch.feed in feeds and batch.covers_to is not None:
                by_feed.setdefault(batch.feed, []).append(batch)
    if not by_feed:
        raise RefusedInput(
            "no_batches", "known_by", known_by.isoformat(), "Nothing had landed by then.", "Ingest a batch first."
        )
    in_play = []
    for feed_id, batches in sorted(by_feed.items()):
        covered = min(as_of, max(batch.covers_to for batch in batches if batch.covers_to))
        state = FeedState(feeds[feed_id], as_of, covered, any(batch.contested for batch in batches))
        paths = tuple(record_path(office.lake, feed_id, batch.id) for batch in batches)
        in_play.append(FeedFiles(state, paths, sum(batch.rows_landed for batch in batches)))
    every = [batch for batches in by_feed.values() for batch in batches]
    named = {
        feed_id: [
            [batch.id, batch.content_digest, batch.received_at.isoformat(), str(batch.covers_to)] for batch in batches
        ]
        for feed_id, batches in by_feed.items()
    }
    return Inputs(as_of, max(batch.received_at for batch in every), tuple(in_play), named)


def described(inputs: Inputs, catalogue: Catalogue, feeds: FeedBook, stages: Stages) -> dict[str, Any]:
    """Everything the snapshot follows from; its id is the digest of this."""
    return {
        "format": FORMAT,
        "as_of": inputs.as_of.isoformat(),
        "known_by": inputs.known_by.isoformat(),
        "inputs": {
            "batches": inputs.batches,
            "catalogue": catalogue_digest(catalogue, feeds),
            "model": stages.model_digest,
            "rules": stages.rules_digest,
            # Absent without one, so that an office without a registered model keeps its snapshots' ids.
            **({"registered_models": dict(stages.registered)} if stages.registered else {}),
            # A digest: a snapshot's manifest is no place for who consented.
            **({"person_consents": _digest(stages.person_consents)} if stages.person_consents else {}),
        },
    }


def catalogue_digest(catalogue: Catalogue, feeds: FeedBook) -> str:
    """Stands for every declared item and feed."""
    return _digest(
        {
            "items": [asdict(item) for item in (*catalogue.items.values(), *catalogue.further.values())],
            "feeds": [{**asdict(feed), "by_id": None} for feed in feeds.values()],
        }
    )


def _digest(said: Mapping[str, Any]) -> str:
    return sha256(json_bytes(dict(said), sort_keys=True)).hexdigest()


def id_of(made_of: Mapping[str, Any]) -> str:
    """The id of the snapshot that follows from ``made_of``."""
    return sha256(json_bytes(made_of, sort_keys=True)).hexdigest()[:20]


def snapshot_id_of(inputs: Inputs, catalogue: Catalogue, feeds: FeedBook, stages: Stages) -> str:
    """What a build of these inputs will be called, without building it."""
    return id_of(described(inputs, catalogue, feeds, stages))


def _refuse_moments(as_of: date, known_by: datetime) -> None:
    if known_by.tzinfo is None:
        raise RefusedInput("bad_moment", "known_by", known_by, "A moment names its time zone.", "Add one, such as UTC.")
    if as_of > day_of(known_by):
        raise RefusedInput(
            "day_to_come",
            "as_of",
            as_of.isoformat(),
            f"That day was still to come on {day_of(known_by)}, when the records were known.",
            "Ask for that day or an earlier one.",
        )
