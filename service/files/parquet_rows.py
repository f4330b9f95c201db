"""Parquet to chunks of typed columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import RefusedInput
from scoring.intake import Chunk
from service.files.limits import Limits

_ROWS = 100_000


def open_parquet(data: memoryview, name: str, limits: Limits) -> Any:
    """The file, after a look at how much it says it holds."""
    try:
        file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(data)))
    except (pa.ArrowException, OSError) as problem:
        raise _damaged(name, problem) from None
    described = file.metadata
    limits.check_rows(described.num_rows, name)
    size = sum(described.row_group(group).total_byte_size for group in range(described.num_row_groups))
    limits.check_unpacked(size, len(data), name)
    return file


def read_rows(file: Any, name: str) -> Iterator[Chunk]:
    """Chunks of at most 100,000 rows, numbered from 1."""
    header = file.schema_arrow.names
    start = 1
    try:
        for batch in file.iter_batches(batch_size=_ROWS):
            # Readers trust the bytes of a text column; this is where they are found to be UTF-8.
            batch.validate(full=True)
            rows = np.arange(start, start + batch.num_rows, dtype=np.int64)
            start += batch.num_rows
            yield Chunk(dict(zip(header, batch.columns, strict=True)), rows)
    except (pa.ArrowException, OSError) as problem:
        raise _damaged(name, problem) from None


def _damaged(name: str, problem: Exception) -> RefusedInput:
    rule = f"The Parquet file is damaged: {str(problem).splitlines()[0][:200]}."
    return RefusedInput("damaged_parquet", "file", name, rule, "Write or transfer it again.")
