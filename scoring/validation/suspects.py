"""Columns that tell the outcome all too well on their own: most often they were written down after it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scoring.metrics import auc
from scoring.validation.contender import Ints
from scoring.validation.prepare import Notice, Prepared

#: No single honest column of a credit file separates like this.
SUSPICIOUS_AUC = 0.98
_FEWEST = 5


def suspects(data: Prepared) -> tuple[Notice, ...]:
    """One notice per column whose values, or whose mere presence, reach ``SUSPICIOUS_AUC`` alone."""
    found = []
    for name in data.X.columns:
        column = data.X[name]
        known = column.notna().to_numpy()
        best = max(
            _either_way(known.astype(np.float64), data.y),
            _by_category(column.to_numpy(), data.y)
            if name in data.categorical
            else _either_way(column.to_numpy()[known], data.y[known]),
        )
        if best > SUSPICIOUS_AUC:
            found.append(Notice("suspect", str(name), f"{best:.4f}"))
    return tuple(found)


def _either_way(values: NDArray[np.float64], y: Ints) -> float:
    if min(int(y.sum()), int((1 - y).sum())) < _FEWEST:
        return 0.0
    area = auc(values, y)
    return max(area, 1.0 - area)


def _by_category(values: NDArray[np.object_], y: Ints) -> float:
    """Rates of one half judged on the other, so that many small categories do not look like knowledge."""
    half = np.where(y == 1, np.cumsum(y), np.cumsum(1 - y)) % 2 == 0
    usual = float(y[half].mean())
    sums: dict[object, list[int]] = {}
    for value, bad in zip(values[half], y[half], strict=True):
        tally = sums.setdefault(value, [0, 0])
        tally[0] += int(bad)
        tally[1] += 1
    rates = {value: bad / count for value, (bad, count) in sums.items()}
    return _either_way(np.array([rates.get(value, usual) for value in values[~half]]), y[~half])
