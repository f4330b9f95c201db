"""How far a probability of default can be trusted: by what is unknown or old of the firm, and by the model's own error.

An item that is known and fresh keeps its points. An unknown item could stand in any bin with known values; an item
observed long ago may have moved on, more likely the older it is. Both are random over the training shares. The model's
own error (``scoring/pd_error.py``) is how far its points move when firms are left out of the fit. All three are taken
as independent and their sum as normal; the interval is what the total stays inside at the given level.
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
    card: Scorecard,
    inputs: Inputs,
    ages_months: Mapping[str, Floats] | None = None,
    level: float = 0.9,
    *,
    half_life_months: float = 24.0,
    thin_below: float = 0.5,
    own_error: Floats | None = None,
) -> PdInterval:
    """Probability of default with the bounds that unknown items, old items and the model's own error leave open.

    ``ages_months`` float64 (n,) by item: months since it was observed, NaN or absent for fresh. After
    ``half_life_months`` half of what an observation said of its item is gone. A coverage under ``thin_below`` is a thin
    file. ``own_error`` (n,): the model's standard error in milli-points; ``None``: taken as none. An office's
    conventions stand in ``seed/pd.yaml``. ``RefusedInput`` for a level or share outside 0..1, a half-life of nothing,
    a negative age.
    """
    if not 0.0 < level < 1.0:
        raise bad_inputs("level", level, "A level lies between 0 and 1.", "Use 0.9.")
    if not half_life_months > 0.0:
        raise bad_inputs("half_life_months", half_life_months, "A half-life is above zero months.", "Use 24.")
    if not 0.0 <= thin_below <= 1.0:
        raise bad_inputs("thin_below", thin_below, "A share lies in 0..1.", "Use 0.5.")
    ages = ages_months or {}
    for name, age in ages.items():
        if age.shape != (inputs.n,) or (age < 0).any():
            raise bad_inputs(
                name, "age", "One age of zero or more months for each firm.", "Count from the observation."
            )
    points = card.score(inputs, contributions=False).points
    coverage, variance = _known(card, inputs, {name: _fresh(age, half_life_months) for name, age in ages.items()})
    if own_error is not None:
        variance = variance + own_error**2
    reach = NormalDist().inv_cdf(0.5 + level / 2.0) * np.sqrt(variance)
    low, high = (card.pd(np.rint(points + sign * reach).astype(np.int64)) for sign in (1.0, -1.0))
    return PdInterval(card.pd(points), low, high, coverage, coverage < thin_below)


def spread_coverage(card: Scorecard, inputs: Inputs) -> Floats:
    """The share (n,) of the card's spread in points that rests on known items, however old: 0 nothing, 1 everything.

    An item that can move the score by much counts for more than one that hardly matters. A card without any spread has
    nothing to know: 1.
    """
    return _known(card, inputs, {})[0]


def _known(card: Scorecard, inputs: Inputs, fresh: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Coverage (n,) and the variance (n,) of the milli-points that is left open."""
    variance, known, whole = np.zeros(inputs.n), np.zeros(inputs.n), 0.0
    lines: list[Line | Cross] = [*card.lines, *card.crosses]
    for line in lines:
        spread = _variance(line)
        if spread <= 0.0:
            continue
        trust = _trust(line, inputs, fresh)
        variance += (1.0 - trust) * spread
        known += trust * np.sqrt(spread)
        whole += float(np.sqrt(spread))
    # Rounding in the sum of the parts must not make more than everything.
    return (np.minimum(known / whole, 1.0) if whole > 0 else np.ones(inputs.n)), variance


def _fresh(age: Floats, half_life_months: float) -> Floats:
    """What is left (n,) of observations of this age."""
    left: Floats = 0.5 ** (np.nan_to_num(age) / half_life_months)
    return left


def _trust(line: Line | Cross, inputs: Inputs, fresh: Mapping[str, Floats]) -> Floats:
    """How much of a line's points is known (n,): 0 where an item is unknown, less where the older one is old."""
    trust = np.ones(inputs.n)
    axes = [(line.name, line.bins)] if isinstance(line, Line) else list(zip(line.names, line.bins, strict=True))
    for name, bins in axes:
        unknown = slots_of(name, bins, inputs) == MISSING
        trust = np.minimum(trust, np.where(unknown, 0.0, fresh.get(name, 1.0)))
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
