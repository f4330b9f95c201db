"""What is watched and from where on somebody must look: thresholds as data, lights, alerts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from models.marked import MarkedDict, marked


class Light(StrEnum):
    GREEN = "green"
    AMBER = "amber"
    RED = "red"


class Worse(StrEnum):
    """Which side of a threshold is the bad one. ``OUTSIDE``: of an interval of that level."""

    ABOVE = "above"
    BELOW = "below"
    OUTSIDE = "outside"


#: Every metric has one rule.
METRICS: Mapping[str, Worse] = MappingProxyType(
    {
        "score_psi": Worse.ABOVE,
        "item_csi": Worse.ABOVE,
        "item_effect": Worse.ABOVE,
        "calibration": Worse.OUTSIDE,
        "auc": Worse.BELOW,
        "downgrades": Worse.ABOVE,
        "approved": Worse.BELOW,
        "matched": Worse.BELOW,
        "challenger_rank": Worse.BELOW,
        "challenger_grades": Worse.ABOVE,
        "challenger_auc_lead": Worse.ABOVE,
    }
)
#: What parity is asked of, and the measures it is asked with.
ATTRIBUTES = ("size_class", "district", "industry_section", "ownership")


@dataclass(frozen=True)
class AlertRule:
    """The thresholds of one metric, what it is called and what to do about it."""

    metric: str
    amber: float
    red: float
    zh: str
    en: str
    do_zh: str
    do_en: str
    basis: str

    @property
    def worse(self) -> Worse:
        return METRICS[self.metric]

    def light(self, value: float | None, chance: float = 0.0) -> Light | None:
        """The light of a value; ``None`` for an unknown one. Values that mere chance explains are green."""
        if value is None:
            return None
        if self.worse is Worse.ABOVE:
            beyond = [value > limit and value > chance for limit in (self.amber, self.red)]
        else:
            beyond = [value < limit for limit in (self.amber, self.red)]
        return Light.RED if beyond[1] else Light.AMBER if beyond[0] else Light.GREEN

    def threshold(self, light: Light) -> float:
        """The limit that a value of this light has passed."""
        return self.red if light is Light.RED else self.amber


@dataclass(frozen=True)
class WatchRules:
    """``approve`` is the worst grade of the probability that counts as approved. Groups below ``least_firms`` are not
    assessed; ``gated`` attributes enter the gate of a promotion. ``chance_level``: drift that is below what chance
    reaches with this probability is no drift. A cohort built from records that came more than ``most_hindsight_days``
    after its day is shown and not judged.
    """

    alerts: Mapping[str, AlertRule]
    approve: str
    least_firms: int
    gated: tuple[str, ...]
    chance_level: float
    most_hindsight_days: int


@dataclass(frozen=True)
class Alert:
    """Something to look at. ``subject``: the item, attribute, band or grade it is about, empty for the whole model."""

    rule: AlertRule
    light: Light
    value: float
    threshold: float
    subject: str
    against: str


def parse_watch_rules(document: Mapping[str, Any], grades: tuple[str, ...]) -> WatchRules:
    """``seed/models/alerts.yaml``; ``DataFileError`` for the first fault. ``grades`` are those of the probability."""
    raw = marked(document)  # type: ignore[arg-type]
    for name in ("alerts", "parity", "drift", "outcomes"):
        if name not in raw:
            raise raw.wrong(name, "The file must say this.", f"Add `{name}:`.")
    rules: dict[str, AlertRule] = {}
    for entry in raw["alerts"]:
        rule = _rule(marked(entry))
        if rule.metric in rules:
            raise marked(entry).wrong("metric", "A metric has one rule.", "Remove one.")
        rules[rule.metric] = rule
    missing = [metric for metric in METRICS if metric not in rules]
    if missing:
        raise raw.wrong("alerts", f"No rule for {', '.join(missing)}.", "Add one each.")
    fair, drift, outcomes = marked(raw["parity"]), marked(raw["drift"]), marked(raw["outcomes"])
    if fair.get("approve") not in grades:
        raise fair.wrong("approve", "It names a grade of seed/pd.yaml.", f"One of {', '.join(grades)}.")
    gated = tuple(fair.get("gated") or ())
    if not gated or not set(gated) <= set(ATTRIBUTES):
        raise fair.wrong("gated", "It names attributes that are watched.", f"Some of {', '.join(ATTRIBUTES)}.")
    level = _number(drift, "chance_level")
    if not 0 < level < 1:
        raise drift.wrong("chance_level", "A probability between 0 and 1.", "Write it like 0.99.")
    return WatchRules(
        MappingProxyType(rules),
        fair["approve"],
        _whole(fair, "least_firms"),
        gated,
        level,
        _whole(outcomes, "most_hindsight_days"),
    )


def _rule(raw: MarkedDict) -> AlertRule:
    for name in ("metric", "zh", "en", "do", "basis"):
        if not raw.get(name):
            raise raw.wrong(name, "An alert says metric, zh, en, do and basis.", f"Add {name}.")
    worse = METRICS.get(raw["metric"])
    if worse is None:
        raise raw.wrong("metric", "Nothing of that name is watched.", f"One of {', '.join(METRICS)}.")
    amber, red = _number(raw, "amber"), _number(raw, "red")
    if amber == red or (red < amber) is not (worse is Worse.BELOW):
        raise raw.wrong("red", f"Worse is {worse}: red lies beyond amber.", "Swap or correct them.")
    if worse is Worse.OUTSIDE and not (0 < amber < 1 and 0 < red < 1):
        raise raw.wrong("red", "The level of an interval lies between 0 and 1.", "Write it like 0.99.")
    do = marked(raw["do"])
    if not do.get("zh") or not do.get("en"):
        raise raw.wrong("do", "What to do is said in both languages.", "Give {zh: …, en: …}.")
    return AlertRule(raw["metric"], amber, red, raw["zh"], raw["en"], do["zh"], do["en"], str(raw["basis"]))


def _number(raw: MarkedDict, name: str) -> float:
    try:
        value = float(raw[name])
    except (KeyError, TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise raw.wrong(name, "A number.", "Write it like 0.25.")
    return value


def _whole(raw: MarkedDict, name: str) -> int:
    value = raw.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise raw.wrong(name, "A whole number of at least 1.", "Write it like 30.")
    return value
