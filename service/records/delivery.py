"""A delivered file, read and checked to the end: its good records, and everything that was wrong with the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scoring.feeds import Feed
from scoring.intake import CheckedRows, Faults, Reason, check_rows, lake_schema, match_header, settle
from service.files import Reading

_CHECKED = ("received_at", "contested")


@dataclass(frozen=True)
class Progress:
    """How far an ingest is. ``rows_total`` is ``None`` when unknown, and an estimate for text files."""

    rows_done: int
    rows_total: int | None


@dataclass(frozen=True)
class Delivery:
    """What a file holds for its feed.

    ``records``: the distinct good rows (``pyarrow.Table``: content columns, ``observed_on``, ``record_id``);
    ``contested``: which of them have a key that comes with several revisions. ``repeated`` counts identical rows left
    out, ``rejected`` rows refused, ``read`` all rows.
    """

    records: Any
    contested: NDArray[np.bool_]
    read: int
    rejected: int
    repeated: int
    faults: tuple[Faults, ...]

    @property
    def reasons(self) -> dict[str, int]:
        """How often each reason was found, most frequent first."""
        counts: Counter[str] = Counter()
        for fault in self.faults:
            counts[fault.reason.value] += len(fault.rows)
        return dict(counts.most_common())


def observed_range(records: Any) -> tuple[date | None, date | None]:
    """First and last ``observed_on`` of a table of records."""
    if not records.num_rows:
        return None, None
    days = records.column("observed_on").to_numpy()
    return days.min().item(), days.max().item()


def take_delivery(
    feed: Feed, reading: Reading, received_on: date, progress: Callable[[Progress], None] | None
) -> Delivery:
    """Read and check every row. Raises ``RefusedInput`` for a file that is not the feed's at all."""
    if reading.header:
        match_header(feed, reading.header)
    checked: list[CheckedRows] = []
    done = 0
    # Text with a header row promises all columns in advance; of NDJSON the first lines show whether it is this feed,
    # later ones may lack what those had.
    complete = True
    for chunk in reading.chunks:
        checked.append(check_rows(feed, chunk, received_on, complete and bool(chunk.columns)))
        complete = bool(reading.header) or (complete and not chunk.columns)
        done += checked[-1].read
        if progress:
            progress(Progress(done, max(done, reading.rows_expected)))
    records = _together(feed, checked)
    rows = np.concatenate([part.rows for part in checked]) if checked else np.empty(0, dtype=np.int64)
    faults = [fault for part in checked for fault in part.faults]
    settled = settle(feed, records)
    if settled.ambiguous.any():
        faults.append(_ambiguity(feed, records, rows, settled.ambiguous))
    if not settled.kept.all():
        records = records.filter(pa.array(settled.kept))
    return Delivery(
        records=records,
        contested=settled.contested[settled.kept],
        read=sum(part.read for part in checked),
        rejected=sum(len(part.rejected) for part in checked) + int(settled.ambiguous.sum()),
        repeated=settled.repeated,
        faults=tuple(faults),
    )


def _together(feed: Feed, checked: list[CheckedRows]) -> Any:
    if not checked:
        fields = [field for field in lake_schema(feed) if field.name not in _CHECKED]
        return pa.schema(fields).empty_table()
    return pa.concat_tables([part.records for part in checked]).combine_chunks()


def _ambiguity(feed: Feed, records: Any, rows: NDArray[np.int64], ambiguous: NDArray[np.bool_]) -> Faults:
    keys = records.select([feed.column(name).stored for name in feed.key]).filter(pa.array(ambiguous)).to_pylist()
    values = tuple(" / ".join(str(part) for part in key.values()) for key in keys)
    return Faults(" / ".join(feed.key), Reason.AMBIGUOUS, rows[ambiguous], values)
