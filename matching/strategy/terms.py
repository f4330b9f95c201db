"""What the lender sets: budget, caps, range of rates, loss and cost of money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from matching.strategy.churn import ChurnTable
from models.errors import RefusedInput

Floats = NDArray[np.float64]


class Counts(StrEnum):
    """What uses up the budget and the group caps: every yuan granted, or the yuan expected to be drawn.

    Granted: the money is there even if every firm accepts. Drawn: the lender grants more than the budget and relies on
    the churn table for those who leave.
    """

    GRANTED = "granted"
    DRAWN = "drawn"


@dataclass(frozen=True)
class Terms:
    """Amounts in whole yuan, rates as fractions per year, term one year.

    ``least``/``most``: a firm gets nothing, or an amount between the two. ``rate_step``: rates are offered in whole
    steps from ``rate_low``. ``loss_given_default``: share of the principal lost, with the year's interest, when a firm
    defaults. ``funding_cost``: what each drawn yuan costs the lender a year. ``group_most``: by group the largest sum.
    ``loss_most``: largest expected loss of principal. ``firms_most``: most firms.
    """

    budget: int
    least: int
    most: int
    rate_low: float
    rate_high: float
    rate_step: float = 0.0005
    loss_given_default: float = 1.0
    funding_cost: float = 0.0
    counts: Counts = Counts.GRANTED
    group_most: Mapping[str, int] = field(default_factory=dict)
    loss_most: int | None = None
    firms_most: int | None = None

    def __post_init__(self) -> None:
        if self.budget < 0:
            raise _refused("budget", self.budget, "A budget is not below zero.")
        if not 0 <= self.least <= self.most or self.most == 0:
            raise _refused("least", self.least, f"From 0 to the largest amount, {self.most}.")
        if not 0 <= self.rate_low <= self.rate_high <= 1:
            raise _refused("rate_low", self.rate_low, "Rates are fractions per year, the lower one first.")
        if not 0.00001 <= self.rate_step <= 1:
            raise _refused("rate_step", self.rate_step, "A step from 0.00001 (a tenth of a basis point) to 1.")
        for name in ("loss_given_default", "funding_cost"):
            if not 0 <= getattr(self, name) <= 1:
                raise _refused(name, getattr(self, name), "A fraction from 0 to 1.")
        for name, limit in (("loss_most", self.loss_most), ("firms_most", self.firms_most), *self.group_most.items()):
            if limit is not None and limit < 0:
                raise _refused(name, limit, "A cap is not below zero.")

    def rates(self, churn: ChurnTable) -> Floats:
        """The rates that may be offered: steps from the lower to the upper end, both included.

        ``RefusedInput`` where the range leaves the churn table, because nobody knows who leaves there.
        """
        if self.rate_low < churn.rates[0] - 1e-12 or self.rate_high > churn.rates[-1] + 1e-12:
            raise _refused(
                "rate_low" if self.rate_low < churn.rates[0] else "rate_high",
                (self.rate_low, self.rate_high),
                f"The churn table reaches from {churn.rates[0]:g} to {churn.rates[-1]:g}.",
            )
        steps = int((self.rate_high - self.rate_low) / self.rate_step + 1e-9)
        offered = np.round(self.rate_low + self.rate_step * np.arange(steps + 1), 12)
        return np.unique(np.append(offered, self.rate_high))


def _refused(name: str, value: object, rule: str) -> RefusedInput:
    return RefusedInput("bad_terms", name, value, rule, "Correct the terms.")
