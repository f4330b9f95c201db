"""A validation report as plain data: what ``--json`` prints and ``docs/validation.json`` keeps."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from scoring.metrics import Interval
from scoring.validation import Judgement
from service.usecases.validate_model import Standing, ValidationReport

#: Digits kept of figures in 0..1 and of seconds: more would only differ from machine to machine.
_PLACES = 4


def as_data(report: ValidationReport) -> dict[str, Any]:
    """The report as JSON values. Rates are fractions, times seconds (``score_microseconds``: per row)."""
    described, plan, later = report.described, report.plan, report.later
    return {
        "dataset": described.id,
        "zh": described.zh,
        "en": described.en,
        "source": described.source,
        "licence": described.licence,
        "notes": list(described.notes),
        "rows": report.rows,
        "defaults": report.defaults,
        "default_rate": _number(report.defaults / report.rows),
        "target": described.target,
        "bad": report.bad,
        "columns": len(report.columns),
        "categorical": len(report.categorical),
        "folds": plan.folds,
        "repeats": plan.repeats,
        "seed": plan.seed,
        "draws": plan.draws,
        "grouped_by": described.group,
        "left_out": [asdict(each) for each in report.left_out],
        "notices": [asdict(each) for each in report.notices],
        "contenders": [_standing(each) for each in report.standings],
        "out_of_time": later
        and {
            "column": later.column,
            "from": later.start,
            "trained": later.trained,
            "judged": later.judged,
            "defaults": later.defaults,
            "contenders": [_standing(each) for each in later.standings],
        },
        "absent": list(report.absent),
        "seconds": round(report.seconds, 1),
    }


def _standing(standing: Standing) -> dict[str, Any]:
    contender, judged = standing.contender, standing.judged
    return {
        "id": contender.id,
        "zh": contender.zh,
        "en": contender.en,
        "kind": contender.kind,
        "source": contender.source,
        "failed": standing.failed or None,
        **(_figures(judged) if judged else {}),
    }


def _figures(judged: Judgement) -> dict[str, Any]:
    return {
        "auc": _interval(judged.auc),
        "champion_ahead": _interval(judged.ahead) if judged.ahead else None,
        "ks": _interval(judged.ks),
        "gini": _interval(judged.gini),
        "brier": _interval(judged.brier),
        "log_loss": _interval(judged.log_loss),
        "auc_by_fold": [_number(area) for area in judged.auc_by_fold],
        "calibration_slope": _number(judged.slope),
        "calibration_intercept": _number(judged.intercept),
        "calibration_error": _number(judged.calibration_error),
        "mean_pd": _number(judged.mean_pd),
        "lift": {share: _number(value) for share, value in judged.lift.items()},
        "deciles": [{name: _number(value) for name, value in asdict(row).items()} for row in judged.deciles],
        "fit_seconds": _number(judged.fit_seconds),
        "score_microseconds": _number(judged.score_microseconds),
    }


def _interval(interval: Interval) -> dict[str, float | None]:
    return {"value": _number(interval.value), "low": _number(interval.low), "high": _number(interval.high)}


def _number(value: float | None) -> float | None:
    return None if value is None else round(value, _PLACES)
