"""The numbers of a model card that gates block a promotion with, beside discrimination out of time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scoring.monitoring.drift import MILLI, item_drifts, slot_counts, trained_shares
from scoring.monitoring.parity import parity
from scoring.scorecard.card import Scorecard
from scoring.scorecard.inputs import Category, Inputs


@dataclass(frozen=True)
class HeldOutDay:
    """Firms of a day no fit saw: what the model reads, the groups they belong to, and the slope of the calibration line
    there (``None``: no line can be fitted).
    """

    inputs: Inputs
    groups: Mapping[str, Category]
    slope: float | None


def gate_numbers(
    card: Scorecard, days: Sequence[HeldOutDay], approved_below: float, attributes: Iterable[str], least_firms: int
) -> dict[str, float | None]:
    """The worst over the held-out days; ``None`` where a number cannot be told, which fails its gate.

    ``max_csi``: the largest index of any item against the rows of the fit. ``parity_ratio``: the lowest share of firms
    with a probability below ``approved_below`` over the highest, between groups of at least ``least_firms`` firms, over
    all ``attributes``. ``calibration_slope``: the one farthest from 1, by ratio.
    """
    drifts = [
        drift.csi
        for day in days
        for drift in item_drifts(card, trained_shares(card), card.training.rows, slot_counts(card, day.inputs), 0.5)
    ]
    ratios = [ratio for day in days for ratio in _ratios(card, day, approved_below, attributes, least_firms)]
    slopes = [day.slope for day in days]
    known = [slope for slope in slopes if slope is not None]
    return {
        "max_csi": max(drifts, default=None),
        "parity_ratio": min(ratios, default=None),
        "calibration_slope": max(known, key=_distance) if known and len(known) == len(slopes) else None,
    }


def _ratios(
    card: Scorecard, day: HeldOutDay, approved_below: float, attributes: Iterable[str], least_firms: int
) -> list[float]:
    scored = card.score(day.inputs, contributions=False)
    found = []
    for attribute in attributes:
        group = day.groups.get(attribute)
        if group is None:
            continue
        measures = {"approved": scored.pd < approved_below}
        made = parity(group.codes, group.values, measures, scored.points / MILLI, scored.pd, least_firms)
        ratio = made.ratios["approved"]
        if ratio is not None:
            found.append(ratio)
    return found


def _distance(slope: float) -> float:
    return abs(math.log(slope)) if slope > 0 else math.inf
