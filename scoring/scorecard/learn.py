"""What a card is grown from: which pairs of items are crossed, and which directions are promised.

Three questions, each answered by rows left out. A first model, free of any direction that was not asked for, shows what
the items alone leave over; pairs that explain more of it than chance are crossed. The same model is then grown with the
directions the single items show. They are promised unless that costs: in accounting ratios, say, an item may point one
way alone and another beside its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scoring.scorecard.additive import Layout
from scoring.scorecard.bins import CategoryBins
from scoring.scorecard.crossfit import Grown, Sample, grow
from scoring.scorecard.directions import shown_direction
from scoring.scorecard.pairs import find_pairs
from scoring.scorecard.prebins import FineItem, Places

#: Directions nobody asked for may cost this share of the log-loss.
_PRICE = 0.005


def learn(
    items: Sequence[FineItem],
    positions: Places,
    sample: Sample,
    wanted: Sequence[int | None],
    crosses: int,
    steps: int,
    seed: int,
) -> tuple[Layout, Grown]:
    """The layout and the grown model of rows at these positions (n, items).

    ``wanted``: the direction of each item, ``None`` where the data may show one.
    """
    repeats = _repeats(positions.size)
    # A category's values are moved one by one. In the order of their default rates one edge would part all the values
    # that were lucky from all that were not, and rows left out could not tell: their outcomes are in that order.
    asked = Layout(
        tuple(item.bins.slots for item in items),
        tuple(item.bins.slots if isinstance(item.bins, CategoryBins) else item.free for item in items),
        tuple(direction or 0 for direction in wanted),
    )
    ranked = tuple(item.free for item in items)
    first = grow(asked, positions, sample, 1, steps, seed)
    pairs = find_pairs(asked, ranked, positions, sample.bad, sample.weight, first.margins, crosses) if crosses else ()
    if pairs:
        layout, grown = _directed(replace(asked, pairs=pairs), positions, sample, wanted, repeats, steps, seed)
        if grown.loss < first.loss:
            return layout, grown
    return _directed(asked, positions, sample, wanted, repeats, steps, seed, first if repeats == 1 else None)


def _directed(
    asked: Layout,
    positions: Places,
    sample: Sample,
    wanted: Sequence[int | None],
    repeats: int,
    steps: int,
    seed: int,
    grown: Grown | None = None,
) -> tuple[Layout, Grown]:
    """The model with the directions the items show, or with those asked for only where the others cost too much."""
    shown = tuple(
        shown_direction(positions[:, at], asked.free[at], asked.sizes[at], sample.bad, sample.weight)
        if want is None
        else want
        for at, want in enumerate(wanted)
    )
    free = grown or grow(asked, positions, sample, repeats, steps, seed)
    if shown == asked.directions:
        return asked, free
    directed = replace(asked, directions=shown)
    bound = grow(directed, positions, sample, repeats, steps, seed)
    return (directed, bound) if bound.loss <= free.loss * (1.0 + _PRICE) else (asked, free)


def _repeats(cells: int) -> int:
    """Times the rows are split into folds: small sets gain most from averaging and cost least."""
    return 4 if cells < 10_000 else 2 if cells < 100_000 else 1
