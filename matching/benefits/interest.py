"""Interest subsidies: a rate brought down to a share of a parameter, by points, or by a share; one way of paying all.

Whatever the rate of the subsidy, the yuan are reckoned month by month on the principal owed, under one limit, for the
months the text allows. That machinery stands here once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar

from matching.all_in import Flow
from matching.benefits.benefit import ZERO, Asked, Benefit, shown_source, unconfirmed_of
from matching.loans import DayCount, Loan, Repayment, month_ends, month_fractions, scheduled_balances
from matching.steps import Step
from models.dates import month_end
from models.errors import RefusedInput
from models.money import round_down

_HAIR = Decimal("1e-9")


class Payout(StrEnum):
    """When a subsidy reaches the firm: with the month's interest, or at the end of the quarter it was paid in."""

    WITH_INTEREST = "with_interest"
    QUARTER_END = "quarter_end"

    def day(self, month_ends_on: date) -> date:
        if self is Payout.WITH_INTEREST:
            return month_ends_on
        month = month_ends_on.month
        return month_end(month_ends_on.replace(day=1, month=month - month % -3))


class LoanSubsidy(ABC):
    """What every interest subsidy does once its rate is known.

    ``limit_yuan``, if any, is the principal above which nothing is reckoned. ``enjoyed``, if any, is the fact that
    says how much of the limit the firm's other loans have used up; without it the limit is asked of this loan alone.
    """

    kind: ClassVar[str]
    cite: str
    months_at_most: int
    day_count: DayCount
    payout: Payout
    limit_yuan: Decimal | None
    enjoyed: str

    def needed(self) -> tuple[str, ...]:
        """The facts without which there is no subsidy rate."""
        return ("loan_annual_rate",)

    @abstractmethod
    def priced(self, loan_rate: Decimal, asked: Asked) -> Benefit:
        """The subsidy rate with its steps, for a loan whose amount and term may be unknown."""

    def worked_out(self, asked: Asked) -> Benefit:
        """The subsidy on the loan that the facts describe, or on ``asked.loan``, whose schedule is then known."""
        missing, loan_rate = asked.unknown(self.needed()), asked.number("loan_annual_rate")
        if missing or loan_rate is None:
            return Benefit(self.kind, missing=missing)
        if not 0 <= loan_rate <= 1:
            rule = "A rate is a fraction from 0 to 1."
            raise RefusedInput("bad_rate", "loan_annual_rate", loan_rate, rule, "Write 4.35 % as 0.0435.")
        priced, loan = self.priced(loan_rate, asked), asked.loan
        used = ZERO
        if self.limit_yuan is not None and self.enjoyed:
            enjoyed = asked.number(self.enjoyed)
            if enjoyed is None:
                return replace(priced, missing=(self.enjoyed,))
            used = max(enjoyed, ZERO)
        if loan is None:
            amount, months = asked.number("loan_amount_yuan"), asked.months("loan_term_months")
            if amount is None or months is None:
                unknown = asked.unknown(("loan_amount_yuan", "loan_term_months"))
                a_year = None if amount is None else self.in_a_year(amount, priced.annual_rate or ZERO, used)
                return replace(priced, missing=unknown, amount_per_year_yuan=a_year)
            drawn_on = asked.day("loan_contract_on") or asked.as_of
            loan = Loan(amount, loan_rate, months, drawn_on, Repayment.INTEREST_MONTHLY)
        return self.paid_on(loan, priced, used)

    def room(self, used_yuan: Decimal) -> Decimal | None:
        """The principal still below the limit; ``None`` without a limit."""
        return None if self.limit_yuan is None else max(self.limit_yuan - used_yuan, ZERO)

    def paid_on(self, loan: Loan, priced: Benefit, used_yuan: Decimal = ZERO) -> Benefit:
        """Yuan and payment days: month by month on the principal owed, rounded down to the fen."""
        rate = priced.annual_rate or ZERO
        months = min(loan.months, self.months_at_most)
        steps = list(priced.steps)
        room = self.room(used_yuan)
        if room is not None and self.limit_yuan is not None:
            steps.append(Step("贴息本金上限", "Principal subsidised at most", self.limit_yuan, "yuan", self.cite))
            if used_yuan:
                steps.append(Step("其他贷款已占用", "Of which other loans have used", used_yuan, "yuan", self.cite))
        paid, flows = _paid_monthly(loan, rate, months, room, self.day_count, self.payout)
        steps += [
            Step("计息月数", "Months subsidised", Decimal(months), "months", "reading months_at_most"),
            Step(
                "贴息额 = Σ 每月未还本金 × 贴息率 × 计息时间，舍去不足一分",
                "Subsidy = Σ principal owed each month × subsidy rate × part of a year, rounded down to the fen",
                paid,
                "yuan",
                f"{self.cite}; reading day_count: {self.day_count}",
            ),
        ]
        return replace(
            priced,
            amount_yuan=paid,
            at_least_yuan=paid,
            at_most_yuan=paid,
            amount_per_year_yuan=self.in_a_year(loan.principal, rate, used_yuan),
            steps=tuple(steps),
            flows=flows,
        )

    def in_a_year(self, principal: Decimal, rate: Decimal, used_yuan: Decimal = ZERO) -> Decimal:
        """Subsidy of a year in which ``principal`` is owed throughout."""
        room = self.room(used_yuan)
        return round_down((principal if room is None else min(principal, room)) * rate)

    def on_loans(self, loans: Sequence[Loan], asked: Asked) -> tuple[Benefit, ...]:
        """The subsidies on all loans of one firm under one limit, first come first served.

        Each loan is priced by itself; ``asked`` gives the facts they share. The principal of the loans before it has
        used up its part of the limit, so that a loan in pieces is never subsidised beyond the loan in one.
        """
        used, made = ZERO, []
        for loan in loans:
            made.append(self.paid_on(loan, self.priced(loan.annual_rate, asked), used))
            used += loan.principal
        return tuple(made)


@lru_cache(maxsize=512)
def _paid_monthly(
    loan: Loan, rate: Decimal, months: int, room: Decimal | None, day_count: DayCount, payout: Payout
) -> tuple[Decimal, tuple[Flow, ...]]:
    """The whole subsidy of the first ``months`` months, and its payments: one a day, none without money.

    It follows from loan and rate alone, whoever the firm is, and several schemes pay the same rate.
    """
    owed = scheduled_balances(loan)[:months]
    ends = month_ends(loan.drawn_on, loan.months)[1:]
    days, exact, paid = dict[date, Decimal](), ZERO, ZERO
    for balance, fraction, end in zip(owed, month_fractions(loan.drawn_on, loan.months, day_count), ends, strict=False):
        exact += (balance if room is None else min(balance, room)) * rate * fraction
        # Twelfths do not end; a hair below a whole fen must not cost the firm that fen.
        due = round_down(exact.quantize(_HAIR)) - paid
        paid += due
        day = payout.day(end)
        days[day] = days.get(day, ZERO) + due
    return paid, tuple(Flow(day, yuan) for day, yuan in sorted(days.items()) if yuan)


@dataclass(frozen=True)
class RateToShare(LoanSubsidy):
    """The rate is brought down to ``share`` of a dated parameter, at most by ``cap`` (000:83 is of this kind).

    ``day`` says which day's parameter counts (a fact's id, or ``as_of``). What the source leaves open comes from the
    scheme's named readings. ``plus`` moves the target: LPR less 1.5 points is a share of 1 and ``plus`` -0.015.
    """

    parameter: str
    share: Decimal
    cap: Decimal
    cite: str
    day: str
    months_at_most: int
    day_count: DayCount
    payout: Payout
    limit_yuan: Decimal | None = None
    enjoyed: str = ""
    plus: Decimal = ZERO

    kind = "rate_to_share_of_parameter"

    def needed(self) -> tuple[str, ...]:
        return ("loan_annual_rate", self.day)

    def priced(self, loan_rate: Decimal, asked: Asked) -> Benefit:
        day = asked.day(self.day)
        if day is None:
            return Benefit(self.kind, missing=(self.day,))
        base = asked.parameters.on(self.parameter, day)
        return replace(self.on_rate(loan_rate, base.value, shown_source(base)), unconfirmed=unconfirmed_of([base]))

    def target(self, base: Decimal) -> Decimal:
        """The rate the firm is brought down to, never below zero."""
        return max(self.share * base + self.plus, ZERO)

    def subsidy_rate(self, loan_rate: Decimal, base: Decimal) -> Decimal:
        """``min(max(loan_rate - target, 0), cap)``, exact."""
        return min(max(loan_rate - self.target(base), ZERO), self.cap)

    def on_rate(self, loan_rate: Decimal, base: Decimal, base_cite: str) -> Benefit:
        """The subsidy rate alone, for a loan whose amount or term is not known."""
        target, rate = self.target(base), self.subsidy_rate(loan_rate, base)
        moved = f" + ({self.plus})" if self.plus else ""
        steps = (
            Step("参数当期值", f"{self.parameter} on the day that counts", base, "per_year", base_cite),
            Step(
                f"目标利率 = {self.share} × 参数{moved}",
                f"Target rate = {self.share} × parameter{moved}",
                target,
                "per_year",
                self.cite,
            ),
            Step("贷款利率", "Loan rate", loan_rate, "per_year"),
            Step(
                f"贴息率 = min(max(贷款利率 − 目标利率, 0), {self.cap})",
                f"Subsidy rate = min(max(loan rate − target rate, 0), {self.cap})",
                rate,
                "per_year",
                self.cite,
            ),
        )
        return Benefit(self.kind, annual_rate=rate, steps=steps)

    def on_loan(self, loan: Loan, base: Decimal, base_cite: str) -> Benefit:
        """Rate, yuan and payment days for a loan at a given value of the parameter."""
        return self.paid_on(loan, self.on_rate(loan.annual_rate, base, base_cite))


@dataclass(frozen=True, kw_only=True)
class OnLoanRate(LoanSubsidy):
    """A subsidy whose rate follows from the loan's own rate and one number of the text."""

    cite: str
    months_at_most: int
    day_count: DayCount
    payout: Payout
    limit_yuan: Decimal | None = None
    enjoyed: str = ""

    @abstractmethod
    def of_rate(self, loan_rate: Decimal) -> tuple[Decimal, str, str]:
        """The subsidy rate, and how it is reckoned in Chinese and in English."""

    def priced(self, loan_rate: Decimal, asked: Asked) -> Benefit:
        rate, zh, en = self.of_rate(loan_rate)
        steps = (
            Step("贷款利率", "Loan rate", loan_rate, "per_year"),
            Step(f"贴息率 = {zh}", f"Subsidy rate = {en}", rate, "per_year", self.cite),
        )
        return Benefit(self.kind, annual_rate=rate, steps=steps)


@dataclass(frozen=True, kw_only=True)
class PointsOff(OnLoanRate):
    """The rate is lowered by ``points`` (0.015 is one and a half), never below zero."""

    points: Decimal

    kind = "points_off"

    def of_rate(self, loan_rate: Decimal) -> tuple[Decimal, str, str]:
        return min(self.points, loan_rate), f"min({self.points}, 贷款利率)", f"min({self.points}, loan rate)"


@dataclass(frozen=True, kw_only=True)
class ShareOfInterest(OnLoanRate):
    """A share of the interest is paid back: the subsidy rate is that share of the loan's rate."""

    share: Decimal

    kind = "share_of_interest"

    def of_rate(self, loan_rate: Decimal) -> tuple[Decimal, str, str]:
        return self.share * loan_rate, f"{self.share} × 贷款利率", f"{self.share} × loan rate"
