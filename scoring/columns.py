"""Columns of many firms at once: one array per fact, in the storage forms of ``models/kinds.py``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Columns:
    """Facts of ``n`` firms.

    ``values`` maps an item id (``sales_12m``), an auxiliary column (``penalty_general.y1``) or a derived fact
    (``size_class``) to an array of length ``n``; ``codes`` maps a code fact to its dictionary. A fact that is not in
    ``values`` is unknown for every firm.
    """

    n: int
    values: Mapping[str, Array]
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, array in self.values.items():
            if array.shape != (self.n,):
                raise ValueError(f"column {name} has shape {array.shape}, not ({self.n},)")

    def get(self, name: str) -> Array | None:
        """The column, or ``None`` when nobody delivered it."""
        return self.values.get(name)

    def merged(self, other: Columns) -> Columns:
        """These columns and ``other``'s; where both have one, ``other``'s wins."""
        if other.n != self.n:
            raise ValueError(f"columns of {self.n} and of {other.n} firms do not belong together")
        return Columns(self.n, {**self.values, **other.values}, {**self.codes, **other.codes})

    def take(self, rows: Array, names: Iterable[str]) -> Columns:
        """The named columns of some firms: ``rows`` are positions or a mask. Names without a column are left out."""
        values = {name: self.values[name][rows] for name in names if name in self.values}
        n = int(np.count_nonzero(rows)) if rows.dtype == np.bool_ else len(rows)
        return Columns(n, values, self.codes)

    def row(self, position: int) -> Columns:
        """The columns of one firm, as views."""
        cut = slice(position, position + 1)
        return Columns(1, {name: array[cut] for name, array in self.values.items()}, self.codes)
