"""Opens a delivered file: finds out how it is packed and in which format it is by its bytes, never by its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models.errors import RefusedInput
from scoring.intake import Chunk
from service.files import csv_rows, ndjson_rows, parquet_rows, xlsx_rows
from service.files.content import mapped, packing, unpacked
from service.files.encoding import as_utf8
from service.files.limits import Limits


@dataclass(frozen=True)
class Reading:
    """A file being read. ``header`` is empty for NDJSON, where each chunk brings its own names.

    ``rows_expected`` is for progress only: lines of a CSV or NDJSON file, rows of the others.
    """

    format: str
    encoding: str
    header: tuple[str, ...]
    rows_expected: int
    chunks: Iterator[Chunk]


def open_rows(path: Path, work: Path, encoding: str | None = None, limits: Limits | None = None) -> Reading:
    """Open ``path``; unpacked bytes too large for memory go to ``work``.

    ``encoding`` states that of a text file; without it UTF-8 is tried, then GB18030. Raises ``RefusedInput`` for
    anything that is not one readable file; faults of single rows come out with the chunks instead.
    """
    limits = limits or Limits()
    name = path.name
    data = mapped(path)
    kind = packing(data)
    if kind not in ("", "xlsx", "old_office"):
        data = unpacked(data, kind, name, work, limits)
        kind = packing(data)
        if kind not in ("", "xlsx", "old_office"):
            raise RefusedInput("packed_twice", "file", name, "The file is packed twice.", "Pack it once, or not.")
    if kind == "old_office":
        raise RefusedInput(
            "old_workbook", "file", name, "It is an old or encrypted Office file.", "Save it as .xlsx, no password."
        )
    if not len(data):
        raise RefusedInput("empty_file", "file", name, "The archive holds an empty file.", "Deliver it again.")
    if kind == "xlsx":
        rows = xlsx_rows.read_sheet(data, name, limits)
        header, chunks = xlsx_rows.read_rows(rows)
        if not header:
            raise RefusedInput("empty_file", "file", name, "The workbook has no data.", "Deliver it again.")
        return Reading("xlsx", "", tuple(header), len(rows) - 1, chunks)
    if bytes(data[:4]) == b"PAR1":
        file = parquet_rows.open_parquet(data, name, limits)
        return Reading(
            "parquet",
            "",
            tuple(file.schema_arrow.names),
            file.metadata.num_rows,
            parquet_rows.read_rows(file, name),
        )
    text, found = as_utf8(data, encoding, name, work, limits)
    lines = csv_rows.count(text, b"\n") + (bytes(text[-1:]) != b"\n")
    limits.check_rows(lines, name)
    if bytes(text[:1024]).lstrip()[:1] == b"{":
        return Reading("ndjson", found, (), lines, ndjson_rows.read_rows(text, limits))
    if bytes(text[:1024]).lstrip()[:1] == b"[":
        raise RefusedInput("json_array", "file", name, "It is a JSON list.", "Write one object per line (NDJSON).")
    names, start = csv_rows.read_header(text, name)
    return Reading("csv", found, tuple(names), lines - 1, csv_rows.read_rows(text[start:], names, name))
