"""What ``rongqiao real`` found out, as plain data. ``service/real/tables.py`` sets it in tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from scoring.metrics import Discrimination
from service.real.strategy_report import StrategyReport


@dataclass(frozen=True)
class Landed:
    """One published file on its way into the lake, in rows; ``seconds`` are those of the ingest alone."""

    source: str
    read: int
    before_start: int
    delivered: int
    padded: int
    trimmed: int
    voided_later: int
    status: str
    landed: int
    unchanged: int
    rejected: int
    reasons: Mapping[str, int]
    seconds: float


@dataclass(frozen=True)
class Separation:
    """How a figure separates defaulted from other firms. ``known`` firms have it; without both classes, no figure.

    ``risk_when`` says which end was taken as risky before looking: ``low`` or ``high``.
    """

    figure: str
    risk_when: str
    known: int
    known_bad: int
    found: Discrimination | None


@dataclass(frozen=True)
class AsOf:
    """The evaluation as of one day. ``later_good``/``later_bad``: firms with a credit record that invoice after it."""

    as_of: date
    snapshot_id: str
    later_good: int
    later_bad: int
    score: Separation
    figures: tuple[Separation, ...]


@dataclass(frozen=True)
class ItemKnown:
    item: str
    code: str
    zh: str
    en: str
    firms: int


@dataclass(frozen=True)
class RuleCount:
    """How many firms meet a product's conditions, may meet them once something unknown is settled, or miss them."""

    rule: str
    zh: str
    en: str
    met: int
    unknown: int
    unmet: int


@dataclass(frozen=True)
class OpenFact:
    """A fact that is unknown for every firm, and how many of the products ask for it."""

    fact: str
    zh: str
    en: str
    products: int


@dataclass(frozen=True)
class Stage:
    """Seconds of one stage and the rows it worked through; 0 when an earlier run had, or when it counts no rows."""

    name: str
    seconds: float
    rows: int


@dataclass(frozen=True)
class Scores:
    """The evaluation of all firms at the main day. ``grades`` has ``none`` for firms with too little known.

    ``points`` are the smallest, quartiles and largest score; ``width`` the median of best minus worst possible score.
    """

    scored: int
    points: tuple[float, ...]
    width: float
    coverage: tuple[float, ...]
    grades: Mapping[str, int]
    best_possible: Mapping[str, int]
    worst_possible: Mapping[str, int]


@dataclass(frozen=True)
class RealReport:
    """Everything measured in one run. ``main`` is the day that leaks nothing, one of ``days``. ``strategy`` is ``None``
    where it was not asked for or the churn table is not beside the invoices.

    ``rows`` were ingested in this run (0 when an earlier run had), ``seconds`` are those of all stages.
    """

    firms: int
    firms_with_record: int
    firms_defaulted: int
    items: int
    main: date
    complete_to: date
    files: tuple[Landed, ...]
    days: tuple[AsOf, ...]
    rating: Separation
    known_items: tuple[ItemKnown, ...]
    scores: Scores
    rules: tuple[RuleCount, ...]
    open_facts: tuple[OpenFact, ...]
    strategy: StrategyReport | None
    stages: tuple[Stage, ...]
    rows: int
    seconds: float

    @property
    def main_day(self) -> AsOf:
        return next(day for day in self.days if day.as_of == self.main)

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds if self.seconds else 0.0


def as_data(report: RealReport) -> dict[str, Any]:
    """The report as one JSON-ready value, with the two derived figures a reader looks for first."""
    score = report.main_day.score.found
    return {
        "as_of": report.main,
        "auc": score.auc if score else None,
        "ks": score.ks if score else None,
        "fitted_on_labels": False,
        "flag_dated": False,
        "rows_per_second": round(report.rows_per_second) if report.rows else None,
        "report": report,
    }
