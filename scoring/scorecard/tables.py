"""The arithmetic of scoring: slots of every line, one look-up each, a sum. One firm and a million, the same integers.

Many firms go line by line over blocks that stay in the processor's cache. Few firms go through all numeric lines at
once, because then a numpy call costs more than its work.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scoring.scorecard.bins import MISSING, Bins, CategoryBins, NumberBins, Slots
from scoring.scorecard.faults import bad_inputs
from scoring.scorecard.inputs import Floats, Inputs

Ints = NDArray[np.int64]
Parts = np.ndarray[tuple[int, int], np.dtype[np.int32]]

_BLOCK = 16_384
_FEW = 8


class Tables:
    """Bins and point tables of a card, laid out for scoring."""

    def __init__(
        self,
        lines: Sequence[tuple[str, Bins, NDArray[np.int32]]],
        crosses: Sequence[tuple[tuple[str, str], tuple[Bins, Bins], NDArray[np.int32]]],
    ):
        self._lines = lines
        self._crosses = [(names, bins, points.ravel()) for names, bins, points in crosses]
        self._rows = len(lines) + len(crosses)

    def total(self, inputs: Inputs, contributions: bool) -> tuple[Ints, Parts | None]:
        """Sum over the lines (n,) and, when asked for, the contributions (lines, n)."""
        self._check(inputs)
        parts = np.empty((self._rows, inputs.n), np.int32) if contributions else None
        if inputs.n <= _FEW:
            made = self._few.of(inputs)
            if parts is not None:
                parts[:] = made
            return made.sum(axis=0, dtype=np.int64), parts
        sums = np.zeros(inputs.n, np.int64)
        for start in range(0, inputs.n, _BLOCK):
            rows = slice(start, start + _BLOCK)
            block = sums[rows]
            for at, points in enumerate(self._block(inputs, rows)):
                block += points
                if parts is not None:
                    parts[at, rows] = points
        return sums, parts

    def slots(self, inputs: Inputs) -> list[Slots]:
        """Slots (n,) of each single line."""
        self._check(inputs)
        return [_place(name, bins, inputs, slice(None)) for name, bins, _ in self._lines]

    def _block(self, inputs: Inputs, rows: slice) -> list[NDArray[np.int32]]:
        made = [points[_place(name, bins, inputs, rows)] for name, bins, points in self._lines]
        for names, bins, points in self._crosses:
            first, second = (_place(name, axis, inputs, rows) for name, axis in zip(names, bins, strict=True))
            made.append(points[first.astype(np.intp) * bins[1].slots + second])
        return made

    def _check(self, inputs: Inputs) -> None:
        for name, bins in self._kinds.items():
            right, wrong = inputs.numbers, inputs.categories
            if isinstance(bins, CategoryBins):
                right, wrong = wrong, right  # type: ignore[assignment]
            if name in right:
                continue
            if name in wrong:
                kind = "category" if isinstance(bins, CategoryBins) else "number"
                raise bad_inputs(name, "another kind", f"The card reads this item as a {kind}.", "Deliver it as one.")
            raise bad_inputs(name, "missing", "The card needs this item.", "Deliver it, empty where it is unknown.")

    @cached_property
    def _kinds(self) -> dict[str, Bins]:
        axes = [(name, axis) for names, bins, _ in self._crosses for name, axis in zip(names, bins, strict=True)]
        return dict([*((name, bins) for name, bins, _ in self._lines), *axes])

    @cached_property
    def _few(self) -> _Few:
        rows = [((name,), (bins,), points) for name, bins, points in self._lines]
        return _Few([*rows, *self._crosses])


class _Few:
    """All lines side by side: padded edges by axis, and one long table of points."""

    def __init__(self, rows: Sequence[tuple[tuple[str, ...], tuple[Bins, ...], NDArray[np.int32]]]):
        axes = [(name, bins) for names, axes, _ in rows for name, bins in zip(names, axes, strict=True)]
        numbers = [(at, name, bins) for at, (name, bins) in enumerate(axes) if isinstance(bins, NumberBins)]
        self._axes = len(axes)
        self._categories = [(at, name, bins) for at, (name, bins) in enumerate(axes) if isinstance(bins, CategoryBins)]
        self._number_rows = np.array([at for at, _, _ in numbers], np.intp)
        self._number_names = [name for _, name, _ in numbers]
        self._edges = _padded([bins.edges for _, _, bins in numbers], np.inf)
        self._specials = _padded([bins.specials for _, _, bins in numbers], np.nan)
        self._first = np.array([[bins.first_interval] for _, _, bins in numbers], np.intp).reshape(-1, 1)
        lengths = np.array([len(points) for _, _, points in rows], np.intp)
        self._points = np.concatenate([points for _, _, points in rows]) if rows else np.empty(0, np.int32)
        self._starts = (np.cumsum(lengths) - lengths)[:, None]
        self._pairs = np.array([at for at, (names, _, _) in enumerate(rows) if len(names) == 2], np.intp)
        self._widths = np.array([[axes[1].slots] for _, axes, _ in rows if len(axes) == 2], np.intp).reshape(-1, 1)
        sizes = [len(names) for names, _, _ in rows]
        self._leading = np.cumsum([0, *sizes[:-1]], dtype=np.intp) if rows else np.empty(0, np.intp)

    def of(self, inputs: Inputs) -> NDArray[np.int32]:
        """Contributions (rows, n)."""
        slots = np.zeros((self._axes, inputs.n), np.intp)
        if self._number_names:
            slots[self._number_rows] = self._number_slots(
                np.array([inputs.numbers[name] for name in self._number_names], np.float64)
            )
        for at, name, bins in self._categories:
            category = inputs.categories[name]
            for firm, code in enumerate(category.codes.tolist()):
                slots[at, firm] = MISSING if code < 0 else bins.slot_of(category.values[code])
        place = slots[self._leading]
        if len(self._pairs):
            place[self._pairs] = place[self._pairs] * self._widths + slots[self._leading[self._pairs] + 1]
        found: NDArray[np.int32] = self._points[self._starts + place]
        return found

    def _number_slots(self, values: Floats) -> NDArray[np.intp]:
        slots = (values[:, None, :] >= self._edges[:, :, None]).sum(axis=1) + self._first
        if self._specials.shape[1]:
            equal = values[:, None, :] == self._specials[:, :, None]
            slots = np.where(equal.any(axis=1), equal.argmax(axis=1) + 1, slots)
        slots[np.isnan(values)] = MISSING
        placed: NDArray[np.intp] = slots
        return placed


def _padded(rows: Sequence[Sequence[float]], filler: float) -> Floats:
    """Rows of unequal length as a matrix, filled up on the right."""
    widest = max(map(len, rows), default=0)
    return np.array([[*row, *[filler] * (widest - len(row))] for row in rows], np.float64).reshape(len(rows), widest)


def _place(name: str, bins: Bins, inputs: Inputs, rows: slice) -> Slots:
    if isinstance(bins, CategoryBins):
        return bins.place(inputs.categories[name].take(rows))
    return bins.place(inputs.numbers[name][rows])
