"""What is watched of a model as an answer: one JSON value for the command line and for HTTP."""

from __future__ import annotations

from typing import Any

from models.errors import DataFileError
from scoring.monitoring.alert_rules import Alert, Light, WatchRules
from scoring.monitoring.comparison import QUANTILES, Comparison
from scoring.monitoring.drift import ItemDrift, ScoreDrift
from scoring.monitoring.migration import Migration
from scoring.monitoring.outcomes import BandOutcome
from scoring.monitoring.parity import Group, Parity
from service.books.rulebook import facts, industries, pd_scale
from service.labels import labels
from service.snapshot.shelf import Shelf
from service.snapshot.snapshots import OpenSnapshot
from service.usecases.watch_model import CohortOutcome, Drift, Watch
from service.watching.watch_alerts import alerts_of, worst

_SYNTHETIC = (
    "合成数据：企业、记录与结果均为程序虚构，以下数字不说明任何真实情况。",
    "Synthetic data: every firm, record and outcome was invented by a program; no figure here says anything real.",
)
_NO_DEFINITION = (
    "模型卡未说明违约定义，结果无法核对，漂移按全部评分企业计算。",
    "The model card names no definition of default: outcomes cannot be told, and drift is over all scored firms.",
)
_NOT_SERVED = (
    "该快照不是由此模型评分，现按其信息项重新评分。",
    "This snapshot was not scored by this model: it was scored now, from the snapshot's items.",
)
_NO_REFERENCE = (
    "模型卡没有训练样本的分数分布，无法计算对训练的PSI。",
    "The model card holds no distribution of the training points: PSI against training is unknown.",
)
_NO_CAUSE = (
    "各组差异只说明不同，不说明原因。",
    "A difference between groups says that they differ, not why.",
)


def watch_answer(shelf: Shelf, watch: Watch) -> dict[str, Any]:
    """The whole report. Rates and shares are fractions, points points; ``null`` is unknown or not judged."""
    alerts, rules = alerts_of(watch), watch.rules
    synthetic = shelf.office.invented
    return {
        "as_of": watch.snapshot.as_of,
        "snapshot_id": watch.snapshot.id,
        "synthetic": synthetic,
        "notes": [{"zh": zh, "en": en} for zh, en in _notes(watch, synthetic)],
        "model": {
            "id": watch.model.id,
            "name": watch.model.name,
            "version": watch.model.version,
            "active": watch.active,
            "served": watch.firms.served,
        },
        "firms": len(watch.firms.rows),
        "light": worst(alerts),
        "alerts": [_alert(alert) for alert in alerts],
        "drift": [_drift(drift, rules) for drift in watch.drifts],
        "outcomes": None if watch.definition is None else _outcomes(watch),
        "migration": None if watch.earlier is None else _migrations(watch, watch.earlier),
        "parity": [_parity(attribute, each, rules) for attribute, each in watch.parities.items()],
        "challenger": None if watch.comparison is None else _challenger(watch.comparison, rules),
    }


def _notes(watch: Watch, synthetic: bool) -> list[tuple[str, str]]:
    said = {
        _SYNTHETIC: synthetic,
        _NOT_SERVED: not watch.firms.served,
        _NO_DEFINITION: watch.definition is None,
        _NO_REFERENCE: "reference" not in watch.model.card,
        _NO_CAUSE: True,
    }
    return [note for note, holds in said.items() if holds]


def _named(name: str) -> dict[str, str]:
    """Names of an item, a derived fact, an attribute or a grade; a crossed line by the names of both its items."""
    said = []
    for part in name.split(" × "):
        try:
            found = facts()[part]
            said.append((found.zh, found.en))
        except (KeyError, DataFileError):
            words = [labels(language).word("watch_subject", part) for language in ("zh", "en")]
            said.append((words[0], words[1]))
    return {"id": name, "zh": " × ".join(zh for zh, _ in said), "en": " × ".join(en for _, en in said)}


def _alert(alert: Alert) -> dict[str, Any]:
    rule = alert.rule
    return {
        "metric": rule.metric,
        "zh": rule.zh,
        "en": rule.en,
        "severity": alert.light,
        "value": alert.value,
        "threshold": alert.threshold,
        "worse": rule.worse,
        "subject": _named(alert.subject) if alert.subject else None,
        "against": alert.against or None,
        "do": {"zh": rule.do_zh, "en": rule.do_en},
        "basis": rule.basis,
    }


def _drift(drift: Drift, rules: WatchRules) -> dict[str, Any]:
    return {
        "against": drift.against,
        "population": drift.population,
        "firms": drift.firms,
        "score": None if drift.score is None else _score(drift.score, rules),
        "items": [_item(item, rules) for item in sorted(drift.items, key=lambda item: -item.csi)],
    }


def _score(score: ScoreDrift, rules: WatchRules) -> dict[str, Any]:
    return {
        "psi": score.psi,
        "chance": score.chance,
        "light": rules.alerts["score_psi"].light(score.psi, score.chance),
        "mean": score.mean,
        "reference_mean": score.reference_mean,
        "bands": [
            {"from": low, "below": high, "expected": expected, "actual": actual}
            for low, high, expected, actual in score.bands
        ],
    }


def _item(item: ItemDrift, rules: WatchRules) -> dict[str, Any]:
    slots = zip(item.expected, item.actual, item.points, strict=True)
    return {
        **_named(item.name),
        "csi": item.csi,
        "chance": item.chance,
        "light": rules.alerts["item_csi"].light(item.csi, item.chance),
        "points_effect": item.effect,
        "slots": [{"expected": expected, "actual": actual, "points": points} for expected, actual, points in slots],
    }


def _outcomes(watch: Watch) -> dict[str, Any]:
    definition = watch.definition
    assert definition is not None
    rule = watch.rules.alerts["calibration"]
    return {
        "definition": {"id": definition.id, "version": definition.version, "zh": definition.zh, "en": definition.en},
        "interval_level": rule.amber,
        "cohorts": [_cohort(cohort) for cohort in watch.cohorts],
    }


def _cohort(cohort: CohortOutcome) -> dict[str, Any]:
    return {
        "as_of": cohort.snapshot.as_of,
        "snapshot_id": cohort.snapshot.id,
        "scored": "served" if cohort.served else "again",
        "in_fit": cohort.in_fit,
        "hindsight_days": cohort.hindsight_days,
        "judged": cohort.judged,
        "months": cohort.months,
        "window_months": cohort.window,
        "complete": cohort.complete,
        "firms": cohort.firms,
        "defaults": cohort.defaults,
        "left_out": cohort.left_out,
        "auc": cohort.auc,
        "challenger_auc": cohort.challenger_auc,
        "calibration_slope": cohort.slope,
        "bands": [_band(band) for band in cohort.bands],
    }


def _band(band: BandOutcome) -> dict[str, Any]:
    return {
        "grade": band.band,
        "firms": band.firms,
        "defaults": band.defaults,
        "mean_pd": band.mean_pd,
        "observed": band.observed,
        "low": band.low,
        "high": band.high,
        "light": band.light,
        "direction": band.direction,
    }


def _migrations(watch: Watch, earlier: OpenSnapshot) -> dict[str, Any]:
    rule = watch.rules.alerts["downgrades"]
    return {
        "from": {"as_of": earlier.as_of, "snapshot_id": earlier.id},
        "by": [{**_named(name), **_migration(each), "light": rule.light(each.downgrade_share)}
               for name, each in watch.migrations.items()],
    }  # fmt: skip


def _migration(migration: Migration) -> dict[str, Any]:
    """Rows and columns are the grades, then ``null``: no grade."""
    return {
        "grades": [*migration.grades, None],
        "counts": migration.counts.tolist(),
        "shares": migration.shares,
        "new": migration.new.tolist(),
        "gone": migration.gone.tolist(),
        "graded_twice": migration.graded_twice,
        "upgrades": migration.upgrades,
        "downgrades": migration.downgrades,
        "downgrade_share": migration.downgrade_share,
    }


def _parity(attribute: str, parity: Parity, rules: WatchRules) -> dict[str, Any]:
    return {
        **_named(attribute),
        "approved_grade": rules.approve,
        "least_firms": rules.least_firms,
        "ratios": [
            {"measure": measure, "ratio": ratio, "light": rules.alerts[measure].light(ratio)}
            for measure, ratio in parity.ratios.items()
        ],
        "groups": [_group(attribute, group) for group in parity.groups],
    }


def _group(attribute: str, group: Group) -> dict[str, Any]:
    sections = industries().sections
    if attribute == "industry_section" and group.name in sections:
        names = {"zh": sections[group.name].zh, "en": sections[group.name].en}
    else:
        word = "size" if attribute == "size_class" else "code"
        names = {language: labels(language).word(word, group.name) for language in ("zh", "en")}
    return {
        "group": group.name,
        **names,
        "firms": group.firms,
        "assessed": group.assessed,
        "approved": group.rates["approved"],
        "matched": group.rates["matched"],
        "mean_points": group.mean_points,
        "mean_pd": group.mean_pd,
    }


def _challenger(comparison: Comparison, rules: WatchRules) -> dict[str, Any]:
    lights: dict[str, Light | None] = {
        "rank_light": rules.alerts["challenger_rank"].light(comparison.rank_correlation),
        "grades_light": rules.alerts["challenger_grades"].light(comparison.grade_differs),
    }
    return {
        "firms": comparison.firms,
        "rank_correlation": comparison.rank_correlation,
        "grade_differs": comparison.grade_differs,
        **lights,
        "mean_pd": {"champion": comparison.champion_mean, "challenger": comparison.challenger_mean},
        "quantiles": [
            {"at": at, "champion": one, "challenger": other}
            for at, one, other in zip(QUANTILES, comparison.champion, comparison.challenger, strict=True)
        ],
        "grades": list(pd_scale().grades),
        "counts": comparison.grades.tolist(),
    }
