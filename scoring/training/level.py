"""Puts the challenger on the champion's level, so that the two can be compared firm by firm (Platt 1999)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scoring.challenger.trees import Trees
from scoring.validation.calibration import calibration_line, log_odds

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Level:
    """A correction of probabilities: log-odds become ``intercept + slope * log-odds``. The slope is above zero, so that
    no firm changes places with another.
    """

    slope: float = 1.0
    intercept: float = 0.0

    def pd(self, pd: Floats) -> Floats:
        """Corrected probabilities (n,)."""
        made: Floats = 1.0 / (1.0 + np.exp(-(self.intercept + self.slope * log_odds(pd))))
        return made

    def trees(self, trees: Trees) -> Trees:
        """The same trees with the correction in their leaves: what serves reads them like any others."""
        leaves = tuple(replace(tree, value=tuple(self.slope * value for value in tree.value)) for tree in trees.trees)
        return replace(trees, baseline=self.intercept + self.slope * trees.baseline, trees=leaves)


def level_of(pd: Floats, default: Floats, weight: Floats, prior: float | None) -> Level:
    """The correction learned from probabilities (n,) of rows that the model had not seen, with their outcomes.

    With ``prior`` the level is moved from the default rate of these rows to that rate. No correction but the level is
    made where no rising line can be fitted (all probabilities alike, or the wrong way round).
    """
    line = calibration_line(pd, default, weight)
    slope, intercept = line if line is not None and line[0] > 0 else (1.0, 0.0)
    if prior is None:
        return Level(slope, intercept)
    rate = float(np.average(default, weights=weight))
    moved = log_odds(np.array([prior, rate]))
    return Level(slope, intercept + float(moved[0] - moved[1]))
