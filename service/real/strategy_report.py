"""What the credit strategy over the real firms found, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.strategy import Price, Solved, Terms, Valued

Floats = NDArray[np.float64]
#: The publisher's grades, best first.
GRADES = ("A", "B", "C", "D")


@dataclass(frozen=True)
class Bands:
    """Grades from probabilities: ``below`` are the limits of A, B and C, set so that the shares of the firms with a
    credit record are the publisher's. ``agrees`` and ``within_one``: shares of these firms whose grade is the
    publisher's, or next to it.
    """

    below: tuple[float, float, float]
    agrees: float
    within_one: float

    def grades(self, chance: Floats) -> tuple[str, ...]:
        """The grade of each probability; that of an unknown one is empty."""
        places = np.searchsorted(np.array(self.below), chance, side="right")
        return tuple("" if np.isnan(one) else GRADES[place] for one, place in zip(chance, places.tolist(), strict=True))


@dataclass(frozen=True)
class GradeRow:
    """What the plan does with the firms of one grade; rates are means over granted yuan."""

    grade: str
    firms: int
    offered: int
    granted: int
    rate_low: float | None
    rate_mean: float | None
    rate_high: float | None
    pd_mean: float | None
    profit: float


@dataclass(frozen=True)
class AtBudget:
    """The best plan at a budget and the two baselines, in yuan; ``marginal`` is what one more yuan of budget brings.

    ``profit`` figures are expected. ``known`` ones put the recorded outcomes in the place of probabilities: the plan,
    equal split and rating order; ``None`` where no outcome is recorded.
    """

    budget: int
    firms: int
    granted: int
    profit: float
    marginal: float
    gap: float
    equal_split: float
    rating_order: float
    known: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Changed:
    """One thing changed: the best profit then, what the plan of the base case would bring then, and the difference."""

    change: str
    value: float | str
    best: float
    base_plan: float
    regret: float


@dataclass(frozen=True)
class IndustryRow:
    """Firms of a grade that is lent to, their mean probability and the yuan granted, before and after the shock."""

    industry: str
    fall: float
    firms: int
    pd_before: float
    pd_after: float
    granted_before: int
    granted_after: int


@dataclass(frozen=True)
class Shock:
    """Mean probability of the firms lent to, before and after; expected profit of the base plan before and under the
    shock (``old_plan``), and the best plan under it."""

    zh: str
    en: str
    pd_before: float
    pd_after: float
    before: float
    old_plan: float
    best: Valued
    by_industry: tuple[IndustryRow, ...]


@dataclass(frozen=True)
class StrategyReport:
    """Question 2 is the base case. ``offers``: firm, grade, amount, rate, probability of every firm that gets one."""

    terms: Terms
    bands: Bands
    best: Solved
    reasons: Mapping[str, int]
    grades: tuple[GradeRow, ...]
    prices: tuple[Price, ...]
    budgets: tuple[AtBudget, ...]
    changes: tuple[Changed, ...]
    shock: Shock
    rated: tuple[AtBudget, ...]
    unrated: tuple[AtBudget, ...]
    offers: tuple[tuple[str, str, int, float, float], ...]
