"""How well a number separates bad from good firms: AUC, Gini, KS, Brier, each exact under ties, with an interval.

Convention of the whole module: ``risk`` is higher for a worse firm (pass ``-score`` for a score where high is good),
``bad`` is true for a firm that defaulted. Both are one-dimensional and of equal length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Cells (draws x distinct values) of one resampling block; keeps the working memory near 50 MB.
_BLOCK_CELLS = 2_000_000


@dataclass(frozen=True)
class Interval:
    """A figure and the bounds of its interval, as fractions."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Discrimination:
    """AUC, Gini (2 AUC - 1) and KS of one risk figure, with bootstrap intervals.

    ``auc`` is the chance that a random bad firm shows more risk than a random good one, a tie counting half.
    ``ks`` is the largest gap between the two cumulative distributions.
    """

    good: int
    bad: int
    auc: Interval
    gini: Interval
    ks: Interval
    level: float
    draws: int
    seed: int


def auc(risk: ArrayLike, bad: ArrayLike) -> float:
    """Area under the ROC curve, ties counted half. ``ValueError`` without both classes or with NaN."""
    good_counts, bad_counts = _counts(risk, bad)
    return float(auc_of_counts(good_counts, bad_counts))


def gini(risk: ArrayLike, bad: ArrayLike) -> float:
    """Gini coefficient (accuracy ratio): 2 AUC - 1. Errors as :func:`auc`."""
    return 2.0 * auc(risk, bad) - 1.0


def ks(risk: ArrayLike, bad: ArrayLike) -> float:
    """Two-sample Kolmogorov-Smirnov distance between bad and good firms, in 0..1. Errors as :func:`auc`."""
    good_counts, bad_counts = _counts(risk, bad)
    return float(ks_of_counts(good_counts, bad_counts))


def brier(probability: ArrayLike, bad: ArrayLike) -> float:
    """Mean squared distance between a probability in 0..1 and what happened (1 bad, 0 good).

    ``ValueError`` for an empty input, a probability outside 0..1 or NaN.
    """
    forecast, outcome = _pair(probability, bad)
    if forecast.size == 0:
        raise ValueError("no firm to judge")
    if forecast.min() < 0.0 or forecast.max() > 1.0:
        raise ValueError("a probability lies in 0..1")
    return float(np.mean((forecast - outcome) ** 2))


def discrimination(
    risk: ArrayLike, bad: ArrayLike, *, draws: int = 2000, seed: int = 7, level: float = 0.95
) -> Discrimination:
    """AUC, Gini and KS with percentile bootstrap intervals.

    Bad and good firms are resampled separately, so every draw has both classes in their observed numbers. The KS
    interval sits high in small samples, because resampling adds noise that a maximum picks up; read it with the size.
    Same input and seed, same interval. Errors as :func:`auc`; ``ValueError`` also for ``draws`` below 1 or ``level``
    outside 0..1.
    """
    if draws < 1 or not 0.0 < level < 1.0:
        raise ValueError("draws is at least 1 and level lies between 0 and 1")
    good_counts, bad_counts = _counts(risk, bad)
    aucs, distances = _resampled(good_counts, bad_counts, draws, np.random.default_rng(seed))
    tails = ((1.0 - level) / 2.0, (1.0 + level) / 2.0)
    auc_low, auc_high = (float(bound) for bound in np.quantile(aucs, tails))
    ks_low, ks_high = (float(bound) for bound in np.quantile(distances, tails))
    area = float(auc_of_counts(good_counts, bad_counts))
    return Discrimination(
        good=int(good_counts.sum()),
        bad=int(bad_counts.sum()),
        auc=Interval(area, auc_low, auc_high),
        gini=Interval(2.0 * area - 1.0, 2.0 * auc_low - 1.0, 2.0 * auc_high - 1.0),
        ks=Interval(float(ks_of_counts(good_counts, bad_counts)), ks_low, ks_high),
        level=level,
        draws=draws,
        seed=seed,
    )


def _pair(figures: ArrayLike, bad: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    values = np.asarray(figures, dtype=np.float64)
    flags = np.asarray(bad)
    if values.ndim != 1 or values.shape != flags.shape:
        raise ValueError(f"one figure per firm is needed, got shapes {values.shape} and {flags.shape}")
    if np.isnan(values).any():
        raise ValueError("NaN cannot be ranked; leave firms without a figure out and say how many")
    if flags.dtype != np.bool_ and not np.isin(flags, (0, 1)).all():
        raise ValueError("bad is true or false (1 or 0) for each firm")
    return values, flags.astype(np.bool_)


def _counts(risk: ArrayLike, bad: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Good and bad firms at each distinct value, in ascending order of risk: all that the figures depend on."""
    values, flags = _pair(risk, bad)
    distinct, place = np.unique(values, return_inverse=True)
    bad_counts = np.bincount(place[flags], minlength=distinct.size)
    good_counts = np.bincount(place[~flags], minlength=distinct.size)
    if not bad_counts.sum() or not good_counts.sum():
        raise ValueError("both bad and good firms are needed")
    return good_counts, bad_counts


def auc_of_counts(good: NDArray[Any], bad: NDArray[Any]) -> NDArray[np.float64]:
    """AUC along the last axis, from how many good and bad firms stand at each distinct risk, ascending.

    Twice the wins is an integer, so ties lose nothing to rounding; weights may stand for counts. NaN without a class.
    """
    below = np.cumsum(good, axis=-1) - good
    twice_wins = (bad * (2 * below + good)).sum(axis=-1)
    made: NDArray[np.float64] = twice_wins / (2 * bad.sum(axis=-1) * good.sum(axis=-1))
    return made


def ks_of_counts(good: NDArray[Any], bad: NDArray[Any]) -> NDArray[np.float64]:
    """KS along the last axis; input as :func:`auc_of_counts`."""
    goods, bads = good.sum(axis=-1, keepdims=True), bad.sum(axis=-1, keepdims=True)
    gap = np.abs(np.cumsum(good, axis=-1) * bads - np.cumsum(bad, axis=-1) * goods).max(axis=-1)
    made: NDArray[np.float64] = gap / (goods * bads)[..., 0]
    return made


def _resampled(
    good: NDArray[np.int64], bad: NDArray[np.int64], draws: int, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """AUC and KS of ``draws`` resamples; drawing counts per distinct value is drawing firms with replacement."""
    areas, distances = np.empty(draws), np.empty(draws)
    block = max(1, _BLOCK_CELLS // good.size)
    for start in range(0, draws, block):
        stop = min(start + block, draws)
        goods = random.multinomial(good.sum(), good / good.sum(), size=stop - start)
        bads = random.multinomial(bad.sum(), bad / bad.sum(), size=stop - start)
        areas[start:stop] = auc_of_counts(goods, bads)
        distances[start:stop] = ks_of_counts(goods, bads)
    return areas, distances
