"""The model card, made from the run and nothing else: what was learned, from what, how it did, what it cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scoring.metrics import Interval
from scoring.pd_error import MEMBER
from scoring.scorecard import Scorecard
from scoring.scorecard.bins import MISSING
from scoring.scorecard.card import Line
from scoring.training.fit import Fitted, Measured
from scoring.training.plan import TrainingPlan
from scoring.training.training_set import Cohort, TrainingSet

SYNTHETIC = "synthetic labels: not evidence"
#: A class of a bin without rows counts as this many, so that its information is finite.
_HALF_A_ROW = 0.5


def make_card(training: TrainingSet, fitted: Fitted, *, synthetic: bool, catalogue: str) -> dict[str, Any]:
    """The card as plain JSON values; money never occurs, rates are fractions.

    Of a city whose firms are invented (``synthetic``) no figure of merit is shown as a result. ``gates`` holds the
    numbers that the gates of ``seed/models/gates.yaml`` ask for whatever the labels are, and says so.
    """
    plan, scorecard = training.plan, fitted.champion.scorecard_
    rows = training.rows(training.fitted)
    return {
        "model": {
            "plan": plan.id,
            "plan_version": plan.version,
            "zh": plan.zh,
            "en": plan.en,
            "catalogue": catalogue,
            "learner": plan.learner,
            "challenger": "monotone gradient boosting; runs beside, never explains a decision",
            "challenger_level": {
                "method": "Platt scaling on rows left out of the fit",
                "slope": _short(fitted.level.slope),
                "intercept": _short(fitted.level.intercept),
            },
        },
        "synthetic": synthetic,
        **({"said": SYNTHETIC} if synthetic else {}),
        "default": _default(training),
        "data": {
            "from": str(training.cohorts[0].day),
            "to": str(training.cohorts[-1].window_end),
            "known_by": training.known_by.isoformat(),
            "fitted_rows": len(rows),
            "fitted_defaults": int(rows.default.sum()),
            "default_rate": _short(float(np.average(rows.default, weights=rows.weight))),
            "default_rate_means": "mean of the cohorts' rates, each cohort counted alike",
            "prior": _short(scorecard.training.prior),
            "cohorts": cohorts_told(training),
            "days_left_out": days_left_out(training),
        },
        "split": {
            "time": "the latest cohorts are never fitted",
            "firms": f"{plan.folds} groups by code; a figure of a firm comes from a model fitted without its group",
            "weights": "every cohort counts alike; within a cohort every firm does",
        },
        "items": _items(plan, scorecard),
        "items_without_information": list(fitted.unused),
        **({} if fitted.error is None else {MEMBER: fitted.error.told()}),
        "out_of_time": SYNTHETIC if synthetic else [_measured(each) for each in fitted.measured],
        "gates": _gates(fitted, synthetic),
        "limits": _limits(training, synthetic),
    }


def information_value(line: Line, rows: int, bad: int) -> float:
    """Information value of one item: sum over its bins of (good share - bad share) times the weight of evidence.

    From the bins' shares and default rates as trained. A bin without a class counts half a row of it.
    """
    share = np.array(line.shares)
    rate = np.array([0.0 if each is None else each for each in line.rates])
    occupied = share > 0
    good, ill = (share * (1.0 - rate))[occupied] * rows, (share * rate)[occupied] * rows
    good, ill = np.maximum(good, _HALF_A_ROW) / (rows - bad), np.maximum(ill, _HALF_A_ROW) / bad
    return float(np.sum((good - ill) * np.log(good / ill)))


def cohorts_told(training: TrainingSet) -> list[dict[str, Any]]:
    """Each cohort: its days, its part in the run, its rows and defaults, and who is no row of it and why."""
    return [_cohort(cohort, part) for part, cohorts in training.parts for cohort in cohorts]


def days_left_out(training: TrainingSet) -> list[dict[str, Any]]:
    """The days that were tried and not used, with the reason."""
    return [{"day": str(left.day), "reason": left.reason, "said": left.said} for left in training.left_out]


def _default(training: TrainingSet) -> dict[str, Any]:
    definition = training.plan.default
    hit = {event.id: sum(cohort.by_event[event.id] for cohort in training.cohorts) for event in definition.events}
    return {
        "id": definition.id,
        "version": definition.version,
        "zh": definition.zh,
        "en": definition.en,
        "window_months": definition.window,
        "grace_months": definition.grace,
        "events": [
            {
                "id": event.id,
                "zh": event.zh,
                "en": event.en,
                "feed": event.feed,
                "delivered": event.id not in training.unseen,
                "firms_hit": hit[event.id],
                "cite": event.cite,
            }
            for event in definition.events
        ],
        "who": {
            "exposed_by": [records.en for records in definition.exposure],
            "least_age_months": definition.least_age,
            "least_known_share": definition.least_known,
        },
    }


def _cohort(cohort: Cohort, part: str) -> dict[str, Any]:
    return {
        "day": str(cohort.day),
        "part": part,
        "window_end": str(cohort.window_end),
        "known_by": cohort.known_by.isoformat(),
        "rows": cohort.rows,
        "defaults": cohort.defaults,
        "default_rate": _short(cohort.defaults / cohort.rows),
        **cohort.left_out,
        "short_history": list(cohort.short_history),
    }


def _items(plan: TrainingPlan, scorecard: Scorecard) -> list[dict[str, Any]]:
    """The lines by information value, strongest first; crossed items after them."""
    named = {factor.id: factor for factor in plan.factors}
    trained = scorecard.training
    single: list[tuple[float, dict[str, Any]]] = []
    for line in scorecard.lines:
        # Points of bins nobody was in are no range anybody saw.
        seen = [points for points, share in zip(line.points, line.shares, strict=True) if share > 0]
        value = information_value(line, trained.rows, trained.bad)
        entry = {
            "id": line.name,
            "zh": named[line.name].zh,
            "en": named[line.name].en,
            "direction": named[line.name].direction,
            "information_value": _short(value),
            "points_low": min(seen) / 1000,
            "points_high": max(seen) / 1000,
            "known_share": _short(1.0 - line.shares[MISSING]),
        }
        single.append((value, entry))
    single.sort(key=lambda pair: (-pair[0], pair[1]["id"]))
    crossed = [
        {
            "id": cross.label,
            "points_low": min(min(row) for row in cross.points) / 1000,
            "points_high": max(max(row) for row in cross.points) / 1000,
        }
        for cross in scorecard.crosses
    ]
    return [*(entry for _, entry in single), *crossed]


def _measured(each: Measured) -> dict[str, Any]:
    return {
        "model": each.model,
        "day": str(each.day),
        "rows": each.rows,
        "defaults": each.defaults,
        **_interval("auc", each.figures.auc),
        **_interval("gini", each.figures.gini),
        **_interval("ks", each.figures.ks),
        "level": each.figures.level,
        "brier": _short(each.brier),
        "mean_pd": _short(each.mean_pd),
        "observed_rate": _short(each.defaults / each.rows),
        "calibration_slope": _short(each.slope),
        "calibration_intercept": _short(each.intercept),
    }


def _interval(name: str, interval: Interval) -> dict[str, float | None]:
    return {name: _short(interval.value), f"{name}_low": _short(interval.low), f"{name}_high": _short(interval.high)}


def _gates(fitted: Fitted, synthetic: bool) -> dict[str, Any]:
    """The worst held-out day of the champion: a gate is passed on every day or not at all."""
    champion = [each for each in fitted.measured if each.model == "champion"]
    return {
        "auc_out_of_time": _short(min(each.figures.auc.value for each in champion)),
        "psi_out_of_time": _short(max(fitted.shift.values())),
        "said": SYNTHETIC if synthetic else "the worst held-out day",
    }


def _limits(training: TrainingSet, synthetic: bool) -> list[str]:
    said = [
        "Learned from firms that owed something. A firm that never borrowed is scored by their example.",
        "Banks deliver the class of a loan, not the days it is overdue; the class stands for more than 90 days.",
        "Firms that left the register in the window without a default are in neither class.",
        "Cohorts share firms and their windows overlap; intervals treat the firms of one day as independent.",
    ]
    unseen: Sequence[str] = training.unseen
    if unseen:
        said.append(f"Nobody delivers the records of: {', '.join(unseen)}. Such defaults look like none.")
    defaults = sum(cohort.defaults for cohort in training.fitted)
    if defaults < 200:
        said.append(f"Only {defaults} defaults were seen in the fit; points of rare bins rest on a few firms.")
    if synthetic:
        said.append("Every firm, record and outcome was invented by a program: nothing here holds for a real city.")
    return said


def _short(value: float | None) -> float | None:
    """Six digits after the point: more would be noise, and would differ between machines first."""
    return None if value is None else round(value, 6)
