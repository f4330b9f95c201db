"""NDJSON, already UTF-8: one object per line. Numbers keep the digits they were written with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from scoring.intake import Chunk, Reason, Spoiled
from service.files.limits import Limits

_ROWS = 50_000
_SURROGATE = re.compile("[\ud800-\udfff]")


class _RepeatedField(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _RepeatedField
    return made


# No number is ever turned into a float: 1234.50 stays the text "1234.50", NaN the text "NaN".
_DECODE = json.JSONDecoder(object_pairs_hook=_object, parse_float=str, parse_int=str, parse_constant=str).decode


def read_rows(text: memoryview, limits: Limits) -> Iterator[Chunk]:
    """Chunks of at most 50,000 lines; blank lines are skipped but counted in the row numbers."""
    objects: list[dict[str, Any]] = []
    rows: list[int] = []
    spoiled: list[Spoiled] = []
    for number, line in enumerate(_lines(text), start=1):
        if not line.strip():
            continue
        try:
            value = _DECODE(line.decode()) if len(line) <= limits.line_bytes else None
        except _RepeatedField:
            spoiled.append(Spoiled(number, Reason.REPEATED_FIELD, line[:200].decode("utf-8", "ignore")))
            continue
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            spoiled.append(Spoiled(number, Reason.NOT_JSON, line[:200].decode("utf-8", "ignore")))
            continue
        objects.append(value)
        rows.append(number)
        if len(rows) == _ROWS:
            yield _chunk(objects, rows, spoiled)
            objects, rows, spoiled = [], [], []
    if rows or spoiled:
        yield _chunk(objects, rows, spoiled)


def _lines(text: memoryview) -> Iterator[bytes]:
    reader = pa.BufferReader(pa.py_buffer(text))
    rest = b""
    while block := reader.read(1 << 20):
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
    yield rest


def _chunk(objects: Sequence[dict[str, Any]], rows: list[int], spoiled: list[Spoiled]) -> Chunk:
    names = list(dict.fromkeys(name for row in objects for name in row))
    columns = {}
    nested: set[int] = set()
    for name in names:
        values = [row.get(name) for row in objects]
        try:
            columns[name] = pa.array(values, pa.string())
        except (pa.ArrowException, UnicodeEncodeError):
            columns[name] = pa.array(
                [_cell(value, name, row, nested, spoiled) for row, value in zip(rows, values, strict=True)], pa.string()
            )
    numbers = np.array(rows, dtype=np.int64)
    if nested:
        flat = ~np.isin(numbers, list(nested))
        columns = {name: column.filter(pa.array(flat)) for name, column in columns.items()}
        numbers = numbers[flat]
    return Chunk(columns, numbers, tuple(spoiled))


def _cell(value: Any, name: str, row: int, nested: set[int], spoiled: list[Spoiled]) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        nested.add(row)
        spoiled.append(Spoiled(row, Reason.NOT_ONE_VALUE, str(value)[:200], name))
        return None
    if isinstance(value, str):
        # A lone surrogate escape is no character; the replacement mark makes the row checks say so.
        return _SURROGATE.sub("\ufffd", value)
    return None
