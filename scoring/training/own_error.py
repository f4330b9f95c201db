"""Estimates a scorecard's own error from the fits that each left a group of firms out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scoring.pd_error import MILLI, ErrorBands

Floats = NDArray[np.float64]
_BANDS = 10


def own_error(points: NDArray[np.int64], left_out: Sequence[NDArray[np.int64]], weight: Floats) -> ErrorBands | None:
    """Standard errors of ``points`` (n, milli-points) by tenths of their rows.

    ``left_out`` are the points that the same rows have from the fits without one group of firms each. Delete-a-group
    jackknife (Kott 2001, Journal of Official Statistics 17): with K groups the variance of a row's score is
    (K-1)/K times the sum of squared departures of the K scores from their mean. The variance of a band is the weighted
    mean over its rows. ``None`` for fewer than two groups.
    """
    groups = len(left_out)
    if groups < 2:
        return None
    scores = np.stack(left_out).astype(np.float64)
    variance = (groups - 1) / groups * ((scores - scores.mean(axis=0)) ** 2).sum(axis=0)
    cuts = np.unique(np.quantile(points / MILLI, np.arange(1, _BANDS) / _BANDS))
    band = np.searchsorted(cuts, points / MILLI, side="right")
    total = np.bincount(band, weights=weight, minlength=len(cuts) + 1)
    summed = np.bincount(band, weights=weight * variance, minlength=len(cuts) + 1)
    # Where many rows have one score a band can be empty: it is one with the band above or below it.
    held = np.flatnonzero(total > 0)
    errors = np.sqrt(summed[held] / total[held]) / MILLI
    return ErrorBands(tuple(cuts[held[1:] - 1].tolist()), tuple(round(each, 3) for each in errors.tolist()), groups)
