"""Repayment schedules to the fen.

Every amount is Decimal yuan; every rate a fraction per year. Interest of each period is rounded half up to the fen,
the last payment settles what the roundings left, so the principal repaid is the principal lent, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from models.dates import add_months
from models.errors import RefusedInput
from models.money import round_half_up

LONGEST_MONTHS = 480
_ZERO = Decimal(0)


class Repayment(StrEnum):
    """How principal and interest come back."""

    EQUAL_INSTALMENTS = "equal_instalments"
    EQUAL_PRINCIPAL = "equal_principal"
    INTEREST_MONTHLY = "interest_monthly"  # interest every month, the whole principal at the end
    BULLET = "bullet"  # principal and interest in one payment at the end


class DayCount(StrEnum):
    """What part of a year a period is: its days over 360 (or 365), or its months over 12."""

    ACTUAL_360 = "actual_360"
    ACTUAL_365 = "actual_365"
    MONTHLY = "monthly"

    def fraction(self, start: date, end: date, months: int) -> Decimal:
        """Years from ``start`` to ``end``, a period of ``months`` whole months."""
        if self is DayCount.MONTHLY:
            return Decimal(months) / 12
        return Decimal((end - start).days) / (360 if self is DayCount.ACTUAL_360 else 365)


@dataclass(frozen=True)
class Loan:
    """One drawdown on fixed terms. ``RefusedInput`` for terms no loan can have."""

    principal: Decimal
    annual_rate: Decimal
    months: int
    drawn_on: date
    repayment: Repayment = Repayment.EQUAL_INSTALMENTS
    day_count: DayCount = DayCount.ACTUAL_360

    def __post_init__(self) -> None:
        if not (self.principal.is_finite() and self.principal > 0 and self.principal == round_half_up(self.principal)):
            raise RefusedInput(
                "bad_amount",
                "principal",
                self.principal,
                "A principal is above zero, in whole fen.",
                "Give yuan with at most two decimals.",
            )
        if not (self.annual_rate.is_finite() and 0 <= self.annual_rate <= 1):
            raise RefusedInput(
                "bad_rate",
                "annual_rate",
                self.annual_rate,
                "A rate is a fraction from 0 to 1.",
                "Write 4.35 % as 0.0435.",
            )
        if not 1 <= self.months <= LONGEST_MONTHS:
            raise RefusedInput(
                "bad_term",
                "months",
                self.months,
                f"A term is 1 to {LONGEST_MONTHS} months.",
                "Give the term in whole months.",
            )

    def due(self, month: int) -> date:
        """The day the ``month``-th month of the term ends; the drawdown for 0."""
        return month_ends(self.drawn_on, self.months)[month]

    def fraction(self, first: int, last: int) -> Decimal:
        """Years of interest from the end of month ``first`` to the end of month ``last``."""
        return self.day_count.fraction(self.due(first), self.due(last), last - first)

    @property
    def fractions(self) -> tuple[Decimal, ...]:
        """Years of interest of each month of the term, in order."""
        return month_fractions(self.drawn_on, self.months, self.day_count)


@dataclass(frozen=True)
class Payment:
    """What the firm pays on one day, and the principal still owed after it."""

    due_on: date
    principal: Decimal
    interest: Decimal
    balance: Decimal

    @property
    def total(self) -> Decimal:
        return self.principal + self.interest


@lru_cache(maxsize=256)
def month_ends(drawn_on: date, months: int) -> tuple[date, ...]:
    """The days on which the first ``months`` months end, ``drawn_on`` before them."""
    return tuple(add_months(drawn_on, month) for month in range(months + 1))


@lru_cache(maxsize=256)
def month_fractions(drawn_on: date, months: int, day_count: DayCount) -> tuple[Decimal, ...]:
    """What part of a year each of the first ``months`` months is."""
    ends = month_ends(drawn_on, months)
    return tuple(day_count.fraction(start, end, 1) for start, end in pairwise(ends))


@lru_cache(maxsize=1024)
def schedule(loan: Loan) -> tuple[Payment, ...]:
    """Every payment of ``loan`` in order; the principals sum to the loan's principal."""
    match loan.repayment:
        case Repayment.BULLET:
            interest = round_half_up(loan.principal * loan.annual_rate * loan.fraction(0, loan.months))
            return (Payment(loan.due(loan.months), loan.principal, interest, Decimal(0)),)
        case Repayment.INTEREST_MONTHLY:
            instalments = [Decimal(0)] * (loan.months - 1)
        case Repayment.EQUAL_PRINCIPAL:
            instalments = [round_half_up(loan.principal / loan.months)] * (loan.months - 1)
        case Repayment.EQUAL_INSTALMENTS:
            return _equal_instalments(loan)
    payments, balance = [], loan.principal
    for month, principal in enumerate([*instalments, loan.principal], start=1):
        principal = min(principal, balance) if month < loan.months else balance
        payments.append(_payment(loan, month, balance, principal))
        balance -= principal
    return tuple(payments)


def instalment(loan: Loan) -> Decimal:
    """The constant monthly payment whose present value at the loan's own period rates is the principal.

    With months over 12 this is the textbook annuity; with actual days each month discounts by its own days.
    """
    discount, total = Decimal(1), Decimal(0)
    for fraction in loan.fractions:
        discount /= 1 + loan.annual_rate * fraction
        total += discount
    return round_half_up(loan.principal / total)


def _equal_instalments(loan: Loan) -> tuple[Payment, ...]:
    level = instalment(loan)
    payments, balance = [], loan.principal
    for month in range(1, loan.months + 1):
        interest = _interest(loan, month, balance)
        # Tiny loans: a level payment rounded to the fen may cover only the interest, or more than is owed.
        principal = balance if month == loan.months else min(max(level - interest, Decimal(0)), balance)
        balance -= principal
        payments.append(Payment(loan.due(month), principal, interest, balance))
    return tuple(payments)


def _interest(loan: Loan, month: int, balance: Decimal) -> Decimal:
    return round_half_up(balance * loan.annual_rate * loan.fractions[month - 1])


def _payment(loan: Loan, month: int, balance: Decimal, principal: Decimal) -> Payment:
    return Payment(loan.due(month), principal, _interest(loan, month, balance), balance - principal)


def monthly_balances(loan: Loan, payments: Iterable[Payment]) -> tuple[Decimal, ...]:
    """Principal owed during each month of the term, before that month's payment."""
    repaid = {payment.due_on: payment.principal for payment in payments}
    balances, owed = [], loan.principal
    for due_on in month_ends(loan.drawn_on, loan.months)[1:]:
        balances.append(owed)
        owed -= repaid.get(due_on, _ZERO)
    return tuple(balances)


@lru_cache(maxsize=1024)
def scheduled_balances(loan: Loan) -> tuple[Decimal, ...]:
    """Principal owed during each month of a loan that is repaid as agreed."""
    return monthly_balances(loan, schedule(loan))
