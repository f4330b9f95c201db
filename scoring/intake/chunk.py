"""What a file reader hands to the row checks: some rows as columns, with the rows that were not rows set apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.intake.faults import Reason


@dataclass(frozen=True)
class Spoiled:
    """A row the reader could not turn into cells: its number, the column if one is to blame, and what was there."""

    row: int
    reason: Reason
    value: str
    column: str = ""


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of a file.

    ``columns`` maps header names as delivered to ``pyarrow.Array`` of one length; text where the format has no types.
    ``rows`` are the row numbers (int64), as a spreadsheet counts them: the header of a CSV or XLSX file is row 1,
    NDJSON lines and Parquet rows start at 1. ``spoiled`` rows are not in ``columns``.
    """

    columns: Mapping[str, Any]
    rows: NDArray[np.int64]
    spoiled: tuple[Spoiled, ...] = ()
