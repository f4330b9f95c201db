"""What each constraint costs: the best profit without it, less the best profit with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from matching.strategy.applicants import Applicants
from matching.strategy.churn import ChurnTable
from matching.strategy.solve import Solved, solve
from matching.strategy.terms import Terms


@dataclass(frozen=True)
class Price:
    """``constraint`` is a field of the terms or ``group:<name>``. ``shadow``: profit of one more unit at the margin, in
    yuan, ``None`` where the linear relaxation does not hold the constraint. ``without``: best profit when it is dropped
    alone, ``None`` where that is undefined; ``price`` = ``without`` - profit.
    """

    constraint: str
    limit: float
    used: float | None
    shadow: float | None
    without: float | None
    price: float | None


def prices(firms: Applicants, churn: ChurnTable, terms: Terms, best: Solved) -> tuple[Price, ...]:
    """The price of every constraint of the terms. ``best`` is their solution.

    Without the budget there is money for every firm; without the largest amount one firm may take it all; without an
    end of the rate range, rates reach to the end of the churn table (undefined where they do already).
    """
    made = []
    for name, limit, loosened in _loosened(firms, churn, terms):
        without = None if loosened is None else solve(firms, churn, loosened).valued.profit
        # A solution with the constraint is one without it: what falls short is the solver's tolerance.
        without = None if without is None else max(without, best.valued.profit)
        price = None if without is None else without - best.valued.profit
        made.append(Price(name, limit, best.used.get(name), best.shadow.get(name), without, price))
    return tuple(made)


def _loosened(firms: Applicants, churn: ChurnTable, terms: Terms) -> Iterator[tuple[str, float, Terms | None]]:
    """Name, limit and the terms without it."""
    yield "budget", terms.budget, replace(terms, budget=terms.most * max(len(firms), 1))
    yield "least", terms.least, replace(terms, least=0)
    yield "most", terms.most, replace(terms, most=max(terms.most, terms.budget))
    low, high = float(churn.rates[0]), float(churn.rates[-1])
    yield "rate_low", terms.rate_low, replace(terms, rate_low=low) if terms.rate_low > low else None
    yield "rate_high", terms.rate_high, replace(terms, rate_high=high) if terms.rate_high < high else None
    for group, most in terms.group_most.items():
        others = {name: limit for name, limit in terms.group_most.items() if name != group}
        yield f"group:{group}", most, replace(terms, group_most=others)
    if terms.loss_most is not None:
        yield "loss_most", terms.loss_most, replace(terms, loss_most=None)
    if terms.firms_most is not None:
        yield "firms_most", terms.firms_most, replace(terms, firms_most=None)
