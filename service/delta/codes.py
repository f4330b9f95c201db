"""One dictionary for code columns that come from two places."""

from __future__ import annotations

import numpy as np

from scoring.columns import Array

Codes = tuple[str, ...]


def joined(mine: Codes, theirs: Codes) -> Codes:
    """One dictionary for both. They differ only where the records say which codes there are: those are sorted."""
    return mine if mine == theirs or not theirs else tuple(sorted({*mine, *theirs}))


def recoded(column: Array, own: Codes, codes: Codes) -> Array:
    """The column in another dictionary that holds its own; -1 stays unknown."""
    if own == codes:
        return column
    moved: Array = np.array([*map(codes.index, own), -1], column.dtype)[column]
    return moved
