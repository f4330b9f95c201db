"""Which rows are the same record: record ids over what a row says, natural keys over what it is about."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scoring.feeds import Feed
from scoring.intake.arrays import Mask, raw_bytes

#: Between the parts of a line, and in place of null. Control characters never pass the row checks.
_PART_END, _NULL = "\x1f", "\x1e"
ID_LENGTH = 32


@dataclass(frozen=True)
class Settled:
    """A whole delivery after its rows were compared with each other; masks over its rows.

    ``kept`` the first of every set of identical rows, without the ambiguous ones; ``ambiguous`` rows that share key
    and revision but not content; ``contested`` rows whose key comes with several revisions. ``repeated`` counts the
    identical rows left out.
    """

    kept: Mask
    ambiguous: Mask
    contested: Mask
    repeated: int


def record_ids(content: Any) -> Any:
    """A ``string`` array of 32 hex characters per row of a content table: SHA-256 over name and value of every field
    that is not null, in order of names, so that a column added to the feed later leaves old ids as they are."""
    size = content.num_rows
    if not size:
        return pa.array([], pa.string())
    parts: list[Any] = []
    for name in sorted(content.column_names):
        column = content.column(name)
        if column.null_count == size:
            continue
        label = pc.if_else(column.is_valid(), name, pa.scalar(None, pa.string())) if column.null_count else name
        parts += [label, _canonical(column)]
    lines = pc.binary_join_element_wise(*parts, _PART_END, null_handling="skip").cast(pa.binary())
    digests = b"".join([sha256(line).digest()[: ID_LENGTH // 2] for line in lines.to_pylist()])
    offsets = np.arange(0, ID_LENGTH * (size + 1), ID_LENGTH, dtype=np.int32)
    return pa.StringArray.from_buffers(size, pa.py_buffer(offsets), pa.py_buffer(digests.hex().encode()))


def settle(feed: Feed, records: Any) -> Settled:
    """Compare the rows of one delivery with each other; ``records`` as in ``CheckedRows``."""
    size = records.num_rows
    nothing = np.zeros(size, dtype=bool)
    first, groups = _first_of_equals(_id_words(records))
    distinct = records if first.all() else records.filter(pa.array(first))
    if _all_differ(key_lines(feed, distinct)):
        return Settled(first, nothing, nothing, size - int(first.sum()))
    key = _labels(feed, distinct)
    versions = np.column_stack([key, distinct.column("revision").to_numpy()])
    clash = _counts_of(versions) > 1
    several = np.bincount(np.unique(versions, axis=0)[:, 0])[key] > 1
    # Copies of an ambiguous row are as ambiguous as the row itself.
    ambiguous = nothing.copy()
    ambiguous[first] = clash
    ambiguous = ambiguous[groups]
    contested = nothing.copy()
    contested[first] = several
    kept = first & ~ambiguous
    return Settled(kept, ambiguous, contested & kept, size - int(kept.sum()) - int(ambiguous.sum()))


def lake_order(records: Any) -> NDArray[np.int64]:
    """The order records lie in: by uscc, then by record id, so that it does not depend on that of the file."""
    firms = pc.dictionary_encode(records.column("uscc").combine_chunks())
    by_code = pc.sort_indices(firms.dictionary).to_numpy()
    rank = np.empty(len(by_code), dtype=np.uint64)
    rank[by_code] = np.arange(len(by_code), dtype=np.uint64)
    words = _id_words(records)
    # One number per row, 24 bits of firm and 40 of id, sorts much faster than two texts. Unless two rows have the same.
    if len(by_code) < 1 << 24:
        number = rank[firms.indices.to_numpy()] << np.uint64(40) | words[:, 0] >> np.uint64(24)
        order = np.argsort(number)
        if (number[order][1:] != number[order][:-1]).all():
            return order
    return np.lexsort((words[:, 1], words[:, 0], rank[firms.indices.to_numpy()]))


def _canonical(column: Any) -> Any:
    """A column as text that depends on nothing but its values."""
    if pa.types.is_floating(column.type):
        return pa.array([None if value is None else repr(value) for value in column.to_pylist()], pa.string())
    return column if column.type == pa.string() else column.cast(pa.string())


def _id_words(records: Any) -> NDArray[np.uint64]:
    """Record ids as (n, 2) words of 64 bits."""
    ids = records.column("record_id").combine_chunks()
    digits = raw_bytes(ids).tobytes().decode("ascii")
    return np.frombuffer(bytes.fromhex(digits), dtype=">u8").astype(np.uint64).reshape(-1, 2)


def _first_of_equals(words: NDArray[np.uint64]) -> tuple[Mask, NDArray[np.int64]]:
    """Which rows are the first with their id, and for every row the place of the first one equal to it."""
    size = len(words)
    ranked = np.sort(words[:, 0])
    if (ranked[1:] != ranked[:-1]).all():
        return np.ones(size, dtype=bool), np.arange(size)
    order = np.lexsort((words[:, 1], words[:, 0]))
    ranked = words[order]
    starts = np.ones(size, dtype=bool)
    starts[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    # lexsort is stable: the first of a run of equals is the first in the file.
    groups = np.empty(size, dtype=np.int64)
    groups[order] = order[starts][np.cumsum(starts) - 1]
    first = np.zeros(size, dtype=bool)
    first[order[starts]] = True
    return first, groups


def _all_differ(lines: list[str]) -> bool:
    """Whether no two lines are equal; may say no when they only hash alike, never yes when two are equal."""
    hashes = np.fromiter(map(hash, lines), np.int64, len(lines))
    hashes.sort()
    return bool((hashes[1:] != hashes[:-1]).all())


def key_lines(feed: Feed, records: Any) -> list[str]:
    """The natural key of every row as one text, equal for equal keys and for no others."""
    lines: list[str] = _key_text(feed, records).to_pylist()
    return lines


def _key_text(feed: Feed, records: Any) -> Any:
    parts = [_canonical(records.column(feed.column(name).stored)) for name in feed.key]
    return pc.binary_join_element_wise(*parts, _PART_END, null_handling="replace", null_replacement=_NULL)


def _labels(feed: Feed, records: Any) -> NDArray[np.int64]:
    """A number per row, equal for equal keys."""
    codes = pc.dictionary_encode(_key_text(feed, records).combine_chunks()).indices
    labels: NDArray[np.int64] = codes.to_numpy().astype(np.int64)
    return labels


def _counts_of(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """For every row, how many rows equal it."""
    _, inverse, counts = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    return np.asarray(counts)[inverse.ravel()]
