"""What somebody must look at: everything watched of a model against the thresholds of ``seed/models/alerts.yaml``."""

from __future__ import annotations

from collections.abc import Iterator

from scoring.monitoring.alert_rules import Alert, Light
from service.usecases.watch_model import CohortOutcome, Drift, Watch

_ORDER = (Light.RED, Light.AMBER)


def alerts_of(watch: Watch) -> tuple[Alert, ...]:
    """Red ones first; in the order of the report within a colour."""
    found = [*_drift(watch), *_outcomes(watch), *_migration(watch), *_parity(watch), *_challenger(watch)]
    return tuple(sorted(found, key=lambda alert: _ORDER.index(alert.light)))


def worst(alerts: tuple[Alert, ...]) -> Light:
    """The light of the whole model."""
    return alerts[0].light if alerts else Light.GREEN


def _asked(
    watch: Watch, metric: str, value: float | None, subject: str, against: str, chance: float = 0.0
) -> Iterator[Alert]:
    rule = watch.rules.alerts[metric]
    light = rule.light(value, chance)
    if value is not None and light is not None and light is not Light.GREEN:
        yield Alert(rule, light, value, rule.threshold(light), subject, against)


def _drift(watch: Watch) -> Iterator[Alert]:
    for drift in watch.drifts:
        if drift.score is not None:
            yield from _asked(watch, "score_psi", drift.score.psi, "", drift.against, drift.score.chance)
        yield from _items(watch, drift)


def _items(watch: Watch, drift: Drift) -> Iterator[Alert]:
    for item in drift.items:
        yield from _asked(watch, "item_csi", item.csi, item.name, drift.against, item.chance)
        if item.csi > item.chance:
            yield from _asked(watch, "item_effect", abs(item.effect), item.name, drift.against)


def _outcomes(watch: Watch) -> Iterator[Alert]:
    for cohort in watch.cohorts:
        if cohort.judged:
            yield from _cohort(watch, cohort)


def _cohort(watch: Watch, cohort: CohortOutcome) -> Iterator[Alert]:
    day, rule = cohort.snapshot.as_of.isoformat(), watch.rules.alerts["calibration"]
    for band in cohort.bands:
        if band.light in _ORDER and band.observed is not None and band.mean_pd is not None:
            yield Alert(rule, band.light, band.observed, band.mean_pd, band.band or "", day)
    yield from _asked(watch, "auc", cohort.auc, "", day)
    if cohort.auc is not None and cohort.challenger_auc is not None:
        yield from _asked(watch, "challenger_auc_lead", cohort.challenger_auc - cohort.auc, "", day)


def _migration(watch: Watch) -> Iterator[Alert]:
    against = "" if watch.earlier is None else watch.earlier.id
    for name, migration in watch.migrations.items():
        yield from _asked(watch, "downgrades", migration.downgrade_share, name, against)


def _parity(watch: Watch) -> Iterator[Alert]:
    for attribute, parity in watch.parities.items():
        for measure, ratio in parity.ratios.items():
            yield from _asked(watch, measure, ratio, attribute, "")


def _challenger(watch: Watch) -> Iterator[Alert]:
    if watch.comparison is not None:
        yield from _asked(watch, "challenger_rank", watch.comparison.rank_correlation, "", "")
        yield from _asked(watch, "challenger_grades", watch.comparison.grade_differs, "", "")
