"""Runs compiled SQL over the lake's Parquet files, feed by feed, and hands back numpy columns by firm."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.errors import RefusedInput
from models.kinds import Kind
from models.uscc import LENGTH
from scoring.catalogue import Item
from scoring.compiler import DUCKDB, CompiledQuery, FeedState, compile_feed, lake_columns
from scoring.compiler.predicates import text_literal
from scoring.compiler.queries import FIRM
from scoring.item_values import Part
from scoring.profile import Parts
from service.records.lake import query_engine


@dataclass(frozen=True)
class Limits:
    """What the query engine may use; it spills to disk beyond ``memory_mb``."""

    threads: int = 2
    memory_mb: int = 2_000


@dataclass(frozen=True)
class FeedFiles:
    """One feed in play: its state on the day, the files of its batches and how many rows they hold.

    ``firms``: the codes of those whose records are read, ``None`` for everybody's.
    """

    state: FeedState
    paths: tuple[Path, ...]
    rows: int = 0
    firms: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Aggregated:
    """Answers of every feed over one firm index.

    ``uscc`` is S18, ascending; ``answers`` maps feed to parts; ``texts`` maps a text item to the texts its part points
    into; ``records`` maps feed to the number of records that count.
    """

    uscc: NDArray[np.bytes_]
    answers: dict[str, Parts]
    texts: dict[str, pa.Array]
    records: dict[str, int]


@dataclass(frozen=True)
class _Column:
    """A ``Part`` whose firms are not numbered yet: they are those of the query with number ``query``."""

    query: int
    values: NDArray[Any]
    valid: NDArray[np.bool_] | None
    texts: tuple[str, ...] = ()


def aggregate(
    feeds: Sequence[FeedFiles],
    items: Iterable[Item],
    scratch: Path,
    limits: Limits = Limits(),
    done: Callable[[FeedFiles], None] | None = None,
) -> Aggregated:
    """Every item's parts for every firm with an effective record in any of ``feeds``, among the firms each is read for.

    ``scratch`` takes what does not fit in memory. ``done`` is called after each feed. ``RefusedInput`` for a batch
    file that is gone and for a sum that does not fit in 64 bits.
    """
    by_feed: dict[str, list[Item]] = {}
    for item in items:
        by_feed.setdefault(item.feed, []).append(item)
    usccs: list[pa.Array] = []
    texts: dict[str, pa.Array] = {}
    records: dict[str, int] = {}
    raw: dict[str, dict[str, dict[str, _Column]]] = {}
    of_few = all(files.firms is not None for files in feeds)
    with _shared_engine() if of_few else _engine(scratch, limits) as engine:
        for files in feeds:
            feed_id = files.state.feed.id
            members = by_feed.get(feed_id, [])
            parts = raw[feed_id] = {}
            relation = _relation(engine, files, members)
            for query in compile_feed(files.state, members, DUCKDB):
                table = _run(engine, query, relation)
                parts |= _parts(query, table, usccs, {item.id: item.kind for item in members}, texts)
            records[feed_id] = int(parts[FIRM]["records"].values.sum())
            if done:
                done(files)
    uscc, places = _firm_index(usccs)
    answers: dict[str, Parts] = {feed_id: _numbered(parts, places) for feed_id, parts in raw.items()}
    return Aggregated(uscc, answers, texts, records)


@contextmanager
def _engine(scratch: Path, limits: Limits) -> Iterator[duckdb.DuckDBPyConnection]:
    engine = duckdb.connect(
        ":memory:",
        config={
            "threads": limits.threads,
            "memory_limit": f"{limits.memory_mb}MB",
            "temp_directory": str(scratch),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
        },
    )
    try:
        yield engine
    finally:
        engine.close()


@contextmanager
def _shared_engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """The process's own, which remembers what the footers of files say: most of what few firms cost."""
    engine = query_engine()
    try:
        yield engine
    finally:
        engine.close()


def _relation(engine: duckdb.DuckDBPyConnection, files: FeedFiles, members: Sequence[Item]) -> str:
    """The feed's records as SQL. Those of a few firms are taken out of the files once, with the columns that count:
    row groups without any of the firms, which lie sorted, are passed over by what their footers say.
    """
    for path in files.paths:
        if not path.exists():
            raise RefusedInput(
                "missing_records", "batch", path.name, "Its file is gone from the lake.", "Restore it from a backup."
            )
    # By name, so that files written before a column was declared still read, with that column empty.
    listed = ", ".join(text_literal(str(path)) for path in files.paths)
    relation = f"read_parquet([{listed}], union_by_name = true)"
    if files.firms is None:
        return relation
    columns = ", ".join(map(DUCKDB.column, lake_columns(files.state, members)))
    codes = ", ".join(map(text_literal, files.firms))
    engine.execute(f"create or replace temp table of_firms as select {columns} from {relation} where uscc in ({codes})")
    return "of_firms"


def _run(engine: duckdb.DuckDBPyConnection, query: CompiledQuery, relation: str) -> pa.Table:
    try:
        return engine.sql(query.over(relation)).to_arrow_table()
    except (duckdb.OutOfRangeException, duckdb.ConversionException) as problem:
        raise RefusedInput(
            "sum_overflow",
            "feed",
            query.feed,
            f"A sum over its records does not fit in 64 bits ({str(problem).splitlines()[0]}).",
            "Withdraw the record with the impossible amount.",
        ) from problem


def _parts(
    query: CompiledQuery,
    table: pa.Table,
    usccs: list[pa.Array],
    kinds: Mapping[str, Kind],
    texts: dict[str, pa.Array],
) -> dict[str, dict[str, _Column]]:
    # Which firm stands where is known only when every feed has spoken; until then a column names its query.
    number = len(usccs)
    # Codes of fixed width are hashed in two thirds of the time strings take.
    usccs.append(table["uscc"].combine_chunks().cast(pa.binary()).cast(pa.binary(LENGTH)))
    columns: dict[str, _Column] = {}
    parts: dict[str, dict[str, _Column]] = {}
    for item_id, names in query.parts.items():
        mine = parts[item_id] = {}
        for part, name in names.items():
            column = table[name]
            if pa.types.is_string(column.type) and kinds[item_id] is Kind.TEXT:
                # 64-bit offsets: the business scopes of a large city pass two gigabytes.
                texts[item_id] = column.cast(pa.large_string()).combine_chunks()
                mine[part] = _Column(number, np.arange(len(column)), _valid(texts[item_id]))
                continue
            if name not in columns:
                columns[name] = _column(number, column.combine_chunks())
            mine[part] = columns[name]
    return parts


def _column(query: int, column: pa.Array) -> _Column:
    dictionary: tuple[str, ...] = ()
    valid = _valid(column)
    if pa.types.is_string(column.type):
        encoded = column.dictionary_encode()
        column, dictionary = encoded.indices, tuple(encoded.dictionary.to_pylist())
    dtype = np.dtype("int32") if pa.types.is_date32(column.type) else np.dtype(column.type.to_pandas_dtype())
    return _Column(query, _values(column, dtype), valid, dictionary)


def _values(column: pa.Array, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The column's own memory; what stands where it is null has no meaning."""
    buffer = column.buffers()[1]
    if buffer is None:
        return np.zeros(len(column), dtype)
    return np.frombuffer(buffer, dtype, count=len(column), offset=column.offset * dtype.itemsize)


def _valid(column: pa.Array) -> NDArray[np.bool_] | None:
    if not column.null_count:
        return None
    bits = np.frombuffer(column.buffers()[0], np.uint8)
    return np.unpackbits(bits, count=column.offset + len(column), bitorder="little")[column.offset :].view(np.bool_)


def _firm_index(usccs: Sequence[pa.Array]) -> tuple[NDArray[np.bytes_], list[NDArray[np.int64]]]:
    """Every firm, S18 ascending, and for each list of codes the places of its firms in that order."""
    encoded = pa.chunked_array(usccs, pa.binary(LENGTH)).dictionary_encode()
    if encoded.num_chunks == 0:
        return np.empty(0, f"S{LENGTH}"), [np.empty(0, np.int64) for _ in usccs]
    fixed = encoded.chunk(0).dictionary
    if not len(fixed):
        return np.empty(0, f"S{LENGTH}"), [np.empty(0, np.int64) for _ in usccs]
    met = np.frombuffer(fixed.buffers()[1], f"S{LENGTH}", count=len(fixed), offset=fixed.offset * LENGTH)
    order = np.argsort(met)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    every = place[np.concatenate([_values(chunk.indices, np.dtype("int32")) for chunk in encoded.chunks])]
    return met[order], np.split(every, np.cumsum([len(codes) for codes in usccs])[:-1])


def _numbered(parts: dict[str, dict[str, _Column]], places: Sequence[NDArray[np.int64]]) -> Parts:
    """The parts with firms as places in the index; columns of one query share one array of places."""
    made: dict[int, Part] = {}
    for mine in parts.values():
        for part in mine.values():
            if id(part) not in made:
                made[id(part)] = Part(places[part.query], part.values, part.valid, part.texts)
    return {item_id: {name: made[id(part)] for name, part in mine.items()} for item_id, mine in parts.items()}
