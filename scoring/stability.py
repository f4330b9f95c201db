"""How far a distribution has moved: the population stability index of shares over bins."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: A bin that is empty on one side counts as this share; the index is not defined without one.
LEAST_SHARE = 1e-4


def psi(expected: ArrayLike, actual: ArrayLike) -> float:
    """Sum over bins of (actual - expected) times ln(actual / expected), of shares or counts (each is normed to 1).

    0: nothing moved. ``ValueError`` for shapes that differ, negative numbers or nothing at all on one side.
    """
    before, after = (_shares(np.asarray(part, np.float64)) for part in (expected, actual))
    if before.shape != after.shape:
        raise ValueError(f"one share per bin on both sides is needed, got {before.shape} and {after.shape}")
    return float(np.sum((after - before) * np.log(after / before)))


def psi_of_scores(expected: NDArray[np.generic], actual: NDArray[np.generic], parts: int = 10) -> float:
    """The index of scores, in bins that hold a part of ``expected`` each; equal scores stay in one bin."""
    cuts = np.unique(np.quantile(expected.astype(np.float64), np.arange(1, parts) / parts))
    counts = [
        np.bincount(np.searchsorted(cuts, side, side="right"), minlength=len(cuts) + 1) for side in (expected, actual)
    ]
    return psi(*counts)


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    if counts.ndim != 1 or counts.sum() <= 0 or (counts < 0).any():
        raise ValueError("shares are a row of numbers from zero up, not all zero")
    floored = np.maximum(counts / counts.sum(), LEAST_SHARE)
    made: NDArray[np.float64] = floored / floored.sum()
    return made
