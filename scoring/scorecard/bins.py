"""How the values of one item fall into bins. Every bin has a slot; slot 0 is always "unknown".

A number's slots: 0 unknown, then one for each special value, then the intervals from low to high; interval ``i`` holds
``edges[i-1] <= value < edges[i]``, the first and the last are open. A category's slots: 0 unknown, 1 any other value,
then the groups.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from scoring.scorecard.faults import bad_card
from scoring.scorecard.inputs import Category, Floats

#: Slots are uint8.
MOST_SLOTS = 250
MISSING = 0
OTHER = 1
#: Above this many edges a binary search is faster than comparing with each.
_COMPARED_EDGES = 24

Slots = NDArray[np.uint8]


@dataclass(frozen=True)
class NumberBins:
    """Bins of a number: ascending finite ``edges``; ``specials`` are values that are codes and no amounts."""

    edges: tuple[float, ...]
    specials: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for values, what in ((self.edges, "edges"), (self.specials, "specials")):
            if not all(isinstance(value, float) and math.isfinite(value) for value in values):
                raise bad_card(what, values, "Edges and special values are finite numbers.")
            if any(low >= high for low, high in pairwise(values)):
                raise bad_card(what, values, "Edges and special values ascend strictly.")
        if self.slots > MOST_SLOTS:
            raise bad_card("edges", self.slots, f"An item has at most {MOST_SLOTS} bins.")

    @property
    def slots(self) -> int:
        """Number of slots."""
        return self.first_interval + len(self.edges) + 1

    @property
    def first_interval(self) -> int:
        """Slot of the lowest interval."""
        return 1 + len(self.specials)

    def place(self, values: Floats) -> Slots:
        """Slots (n,) of values (n,)."""
        if len(self.edges) > _COMPARED_EDGES:
            slots = np.searchsorted(self._edges, values, side="right").astype(np.uint8)
            slots += np.uint8(self.first_interval)
        else:
            slots = np.full(values.shape, self.first_interval, np.uint8)
            for edge in self.edges:
                slots += values >= edge
        for at, special in enumerate(self.specials):
            slots[values == special] = 1 + at
        slots[values != values] = MISSING
        return slots

    @cached_property
    def _edges(self) -> Floats:
        return np.array(self.edges, np.float64)


@dataclass(frozen=True)
class CategoryBins:
    """Groups of category values; a value in no group goes to the slot "other"."""

    groups: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        values = [value for group in self.groups for value in group]
        if not all(isinstance(value, str) for value in values) or not all(self.groups):
            raise bad_card("groups", self.groups, "A group names at least one value, as text.")
        if len(set(values)) != len(values):
            raise bad_card("groups", sorted(values), "A value belongs to one group.")
        if self.slots > MOST_SLOTS:
            raise bad_card("groups", self.slots, f"An item has at most {MOST_SLOTS} bins.")

    @property
    def slots(self) -> int:
        """Number of slots."""
        return 2 + len(self.groups)

    def slot_of(self, value: str) -> int:
        """Slot of one known value."""
        return self._slot.get(value, OTHER)

    def place(self, values: Category) -> Slots:
        """Slots (n,) of a category (n,)."""
        # The last place answers code -1: unknown.
        table = np.array([*map(self.slot_of, values.values), MISSING], np.uint8)
        slots: Slots = table[values.codes]
        return slots

    @cached_property
    def _slot(self) -> dict[str, int]:
        return {value: 2 + at for at, group in enumerate(self.groups) for value in group}


Bins = NumberBins | CategoryBins
