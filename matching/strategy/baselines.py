"""Two ways to lend that need no optimiser, to measure the best plan against.

Both offer each grade one rate: the best for the grade's mean probability of default. Neither knows group, loss or
head-count caps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matching.strategy.applicants import Applicants
from matching.strategy.churn import ChurnTable
from matching.strategy.menu import per_yuan
from matching.strategy.plan import Plan
from matching.strategy.terms import Terms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def equal_split(firms: Applicants, churn: ChurnTable, terms: Terms) -> Plan:
    """The same amount for every firm of a grade that is lent to; where that falls below the least amount, the least
    amount for as many as the budget reaches, in the order of the list."""
    rows = np.flatnonzero([grade in churn.leave for grade in firms.grades])
    if not rows.size:
        return _plan(firms, churn, terms, rows, 0)
    share = min(terms.budget // rows.size, terms.most)
    if share < terms.least:
        rows, share = rows[: terms.budget // terms.least], terms.least
    return _plan(firms, churn, terms, rows, share)


def rating_order(firms: Applicants, churn: ChurnTable, terms: Terms) -> Plan:
    """The largest amount from the best grade down, lower probability first within a grade, until the money is gone."""
    place = {grade: at for at, grade in enumerate(churn.grades)}
    rows = [row for row, grade in enumerate(firms.grades) if grade in place]
    # Unknown probabilities come last in their grade.
    rows.sort(key=lambda row: (place[firms.grades[row]], np.nan_to_num(firms.pd[row], nan=2.0), row))
    whole, rest = divmod(terms.budget, terms.most)
    plan = _plan(firms, churn, terms, np.array(rows[:whole], np.int64), terms.most)
    if whole < len(rows) and rest >= max(terms.least, 1):
        last = _plan(firms, churn, terms, np.array(rows[whole : whole + 1], np.int64), rest)
        return Plan(plan.amount + last.amount, np.where(last.offered, last.rate, plan.rate))
    return plan


def _plan(firms: Applicants, churn: ChurnTable, terms: Terms, rows: Ints, each: int) -> Plan:
    by_grade = _rate_by_grade(firms, churn, terms)
    amount, rate = np.zeros(len(firms), np.int64), np.full(len(firms), np.nan)
    if each > 0:
        amount[rows] = each
        rate[rows] = [by_grade[firms.grades[row]] for row in rows]
    return Plan(amount, rate)


def _rate_by_grade(firms: Applicants, churn: ChurnTable, terms: Terms) -> dict[str, float]:
    """The rate with the most profit a granted yuan for the mean probability of each grade."""
    rates = terms.rates(churn)
    grades = np.array(firms.grades, dtype=object)
    made = {}
    for grade in churn.grades:
        inside = firms.pd[(grades == grade) & ~np.isnan(firms.pd)]
        mean = inside.mean(keepdims=True) if inside.size else np.zeros(1)
        profit = churn.stay([grade], rates)[0] * per_yuan(mean, rates, terms)
        made[grade] = float(rates[int(np.argmax(profit))])
    return made
