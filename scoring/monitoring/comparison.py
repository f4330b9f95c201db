"""Champion and challenger side by side over the same firms. The challenger decides nothing; it is a second opinion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Comparison:
    """Probabilities of default of both over ``firms`` firms: means and :data:`QUANTILES`, Spearman's rank correlation
    (``None`` where one of them says the same of every firm), the share of firms whose grade would differ, and
    ``grades[champion, challenger]`` counts.
    """

    firms: int
    champion_mean: float
    challenger_mean: float
    champion: tuple[float, ...]
    challenger: tuple[float, ...]
    rank_correlation: float | None
    grade_differs: float
    grades: NDArray[np.int64]


def compare(champion: Floats, challenger: Floats, below: tuple[float, ...]) -> Comparison | None:
    """Both probabilities (n,), graded by the limits ``below``; ``None`` without a firm that has both."""
    both = ~(np.isnan(champion) | np.isnan(challenger))
    one, other = champion[both], challenger[both]
    if not len(one):
        return None
    limits, k = np.array(below[:-1]), len(below)
    grades = [np.searchsorted(limits, side, side="right") for side in (one, other)]
    return Comparison(
        len(one),
        float(one.mean()),
        float(other.mean()),
        tuple(np.quantile(one, QUANTILES).tolist()),
        tuple(np.quantile(other, QUANTILES).tolist()),
        rank_correlation(one, other),
        float((grades[0] != grades[1]).mean()),
        np.bincount(grades[0] * k + grades[1], minlength=k * k).reshape(k, k).astype(np.int64),
    )


def rank_correlation(one: Floats, other: Floats) -> float | None:
    """Spearman's rank correlation, ties at their mean rank; ``None`` where one side is constant."""
    ranks = [_mean_ranks(side) - (len(side) + 1) / 2 for side in (one, other)]
    scale = float(np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    return float((ranks[0] * ranks[1]).sum()) / scale if scale else None


def _mean_ranks(values: Floats) -> Floats:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    made: Floats = (last - (counts - 1) / 2)[place]
    return made
