"""Which pairs of items are worth a crossed table: judged by what the single items leave over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scoring.scorecard.additive import CELLS, GROUPS, RIDGE, WIDTH, Layout, Pair, corners, sigmoid
from scoring.scorecard.inputs import Floats
from scoring.scorecard.prebins import Places, weight_by

#: Cuts of a crossed table that are about independent of each other.
_CUTS = 20


def find_pairs(
    layout: Layout,
    ranked: Sequence[int],
    positions: Places,
    bad: Floats,
    weight: Floats,
    margins: Floats,
    most: int,
) -> tuple[Pair, ...]:
    """The pairs whose corners explain most of what the items alone leave over, best first (at most ``most``).

    ``ranked``: the position of each item from which on its positions have a rank, be it of values or of default rates.
    """
    chance = sigmoid(margins)
    residual, information = weight * (bad - chance), weight * chance * (1.0 - chance)
    groups = [_groups(positions[:, at], size, free) for at, (size, free) in enumerate(zip(layout.sizes, ranked,
                                                                                          strict=True))]  # fmt: skip
    grouped = [np.ascontiguousarray(group[positions[:, at]]) for at, group in enumerate(groups)]
    found: list[tuple[float, int, int]] = []
    for second in range(len(groups)):
        for first in range(second):
            cell = grouped[first] * WIDTH + grouped[second]
            gain = _pair_gain(
                weight_by(cell, residual, CELLS),
                weight_by(cell, information, CELLS),
            )
            found.append((-gain, first, second))
    found.sort()
    # The gain of one pair at one cut is about chi-squared with one degree of freedom where there is nothing to
    # find; the largest of that many is about twice the logarithm of their number.
    chance_gain = 2.0 * np.log(max(len(found), 1) * _CUTS)
    found = [pair for pair in found if -pair[0] > chance_gain]
    return tuple(Pair(first, second, groups[first], groups[second]) for _, first, second in found[:most])


def _pair_gain(residual: Floats, information: Floats) -> float:
    """Gain of the best cut into four corners over the better of its two cuts alone."""
    sums, weights = (corners(cells.reshape(1, WIDTH, WIDTH))[:, 0] for cells in (residual, information))
    four = (sums**2 / (weights + RIDGE)).sum(axis=0)
    alone = [
        ((sums[low] + sums[high]) ** 2 / (weights[low] + weights[high] + RIDGE) for low, high in cut)
        for cut in (((0, 2), (1, 3)), ((0, 1), (2, 3)))
    ]
    return float((four - np.maximum(*(sum(cut) for cut in alone))).max())


def _groups(positions: Places, size: int, free: int) -> Places:
    """Group of each position: 0 for those without an order, then up to GROUPS of about equal rows."""
    rows = np.bincount(positions, minlength=size)[free:]
    middle = np.cumsum(rows) - rows / 2
    group = np.minimum((middle / max(float(rows.sum()), 1.0) * GROUPS).astype(np.intp), GROUPS - 1)
    return np.concatenate([np.zeros(free, np.intp), 1 + group])
