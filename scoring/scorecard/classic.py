"""The classic card on the champion's fine bins, and its share in the champion.

Boosted tables see all items at once; weights of evidence look at each item alone and a regression weighs them. They err
in different ways, and their average is better than either where rows are few. Both are step functions of the same
items on the same edges, so the average of their log-odds is one points table again, and a promised direction that
both keep is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scoring.scorecard.crossfit import FOLDS, Sample, log_losses, stratified_folds
from scoring.scorecard.evidence import Binning, fine_evidence
from scoring.scorecard.inputs import Floats
from scoring.scorecard.prebins import FineItem, Places
from scoring.scorecard.signed_fit import signed_fit

#: Inverse strength of the regression's penalty.
_C = 1.0
_SHARES = np.linspace(0.0, 1.0, 11)


@dataclass(frozen=True)
class Classic:
    """``table`` (positions of all items,): log-odds of bad. ``margins`` (n,): log-odds of the training rows, each from
    bins and coefficients of the other folds."""

    table: Floats
    margins: Floats


def classic(items: Sequence[FineItem], positions: Places, sample: Sample, how: Binning, seed: int) -> Classic:
    """The classic card of rows at these positions (n, items)."""
    # place is a permutation of the slots; its inverse leads back from a position.
    slot_at = [np.argsort(item.place) for item in items]
    slots = [slot[positions[:, at]] for at, slot in enumerate(slot_at)]
    bad, weight = sample.bad, sample.weight
    margins = np.empty(len(bad))
    for left in stratified_folds(sample, FOLDS, np.random.default_rng(seed)):
        kept = np.ones(len(bad), np.bool_)
        kept[left] = False
        intercept, tables = _fitted(items, [slot[kept] for slot in slots], bad[kept], weight[kept], how)
        margins[left] = intercept + sum(table[slot[left]] for table, slot in zip(tables, slots, strict=True))
    _, tables = _fitted(items, slots, bad, weight, how)
    return Classic(np.concatenate([table[slot] for table, slot in zip(tables, slot_at, strict=True)]), margins)


def _fitted(
    items: Sequence[FineItem], slots: Sequence[Places], bad: Floats, weight: Floats, how: Binning
) -> tuple[float, list[Floats]]:
    """Intercept, and log-odds of bad by slot of each item."""
    evidence = [fine_evidence(item, slot, bad, weight, how) for item, slot in zip(items, slots, strict=True)]
    matrix = np.column_stack([woe[slot] for woe, slot in zip(evidence, slots, strict=True)])
    intercept, coefficients = signed_fit(matrix, bad, weight, _C, -1)
    return intercept, [coefficient * woe for coefficient, woe in zip(coefficients, evidence, strict=True)]


def classic_share(boosted: Floats, other: Floats, bad: Floats, weight: Floats) -> float:
    """Share of ``other`` in the mix of two models' log-odds (n,) of rows neither had seen.

    The share nearest to one half whose log-loss is within one standard error of the best one: the choice between them
    was partly made on the same rows, and with few rows a half is hard to beat.
    """
    losses = [log_losses((1.0 - share) * boosted + share * other, bad) for share in _SHARES]
    best = losses[int(np.argmin([np.average(loss, weights=weight) for loss in losses]))]
    near = []
    for share, loss in zip(_SHARES, losses, strict=True):
        worse = loss - best
        mean = float(np.average(worse, weights=weight))
        spread = float(np.average((worse - mean) ** 2, weights=weight))
        if mean <= np.sqrt(spread / len(bad)) + 1e-12:
            near.append(float(share))
    return min(near, key=lambda share: abs(share - 0.5))
