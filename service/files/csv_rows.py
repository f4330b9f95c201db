"""CSV, already UTF-8, to columns of text. A row with too few or too many cells is set apart with its number."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from numpy.typing import NDArray

from models.errors import RefusedInput
from scoring.intake import Chunk, Reason, Spoiled

_BLOCK = 4 << 20
_HEADER_BYTES = 1 << 16
#: Share of lines inside quoted cells from which the file as a whole is taken to be damaged.
_QUOTED_SHARE = 0.05
_NO_ROWS = np.empty(0, dtype=np.int64)
_FIX = "Start from the feed's template."
_QUOTES = 'Put cells in "…" and write a quotation mark inside one as two.'


def read_header(text: memoryview, name: str) -> tuple[list[str], int]:
    """The names of the first row, and where the next row starts."""
    start = bytes(text[:_HEADER_BYTES]).decode("utf-8", "ignore")
    lines = io.StringIO(start, newline="")
    try:
        header = next(csv.reader(lines, strict=True), [])
    except csv.Error as problem:
        raise RefusedInput("bad_header", "file", name, f"The first row is no header: {problem}.", _FIX) from None
    if not any(cell.strip() for cell in header):
        raise RefusedInput("bad_header", "file", name, "The first row is empty; it names the columns.", _FIX)
    return [cell.strip() for cell in header], len(start[: lines.tell()].encode())


def count(text: memoryview, mark: bytes) -> int:
    """How often one byte occurs; for line feeds that is the number of rows, unless cells hold some."""
    return sum(bytes(text[start : start + _BLOCK]).count(mark) for start in range(0, len(text), _BLOCK))


def read_rows(body: memoryview, header: list[str], name: str) -> Iterator[Chunk]:
    """Chunks of the rows after the header, which is row 1."""
    if not bytes(body[:_HEADER_BYTES]).strip() and not bytes(body).strip():
        return
    wrong: list[Any] = []
    skipped: list[int] = []
    last = 1
    try:
        for batch in _batches(body, len(header), wrong):
            skipped += [row.number + 1 for row in wrong]
            rows = _row_numbers(last, batch.num_rows, skipped)
            last = int(rows[-1]) if len(rows) else last
            skipped = [number for number in skipped if number > last]
            spoiled = tuple(map(_spoiled, wrong))
            wrong.clear()
            yield Chunk(dict(zip(header, batch.columns, strict=True)), rows, spoiled)
    except pa.ArrowInvalid as problem:
        rule = f"After row {last} the file is no CSV: {str(problem)[:200]}."
        raise RefusedInput("bad_csv", "file", name, rule, _QUOTES) from None
    if wrong:
        yield Chunk({column: pa.array([], pa.string()) for column in header}, _NO_ROWS, tuple(map(_spoiled, wrong)))
    _refuse_lost_rows(body, max([last, *skipped, *(row.number + 1 for row in wrong)]))


def _batches(body: memoryview, cells: int, wrong: list[Any]) -> Any:
    """Record batches of text; rows with another number of cells are appended to ``wrong`` instead."""
    places = [str(place) for place in range(cells)]

    def set_apart(row: Any) -> str:
        wrong.append(row)
        return "skip"

    return arrow_csv.open_csv(
        pa.BufferReader(pa.py_buffer(body)),
        read_options=arrow_csv.ReadOptions(column_names=places, use_threads=False, block_size=_BLOCK),
        parse_options=arrow_csv.ParseOptions(
            newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=set_apart
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types={place: pa.string() for place in places}, strings_can_be_null=False, check_utf8=False
        ),
    )


def _row_numbers(after: int, count: int, skipped: list[int]) -> NDArray[np.int64]:
    """The next ``count`` numbers after ``after`` that were not skipped."""
    candidates = np.arange(after + 1, after + 1 + count + len(skipped), dtype=np.int64)
    return candidates[~np.isin(candidates, skipped)][:count] if skipped else candidates


def _spoiled(row: Any) -> Spoiled:
    few = row.actual_columns < row.expected_columns
    return Spoiled(row.number + 1, Reason.TOO_FEW_CELLS if few else Reason.TOO_MANY_CELLS, row.text or "")


def _refuse_lost_rows(body: memoryview, last: int) -> None:
    """A stray quotation mark turns the rows after it into one cell; refuse the file rather than lose them quietly.

    No column allows line breaks, so quoted ones are rejected row by row; many of them are a mark out of place.
    """
    if count(body, b'"') % 2:
        rule = f"A quotation mark is opened and never closed; reading ended in row {last}."
        raise RefusedInput("open_quote", "row", last, rule, _QUOTES)
    lines = count(body, b"\n")
    inside = lines - (last - 1)
    if inside > 1 and inside > lines * _QUOTED_SHARE:
        rule = f"{inside} of {lines} lines lie inside quoted cells: a quotation mark is out of place."
        raise RefusedInput("open_quote", "row", last, rule, _QUOTES)
