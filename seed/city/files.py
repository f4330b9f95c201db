"""Writes one file in the form its agency uses. The same rows give the same bytes."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from scoring.feeds import Feed
from seed.city.calendar import Form

#: Columns left out of a file in which no row fills them.
_OPTIONAL = ("revision", "withdrawn_on", "public_until")


def write(path: Path, feed: Feed, form: Form, good: pa.Table, spoiled: list[dict[str, object]]) -> list[int]:
    """Writes the good rows with the spoiled ones spread among them; returns the numbers (from 1) of the spoiled."""
    names = [
        name
        for name in good.column_names
        if name not in _OPTIONAL or good[name].null_count < good.num_rows or any(row[name] for row in spoiled)
    ]
    good = good.select(names)
    total = good.num_rows + len(spoiled)
    places = [number * total // len(spoiled) for number in range(len(spoiled))]
    if form.format == "parquet":
        _write_parquet(path, good, spoiled, names)
        return [good.num_rows + number + 1 for number in range(len(spoiled))]
    if form.format == "ndjson":
        lines = [orjson.dumps(_plain(row)) for row in good.to_pylist()]
        bad = [orjson.dumps(_plain({name: row[name] for name in names})) for row in spoiled]
        content = b"\n".join(_spread(lines, bad, places)) + b"\n"
    else:
        header = ",".join(feed.column(name).zh if form.zh_header else name for name in names)
        bad = [",".join(_cell(row[name]) for name in names).encode() for row in spoiled]
        lines = _csv_lines(good)
        text = header.encode() + b"\n" + b"".join(line + b"\n" for line in _spread(lines, bad, places))
        content = text if form.encoding == "utf-8" else text.decode().encode(form.encoding)
    path.write_bytes(gzip.compress(content, 6, mtime=0) if form.compression == "gz" else content)
    return [place + 1 for place in places]


def _csv_lines(table: pa.Table) -> list[bytes]:
    """Data lines; none of the city's texts holds a comma, a quote or a line break, so nothing needs quoting."""
    plain = table.cast(pa.schema([(field.name, _writable(field.type)) for field in table.schema]))
    sink = io.BytesIO()
    pacsv.write_csv(plain, sink, pacsv.WriteOptions(include_header=False, quoting_style="none"))
    return sink.getvalue().split(b"\n")[:-1]


def _writable(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _write_parquet(path: Path, good: pa.Table, spoiled: list[dict[str, object]], names: list[str]) -> None:
    if spoiled:
        schema = pa.schema([(field.name, _writable(field.type)) for field in good.schema])
        rows = pa.Table.from_pylist([{name: row[name] for name in names} for row in spoiled], schema)
        good = pa.concat_tables([good.cast(schema), rows])
    pq.write_table(good, path, compression="zstd", compression_level=1, store_schema=False)


def _spread(lines: list[bytes], bad: list[bytes], places: list[int]) -> list[bytes]:
    """``lines`` with each bad one at its place in the whole."""
    if not bad:
        return lines
    made: list[bytes] = []
    rest = iter(lines)
    spots = dict(zip(places, bad, strict=True))
    for place in range(len(lines) + len(bad)):
        made.append(spots[place] if place in spots else next(rest))
    return made


def _plain(row: dict[str, object]) -> dict[str, object]:
    return {name: str(value) if type(value).__name__ in ("Decimal", "date") else value for name, value in row.items()}


def _cell(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
