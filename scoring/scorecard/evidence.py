"""Bins of one item at a time and what each says: its weight of evidence.

The weight of evidence of a bin is ``ln(its share of the good rows / its share of the bad rows)``: above zero where
firms are safer than average (Siddiqi, Credit Risk Scorecards, 2006, ch. 6). Here each bin is drawn to the average as if
``shrinkage`` average rows were in it, so that a bin without bad rows has a finite weight and a small bin a small one:
``ln((good + shrinkage·(1−rate)) / (bad + shrinkage·rate)) − ln(all good / all bad)``, ``rate`` being the bad share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.scorecard.bins import OTHER, Bins, CategoryBins, NumberBins
from scoring.scorecard.directions import shown_direction
from scoring.scorecard.inputs import Floats, Inputs
from scoring.scorecard.prebins import LEAST_ROWS, PRIOR_ROWS, FineItem, fine_items, slots_of, weight_by
from scoring.scorecard.settings import Direction, check_directions, check_positive, check_whole
from scoring.scorecard.simplify import Starts, monotone, segments

#: What two bins may differ by in weight of evidence and still be one: far below a milli-point.
_ALIKE = 1e-6


@dataclass(frozen=True)
class Binning:
    """How bins are made: settings of :class:`~scoring.woe.binner.WoeBinner`. ``RefusedValues`` out of range."""

    monotone: Mapping[str, Direction] = field(default_factory=dict)
    specials: Mapping[str, Sequence[float]] = field(default_factory=dict)
    max_bins: int = 8
    fine_bins: int = 20
    shrinkage: float = PRIOR_ROWS

    def __post_init__(self) -> None:
        check_directions(self.monotone)
        check_whole("max_bins", self.max_bins, 2, 64)
        check_whole("fine_bins", self.fine_bins, 2, 200)
        check_positive("shrinkage", self.shrinkage)


@dataclass(frozen=True)
class WoeItem:
    """One item: bins, promised direction of the probability of default, and by slot the weight of evidence (slots,)
    and the weight of good and of bad rows (slots,). ``iv`` is the information value."""

    name: str
    bins: Bins
    direction: int
    woe: Floats
    good: Floats
    bad: Floats

    @property
    def iv(self) -> float:
        """Sum over the bins of (share of the good − share of the bad) × weight of evidence; never below zero."""
        return float((self.good / self.good.sum() - self.bad / self.bad.sum()) @ self.woe)

    @property
    def fine(self) -> FineItem:
        """The item as :func:`scoring.scorecard.assemble.assemble` reads one: each slot its own position."""
        free = self.bins.first_interval if isinstance(self.bins, NumberBins) else 0
        return FineItem(self.name, self.bins, np.arange(self.bins.slots, dtype=np.intp), free)

    def of(self, inputs: Inputs) -> Floats:
        """Weight of evidence (n,) of the firms."""
        return self.woe[slots_of(self.name, self.bins, inputs)]


def woe_items(inputs: Inputs, names: Sequence[str], bad: Floats, weight: Floats, how: Binning) -> tuple[WoeItem, ...]:
    """The named items, in that order, of rows with outcome ``bad`` (n,) 0 or 1 and ``weight`` (n,) above zero."""
    codes = {str(name): values for name, values in how.specials.items()}
    fine = fine_items(inputs, names, bad, weight, how.fine_bins, LEAST_ROWS, codes)
    return tuple(_item(item, slots_of(item.name, item.bins, inputs), bad, weight, how) for item in fine)


def woe_matrix(items: Sequence[WoeItem], inputs: Inputs) -> Floats:
    """Weights of evidence (n, items)."""
    return np.column_stack([item.of(inputs) for item in items])


def fine_evidence(fine: FineItem, slots: NDArray[Any], bad: Floats, weight: Floats, how: Binning) -> Floats:
    """Weight of evidence of each fine slot (slots,), alike in slots that the item's bins join. ``slots`` is (n,)."""
    joined = _joined(fine, slots, bad, weight, how)
    lengths = np.diff([*joined.starts, len(joined.order)])
    made = np.empty(fine.bins.slots)
    made[: joined.first] = joined.woe[: joined.first]
    made[joined.first + joined.order] = np.repeat(joined.woe[joined.first :], lengths)
    return made


@dataclass(frozen=True)
class _Joined:
    """An item's fine slots in few bins: the slots from ``first`` on, in their ``order``, cut at ``starts``; direction,
    and by bin the weight of evidence, weight of rows and weight of bad rows."""

    direction: int
    first: int
    order: Starts
    starts: Starts
    woe: Floats
    mass: Floats
    bads: Floats


def _joined(fine: FineItem, slots: NDArray[Any], bad: Floats, weight: Floats, how: Binning) -> _Joined:
    mass = weight_by(slots, weight, fine.bins.slots)
    bads = weight_by(slots, weight * bad, fine.bins.slots)
    rate = float(bads.sum() / mass.sum())
    asked = {str(name): direction for name, direction in how.monotone.items()}.get(fine.name, "auto")
    if isinstance(fine.bins, CategoryBins):
        # Sorted by their shrunken default rate, the values have an order like that of a number's intervals.
        direction, first, rising = 0, OTHER + 1, 1
        drawn = (bads[first:] + PRIOR_ROWS * rate) / (mass[first:] + PRIOR_ROWS)
        order = np.argsort(drawn, kind="stable")
    else:
        first = fine.bins.first_interval
        direction = shown_direction(slots.astype(np.intp), first, len(mass), bad, weight) if asked == "auto" else asked
        rising, order = direction, np.arange(len(mass) - first)
    starts = _coarse(mass[first:][order], bads[first:][order], rate, rising, how)
    mass, bads = (np.concatenate([part[:first], _sums(part[first:][order], starts)]) for part in (mass, bads))
    woe = np.log((mass - bads + how.shrinkage * (1.0 - rate)) / (bads + how.shrinkage * rate))
    woe -= np.log(1.0 / rate - 1.0)
    # A bin no training row reached says nothing: it gets the item's average.
    woe = np.where(mass > 0, woe, np.average(woe, weights=mass))
    return _Joined(direction, first, order, starts, woe, mass, bads)


def _item(fine: FineItem, slots: NDArray[Any], bad: Floats, weight: Floats, how: Binning) -> WoeItem:
    joined = _joined(fine, slots, bad, weight, how)
    bins = _bins(fine.bins, joined.order, joined.starts)
    return WoeItem(fine.name, bins, joined.direction, joined.woe, joined.mass - joined.bads, joined.bads)


def _coarse(mass: Floats, bads: Floats, rate: float, order: int, how: Binning) -> Starts:
    """First places of the bins that are kept: at most ``max_bins``, their shrunken rates in the given order.

    Joining two bins changes how far they are shrunken, and with it perhaps the order: it is done until nothing moves.
    """
    starts = np.arange(len(mass), dtype=np.intp)
    while len(starts) > 1:
        rows, bad = _sums(mass, starts), _sums(bads, starts)
        drawn = rows + how.shrinkage
        rates = monotone((bad + how.shrinkage * rate) / drawn, drawn, order)
        kept = segments(np.log(1.0 / rates - 1.0), rows, how.max_bins, _ALIKE)
        if len(kept) == len(starts):
            break
        starts = starts[kept]
    return starts


def _sums(parts: Floats, starts: Starts) -> Floats:
    made: Floats = np.add.reduceat(parts, starts) if len(parts) else parts
    return made


def _bins(bins: Bins, order: Starts, starts: Starts) -> Bins:
    """Bins with the neighbours from one start to the next made one."""
    if isinstance(bins, NumberBins):
        return NumberBins(tuple(bins.edges[start - 1] for start in starts[1:]), bins.specials)
    parts = np.split(order, starts[1:]) if len(starts) else []
    return CategoryBins(tuple(tuple(sorted(value for at in part for value in bins.groups[at])) for part in parts))
