"""What a scheme gives, in yuan: named kinds of arithmetic. A scheme's file gives the numbers, this module the sums.

Rates stay exact fractions per year; only amounts of yuan are rounded, a subsidy always down (public money is never
paid above its rule). Every result carries the steps it was worked out in, each with its clause or named reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from matching.all_in import Flow
from matching.loans import DayCount, Loan, monthly_balances, schedule
from matching.steps import Step
from models.dates import add_months, month_end
from models.money import round_down, round_half_up

ZERO = Decimal(0)


@dataclass(frozen=True)
class Benefit:
    """What one scheme gives on one loan.

    ``annual_rate`` and ``amount_yuan`` are what the firm receives (a subsidy); ``fee_*`` is the most it may be charged
    (a guarantee). ``None`` is unknown or not of this kind, never zero. ``amount_per_year_yuan`` is the subsidy of a
    year in which the whole principal is owed. ``shares`` says who bears what part of a loss. ``flows`` are the dated
    payments to the firm. ``missing`` names the facts without which an amount stays unknown.
    """

    kind: str
    annual_rate: Decimal | None = None
    amount_yuan: Decimal | None = None
    amount_per_year_yuan: Decimal | None = None
    fee_annual_rate: Decimal | None = None
    fee_yuan: Decimal | None = None
    shares: Mapping[str, Decimal] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    flows: tuple[Flow, ...] = ()
    missing: tuple[str, ...] = ()


class Payout(StrEnum):
    """When a subsidy reaches the firm: with the month's interest, or at the end of the quarter it was paid in."""

    WITH_INTEREST = "with_interest"
    QUARTER_END = "quarter_end"

    def day(self, month_ends_on: date) -> date:
        if self is Payout.WITH_INTEREST:
            return month_ends_on
        return month_end(add_months(month_ends_on.replace(day=1), -(month_ends_on.month % -3)))


@dataclass(frozen=True)
class RateToShare:
    """The rate is brought down to ``share`` of a dated parameter, at most by ``cap`` (000:83 is of this kind).

    ``day`` says which day's parameter counts (a fact's id, or ``as_of``); ``limit_yuan``, if any, is the principal
    above which no subsidy is reckoned. What the source leaves open comes from the scheme's named readings.
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

    kind = "rate_to_share_of_parameter"

    def subsidy_rate(self, loan_rate: Decimal, base: Decimal) -> Decimal:
        """``min(max(loan_rate - share x base, 0), cap)``, exact."""
        return min(max(loan_rate - self.share * base, ZERO), self.cap)

    def on_rate(self, loan_rate: Decimal, base: Decimal, base_cite: str) -> Benefit:
        """The subsidy rate alone, for a loan whose amount or term is not known."""
        target, rate = self.share * base, self.subsidy_rate(loan_rate, base)
        steps = (
            Step("参数当期值", f"{self.parameter} on the day that counts", base, "per_year", base_cite),
            Step(
                f"目标利率 = {self.share} × 参数",
                f"Target rate = {self.share} × parameter",
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
        """Rate, yuan and payment days for a loan: month by month on the principal owed, rounded down to the fen."""
        priced = self.on_rate(loan.annual_rate, base, base_cite)
        rate = priced.annual_rate or ZERO
        months = min(loan.months, self.months_at_most)
        owed = monthly_balances(loan, schedule(loan))[:months]
        if self.limit_yuan is not None:
            owed = tuple(min(balance, self.limit_yuan) for balance in owed)
        flows, exact, paid = [], ZERO, ZERO
        for month, balance in enumerate(owed, start=1):
            exact += balance * rate * self.day_count.fraction(loan.due(month - 1), loan.due(month), 1)
            # Twelfths do not end; a hair below a whole fen must not cost the firm that fen.
            due = round_down(exact.quantize(Decimal("1e-9"))) - paid
            paid += due
            flows.append(Flow(self.payout.day(loan.due(month)), due))
        steps = (
            *priced.steps,
            Step("计息月数", "Months subsidised", Decimal(months), "months", "reading months_at_most"),
            Step(
                "贴息额 = Σ 每月未还本金 × 贴息率 × 计息时间，舍去不足一分",
                "Subsidy = Σ principal owed each month × subsidy rate × part of a year, rounded down to the fen",
                paid,
                "yuan",
                f"{self.cite}; reading day_count: {self.day_count}",
            ),
        )
        a_year = self.in_a_year(loan.principal, rate)
        return replace(priced, amount_yuan=paid, amount_per_year_yuan=a_year, steps=steps, flows=_merged(flows))

    def in_a_year(self, principal: Decimal, rate: Decimal) -> Decimal:
        """Subsidy of a year in which ``principal`` is owed throughout."""
        return round_down(min(principal, self.limit_yuan or principal) * rate)


def _merged(flows: list[Flow]) -> tuple[Flow, ...]:
    """One flow a day, days without money left out."""
    days: dict[date, Decimal] = {}
    for flow in flows:
        days[flow.on] = days.get(flow.on, ZERO) + flow.yuan
    return tuple(Flow(day, yuan) for day, yuan in sorted(days.items()) if yuan)


@dataclass(frozen=True)
class FeeTier:
    """A fee ceiling per year for amounts below ``below_yuan``; ``None`` for every amount."""

    annual_rate: Decimal
    below_yuan: Decimal | None = None


@dataclass(frozen=True)
class GuaranteeTerms:
    """The fee a guarantee may cost at most, and who bears what share of a loss (shares sum to one)."""

    fee_tiers: tuple[FeeTier, ...]
    shares: Mapping[str, Decimal]
    cite: str
    fee_paid_by: str = "firm"

    kind = "guarantee_fee_and_risk_share"

    def fee_rate(self, amount: Decimal) -> Decimal:
        """The ceiling for ``amount``: that of the first tier it lies below."""
        return next(tier.annual_rate for tier in self.fee_tiers if tier.below_yuan is None or amount < tier.below_yuan)

    def on_amount(self, amount: Decimal, months: int | None) -> Benefit:
        """Fee ceiling (for ``months``, unknown without them) and the split of a loss of the whole amount."""
        rate = self.fee_rate(amount)
        fee = None if months is None else round_half_up(amount * rate * months / 12)
        steps = [Step("年担保费率上限", "Fee ceiling per year", rate, "per_year", self.cite)]
        if fee is not None:
            steps.append(
                Step(
                    "担保费上限 = 金额 × 费率 × 月数/12",
                    "Fee at most = amount × rate × months/12",
                    fee,
                    "yuan",
                    self.cite,
                )
            )
        for bearer, yuan in split(amount, self.shares).items():
            steps.append(Step(f"全损时{bearer}承担", f"Of a total loss {bearer} bears", yuan, "yuan", self.cite))
        return Benefit(
            self.kind,
            fee_annual_rate=rate,
            fee_yuan=fee,
            shares=self.shares,
            steps=tuple(steps),
            missing=() if months is not None else ("loan_term_months",),
        )


def split(amount: Decimal, shares: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """``amount`` by ``shares``, each rounded half up to the fen, the last bearer taking what the roundings leave."""
    parts: dict[str, Decimal] = {}
    for bearer, share in list(shares.items())[:-1]:
        parts[bearer] = round_half_up(amount * share)
    parts[list(shares)[-1]] = amount - sum(parts.values(), ZERO)
    return parts
