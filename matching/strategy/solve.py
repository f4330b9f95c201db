"""The best plan: a linear programme for the bound and the prices, a mixed-integer one for the plan itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, hstack, vstack

from matching.strategy.applicants import Applicants
from matching.strategy.churn import ChurnTable
from matching.strategy.menu import Menu, menu
from matching.strategy.plan import Plan, Valued, Why, value
from matching.strategy.terms import Terms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Offers of a firm that enter the integer problem: those nearest to paying at the prices of the linear one.
_OFFERS_KEPT = 4
#: Relative gap at which the integer search stops.
_GAP = 1e-7
_SECONDS = 30.0


@dataclass(frozen=True)
class Solved:
    """The best plan found and how good it can be.

    ``bound``: no plan brings more (yuan; linear relaxation: a firm may get less than ``least`` and two rates). ``gap``:
    (bound - profit) / bound. ``used`` and ``shadow`` by constraint name: yuan or firms used, and what one more unit
    would bring at the margin (``most``: one more yuan for every firm). ``why``: for each firm, why it is offered
    nothing.
    """

    plan: Plan
    valued: Valued
    bound: float
    gap: float
    limits: Mapping[str, float]
    used: Mapping[str, float]
    shadow: Mapping[str, float]
    why: tuple[Why, ...]


def solve(firms: Applicants, churn: ChurnTable, terms: Terms) -> Solved:
    """The plan of the best expected profit under the terms.

    Amounts are whole yuan, rounded down, so that no cap is exceeded by rounding. Exact up to ``_GAP`` where granted
    yuan are scarce; with drawn yuan or a loss cap the integer search sees each firm's few best rates, and ``gap`` says
    how far from the bound the plan can be. ``RefusedInput`` for a rate range outside the churn table.
    """
    offers = menu(firms, churn, terms)
    limits = _limits(firms, terms)
    table = _rows(offers, firms, terms)
    if offers.firm.size == 0:
        return _nothing(firms, churn, terms, limits)
    bound, shadow, reduced = _relaxed(offers, table, limits, terms)
    few = offers.take(_nearest(offers, reduced))
    plan = _whole(few, _rows(few, firms, terms), limits, terms)
    valued = value(plan, firms, churn, terms)
    found = np.zeros(offers.firm.size)
    place = {(int(row), float(rate)): at for at, (row, rate) in enumerate(zip(offers.firm, offers.rate, strict=True))}
    for row in np.flatnonzero(plan.offered):
        found[place[int(row), float(plan.rate[row])]] = plan.amount[row]
    return Solved(
        plan=plan,
        valued=valued,
        bound=bound,
        gap=max(0.0, (bound - valued.profit) / bound) if bound > 0 else 0.0,
        limits=limits,
        used={**dict(zip(limits, (table @ found).tolist(), strict=True)), **_headcount(terms, valued.firms)},
        shadow=shadow,
        why=_why(firms, churn, offers, plan),
    )


def _limits(firms: Applicants, terms: Terms) -> dict[str, float]:
    """The coupling constraints by name and their right sides, in the order of :func:`_rows`."""
    made: dict[str, float] = {"budget": float(terms.budget)}
    made |= {f"group:{group}": float(most) for group, most in terms.group_most.items()}
    if terms.loss_most is not None:
        made["loss_most"] = float(terms.loss_most)
    if terms.firms_most is not None:
        made["firms_most"] = float(terms.firms_most)
    return made


def _rows(offers: Menu, firms: Applicants, terms: Terms) -> csr_array:
    """Use of each coupling constraint by a yuan of each offer, shape (constraints, c).

    A yuan takes 1 / ``most`` of a place in the head count: the least the integer problem can mean.
    """
    groups = np.array(firms.groups, dtype=object)[offers.firm]
    rows = [offers.use, *(offers.use * (groups == group) for group in terms.group_most)]
    if terms.loss_most is not None:
        rows.append(offers.loss)
    if terms.firms_most is not None:
        rows.append(np.full(offers.firm.size, 1.0 / terms.most))
    return csr_array(np.array(rows))


def _relaxed(
    offers: Menu, table: csr_array, limits: Mapping[str, float], terms: Terms
) -> tuple[float, dict[str, float], Floats]:
    """Bound in yuan, price of each coupling constraint, and what each offer brings above all it uses (c,)."""
    within = csr_array((np.ones(offers.firm.size), (offers.firm, np.arange(offers.firm.size))))
    found = linprog(
        -offers.profit,
        A_ub=vstack([table, within], format="csr"),
        b_ub=np.concatenate([list(limits.values()), np.full(within.shape[0], float(terms.most))]),
        bounds=(0, None),
        method="highs",
    )
    if not found.success:
        raise RuntimeError(f"the linear programme stopped: {found.message}")
    duals = -found.ineqlin.marginals
    coupling, own = duals[: len(limits)], duals[len(limits) :]
    reduced = offers.profit - table.T @ coupling - own[offers.firm]
    shadow = {name: max(0.0, float(dual)) for name, dual in zip(limits, coupling, strict=True)}
    return -float(found.fun), {**shadow, "most": float(own.sum())}, reduced


def _nearest(offers: Menu, reduced: Floats) -> Ints:
    """Places of each firm's offers that come nearest to paying, in the menu's order."""
    order = np.lexsort((-reduced, offers.firm))
    first = np.flatnonzero(np.r_[True, np.diff(offers.firm[order]) > 0])
    rank = np.arange(order.size) - np.repeat(first, np.diff(np.r_[first, order.size]))
    return np.sort(order[rank < _OFFERS_KEPT])


def _whole(offers: Menu, table: csr_array, limits: Mapping[str, float], terms: Terms) -> Plan:
    """The integer plan: amounts (c,) in units of ``most`` beside a yes or no (c,) for each offer."""
    count, unit = offers.firm.size, float(terms.most)
    eye = csr_array((np.ones(count), (np.arange(count), np.arange(count))))
    one = csr_array((np.ones(count), (offers.firm, np.arange(count))), shape=(offers.n, count))
    coupling = hstack([table * unit, csr_array(table.shape)], format="lil")
    right = np.array(list(limits.values()))
    if terms.firms_most is not None:
        coupling[-1, :] = np.concatenate([np.zeros(count), np.ones(count)])
    # A yuan is the unit people read; scaled by it, the solver's tolerance would be coarser than a small loan.
    scale = np.maximum(right, 1.0)
    found = milp(
        np.concatenate([-offers.profit, np.zeros(count)]),
        integrality=np.repeat([0, 1], count),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(csr_array(coupling.multiply(1.0 / scale[:, None])), -np.inf, right / scale),
            LinearConstraint(hstack([eye, -eye], format="csr"), -np.inf, 0.0),
            LinearConstraint(hstack([eye, eye * (-terms.least / unit)], format="csr"), 0.0, np.inf),
            LinearConstraint(hstack([csr_array(one.shape), one], format="csr"), -np.inf, 1.0),
        ],
        options={"mip_rel_gap": _GAP, "time_limit": _SECONDS},
    )
    if found.x is None:
        raise RuntimeError(f"the integer programme stopped: {found.message}")
    amount, rate = np.zeros(offers.n, np.int64), np.full(offers.n, np.nan)
    # Rounding to a thousandth of a yuan first undoes the solver's tolerance, so that 1,000,000 stays 1,000,000.
    taken = np.clip(np.floor(np.round(found.x[:count] * unit, 3)).astype(np.int64), terms.least, terms.most)
    taken[found.x[count:] < 0.5] = 0
    _trim(taken, offers, table, right, terms)
    for place in np.flatnonzero(taken):
        amount[offers.firm[place]] = taken[place]
        rate[offers.firm[place]] = offers.rate[place]
    return Plan(amount, rate)


def _trim(taken: Ints, offers: Menu, table: csr_array, right: Floats, terms: Terms) -> None:
    """Take back, in place, the few yuan by which the solver's tolerance (1e-7 of a limit) can pass a limit."""
    use = table.toarray()
    for limit, most in enumerate(right if terms.firms_most is None else right[:-1]):
        for place in np.argsort(offers.profit, kind="stable"):
            over = float(use[limit] @ taken) - most
            if over <= 0.0:
                break
            if taken[place] and use[limit, place] > 0.0:
                less = taken[place] - int(np.ceil(over / use[limit, place]))
                taken[place] = less if less >= terms.least else 0


def _headcount(terms: Terms, firms: int) -> dict[str, float]:
    return {} if terms.firms_most is None else {"firms_most": float(firms)}


def _why(firms: Applicants, churn: ChurnTable, offers: Menu, plan: Plan) -> tuple[Why, ...]:
    pays = np.zeros(len(firms), np.bool_)
    pays[offers.firm] = True

    def reason(row: int) -> Why:
        if plan.amount[row]:
            return "offered"
        if np.isnan(firms.pd[row]):
            return "pd_unknown"
        if firms.grades[row] not in churn.leave:
            return "grade_not_lent"
        return "beyond_limits" if pays[row] else "no_rate_pays"

    return tuple(reason(row) for row in range(len(firms)))


def _nothing(firms: Applicants, churn: ChurnTable, terms: Terms, limits: Mapping[str, float]) -> Solved:
    """No offer to anyone brings a profit."""
    plan = Plan(np.zeros(len(firms), np.int64), np.full(len(firms), np.nan))
    empty = menu(firms, churn, terms)
    none = dict.fromkeys(limits, 0.0)
    return Solved(plan, value(plan, firms, churn, terms), 0.0, 0.0, limits, none, none, _why(firms, churn, empty, plan))
