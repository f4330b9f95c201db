"""A plan of loans and what it is worth under any probabilities of default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from matching.strategy.applicants import Applicants
from matching.strategy.churn import ChurnTable
from matching.strategy.terms import Terms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Why a firm is offered nothing; ``offered`` where it is.
Why = Literal["offered", "pd_unknown", "grade_not_lent", "no_rate_pays", "beyond_limits"]


@dataclass(frozen=True)
class Plan:
    """``amount`` (n,) whole yuan and ``rate`` (n,), NaN where nothing is offered."""

    amount: Ints
    rate: Floats

    @property
    def offered(self) -> NDArray[np.bool_]:
        return self.amount > 0


@dataclass(frozen=True)
class Valued:
    """Expected figures of a plan in yuan; ``by_firm`` (n,) is each firm's share of ``profit``.

    ``profit`` = ``interest`` - ``loss`` - ``funding``. ``unvalued``: firms with an offer and no known probability,
    whose figures are not in the sums.
    """

    firms: int
    granted: int
    drawn: float
    interest: float
    loss: float
    funding: float
    profit: float
    unvalued: int
    by_firm: Floats


def value(plan: Plan, firms: Applicants, churn: ChurnTable, terms: Terms) -> Valued:
    """What the plan is expected to bring with these firms' probabilities, grades and the churn table.

    With ``pd`` of 0 and 1 it is the profit of known outcomes, averaged over who leaves.
    """
    rows = np.flatnonzero(plan.offered)
    known = rows[~np.isnan(firms.pd[rows])]
    pd, rate, amount = firms.pd[known], plan.rate[known], plan.amount[known].astype(np.float64)
    drawn = amount * np.array([churn.stay([firms.grades[row]], plan.rate[[row]])[0, 0] for row in known])
    interest, loss = drawn * (1.0 - pd) * rate, drawn * pd * terms.loss_given_default
    funding = drawn * terms.funding_cost
    by_firm = np.zeros(len(firms))
    by_firm[known] = interest - loss - funding
    return Valued(
        firms=rows.size,
        granted=int(plan.amount.sum()),
        drawn=float(drawn.sum()),
        interest=float(interest.sum()),
        loss=float(loss.sum()),
        funding=float(funding.sum()),
        profit=float(by_firm.sum()),
        unvalued=rows.size - known.size,
        by_firm=by_firm,
    )
