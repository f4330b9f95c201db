"""What one yuan granted to a firm at a rate brings, uses and loses: the columns of the optimisation.

Profit is linear in the amount, so that a firm is a list of rates, each with three figures for a yuan granted. Where
only granted yuan are scarce the best rate of a firm is the one with the most profit, whatever the budget; where drawn
yuan or losses are scarce, a higher rate that drives clients away can be worth it, and all rates that no other rate
beats in both profit and drawn share stay on the list.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.strategy.applicants import Applicants
from matching.strategy.churn import ChurnTable
from matching.strategy.terms import Counts, Terms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Menu:
    """Columns (c,) of a problem over ``n`` firms, in order of firm, then of rate.

    ``firm`` is the row of the firm; ``profit``, ``use`` (of budget and group caps), ``drawn`` and ``loss`` are yuan per
    yuan granted.
    """

    n: int
    firm: Ints
    rate: Floats
    profit: Floats
    use: Floats
    drawn: Floats
    loss: Floats

    def take(self, kept: NDArray[np.bool_] | Ints) -> Menu:
        """Some of the columns."""
        return Menu(
            n=self.n,
            firm=self.firm[kept],
            rate=self.rate[kept],
            profit=self.profit[kept],
            use=self.use[kept],
            drawn=self.drawn[kept],
            loss=self.loss[kept],
        )


def per_yuan(pd: Floats, rate: Floats, terms: Terms) -> Floats:
    """Expected profit of a yuan that is drawn: interest if repaid, less loss if not, less the cost of the money."""
    made: Floats = (1.0 - pd) * rate - pd * terms.loss_given_default - terms.funding_cost
    return made


def menu(firms: Applicants, churn: ChurnTable, terms: Terms) -> Menu:
    """Every offer worth considering: a known probability, a grade that is lent to, profit above zero, not beaten."""
    rates = terms.rates(churn)
    stay = churn.stay(firms.grades, rates)
    profit = stay * per_yuan(firms.pd[:, None], rates[None, :], terms)
    profit = np.where(np.isnan(profit), -1.0, profit)
    worth = profit > 0.0
    if terms.counts is Counts.GRANTED and terms.loss_most is None:
        worth &= np.arange(rates.size) == np.argmax(profit, axis=1)[:, None]
    else:
        worth &= _unbeaten(profit, stay)
    firm, place = np.nonzero(worth)
    drawn = stay[firm, place]
    return Menu(
        n=len(firms),
        firm=firm,
        rate=rates[place],
        profit=profit[firm, place],
        use=drawn if terms.counts is Counts.DRAWN else np.ones(firm.size),
        drawn=drawn,
        loss=drawn * firms.pd[firm] * terms.loss_given_default,
    )


def _unbeaten(profit: Floats, stay: Floats) -> NDArray[np.bool_]:
    """Offers (n, r) with more profit than every offer of the firm that draws no more."""
    kept = np.zeros(profit.shape, np.bool_)
    order = np.lexsort((-profit, stay), axis=1)
    ranked = np.take_along_axis(profit, order, axis=1)
    before = np.maximum.accumulate(ranked, axis=1)
    better = np.concatenate([np.ones((len(ranked), 1), np.bool_), ranked[:, 1:] > before[:, :-1]], axis=1)
    np.put_along_axis(kept, order, better, axis=1)
    return kept
