"""Stated rules against real decisions: what a product does not say and yet decides by.

Looked at are only firms that met every stated condition when they were sent. Two simple tests, with their numbers:

* a *reason* that speaks of facts the product states no condition over, and is given to more than a tolerated share of
  decisions (exact binomial, one-sided);
* a *level* of a factor the product states nothing about (a size class, a section, a grade) whose firms are declined
  more often than the others (Fisher's exact test, one-sided).

The chance of a false alarm is divided by the number of tests of the product, so that it holds for all of them together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import binomtest, fisher_exact
from scipy.stats.contingency import odds_ratio

from matching.applications.conversion import Cell
from matching.applications.rules import DeclineReason, HiddenTest

#: Factors looked at, and the facts that a stated condition over them would name.
FACTORS: Mapping[str, tuple[str, ...]] = {
    "size_class": ("size_class", "sole_proprietor"),
    "section": ("industry_section", "industry_code", "prepaid_industry"),
    "grade": ("grade", "score"),
}


@dataclass(frozen=True)
class Decision:
    """One decision about a firm that met every stated condition; ``reason`` is empty for an approval."""

    cell: Cell
    reason: str


@dataclass(frozen=True)
class HiddenCriterion:
    """One test of one product. ``kind``: reason or level; ``name``: the reason, or ``factor`` and its level.

    ``declined`` of ``n`` decisions have the reason (or, of the level, were declined); ``others_declined`` of
    ``others`` for the rest. ``low`` and ``high`` bound the share (reason) or the odds ratio (level), at 1 − ``error``.
    """

    kind: str
    factor: str
    name: str
    n: int
    declined: int
    others: int
    others_declined: int
    p_value: float
    low: float
    high: float
    error: float
    flagged: bool


def hidden_criteria(
    decisions: Sequence[Decision],
    stated: Collection[str],
    reasons: Mapping[str, DeclineReason],
    test: HiddenTest,
) -> tuple[HiddenCriterion, ...]:
    """Every test of one product, flagged ones first; none where there are fewer decisions than the least.

    ``stated``: the facts its published conditions and limits are over.
    """
    if len(decisions) < test.least_decisions:
        return ()
    given = Counter(each.reason for each in decisions if each.reason)
    # A reason that speaks of no fact of the firm (a quota used up) is no criterion.
    unstated = [name for name in sorted(given) if (facts := reasons[name].facts) and not _says(stated, facts)]
    levels = [
        (factor, level)
        for factor, facts in FACTORS.items()
        if not _says(stated, facts)
        for level in sorted({str(getattr(each.cell, factor)) for each in decisions} - {""})
    ]
    error = float(test.error) / max(len(unstated) + len(levels), 1)
    found = [_reason(name, given[name], len(decisions), float(test.tolerated), error) for name in unstated]
    found += [each for factor, level in levels for each in _level(decisions, factor, level, error)]
    return tuple(sorted(found, key=lambda each: (not each.flagged, each.p_value, each.kind, each.name)))


def _says(stated: Collection[str], facts: Iterable[str]) -> bool:
    return any(fact in stated for fact in facts)


def _reason(name: str, times: int, n: int, tolerated: float, error: float) -> HiddenCriterion:
    found = binomtest(times, n, tolerated, alternative="greater")
    bounds = binomtest(times, n).proportion_ci(1 - error, method="exact")
    flagged = bool(found.pvalue < error)
    return HiddenCriterion(
        "reason", "", name, n, times, 0, 0, float(found.pvalue), float(bounds.low), float(bounds.high), error, flagged
    )


def _level(decisions: Sequence[Decision], factor: str, level: str, error: float) -> Iterable[HiddenCriterion]:
    inside = [each for each in decisions if getattr(each.cell, factor) == level]
    outside = len(decisions) - len(inside)
    if not inside or not outside:
        return
    declined = sum(1 for each in inside if each.reason)
    others = sum(1 for each in decisions if each.reason) - declined
    table = [[declined, len(inside) - declined], [others, outside - others]]
    p_value = float(fisher_exact(table, alternative="greater")[1])
    bounds = odds_ratio(table).confidence_interval(1 - error)
    yield HiddenCriterion(
        *("level", factor, level, len(inside), declined, outside, others),
        *(p_value, float(bounds.low), float(bounds.high), error, p_value < error),
    )
