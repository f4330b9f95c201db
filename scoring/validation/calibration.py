"""Whether probabilities mean what they say: calibration line, table of tenths, lift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.validation.contender import Floats

#: A probability nearer to 0 or 1 than this is moved here before its logarithm is taken.
CLIP = 1e-6
_STEPS = 50


@dataclass(frozen=True)
class Decile:
    """One tenth of the cases by rising probability: mean probability, observed rate, weight of cases and defaults."""

    cases: float
    defaults: float
    mean_pd: float
    observed: float


def calibration_line(pd: Floats, y: Floats, weight: Floats) -> tuple[float, float] | None:
    """Slope and intercept of the logistic regression of ``y`` on the log-odds of ``pd``; calibrated is 1 and 0.

    A slope below 1 says that the probabilities are too extreme. ``None`` where no line can be fitted: all probabilities
    alike, one class, or perfect separation.
    """
    odds = log_odds(pd)
    if np.ptp(odds) < 1e-9:
        return None
    design = np.column_stack([np.ones_like(odds), odds])
    beta = np.array([0.0, 1.0])
    for _ in range(_STEPS):
        fitted = 1.0 / (1.0 + np.exp(-np.clip(design @ beta, -500, 500)))
        slope = design.T @ (weight * (y - fitted))
        bend = (design * (weight * fitted * (1.0 - fitted))[:, None]).T @ design
        try:
            step = np.linalg.solve(bend, slope)
        except np.linalg.LinAlgError:
            return None
        # Newton's method may leap over a flat optimum; a bounded step gets there all the same.
        step /= max(1.0, float(np.abs(step).max()))
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            return float(beta[1]), float(beta[0])
    return None


def log_odds(pd: Floats) -> Floats:
    """Natural logarithm of the odds, probabilities clipped by ``CLIP``."""
    safe = np.clip(pd, CLIP, 1.0 - CLIP)
    made: Floats = np.log(safe / (1.0 - safe))
    return made


def deciles(pd: Floats, y: Floats, weight: Floats, parts: int = 10) -> tuple[Decile, ...]:
    """Tenths of the weight by rising probability. Equal probabilities stay together, so a tenth may be missing."""
    values, place = np.unique(pd, return_inverse=True)
    cases = np.bincount(place, weights=weight)
    middle = (np.cumsum(cases) - cases / 2) / cases.sum()
    part = np.minimum((middle * parts).astype(np.int64), parts - 1)
    bads = np.bincount(place, weights=weight * y)
    made = []
    for number in np.unique(part):
        inside = part == number
        size, bad = float(cases[inside].sum()), float(bads[inside].sum())
        made.append(Decile(size, bad, float((cases * values)[inside].sum()) / size, bad / size))
    return tuple(made)


def calibration_error(table: tuple[Decile, ...]) -> float:
    """Mean distance between probability and observed rate over the tenths, by weight."""
    total = sum(row.cases for row in table)
    return sum(row.cases * abs(row.mean_pd - row.observed) for row in table) / total


def lift(pd: Floats, y: Floats, weight: Floats, share: float) -> float:
    """How many times the usual rate of default the riskiest ``share`` of the cases holds; ties are taken in part."""
    _, place = np.unique(-pd, return_inverse=True)
    cases = np.concatenate([[0.0], np.cumsum(np.bincount(place, weights=weight))])
    bads = np.concatenate([[0.0], np.cumsum(np.bincount(place, weights=weight * y))])
    return float(np.interp(share * cases[-1], cases, bads) / bads[-1] / share)
