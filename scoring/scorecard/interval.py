"""How far a probability of default can be trusted: what is unknown or old could be anything the training rows were.

An item that is known and fresh keeps its points. An unknown item could stand in any bin with known values; an item
observed long ago may have moved on, more likely the older it is. Both are random over the training shares, so the total
has a mean and a spread; the interval is what the total stays inside at the given level, taken as normal. It says
nothing of the model's own error: that is the validation's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from scoring.scorecard.bins import MISSING
from scoring.scorecard.card import Cross, Line, Scorecard
from scoring.scorecard.faults import bad_inputs
from scoring.scorecard.inputs import Floats, Inputs
from scoring.scorecard.prebins import slots_of

#: After this many months half of what an observation said about its item is gone.
HALF_LIFE_MONTHS = 24.0
#: A firm of whose points' spread less than this share is known is a thin file.
THIN_COVERAGE = 0.5


@dataclass(frozen=True)
class PdInterval:
    """For ``n`` firms: ``pd`` and its bounds (n,), ``coverage`` (n,) 0..1, ``thin`` (n,) true for a thin file.

    ``coverage`` is the share of the card's spread in points that rests on known items, each discounted by age.
    """

    pd: Floats
    low: Floats
    high: Floats
    coverage: Floats
    thin: NDArray[np.bool_]


def pd_interval(
    card: Scorecard, inputs: Inputs, ages_months: Mapping[str, Floats] | None = None, level: float = 0.9
) -> PdInterval:
    """Probability of default with the bounds that unknown and old items leave open.

    ``ages_months`` float64 (n,) by item: months since it was observed, NaN or absent for fresh. ``RefusedInput`` for a
    level outside 0..1 or a negative age.
    """
    if not 0.0 < level < 1.0:
        raise bad_inputs("level", level, "A level lies between 0 and 1.", "Use 0.9.")
    ages = ages_months or {}
    for name, age in ages.items():
        if age.shape != (inputs.n,) or (age < 0).any():
            raise bad_inputs(
                name, "age", "One age of zero or more months for each firm.", "Count from the observation."
            )
    points = card.score(inputs, contributions=False).points
    variance, known, whole = np.zeros(inputs.n), np.zeros(inputs.n), 0.0
    lines: list[Line | Cross] = [*card.lines, *card.crosses]
    for line in lines:
        trust = _trust(line, inputs, ages)
        spread = _variance(line)
        variance += (1.0 - trust) * spread
        known += trust * np.sqrt(spread)
        whole += float(np.sqrt(spread))
    reach = NormalDist().inv_cdf(0.5 + level / 2.0) * np.sqrt(variance)
    low, high = (card.pd(np.rint(points + sign * reach).astype(np.int64)) for sign in (1.0, -1.0))
    coverage = known / whole if whole > 0 else np.ones(inputs.n)
    return PdInterval(card.pd(points), low, high, coverage, coverage < THIN_COVERAGE)


def _trust(line: Line | Cross, inputs: Inputs, ages: Mapping[str, Floats]) -> Floats:
    """How much of a line's points is known (n,): 0 where an item is unknown, halved each half-life of the older one."""
    trust = np.ones(inputs.n)
    axes = [(line.name, line.bins)] if isinstance(line, Line) else list(zip(line.names, line.bins, strict=True))
    for name, bins in axes:
        fresh = 0.5 ** (np.nan_to_num(ages[name]) / HALF_LIFE_MONTHS) if name in ages else np.ones(inputs.n)
        trust = np.minimum(trust, np.where(slots_of(name, bins, inputs) == MISSING, 0.0, fresh))
    return trust


def _variance(line: Line | Cross) -> float:
    """Variance of a line's milli-points over the training rows whose items were known."""
    points, shares = np.array(line.points, np.float64), np.array(line.shares)
    if isinstance(line, Line):
        points, shares = points[MISSING + 1 :], shares[MISSING + 1 :]
    else:
        points, shares = points[MISSING + 1 :, MISSING + 1 :], shares[MISSING + 1 :, MISSING + 1 :]
    if shares.sum() <= 0:
        return 0.0
    mean = float(np.average(points, weights=shares))
    return float(np.average((points - mean) ** 2, weights=shares))
