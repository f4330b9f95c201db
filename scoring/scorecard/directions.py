"""Which way an item points, where the data are clear about it."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from scoring.scorecard.inputs import Floats
from scoring.scorecard.prebins import Places, weight_by
from scoring.scorecard.simplify import monotone

#: Groups of about equal weight an item is looked at in.
_GROUPS = 10
#: A direction is promised unless the data speak against it at this level.
_LEVEL = 0.05


def shown_direction(positions: Places, free: int, size: int, bad: Floats, weight: Floats) -> int:
    """+1 or -1 where rates that only rise (fall) explain the outcome about as well as rates that are free, else 0."""
    mass = weight_by(positions, weight, size)[free:]
    bads = weight_by(positions, weight * bad, size)[free:]
    if len(mass) < 2 or mass.sum() <= 0:
        return 0
    group = np.minimum((np.cumsum(mass) - mass / 2) / mass.sum() * _GROUPS, _GROUPS - 1).astype(np.intp)
    mass, bads = (weight_by(group, part, _GROUPS) for part in (mass, bads))
    mass, bads = mass[mass > 0], bads[mass > 0]
    rates = bads / mass
    free_fit = _log_likelihood(rates, mass, bads)
    fits = {way: monotone(rates, mass, way) for way in (1, -1)}
    way = max(fits, key=lambda way: _log_likelihood(fits[way], mass, bads))
    lost = 2.0 * (free_fit - _log_likelihood(fits[way], mass, bads))
    pooled = len(rates) - len(np.unique(fits[way]))
    return way if pooled == 0 or lost <= chi2.ppf(1.0 - _LEVEL, pooled) else 0


def _log_likelihood(rates: Floats, mass: Floats, bads: Floats) -> float:
    sure = np.clip(rates, 1e-12, 1.0 - 1e-12)
    return float((bads * np.log(sure) + (mass - bads) * np.log1p(-sure)).sum())
