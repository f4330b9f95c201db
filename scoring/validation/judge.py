"""From probabilities on unseen rows to figures with intervals, all contenders on the same resamples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scoring.metrics import Interval
from scoring.validation.calibration import Decile, calibration_error, calibration_line, deciles, lift, log_odds
from scoring.validation.contender import Floats, Ints
from scoring.validation.cross import Trial
from scoring.validation.folds import Fold
from scoring.validation.resample import Ranking, resamples

LIFT_SHARES = (0.05, 0.10, 0.20)
LEVEL = 0.95
DRAWS = 1000


@dataclass(frozen=True)
class Judgement:
    """The figures of one contender.

    ``auc`` is the mean over the folds, because each fold is ranked by a model of its own; ``ks`` and ``lift`` are taken
    over all rows of a repeat and averaged; Brier score and log loss are means over rows. ``slope`` and ``intercept``
    are the calibration line (``None``: none can be fitted). ``ahead``: the champion's AUC minus this one, on the same
    resamples; ``None`` for the champion. Seconds are means per fold, ``score_microseconds`` per row.
    """

    auc: Interval
    gini: Interval
    ks: Interval
    brier: Interval
    log_loss: Interval
    auc_by_fold: tuple[float, ...]
    slope: float | None
    intercept: float | None
    calibration_error: float
    mean_pd: float
    lift: Mapping[str, float]
    deciles: tuple[Decile, ...]
    ahead: Interval | None
    fit_seconds: float
    score_microseconds: float


def judge(
    trials: Mapping[str, Trial],
    y: Ints,
    units: Ints,
    weight: Floats | None,
    parts: Sequence[Fold],
    champion: str,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Judgement]:
    """The judgement of each trial.

    Intervals are percentiles over ``draws`` resamples of the units (with the folds and models as they are), drawn
    separately with and without default. They do not hold the luck of the training rows; the spread over folds shows it.
    """
    weights = np.ones(y.size) if weight is None else weight
    bad = y.astype(np.float64)
    rankings = {
        name: [Ranking(trial.pd[part.repeat], part.test, bad) for part in parts] for name, trial in trials.items()
    }
    pooled = {name: [Ranking(pd, np.arange(y.size), bad) for pd in trial.pd] for name, trial in trials.items()}
    losses = {name: _losses(trial.pd, bad) for name, trial in trials.items()}
    once = weights[None, :]
    drawn: dict[str, list[Floats]] = {name: [] for name in trials}
    for block in resamples(y, units, weights, draws, seed):
        for name in trials:
            drawn[name].append(_figures(block, rankings[name], pooled[name], losses[name]))
    made = {}
    spread = {name: np.concatenate(blocks) for name, blocks in drawn.items()}
    value = {name: _figures(once, rankings[name], pooled[name], losses[name])[0] for name in trials}
    for name, trial in trials.items():
        area, distance, brier, loss = (
            _interval(value[name][place], spread[name][:, place]) for place in range(len(_FIGURES))
        )
        gap = _interval(value[champion][0] - value[name][0], spread[champion][:, 0] - spread[name][:, 0])
        pd, outcome, share = _stacked(trial.pd, bad, weights)
        line = calibration_line(pd, outcome, share)
        table = deciles(pd, outcome, share)
        made[name] = Judgement(
            auc=area,
            gini=Interval(*(2.0 * bound - 1.0 for bound in (area.value, area.low, area.high))),
            ks=distance,
            brier=brier,
            log_loss=loss,
            auc_by_fold=tuple(float(ranking.auc(once)[0]) for ranking in rankings[name]),
            slope=line[0] if line else None,
            intercept=line[1] if line else None,
            calibration_error=calibration_error(table),
            mean_pd=float(np.average(pd, weights=share)),
            lift={
                f"{part:g}": float(np.mean([lift(each, bad, weights, part) for each in trial.pd]))
                for part in LIFT_SHARES
            },
            deciles=table,
            ahead=None if name == champion else gap,
            fit_seconds=float(np.mean(trial.fit_seconds)),
            score_microseconds=float(np.sum(trial.score_seconds)) / trial.scored * 1e6,
        )
    return made


#: The columns of a block of figures.
_FIGURES = ("auc", "ks", "brier", "log_loss")


def _figures(block: Floats, folds: Sequence[Ranking], pooled: Sequence[Ranking], losses: Floats) -> Floats:
    """Figures of each resample, shape (draws, 4). A fold that a resample leaves with one class is passed over."""
    with np.errstate(invalid="ignore"):
        area = np.nanmean([ranking.auc(block) for ranking in folds], axis=0)
    distance = np.mean([ranking.ks(block) for ranking in pooled], axis=0)
    means = block @ losses / block.sum(axis=1, keepdims=True)
    return np.column_stack([area, distance, means])


def _losses(pd: Floats, bad: Floats) -> Floats:
    """Squared distance and log loss of each row, mean over the repeats; shape (rows, 2)."""
    odds = log_odds(pd)
    return np.column_stack([np.mean((pd - bad) ** 2, axis=0), np.mean(np.logaddexp(0.0, odds) - bad * odds, axis=0)])


def _stacked(pd: Floats, bad: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """All repeats below each other, each row's weight shared among them."""
    repeats = pd.shape[0]
    return pd.ravel(), np.tile(bad, repeats), np.tile(weights / repeats, repeats)


def _interval(value: float, spread: Floats) -> Interval:
    low, high = np.nanquantile(spread, ((1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0))
    return Interval(float(value), float(low), float(high))
