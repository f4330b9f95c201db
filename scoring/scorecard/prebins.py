"""Fine bins of the training data, from which everything else is learned, and the column each item becomes there.

A number gets up to ``most`` bins of about equal weight; a value that alone weighs as much gets a bin of its own. Edges
are the shortest decimals between two neighbouring values, because people read them. A category keeps every value with
enough rows, in the order of its shrunken default rate; the rest is "other".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.scorecard.bins import MISSING, OTHER, Bins, CategoryBins, NumberBins, Slots
from scoring.scorecard.inputs import Category, Floats, Inputs

#: Rows that stand for the prior when a category's rate is shrunken.
PRIOR_ROWS = 10.0
#: Rows a category value needs to be kept apart from "other".
LEAST_ROWS = 8
#: Most values of a category that are kept apart.
_MOST_VALUES = 100

#: Shares of the rows cut off at either end besides the even bins: what is extreme is rare.
_TAILS = np.array([0.001, 0.0025, 0.005, 0.01])

Places = NDArray[np.intp]


@dataclass(frozen=True)
class FineItem:
    """One item in fine bins.

    ``place`` maps a slot to its position in the learner: first ``free`` positions without an order (unknown, special
    values), then the ordered ones: intervals from low to high, or category values from safe to risky.
    """

    name: str
    bins: Bins
    place: Places
    free: int

    def positions(self, inputs: Inputs) -> Places:
        """Positions (n,) of the firms."""
        placed: Places = self.place[slots_of(self.name, self.bins, inputs)]
        return placed


def slots_of(name: str, bins: Bins, inputs: Inputs) -> Slots:
    """Slots (n,) of one item."""
    if isinstance(bins, CategoryBins):
        return bins.place(inputs.categories[name])
    return bins.place(inputs.numbers[name])


def fine_items(
    inputs: Inputs,
    names: Sequence[str],
    bad: Floats,
    weight: Floats,
    most: int,
    least_rows: int,
    specials: Mapping[str, Sequence[float]],
) -> list[FineItem]:
    """Fine bins of the named items, in that order."""
    made: list[FineItem] = []
    for name in names:
        if name in inputs.categories:
            made.append(_fine_category(name, inputs.categories[name], bad, weight, least_rows))
            continue
        values = inputs.numbers[name]
        codes = tuple(sorted(map(float, specials.get(name, ()))))
        usual = ~(np.isnan(values) | np.isin(values, codes))
        bins = NumberBins(fine_edges(values[usual], weight[usual], most), codes)
        made.append(FineItem(name, bins, np.arange(bins.slots, dtype=np.intp), bins.first_interval))
    return made


def fine_edges(values: Floats, weight: Floats, most: int) -> tuple[float, ...]:
    """Ascending edges that cut known values (n,) into at most about ``most`` bins of equal weight."""
    distinct, place = np.unique(values, return_inverse=True)
    if len(distinct) < 2:
        return ()
    cuts = np.arange(len(distinct) - 1)
    if len(distinct) > most:
        mass = np.bincount(place, weights=weight, minlength=len(distinct))
        reached = np.cumsum(mass)
        even = np.searchsorted(reached, reached[-1] * np.arange(1, most) / most)
        tails = np.searchsorted(reached, reached[-1] * np.concatenate([_TAILS, 1.0 - _TAILS]))
        heavy = np.flatnonzero(mass > reached[-1] / most)
        chosen = np.unique(np.concatenate([even, tails, heavy, heavy - 1]))
        cuts = chosen[(chosen >= 0) & (chosen < len(distinct) - 1)]
    return tuple(dict.fromkeys(short_between(float(distinct[cut]), float(distinct[cut + 1])) for cut in cuts))


def short_between(low: float, high: float) -> float:
    """The decimal with the fewest digits in ``(low, high]``, near the middle."""
    middle = low / 2 + high / 2
    for digits in range(1, 17):
        short = float(f"{middle:.{digits}g}")
        if low < short <= high:
            return short
    return high


def _fine_category(name: str, category: Category, bad: Floats, weight: Floats, least_rows: int) -> FineItem:
    count = np.bincount(category.codes + 1, minlength=len(category.values) + 1)[1:]
    common = np.flatnonzero(count >= least_rows)
    common = common[np.argsort(-count[common], kind="stable")][:_MOST_VALUES]
    alone = CategoryBins(tuple((category.values[code],) for code in sorted(common.tolist())))
    slots = alone.place(category)
    rates = shrunken_rates(slots, alone.slots, bad, weight)
    order = np.argsort(rates[2:], kind="stable")
    bins = CategoryBins(tuple(alone.groups[at] for at in order))
    ranked = np.argsort(np.concatenate([rates[[MISSING, OTHER]], rates[2:][order]]), kind="stable")
    place = np.empty(bins.slots, np.intp)
    place[ranked] = np.arange(bins.slots)
    return FineItem(name, bins, place, 0)


def weight_by(place: NDArray[Any], weight: Floats, size: int) -> Floats:
    """Sum of the weights (n,) at each of ``size`` places (n,)."""
    made: Floats = np.bincount(place, weights=weight, minlength=size).astype(np.float64, copy=False)
    return made


def shrunken_rates(slots: NDArray[Any], count: int, bad: Floats, weight: Floats) -> Floats:
    """Default rate (count,) by slot, drawn to the average as if :data:`PRIOR_ROWS` average rows were in each."""
    average = float(np.average(bad, weights=weight))
    mass = weight_by(slots, weight, count)
    bads = weight_by(slots, weight * bad, count)
    rates: Floats = (bads + PRIOR_ROWS * average) / (mass + PRIOR_ROWS)
    return rates
