"""Which rows go into which file: late ones, those that end later, corrections, and rows with slips.

Every row of a table becomes one or more entries (row, file). A file is then one ``take`` of the table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.dates import days
from scoring.feeds import ColumnType, Feed
from seed.city.calendar import Slot, first_day
from seed.city.draws import NEVER, Flags, Ints, stream
from seed.city.frames import KNOWN_ON, dates
from seed.city.parameters import Parameters
from seed.city.timeline import Timeline

#: Ends that are written on the paper from the start; every other end is learnt when it comes.
PLANNED_ENDS = ("valid_until", "expires_on")
#: A row may be sent as it is, with a value that is corrected later, or with a slip that sends it to quarantine.
_AS_IS, _WRONG, _SLIP = 0, 1, 2


@dataclass(frozen=True)
class Load:
    """The rows of one file: ``good`` to be accepted, ``slips`` the true rows of those that are to be spoiled."""

    good: pa.Table
    slips: pa.Table


def as_days(column: pa.ChunkedArray | pa.Array) -> Ints:
    """Dates as days since 1970, empty as ``NEVER``."""
    number: Ints = pc.fill_null(column.cast(pa.int32()), int(NEVER)).to_numpy().astype(np.int64)
    return number


def observed_days(feed: Feed, table: pa.Table) -> Ints:
    """The day each row was true in the world; a month counts from its first day here."""
    column = table[feed.observed]
    if feed.column(feed.observed).type is ColumnType.DATE:
        return as_days(column)
    months = column.combine_chunks()
    pool = np.array(months.dictionary.to_pylist(), dtype="datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return pool[months.indices.to_numpy()] if len(pool) else np.empty(0, np.int64)


def loads(p: Parameters, line: Timeline, feed: Feed, table: pa.Table, files: list[Slot], seed: int) -> list[Load]:
    """One load per file, in the order of ``files``."""
    rng = stream(seed, f"dispatch {feed.id}")
    own, size = p["deliveries"], table.num_rows
    covers = np.array([days(file.covers_to) for file in files])
    known = as_days(table[KNOWN_ON])
    tardy = rng.random(size) < own["late_rows"]["share"] * (feed.period == "event")
    known = known + np.where(tardy, rng.exponential(own["late_rows"]["mean_days"], size).astype(np.int64), 0)
    slot = np.searchsorted(covers, known)
    sent = (slot < len(files)) & (observed_days(feed, table) >= first_day(p, line, feed))
    late_column = _late_column(feed)
    learnt = as_days(table[late_column]) if late_column else np.full(size, NEVER)
    learnt_slot = np.searchsorted(covers, np.maximum(learnt, known))
    blank = sent & (learnt < NEVER) & (learnt_slot > slot)
    plain = sent & ~blank & (table["revision"].null_count == size)
    wrong, slipped = _flaws(p, feed, plain, slot, len(files), rng)
    again = _mended(own, slipped, slot, len(files), rng)
    numbered = feed.agency in own["numbered_agencies"]
    rows = [
        (np.flatnonzero(sent), slot[sent], np.zeros(int(sent.sum()), np.int64), blank[sent]),
        _entries(blank & (learnt_slot < len(files)), learnt_slot, 2 if numbered else 0),
        _entries(wrong, slot + 1, 2 if numbered else 0),
        _entries(again, slot + 1, 0),
    ]
    row, where, revision, blanked = (np.concatenate(column) for column in zip(*rows, strict=True))
    variant = np.zeros(len(row), np.int64)
    variant[: len(rows[0][0])] = np.where(wrong, _WRONG, np.where(slipped, _SLIP, _AS_IS))[rows[0][0]]
    made = []
    for number in range(len(files)):
        here = where == number
        good = here & (variant != _SLIP)
        load = _file(p, feed, table, row[good], revision[good], blanked[good], variant[good] == _WRONG, late_column)
        made.append(Load(load, table.take(pa.array(row[here & (variant == _SLIP)])).drop_columns([KNOWN_ON])))
    return made


def _entries(which: Flags, slot: Ints, revision: int) -> tuple[Ints, Ints, Ints, Flags]:
    row = np.flatnonzero(which)
    return row, slot[row], np.full(len(row), revision), np.zeros(len(row), dtype=bool)


def _late_column(feed: Feed) -> str:
    """The column that is learnt after the row itself: an unplanned end, or the withdrawal of what was published."""
    if feed.publicity:
        return "withdrawn_on"
    return feed.ends if feed.ends not in PLANNED_ENDS else ""


def _flaws(
    p: Parameters, feed: Feed, plain: Flags, slot: Ints, files: int, rng: np.random.Generator
) -> tuple[Flags, Flags]:
    """Rows first sent with a wrong value, and rows sent with a slip; never both, never among revised rows."""
    own = p["deliveries"]
    draw = rng.random(len(plain))
    correction = own["corrections"].get(feed.id, {"share": 0.0})["share"]
    wrong = plain & (draw < correction) & (slot < files - 1)
    counts = np.bincount(np.minimum(slot, files), minlength=files + 1)
    counts[files] = 0
    large = counts[np.minimum(slot, files)] >= own["slips"]["least_rows"]
    slipped = plain & large & (draw > 1 - own["slips"]["share"])
    return wrong, slipped


def _mended(own: Parameters, slipped: Flags, slot: Ints, files: int, rng: np.random.Generator) -> Flags:
    """Slips that the agency mends in its next file; the others stay lost."""
    mended: Flags = slipped & (slot < files - 1) & (rng.random(len(slipped)) < own["slips"]["mended_share"])
    return mended


def _file(
    p: Parameters,
    feed: Feed,
    table: pa.Table,
    row: Ints,
    revision: Ints,
    blanked: Flags,
    wrong: Flags,
    late_column: str,
) -> pa.Table:
    """The good rows of one file."""
    load = table.take(pa.array(row)).drop_columns([KNOWN_ON])
    if revision.any():
        own = pa.array(revision, mask=revision == 0)
        load = _put(load, "revision", pc.coalesce(own, load["revision"].combine_chunks()))
    if blanked.any():
        load = _put(load, late_column, dates(np.where(blanked, NEVER, as_days(load[late_column]))))
    if wrong.any():
        fault = p["deliveries"]["corrections"][feed.id]
        column = load[fault["column"]].combine_chunks()
        factor = pa.array(np.where(wrong, fault["factor"], 1.0))
        changed = pc.multiply(column.cast(pa.float64()), factor)
        digits = 2 if feed.column(fault["column"]).type is ColumnType.MONEY else 1
        load = _put(
            load,
            fault["column"],
            pc.if_else(pa.array(wrong), pc.round(changed, digits).cast(column.type, safe=False), column),
        )
    return load


def _put(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)
