"""An additive model on binned items, learned by boosting small steps that never leave the bins.

Every step adds to one item's table a step function with one edge (or moves one bin without an order, such as
"unknown"), or adds to one crossed table a value in one corner. A step that runs against an item's direction is not
taken, so the sum of all steps is monotone. The log-likelihood is used in its second-order form: with the matrix of
weights between any two bins at hand, a step costs the same for a thousand rows and for a million.

Source of the idea: component-wise gradient boosting (Buehlmann and Yu, 2003) and generalised additive models with pairs
(Lou et al., 2013), here in the space of bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scoring.scorecard.inputs import Floats
from scoring.scorecard.prebins import Places, weight_by

#: Ordered groups of an item in a crossed table; group 0 before them holds unknown and special values.
GROUPS = 8
WIDTH = GROUPS + 1
CELLS = WIDTH * WIDTH

#: Share of the best step that is taken. Whatever still gains after SLOW_STEPS, or has many rows, needs less caution.
_RATE = 0.1
_FAST_RATE = 0.2
_SLOW_STEPS = 500
_MANY_ROWS = 20_000
#: Rows the matrix of weights is made from at most: it says how far a step reaches, the exact gradient where to.
_MATRIX_ROWS = 20_000
#: Ridge on a step's value, in units of information.
RIDGE = 1.0
#: Least weight on either side of an edge, least information in a corner.
_LEAST_WEIGHT = 5.0
_LEAST_INFORMATION = 0.2
#: Chance that an item may be used in a step.
_CHANCE = 0.5
#: Steps between two exact gradients, and the steps at which the matrix of weights is made anew.
EVERY = 25
_NEW_MATRIX = frozenset({0, 100, 500})


@dataclass(frozen=True)
class Pair:
    """Two items (places in the layout) and the group of each of their positions, in 0..GROUPS."""

    first: int
    second: int
    first_groups: Places
    second_groups: Places


@dataclass(frozen=True)
class Layout:
    """All bins in one row: size, first ordered position and direction by item, then the crossed tables."""

    sizes: tuple[int, ...]
    free: tuple[int, ...]
    directions: tuple[int, ...]
    pairs: tuple[Pair, ...] = ()

    @property
    def starts(self) -> Places:
        """First column of each item."""
        return np.concatenate([[0], np.cumsum(self.sizes)])[:-1].astype(np.intp)

    @property
    def singles(self) -> int:
        """Columns of the items, before those of the pairs."""
        return sum(self.sizes)

    @property
    def width(self) -> int:
        """All columns."""
        return self.singles + len(self.pairs) * CELLS

    @property
    def spans(self) -> list[slice]:
        """Columns of each item, then of each pair."""
        starts = [*self.starts.tolist(), *(self.singles + at * CELLS for at in range(len(self.pairs)))]
        sizes = [*self.sizes, *([CELLS] * len(self.pairs))]
        return [slice(start, start + size) for start, size in zip(starts, sizes, strict=True)]

    def parts(self, positions: Places) -> list[Places]:
        """Place (n,) of each row inside each span, for rows whose positions are (n, items)."""
        single = [np.ascontiguousarray(positions[:, at]) for at in range(len(self.sizes))]
        crossed = [
            pair.first_groups[single[pair.first]] * WIDTH + pair.second_groups[single[pair.second]]
            for pair in self.pairs
        ]
        return [*single, *crossed]

    def log_odds(self, intercept: float, table: Floats, parts: Sequence[Places]) -> Floats:
        """Log-odds (n,) of rows by their parts."""
        total = np.full(len(parts[0]), intercept)
        for span, part in zip(self.spans, parts, strict=True):
            total += table[span][part]
        return total


def sigmoid(log_odds: Floats) -> Floats:
    """Probability of log-odds."""
    made: Floats = 1.0 / (1.0 + np.exp(-log_odds))
    return made


def _curvature(log_odds: Floats) -> Floats:
    """The curvature (n,) of the parabola that touches the log-loss at these log-odds and lies nowhere below it.

    With it a run of steps between two exact gradients cannot overshoot. The second derivative could: where few rows are
    bad it is near zero, and one step for a bin full of bad rows would go several times too far. Jaakkola and Jordan
    (2000).
    """
    size = np.maximum(np.abs(log_odds), 1e-4)
    curvature: Floats = np.tanh(size / 2.0) / (2.0 * size)
    return curvature


class Booster:
    """One model growing on some rows: their ``parts`` in the layout, ``bad`` 0 or 1 (n,), ``weight`` (n,)."""

    def __init__(
        self, layout: Layout, parts: Sequence[Places], bad: Floats, weight: Floats, random: np.random.Generator
    ):
        self._layout, self._parts, self._bad, self._weight, self._random = layout, parts, bad, weight, random
        self.table = np.zeros(layout.width)
        average = float(np.average(bad, weights=weight))
        self.intercept = float(np.log(average / (1.0 - average)))
        self._margins = np.full(len(bad), self.intercept)
        self._steps = 0
        mass = self._by_column(weight)
        self._edges = _Edges(layout, mass)
        self._corners = _Corners(layout, mass)

    def advance(self) -> None:
        """Take the next EVERY steps."""
        if self._steps in _NEW_MATRIX:
            self._weigh()
        gradient = self._by_column(self._weight * (self._bad - sigmoid(self._margins)))
        rate = _RATE if len(self._bad) < _MANY_ROWS and self._steps < _SLOW_STEPS else _FAST_RATE
        for _ in range(EVERY):
            self._step(gradient, rate)
        self._steps += EVERY
        self._margins = self._layout.log_odds(self.intercept, self.table, self._parts)
        # The intercept to its optimum, one Newton step a tick.
        chance = sigmoid(self._margins)
        information = float((self._weight * chance * (1.0 - chance)).sum())
        moved = float((self._weight * (self._bad - chance)).sum()) / max(information, 1e-9)
        self.intercept += moved
        self._margins += moved

    def _by_column(self, weight: Floats) -> Floats:
        """Sum of weights (n,) in each column."""
        spans = self._layout.spans
        sums = [weight_by(part, weight, span.stop - span.start) for span, part in zip(spans, self._parts, strict=True)]
        return np.concatenate(sums)

    def _weigh(self) -> None:
        """The matrix at the present log-odds, from every k-th row where there are very many."""
        every = slice(None, None, -(-len(self._bad) // _MATRIX_ROWS))
        information = (self._weight * _curvature(self._margins))[every]
        information *= len(self._bad) / len(information)
        matrix = _matrix(self._layout, [part[every] for part in self._parts], information)
        own = np.diag(matrix, -1).copy()
        self._edges.weigh(own)
        self._corners.weigh(own)
        # Row k: sum of the rows before column k, so that a run of columns is one difference. Row by row, because
        # numpy's running sum goes down one column after the other and misses the cache at each step.
        singles = self._layout.singles
        for row in range(1, singles + 1):
            matrix[row] += matrix[row - 1]
        self._below, self._pair_rows = matrix[: singles + 1], matrix[singles + 1 :]

    def _step(self, gradient: Floats, rate: float) -> None:
        edge = self._edges.best(gradient, self._random)
        corner = self._corners.best(gradient, self._random)
        _, moves = max(edge, corner, key=lambda move: move[0])
        for columns, value in moves:
            self.table[columns] += rate * value
            gradient -= rate * value * self._weights(columns)

    def _weights(self, columns: _Columns) -> Floats:
        """Sum of the matrix' rows of one move."""
        if isinstance(columns, slice):
            between: Floats = self._below[columns.stop] - self._below[columns.start]
            return between
        rows: Floats = self._pair_rows[columns - self._layout.singles].sum(axis=0)
        return rows


_Columns = slice | Places
_Move = tuple[float, list[tuple[_Columns, float]]]
_NONE: _Move = (0.0, [])


class _Edges:
    """Steps within one item: an edge between two ordered positions, or one free position."""

    def __init__(self, layout: Layout, mass: Floats):
        sizes = np.array(layout.sizes, np.intp)
        item = np.repeat(np.arange(len(sizes)), sizes)
        position = np.arange(layout.singles) - layout.starts[item]
        ordered = position >= np.array(layout.free)[item]
        self._items = len(sizes)
        self._singles = layout.singles
        low = (layout.starts + layout.free)[item]
        high = (layout.starts + sizes - 1)[item]
        below = np.cumsum(mass[: layout.singles])
        left = below - (below - mass[: layout.singles])[np.minimum(low, layout.singles - 1)]
        right = below[high] - below
        fit = ordered & (left >= _LEAST_WEIGHT) & (right >= _LEAST_WEIGHT)
        self._at = np.flatnonzero(fit)
        self._low, self._high, self._item = low[self._at], high[self._at], item[self._at]
        self._direction = np.array(layout.directions)[self._item]
        self._free = np.flatnonzero(~ordered & (mass[: layout.singles] >= _LEAST_WEIGHT))
        self._free_item = item[self._free]

    def weigh(self, own: Floats) -> None:
        information = own[: self._singles]
        below = np.cumsum(information)
        self._left = RIDGE + below[self._at] - (below - information)[self._low]
        self._right = RIDGE + below[self._high] - below[self._at]
        self._alone = RIDGE + information[self._free]

    def best(self, gradient: Floats, random: np.random.Generator) -> _Move:
        use = random.random(self._items) < _CHANCE
        singles = gradient[: self._singles]
        best, moves = _NONE
        if len(self._at):
            below = np.cumsum(singles)
            left = below[self._at] - (below - singles)[self._low]
            right = below[self._high] - below[self._at]
            down, up = left / self._left, right / self._right
            gain = (left * down + right * up) * use[self._item]
            gain[(up - down) * self._direction < 0] = 0.0
            at = int(gain.argmax())
            best, cut = float(gain[at]), int(self._at[at])
            moves = [(slice(int(self._low[at]), cut + 1), float(down[at])),
                     (slice(cut + 1, int(self._high[at]) + 1), float(up[at]))]  # fmt: skip
        if len(self._free):
            own = singles[self._free]
            gain = own * own / self._alone * use[self._free_item]
            at = int(gain.argmax())
            if gain[at] > best:
                start = int(self._free[at])
                return float(gain[at]), [(slice(start, start + 1), float(own[at] / self._alone[at]))]
        return (best, moves) if best > 0.0 else _NONE


class _Corners:
    """Steps in one crossed table: one of the four corners made by a cut in either item."""

    def __init__(self, layout: Layout, mass: Floats):
        self._singles, self._pairs = layout.singles, len(layout.pairs)
        self._enough = corners(self._grid(mass)) >= _LEAST_WEIGHT
        # Crossing a cut upwards enters a high corner and leaves a low one.
        ends = [[(1 if high else -1) * layout.directions[item] for high, item in zip(corner, pair, strict=True)]
                for corner in ((0, 0), (1, 0), (0, 1), (1, 1))
                for pair in ((p.first, p.second) for p in layout.pairs)]  # fmt: skip
        signs = np.array(ends, np.float64).reshape(4, self._pairs, 1, 1, 2)
        self._first, self._second = signs[..., 0], signs[..., 1]

    def weigh(self, own: Floats) -> None:
        information = corners(self._grid(own))
        self._fit = self._enough & (information >= _LEAST_INFORMATION)
        self._information = information + RIDGE

    def best(self, gradient: Floats, random: np.random.Generator) -> _Move:
        if not self._pairs:
            return _NONE
        use = random.random(self._pairs) < _CHANCE
        sums = corners(self._grid(gradient))
        gain = sums * sums / self._information * (self._fit & use[None, :, None, None])
        gain[(sums * self._first < 0) | (sums * self._second < 0)] = 0.0
        at = int(gain.argmax())
        corner, pair, across, down = (int(part) for part in np.unravel_index(at, gain.shape))
        if gain.flat[at] <= 0.0:
            return _NONE
        rows = np.arange(across + 1, WIDTH) if corner & 1 else np.arange(across + 1)
        columns = np.arange(down + 1, WIDTH) if corner & 2 else np.arange(down + 1)
        cells = self._singles + pair * CELLS + (rows[:, None] * WIDTH + columns).ravel()
        return float(gain.flat[at]), [(cells, float(sums.flat[at] / self._information.flat[at]))]

    def _grid(self, columns: Floats) -> Floats:
        return columns[self._singles :].reshape(self._pairs, WIDTH, WIDTH)


def corners(grid: Floats) -> Floats:
    """Sums (4, pairs, WIDTH, WIDTH) over low-low, high-low, low-high and high-high corners, cut after each cell."""
    low = grid.cumsum(axis=1).cumsum(axis=2)
    across, down, whole = low[:, :, -1:], low[:, -1:, :], low[:, -1:, -1:]
    return np.stack([low, down - low, across - low, whole - across - down + low])


def _matrix(layout: Layout, parts: Sequence[Places], information: Floats) -> Floats:
    """Weight (1 + width, width) of the rows that fall into both of two columns, below a row of zeros."""
    framed = np.zeros((1 + layout.width, layout.width))
    made = framed[1:]
    spans = layout.spans
    for at, (own, part) in enumerate(zip(spans, parts, strict=True)):
        size = own.stop - own.start
        places = range(own.start, own.stop)
        made[places, places] = weight_by(part, information, size)
        for span, other in zip(spans[:at], parts[:at], strict=True):
            length = span.stop - span.start
            block = weight_by(part * length + other, information, size * length).reshape(size, length)
            made[own, span] = block
            made[span, own] = block.T
    return framed
