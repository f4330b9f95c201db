"""Resamples of the judged rows, and AUC and KS of many resamples at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scoring.metrics import auc_of_counts, ks_of_counts
from scoring.validation.contender import Floats, Ints
from scoring.validation.folds import unit_marks

#: Cells (draws x rows) of one block; keeps the working memory near 50 MB.
_BLOCK_CELLS = 1_000_000


def resamples(y: Ints, units: Ints, weights: Floats, draws: int, seed: int) -> Iterator[Floats]:
    """Blocks of row weights, shape (draws of the block, rows): how often each row was drawn, times its weight.

    Units are drawn whole, with replacement, those with a default apart from the others. Same seed, same blocks.
    """
    random = np.random.default_rng(seed)
    marks = unit_marks(y, units)
    strata = [np.flatnonzero(marks), np.flatnonzero(~marks)]
    block = max(1, _BLOCK_CELLS // y.size)
    for start in range(0, draws, block):
        size = min(block, draws - start)
        counts = np.zeros((size, marks.size))
        for stratum in strata:
            if stratum.size:
                even = np.full(stratum.size, 1.0 / stratum.size)
                counts[:, stratum] = random.multinomial(stratum.size, even, size=size)
        yield counts[:, units] * weights


class Ranking:
    """Some rows in order of risk, ready for any weights."""

    def __init__(self, pd: Floats, rows: Ints, bad: Floats):
        order = rows[np.argsort(pd[rows], kind="stable")]
        ranked = pd[order]
        self._order = order
        self._starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
        self._bad = bad[order]

    def auc(self, weights: Floats) -> Floats:
        """AUC under each row of ``weights`` (shape draws x all rows); NaN where a class has no weight."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return auc_of_counts(*self._counts(weights))

    def ks(self, weights: Floats) -> Floats:
        """KS under each row of ``weights``."""
        return ks_of_counts(*self._counts(weights))

    def _counts(self, weights: Floats) -> tuple[Floats, Floats]:
        inside = weights[:, self._order]
        bad = np.add.reduceat(inside * self._bad, self._starts, axis=1)
        return np.add.reduceat(inside, self._starts, axis=1) - bad, bad
