"""The all-in annual rate: what money really costs the firm, from its own dated cash flows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from matching.loans import Loan, Payment

_RATE_STEP = Decimal("0.000001")
#: Continuous rates beyond this are no price of money: e^10 is a factor of 22,000 a year.
_FURTHEST = 10


@dataclass(frozen=True)
class Flow:
    """Money on one day as the firm sees it: received above zero, paid below."""

    on: date
    yuan: Decimal


@dataclass(frozen=True)
class AllInRate:
    """The all-in cost of money as a fraction per year, to six decimals.

    ``effective``: compound yearly rate, days over 365 (what spreadsheets call XIRR); compares any two offers.
    ``nominal``: the same cost as a rate charged monthly; compares with the rate written in a contract.
    """

    effective: Decimal
    nominal: Decimal


def loan_flows(loan: Loan, payments: Iterable[Payment]) -> tuple[Flow, ...]:
    """The drawdown and every payment; fees and subsidies are further flows the caller adds."""
    return (Flow(loan.drawn_on, loan.principal), *(Flow(payment.due_on, -payment.total) for payment in payments))


def all_in_rate(flows: Iterable[Flow]) -> AllInRate | None:
    """The rate at which ``flows`` are worth nothing on their first day; ``None`` where no such rate exists.

    No rate exists when the firm pays without ever receiving, receives without ever paying, or the fees taken
    on the first day leave nothing of the loan.
    """
    return _rate_of(tuple(flows))


@lru_cache(maxsize=512)
def _rate_of(flows: tuple[Flow, ...]) -> AllInRate | None:
    dated = sorted(flows, key=lambda flow: flow.on)
    if not dated:
        return None
    start = dated[0].on
    years = [(flow.on - start).days / 365 for flow in dated]
    yuan = [float(flow.yuan) for flow in dated]
    force = _root(years, yuan)
    if force is None:
        return None
    return AllInRate(_stated(math.expm1(force)), _stated(12 * math.expm1(force / 12)))


def _stated(rate: float) -> Decimal:
    return Decimal(rate).quantize(_RATE_STEP, rounding=ROUND_HALF_EVEN) + 0


def _root(years: list[float], yuan: list[float]) -> float | None:
    """The continuous rate a year, nearest to zero, that makes the flows worth nothing."""
    bracket = _bracket(years, yuan)
    if bracket is None:
        return None
    low, high = bracket
    guess = (low + high) / 2
    # Newton, kept between the two ends by bisection.
    for _ in range(200):
        worth, slope = _worth(guess, years, yuan)
        low, high = (guess, high) if worth < 0 else (low, guess)
        newton = guess - worth / slope if slope else low - 1
        following = newton if low < newton < high else (low + high) / 2
        if abs(following - guess) < 1e-13:
            break
        guess = following
    return guess


def _bracket(years: list[float], yuan: list[float]) -> tuple[float, float] | None:
    """Two rates between which the worth turns from below zero to above; ``None`` if there are none.

    A loan that costs something is worth less than nothing at rate zero and more at a high one. Searching outward
    from zero finds the rate people mean even where a deposit coming back at the end gives the flows a second one.
    """
    outward = 1 if math.fsum(yuan) < 0 else -1
    near, far = 0.0, 0.05 * outward
    while abs(far) < _FURTHEST:
        if (_worth(far, years, yuan)[0] > 0) == (outward > 0):
            return (near, far) if outward > 0 else (far, near)
        near, far = far, far * 2
    return None


def _worth(force: float, years: list[float], yuan: list[float]) -> tuple[float, float]:
    """Present value at a continuous rate, and its slope."""
    parts = [amount * math.exp(-force * time) for amount, time in zip(yuan, years, strict=True)]
    return math.fsum(parts), -math.fsum(part * time for part, time in zip(parts, years, strict=True))
