"""Which delivered records are known already: compares a delivery with what landed for its feed before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from scoring.feeds import Feed
from scoring.intake import key_lines
from service.records import lake

#: A feed with at most this many landed rows in question is looked up in memory; above, DuckDB joins the files.
_ROWS_IN_MEMORY = 50_000
#: Keys kept in memory over all feeds, some 300 bytes each.
_KEYS_IN_MEMORY = 300_000


@dataclass(frozen=True)
class Known:
    """Masks over the delivered rows: ``same`` the very record landed before, ``key`` some record with its key did."""

    same: NDArray[np.bool_]
    key: NDArray[np.bool_]


def known(folder: Path, feed: Feed, records: Any, earlier: Sequence[lake.LandedBatch]) -> Known:
    """Look ``records`` (a ``pyarrow.Table`` with key columns, ``observed_on`` and ``record_id``) up in the lake.

    Reads only key and id columns, and only of batches that can hold one of the keys: where the observed day is part
    of the key, a batch whose days lie elsewhere cannot.
    """
    batches = _candidates(feed, records, earlier)
    if not batches:
        nothing = np.zeros(records.num_rows, dtype=bool)
        return Known(nothing, nothing)
    if sum(batch.rows_landed for batch in batches) <= _ROWS_IN_MEMORY:
        return _INDEXES.look_up(folder, feed, records, batches, earlier)
    return _joined(folder, feed, records, batches)


def _candidates(feed: Feed, records: Any, earlier: Sequence[lake.LandedBatch]) -> list[lake.LandedBatch]:
    if not records.num_rows:
        return []
    filled = [batch for batch in earlier if batch.rows_landed]
    if feed.observed not in feed.key:
        return filled
    days = records.column("observed_on").to_numpy()
    first, last = days.min().item(), days.max().item()
    return [
        batch
        for batch in filled
        if batch.observed_min is None
        or batch.observed_max is None
        or (batch.observed_min <= last and batch.observed_max >= first)
    ]


def _joined(folder: Path, feed: Feed, records: Any, batches: Sequence[lake.LandedBatch]) -> Known:
    names = [feed.column(name).stored for name in feed.key]
    delivered = records.select([*names, "record_id"]).append_column("place", pa.array(np.arange(records.num_rows)))
    # A key column is never null: the catalogue test states that each is required.
    on = " and ".join(f'd."{name}" = l."{name}"' for name in names)
    engine = lake.query_engine()
    try:
        engine.register("delivered", delivered)
        hits = engine.execute(
            "select d.place, bool_or(l.record_id = d.record_id) as same "
            f"from delivered d join read_parquet($files) l on {on} group by d.place",
            {"files": [str(lake.record_path(folder, feed.id, batch.id)) for batch in batches]},
        ).fetchnumpy()
    finally:
        engine.close()
    same = np.zeros(records.num_rows, dtype=bool)
    key = np.zeros(records.num_rows, dtype=bool)
    key[hits["place"]] = True
    same[hits["place"]] = hits["same"]
    return Known(same, key)


@dataclass
class _Index:
    """Record ids by key of some landed batches of one feed; ``more`` holds the ids of keys that have several."""

    batches: set[tuple[str, str]] = field(default_factory=set)
    ids: dict[str, str] = field(default_factory=dict)
    more: dict[str, set[str]] = field(default_factory=dict)

    def add(self, path: Path, feed: Feed, batch: lake.LandedBatch) -> None:
        columns = [feed.column(name).stored for name in feed.key]
        table = pq.ParquetFile(path).read(columns=[*columns, "record_id"])
        for line, record_id in zip(key_lines(feed, table), table.column("record_id").to_pylist(), strict=True):
            first = self.ids.setdefault(line, record_id)
            if first != record_id:
                self.more.setdefault(line, {first}).add(record_id)
        self.batches.add((batch.id, batch.content_digest))

    def look_up(self, lines: list[str], ids: list[str]) -> Known:
        firsts = [self.ids.get(line) for line in lines]
        same = [
            first == record_id or (line in self.more and record_id in self.more[line])
            for line, first, record_id in zip(lines, firsts, ids, strict=True)
        ]
        return Known(np.array(same, dtype=bool), np.array([first is not None for first in firsts], dtype=bool))


class _Indexes:
    """Indexes of the feeds looked up last. Landed files never change, so an index is only ever added to."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[Path, str], _Index] = OrderedDict()

    def look_up(
        self,
        folder: Path,
        feed: Feed,
        records: Any,
        batches: Sequence[lake.LandedBatch],
        earlier: Sequence[lake.LandedBatch],
    ) -> Known:
        visible = {(batch.id, batch.content_digest) for batch in earlier}
        with self._lock:
            index = self._kept.pop((folder, feed.id), None)
            # A restored office may have lost batches this process still remembers.
            if index is None or not index.batches <= visible:
                index = _Index()
            self._kept[folder, feed.id] = index
            for batch in batches:
                if (batch.id, batch.content_digest) not in index.batches:
                    index.add(lake.record_path(folder, feed.id, batch.id), feed, batch)
            while len(self._kept) > 1 and sum(len(one.ids) for one in self._kept.values()) > _KEYS_IN_MEMORY:
                self._kept.popitem(last=False)
            return index.look_up(key_lines(feed, records), records.column("record_id").to_pylist())


_INDEXES = _Indexes()
