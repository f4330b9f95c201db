"""From the learner's fine tables to points people can read: fewer bins with a bounded loss, whole milli-points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scoring.scorecard.inputs import Floats

Starts = NDArray[np.intp]


def segments(values: Floats, weight: Floats, most: int, tolerance: float) -> Starts:
    """First positions of the fewest segments, ``most`` at most, that keep a step function within ``tolerance``.

    ``tolerance`` is the weighted root mean square of what a row's value changes when each segment takes its weighted
    mean; with ``most`` segments the best ones are taken whatever is left. Exact, by dynamic programming.
    """
    n = len(values)
    mass = np.concatenate([[0.0], np.cumsum(weight)])
    first = np.concatenate([[0.0], np.cumsum(weight * values)])
    second = np.concatenate([[0.0], np.cumsum(weight * values * values)])
    start, stop = np.arange(n)[:, None], np.arange(1, n + 1)[None, :]
    within = np.maximum(np.abs(mass[stop] - mass[start]), 1e-300)
    spread = second[stop] - second[start] - (first[stop] - first[start]) ** 2 / within
    cost = np.where(start < stop, np.maximum(spread, 0.0), np.inf)
    allowed = tolerance**2 * mass[-1] + 1e-12
    best = cost[0].copy()
    cuts: list[Starts] = []
    while best[-1] > allowed and len(cuts) + 1 < min(most, n):
        # total[i, j]: segments so far end before i, one more covers i..j
        total = np.concatenate([[np.inf], best[:-1]])[:, None] + cost
        cuts.append(total.argmin(axis=0))
        best = total.min(axis=0)
    starts, end = [], n
    for cut in reversed(cuts):
        end = int(cut[end - 1])
        starts.append(end)
    return np.array([0, *reversed(starts)], np.intp)


def means(values: Floats, weight: Floats, starts: Starts) -> Floats:
    """Weighted mean of each segment; where a segment has no weight, the plain mean."""
    length = np.diff([*starts, len(values)])
    mass = np.add.reduceat(weight, starts)
    plain = np.add.reduceat(values, starts) / length
    made: Floats = np.where(mass > 0, np.add.reduceat(weight * values, starts) / np.where(mass > 0, mass, 1.0), plain)
    return made


def monotone(values: Floats, weight: Floats, direction: int) -> Floats:
    """The nearest values (weighted squares) that never fall (+1) or never rise (-1): pool adjacent violators."""
    if direction == 0 or len(values) < 2:
        return values
    pools: list[tuple[float, float, int]] = []
    for value, mass in zip((direction * values).tolist(), np.maximum(weight, 1e-9).tolist(), strict=True):
        pools.append((value, mass, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (low, low_mass, low_length), (high, high_mass, high_length) = pools[-2:]
            both = low_mass + high_mass
            pools[-2:] = [((low * low_mass + high * high_mass) / both, both, low_length + high_length)]
    made: Floats = direction * np.repeat([value for value, _, _ in pools], [length for _, _, length in pools])
    return made
