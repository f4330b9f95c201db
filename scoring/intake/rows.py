"""Every check one row can fail by itself, made for all rows of a chunk at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.dates import days
from scoring.feeds import PUBLIC_UNTIL, REVISION, USCC, WITHDRAWN_ON, Feed
from scoring.intake.arrays import Mask, Parsed, as_text, mask_of, present
from scoring.intake.chunk import Chunk
from scoring.intake.columns import read_column
from scoring.intake.faults import Faults, Reason
from scoring.intake.header import match_header
from scoring.intake.identity import record_ids
from scoring.intake.storage import STORED_TYPES, content_schema


@dataclass(frozen=True)
class CheckedRows:
    """A chunk after the checks.

    ``records`` is a ``pyarrow.Table`` of the good rows (content columns, ``observed_on``, ``record_id``), ``rows``
    their row numbers; ``rejected`` the numbers of the others, each of which has at least one of ``faults``.
    ``read`` counts both; rows that are empty in every column are neither.
    """

    records: Any
    rows: NDArray[np.int64]
    rejected: NDArray[np.int64]
    faults: tuple[Faults, ...]

    @property
    def read(self) -> int:
        return len(self.rows) + len(self.rejected)


@dataclass
class _Ledger:
    """Collects faults of one chunk."""

    rows: NDArray[np.int64]
    bad: Mask
    faults: list[Faults] = field(default_factory=list)

    def add(self, column: str, reason: Reason, mask: Mask, delivered: Any) -> None:
        self.bad |= mask
        values = ("",) * int(mask.sum()) if delivered is None else _shown(delivered, mask)
        self.faults.append(Faults(column, reason, self.rows[mask], values))


def check_rows(feed: Feed, chunk: Chunk, received_on: date, complete: bool = True) -> CheckedRows:
    """Check a chunk delivered on ``received_on``.

    Raises ``RefusedInput`` for a header or column type the feed cannot take (``complete`` as in ``match_header``).
    """
    matched = match_header(feed, list(chunk.columns), complete)
    delivered = {column.id: array for column, array in zip(matched, chunk.columns.values(), strict=True)}
    rows = chunk.rows
    blank = _blank(delivered, len(rows))
    if blank.any():
        kept = pa.array(~blank)
        delivered = {name: array.filter(kept) for name, array in delivered.items()}
        rows = rows[~blank]
    ledger = _Ledger(rows, np.zeros(len(rows), dtype=bool))
    stored = _columns(feed, delivered, ledger)
    _check_dates(feed, stored, received_on, delivered, ledger)
    good = ~ledger.bad
    table = pa.table(stored, schema=content_schema(feed))
    if not good.all():
        table = table.filter(pa.array(good))
    table = table.append_column("observed_on", table.column(feed.column(feed.observed).stored))
    table = table.append_column("record_id", record_ids(table.select(content_schema(feed).names)))
    spoiled_rows = np.array([spoiled.row for spoiled in chunk.spoiled], dtype=np.int64)
    faults = [
        Faults(spoiled.column, spoiled.reason, np.array([spoiled.row]), (spoiled.value,)) for spoiled in chunk.spoiled
    ]
    rejected = np.concatenate([rows[ledger.bad], spoiled_rows])
    return CheckedRows(table, rows[good], np.unique(rejected), (*ledger.faults, *faults))


def _columns(feed: Feed, delivered: Mapping[str, Any], ledger: _Ledger) -> dict[str, Any]:
    """Every content column in storage form; faults of single columns go to the ledger."""
    size = len(ledger.rows)
    stored: dict[str, Any] = {PUBLIC_UNTIL.id: pa.nulls(size, pa.date32())}
    for column in feed.file_columns:
        array = delivered.get(column.id)
        parsed = Parsed(pa.nulls(size, STORED_TYPES[column.type])) if array is None else read_column(column, array)
        for reason, mask in parsed.bad:
            ledger.add(column.id, reason, mask, array)
        if column.required:
            missing = ~present(parsed.values)
            for _, mask in parsed.bad:
                missing &= ~mask
            if missing.any():
                ledger.add(column.id, Reason.MISSING, missing, None)
        stored[column.stored] = parsed.values
    stored[REVISION.id] = pc.fill_null(stored[REVISION.id], 1).cast(pa.int32())
    return stored


def _check_dates(
    feed: Feed, stored: Mapping[str, Any], received_on: date, delivered: Mapping[str, Any], ledger: _Ledger
) -> None:
    """Dates that contradict each other or the day of receipt. An unknown date contradicts nothing."""
    observed = stored[feed.column(feed.observed).stored]
    late = mask_of(pc.greater(observed, pa.scalar(days(received_on), pa.int32()).cast(pa.date32())))
    if late.any():
        ledger.add(feed.observed, Reason.AFTER_RECEIPT, late, delivered.get(feed.observed))
    for name, reason in (
        (feed.ends, Reason.ENDS_BEFORE_START),
        (WITHDRAWN_ON.id, Reason.WITHDRAWN_BEFORE_START),
        (PUBLIC_UNTIL.id, Reason.ENDS_BEFORE_START),
    ):
        if not name or name not in delivered:
            continue
        early = mask_of(pc.less(stored[feed.column(name).stored], observed))
        if early.any():
            ledger.add(name, reason, early, delivered[name])


def _blank(delivered: Mapping[str, Any], size: int) -> Mask:
    """Rows that are empty in every column, which spreadsheets leave behind."""
    first = delivered.get(USCC.id)
    if first is None:
        blank = np.ones(size, dtype=bool)
    else:
        blank = ~_filled(first)
        if not blank.any():
            return blank
    for array in delivered.values():
        blank &= ~_filled(array)
    return blank


def _filled(array: Any) -> Mask:
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type) or pa.types.is_null(array.type):
        return present(as_text(array))
    return present(array)


def _shown(array: Any, mask: Mask) -> tuple[str, ...]:
    values = array.filter(pa.array(mask)).to_pylist()
    return tuple("" if value is None else str(value) for value in values)
