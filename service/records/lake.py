"""The lake: immutable Parquet files of records, one per landed batch, and the quarantine beside them.

A file exists for readers only once its ``Batch`` row is committed. It is written under a temporary name, flushed to
disk, then renamed inside the transaction that commits the row; whatever a killed process leaves has no row and is
swept away.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4
from weakref import WeakSet

import duckdb
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables import Batch
from service.office import Office

LANDED, REFUSED, UNCHANGED = "landed", "refused", "unchanged"
REJECTS = "_rejects"
_DRAFT = ".draft"
_MOST_ORPHANS = 100


def record_path(lake: Path, feed: str, batch_id: str) -> Path:
    """Where the records of a batch are."""
    return lake / feed / f"{batch_id}.parquet"


def rejects_path(lake: Path, batch_id: str) -> Path:
    """Where the quarantine of a batch is."""
    return lake / REJECTS / f"{batch_id}.csv"


@dataclass(frozen=True)
class LandedBatch:
    """What the manifest says of a visible batch."""

    id: str
    rows_landed: int
    observed_min: date | None
    observed_max: date | None
    covers_to: date | None
    content_digest: str


def landed_batches(session: Session, feed: str) -> list[LandedBatch]:
    """The visible batches of a feed in the order they were committed."""
    query = select(
        Batch.id, Batch.rows_landed, Batch.observed_min, Batch.observed_max, Batch.covers_to, Batch.content_digest
    )
    rows = session.execute(query.where(Batch.feed == feed, Batch.status == LANDED).order_by(Batch.seq))
    return [LandedBatch(*row) for row in rows]


class Draft:
    """A file in the making, open under a temporary name in its final folder."""

    def __init__(self, target: Path, file: BinaryIO, path: Path):
        self.target = target
        self.file = file
        self._path = path

    def finish(self) -> None:
        """Flush the bytes to disk; nothing shows yet."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def publish(self) -> None:
        """Give the file its name, on disk."""
        os.replace(self._path, self.target)
        sync_folder(self.target.parent)


@contextmanager
def draft(target: Path) -> Iterator[Draft]:
    """A draft of ``target``, removed when the block ends without publishing it.

    It is locked for as long as this process lives, which is how ``sweep`` knows it from one that was left behind.
    """
    if not target.parent.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        sync_folder(target.parent.parent)
    path = target.with_name(f".{target.name}.{uuid4().hex}{_DRAFT}")
    with path.open("xb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield Draft(target, file, path)
        finally:
            path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(office: Office) -> int:
    """Remove what killed processes left: drafts nobody writes, records and quarantine without a row. How many.

    Runs in a write transaction: records are renamed in one, so none is between its rename and its commit meanwhile.
    A kill leaves two files at most. Where very many have no row, the database is not this lake's: nothing is touched.
    """
    with office.write() as session:
        known = set(session.scalars(select(Batch.id)))
        orphans = [path for path in office.lake.glob("*/*") if _is_orphan(path, known)]
        if len(orphans) > _MOST_ORPHANS:
            return 0
        for path in orphans:
            path.unlink(missing_ok=True)
    return len(orphans)


def _is_orphan(path: Path, known: set[str]) -> bool:
    if path.name.endswith(_DRAFT):
        return _is_left_behind(path)
    return path.suffix in (".parquet", ".csv") and path.stem not in known


#: Offices this process has swept.
_swept: WeakSet[Office] = WeakSet()


def sweep_once(office: Office) -> None:
    """``sweep`` the first time this process works on an office."""
    if office not in _swept:
        sweep(office)
        _swept.add(office)


def _is_left_behind(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@cache
def _engine() -> Any:
    engine = duckdb.connect(":memory:")
    # Lake files never change, so what their footers say may be remembered.
    engine.execute("load parquet")
    engine.execute("set parquet_metadata_cache = true")
    return engine


def query_engine() -> Any:
    """A DuckDB cursor of its own on the process's one engine; close it after use. Threads may each have one."""
    return _engine().cursor()
