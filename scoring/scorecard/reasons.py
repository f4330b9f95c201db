"""Why a firm has its points: what each line costs it against a reference, and what would give more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.errors import RefusedInput
from scoring.scorecard.bins import MISSING, OTHER, Bins, CategoryBins
from scoring.scorecard.card import Scorecard
from scoring.scorecard.inputs import Floats, Inputs
from scoring.scorecard.prebins import slots_of

Against = Literal["best", "average"]


@dataclass(frozen=True)
class Reached:
    """The bin an item fell into: ``kind`` says how to read the rest.

    ``interval``: ``low <= value < high``, ``None`` where open. ``values``: one of ``values``. ``special``: the one
    number in ``low``. ``unknown`` and ``other`` (a category value the training never met) have nothing more.
    """

    item: str
    kind: Literal["interval", "values", "special", "unknown", "other"]
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reason:
    """One line of the card for one firm.

    ``lost`` milli-points against the reference (negative: gained). ``better`` is the nearest bin of the line with more
    points that a firm can reach by a value, and ``gain`` what it gives; ``None`` where the line has no better one.
    """

    line: str
    points: int
    lost: int
    reached: tuple[Reached, ...]
    better: tuple[Reached, ...] | None
    gain: int


def reasons(card: Scorecard, inputs: Inputs, against: Against = "best") -> tuple[Reason, ...]:
    """Reasons of one firm, the most points lost first; equal ones in the card's order.

    Against "best": the highest points of the line. Against "average": the line's mean over the training rows. The lost
    points of all lines are exactly the reference's total less the firm's. ``RefusedInput`` for any number but one firm.
    """
    if inputs.n != 1:
        raise RefusedInput("one_firm", "inputs", inputs.n, "Reasons are given for one firm.", "Ask for one at a time.")
    scored = card.score(inputs)
    assert scored.contributions is not None
    made = []
    for at, label in enumerate(card.names):
        names, bins, points, shares = _line(card, at)
        slots = [int(slots_of(name, axis, inputs)[0]) for name, axis in zip(names, bins, strict=True)]
        own = int(scored.contributions[at, 0])
        reference = int(points.max()) if against == "best" else round(float((points * shares).sum()))
        reached = tuple(_reached(n, axis, slot) for n, axis, slot in zip(names, bins, slots, strict=True))
        better = _nearest_better(bins, points, slots)
        made.append(Reason(
            label, own, reference - own, reached,
            None if better is None else tuple(_reached(n, a, s) for n, a, s in zip(names, bins, better, strict=True)),
            0 if better is None else int(points[better]) - own,
        ))  # fmt: skip
    return tuple(sorted(made, key=lambda reason: -reason.lost))


def _line(card: Scorecard, at: int) -> tuple[tuple[str, ...], tuple[Bins, ...], NDArray[np.int64], Floats]:
    if at < len(card.lines):
        line = card.lines[at]
        return (line.name,), (line.bins,), np.array(line.points), np.array(line.shares)
    cross = card.crosses[at - len(card.lines)]
    return cross.names, cross.bins, np.array(cross.points), np.array(cross.shares)


def _reached(item: str, bins: Bins, slot: int) -> Reached:
    if slot == MISSING:
        return Reached(item, "unknown")
    if isinstance(bins, CategoryBins):
        return (
            Reached(item, "other") if slot == OTHER else Reached(item, "values", values=bins.groups[slot - OTHER - 1])
        )
    at = slot - bins.first_interval
    if at < 0:
        return Reached(item, "special", low=bins.specials[slot - 1])
    low = bins.edges[at - 1] if at else None
    return Reached(item, "interval", low, bins.edges[at] if at < len(bins.edges) else None)


def _nearest_better(
    bins: tuple[Bins, ...],
    points: NDArray[np.int64],
    slots: list[int],
) -> tuple[int, ...] | None:
    """The better slot fewest bins away, the one with most points among equally near; never unknown, other or a code."""
    known = [OTHER + 1 if isinstance(axis, CategoryBins) else axis.first_interval for axis in bins]
    own = points[tuple(slots)]
    best: tuple[int, int, tuple[int, ...]] | None = None
    for place in np.argwhere(points > own).tolist():
        if any(slot < first for slot, first in zip(place, known, strict=True)):
            continue
        away = sum(abs(slot - now) for slot, now in zip(place, slots, strict=True))
        candidate = (away, -int(points[tuple(place)]), tuple(place))
        best = candidate if best is None else min(best, candidate)
    return None if best is None else best[2]
