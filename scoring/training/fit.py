"""Fits champion and challenger on the fitted cohorts, and measures both on days and firms that no fit saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.challenger import ChallengerClassifier
from scoring.challenger.trees import Trees
from scoring.metrics import Discrimination, brier, discrimination
from scoring.pd_error import ErrorBands
from scoring.scorecard import ScorecardClassifier
from scoring.scorecard.estimator import CardEstimator
from scoring.scorecard.inputs import Inputs
from scoring.stability import psi_of_scores
from scoring.training.level import Level, level_of
from scoring.training.own_error import own_error
from scoring.training.plan import Learner, TrainingPlan
from scoring.training.training_set import Cohort, Flags, Floats, Rows, TrainingSet
from scoring.validation.calibration import Decile, calibration_line, deciles
from scoring.woe import WoeScorecardClassifier

_LEARNERS: dict[Learner, type[CardEstimator]] = {"additive": ScorecardClassifier, "woe": WoeScorecardClassifier}
#: Bootstrap draws behind an interval.
DRAWS = 1000
#: Told (fits done, fits in all).
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Measured:
    """One model on one held-out day.

    ``slope`` and ``intercept`` are the calibration line (1 and 0 are perfect, ``None``: no line can be fitted).
    """

    model: str
    day: date
    rows: int
    defaults: int
    figures: Discrimination
    brier: float
    mean_pd: float
    slope: float | None
    intercept: float | None
    table: tuple[Decile, ...]


@dataclass(frozen=True)
class Fitted:
    """``champion`` and ``challenger`` are fitted estimators. ``used`` are the factors they saw, ``unused`` those that
    say nothing: unknown in a whole fitted cohort, or one value for all firms. ``shift`` is the stability index of the
    champion's points between the fitted cohorts and each held-out day. ``level`` is what puts the challenger's
    probabilities on the champion's level; ``error`` is the champion's own, ``None`` where one fit only was made."""

    champion: CardEstimator
    challenger: ChallengerClassifier
    used: tuple[str, ...]
    unused: tuple[str, ...]
    measured: tuple[Measured, ...]
    shift: dict[date, float]
    level: Level
    error: ErrorBands | None

    @property
    def beside(self) -> Trees:
        """The challenger as it runs beside the champion: on its level."""
        return self.level.trees(self.challenger.trees_)


def fit(training: TrainingSet, prior: float | None, tell: Tell = lambda done, total: None) -> Fitted:
    """Both models and their figures. ``prior`` overrides the plan's yearly default rate.

    The models handed over are fitted on all firms of the fitted cohorts. The figures come from the same procedure run
    ``plan.folds`` times, each time without one group of firms in any cohort, and scored on that group on the held-out
    days: a firm's own past never speaks for it, and neither does the overlap of outcome windows. The same fits give the
    champion's own error, and the challenger's level from the fitted rows each of them left out. The challenger is
    measured on a level to which the outcomes of the group that is measured did not contribute.
    """
    training.check()
    plan = training.plan
    rows, later = training.rows(training.fitted), training.rows(training.held_out)
    used = tuple(name for name in plan.kinds if _says_something(rows, name))
    target = prior if prior is not None else plan.prior
    pd: dict[str, Floats] = {name: np.full(len(later), np.nan) for name in ("champion", "challenger")}
    unseen = np.full(len(rows), np.nan)
    without: list[NDArray[np.int64]] = []
    for fold in range(plan.folds):
        tell(fold, plan.folds + 1)
        inside, outside = rows.take(rows.fold != fold), later.fold == fold
        if not outside.any():
            continue
        models = _models(plan, used, target)
        for name, model in models.items():
            _fit(model, inside, used)
            pd[name][outside] = model.predict_proba(later.frame.loc[outside, list(used)])[:, 1]
        without.append(_points(models["champion"], rows))
        unseen[rows.fold == fold] = _unseen(models["challenger"], rows.take(rows.fold == fold), used)
    for fold in range(plan.folds):
        place = later.fold == fold
        pd["challenger"][place] = _level(unseen, rows, rows.fold != fold, target).pd(pd["challenger"][place])
    tell(plan.folds, plan.folds + 1)
    last = _models(plan, used, target)
    for model in last.values():
        _fit(model, rows, used)
    tell(plan.folds + 1, plan.folds + 1)
    measured = tuple(
        _measured(name, cohort, pd[name][later.cohort == np.datetime64(cohort.day)], plan.seed)
        for cohort in training.held_out
        for name in pd
    )
    unused = tuple(name for name in plan.kinds if name not in used)
    points = [_points(last["champion"], part) for part in (rows, later)]
    shift = {
        cohort.day: psi_of_scores(points[0], points[1][later.cohort == np.datetime64(cohort.day)])
        for cohort in training.held_out
    }
    return Fitted(
        champion=last["champion"],
        challenger=last["challenger"],
        used=used,
        unused=unused,
        measured=measured,
        shift=shift,
        level=_level(unseen, rows, np.ones(len(rows), np.bool_), target),
        error=own_error(points[0], without, rows.weight),
    )


def _models(plan: TrainingPlan, used: tuple[str, ...], prior: float | None) -> dict[str, Any]:
    constraints = {name: way for name, way in plan.monotone.items() if name in used}
    categories = [name for name in plan.categorical if name in used]
    return {
        "champion": _LEARNERS[plan.learner](
            monotone=constraints, categorical=categories, prior=prior, random_state=plan.seed, **plan.scorecard
        ),
        "challenger": ChallengerClassifier(monotone=constraints, categorical=categories, random_state=plan.seed),
    }


def _fit(model: Any, rows: Rows, used: tuple[str, ...]) -> None:
    # A card leaves rows out to judge itself by: all days of a firm together.
    groups = {"groups": np.unique(rows.uscc, return_inverse=True)[1]} if isinstance(model, CardEstimator) else {}
    model.fit(rows.frame[list(used)], rows.default.astype(np.int64), sample_weight=rows.weight, **groups)


def _points(champion: CardEstimator, rows: Rows) -> NDArray[np.int64]:
    """Milli-points of the rows."""
    card = champion.scorecard_
    return card.score(Inputs.from_frame(rows.frame[list(card.items)], card.category_items), contributions=False).points


def _unseen(challenger: ChallengerClassifier, rows: Rows, used: tuple[str, ...]) -> Floats:
    """The challenger's probabilities of fitted rows it did not see."""
    made: Floats = challenger.predict_proba(rows.frame[list(used)])[:, 1]
    return made


def _level(unseen: Floats, rows: Rows, among: Flags, prior: float | None) -> Level:
    """The challenger's level from the rows in ``among`` that some fit left out."""
    told = among & ~np.isnan(unseen)
    return level_of(unseen[told], rows.default[told].astype(np.float64), rows.weight[told], prior)


def _says_something(rows: Rows, name: str) -> bool:
    """Whether a factor takes two values, unknown being one, whichever group of firms is left out, and is known in every
    cohort: where a whole cohort is unknown, "unknown" would stand for that year's default rate."""
    column = rows.frame[name]
    told = all(column[rows.cohort == day].notna().any() for day in np.unique(rows.cohort))
    return told and all(column[rows.fold != fold].nunique(dropna=False) > 1 for fold in np.unique(rows.fold))


def _measured(model: str, cohort: Cohort, pd: NDArray[np.float64], seed: int) -> Measured:
    bad = cohort.default.astype(np.float64)
    even = np.ones(cohort.rows)
    line = calibration_line(pd, bad, even)
    return Measured(
        model=model,
        day=cohort.day,
        rows=cohort.rows,
        defaults=cohort.defaults,
        figures=discrimination(pd, cohort.default, draws=DRAWS, seed=seed),
        brier=brier(pd, cohort.default),
        mean_pd=float(pd.mean()),
        slope=line[0] if line else None,
        intercept=line[1] if line else None,
        table=deciles(pd, bad, even),
    )
