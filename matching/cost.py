"""What one offer costs a firm in yuan and as an annual rate: interest, guarantee fee, other fees, less subsidies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from matching.all_in import Flow, all_in_rate, loan_flows
from matching.benefits import Benefit
from matching.loans import Loan, Payment, schedule, scheduled_balances
from matching.parameters import ParameterBook
from matching.products import Charged, Fee, Product, Terms
from matching.rulefile import Name
from matching.steps import Step
from models.dates import add_months
from models.money import round_half_up

ZERO = Decimal(0)


@dataclass(frozen=True)
class Quote:
    """The loan (or the guaranteed sum) an offer is priced on, at the usual rate of its range.

    ``annual_rate`` and its range are ``None`` for a guarantee or an insurance, which charge no interest.
    """

    principal: Decimal
    months: int
    drawn_on: date
    annual_rate: Decimal | None
    lowest_rate: Decimal | None
    highest_rate: Decimal | None
    steps: tuple[Step, ...]

    def loan(self, terms: Terms) -> Loan | None:
        """The loan with the product's way of repaying; ``None`` where nothing is lent."""
        if self.annual_rate is None:
            return None
        return Loan(self.principal, self.annual_rate, self.months, self.drawn_on, terms.repayment, terms.day_count)


@dataclass(frozen=True)
class Cost:
    """Yuan over the whole term, and what they come to a year.

    ``all_in_annual_rate`` is the compound yearly rate of the firm's own dated flows (fees and subsidies in),
    ``all_in_nominal_rate`` the same cost written as a contract rate charged monthly; ``None`` where nothing is lent.
    """

    principal_yuan: Decimal
    interest_yuan: Decimal
    guarantee_fee_yuan: Decimal
    other_fees_yuan: Decimal
    subsidy_yuan: Decimal
    contract_annual_rate: Decimal | None
    lowest_annual_rate: Decimal | None
    highest_annual_rate: Decimal | None
    all_in_annual_rate: Decimal | None
    all_in_nominal_rate: Decimal | None
    schedule: tuple[Payment, ...]
    steps: tuple[Step, ...]

    @property
    def total_yuan(self) -> Decimal:
        """Everything paid beside the principal, less what is received."""
        return self.interest_yuan + self.guarantee_fee_yuan + self.other_fees_yuan - self.subsidy_yuan


def quote(product: Product, amount: Decimal, months: int, on: date, parameters: ParameterBook) -> Quote:
    """The product's usual terms on the day ``on``; a floating rate is that day's parameter plus the usual spread.

    ``amount`` and ``months`` outside the product's span are taken at its nearer end, and a step says so. The
    product must have published terms. ``RefusedInput`` on a day before the parameter's first value.
    """
    terms = product.terms
    assert terms is not None, product.id
    principal, term = terms.amount.nearest(amount), int(terms.months.nearest(Decimal(months)))
    steps = [
        Step("金额", "Amount", principal, "yuan", "" if principal == amount else "product limit, nearest to the need")
    ]
    steps.append(
        Step("期限", "Term", Decimal(term), "months", "" if term == months else "product limit, nearest to the need")
    )
    rate = terms.rate
    if rate is None:
        return Quote(principal, term, on, None, None, None, tuple(steps))
    base = ZERO
    if rate.parameter:
        value = parameters.on(rate.parameter, on)
        base = value.value
        cite = f"{value.id} from {value.in_force_from} ({value.source}) {value.note}".strip()
        steps.append(Step("当日参数", f"{value.id} on {on}", base, "per_year", cite))
        steps.append(Step("常见加点", "Usual spread", rate.typical, "per_year", "product terms: rate"))
    usual = base + rate.typical
    steps.append(Step("合同年利率（常见值）", "Contract rate a year (usual)", usual, "per_year", "product terms: rate"))
    return Quote(
        principal, term, on, max(usual, ZERO), max(base + rate.low, ZERO), max(base + rate.high, ZERO), tuple(steps)
    )


def cost_of(product: Product, quoted: Quote, subsidies: Sequence[Benefit] = ()) -> Cost:
    """The cost of ``product`` as quoted. ``subsidies`` are benefits reckoned on this very loan."""
    terms = product.terms
    assert terms is not None, product.id
    loan = quoted.loan(terms)
    payments = schedule(loan) if loan else ()
    balances = scheduled_balances(loan) if loan else (quoted.principal,) * quoted.months
    steps = list(quoted.steps)
    interest = sum((payment.interest for payment in payments), ZERO)
    if loan:
        how = f"{terms.repayment}, {terms.day_count}"
        steps.append(Step("利息合计", f"Interest ({how})", interest, "yuan", "product terms: rate"))
    flows = list(loan_flows(loan, payments)) if loan else []
    guarantee_fee, other_fees = ZERO, ZERO
    for fee, cite in fees_of(terms):
        charged = tuple(fee_flows(fee, quoted, balances))
        paid = -sum((flow.yuan for flow in charged), ZERO)
        if cite == GUARANTEE_TERMS or product.offers == "guarantee":
            guarantee_fee += paid
        else:
            other_fees += paid
        flows += charged
        steps.append(Step(f"{fee.name.zh}（{fee.payee}收取）", f"{fee.name.en} (to {fee.payee})", paid, "yuan", cite))
    if terms.deposit:
        held = round_half_up(quoted.principal * terms.deposit)
        flows += [Flow(quoted.drawn_on, -held), Flow(add_months(quoted.drawn_on, quoted.months), held)]
        steps.append(
            Step("保证金（期满退还）", "Deposit (returned at the end)", held, "yuan", "product terms: deposit")
        )
    subsidy = ZERO
    for benefit in subsidies:
        subsidy += benefit.amount_yuan or ZERO
        flows += benefit.flows
        steps += benefit.steps
    total = interest + guarantee_fee + other_fees - subsidy
    steps.append(Step("成本合计 = 利息 + 各项费用 − 贴息", "Cost = interest + fees − subsidies", total, "yuan", ""))
    rate = all_in_rate(flows) if loan else None
    if rate:
        steps.append(Step("综合年化成本", "All-in annual rate (compound, actual days)", rate.effective, "per_year", ""))
    return Cost(
        principal_yuan=quoted.principal,
        interest_yuan=interest,
        guarantee_fee_yuan=guarantee_fee,
        other_fees_yuan=other_fees,
        subsidy_yuan=subsidy,
        contract_annual_rate=quoted.annual_rate,
        lowest_annual_rate=quoted.lowest_rate,
        highest_annual_rate=quoted.highest_rate,
        all_in_annual_rate=rate.effective if rate else None,
        all_in_nominal_rate=rate.nominal if rate else None,
        schedule=payments,
        steps=tuple(steps),
    )


GUARANTEE_TERMS = "product terms: guarantee"


def fees_of(terms: Terms) -> Iterable[tuple[Fee, str]]:
    """Every fee with the part of the terms it comes from, a guarantee's first."""
    if terms.guarantee:
        name = Name("担保费", "Guarantee fee")
        yield Fee(name, Charged.YEARLY, "guarantor", terms.guarantee.fee_annual_rate), GUARANTEE_TERMS
    for fee in terms.fees:
        yield fee, "product terms: fees"


def fee_flows(fee: Fee, quoted: Quote, balances: Sequence[Decimal]) -> Iterable[Flow]:
    """Each payment of a fee. A yearly one is paid in advance on what is then owed, a last part year by its months."""
    match fee.charged:
        case Charged.DRAWDOWN:
            yield Flow(quoted.drawn_on, -round_half_up(quoted.principal * fee.rate + fee.yuan))
        case Charged.MATURITY:
            ends_on = add_months(quoted.drawn_on, quoted.months)
            yield Flow(ends_on, -round_half_up(quoted.principal * fee.rate + fee.yuan))
        case Charged.YEARLY:
            for first in range(0, quoted.months, 12):
                part = Decimal(min(12, quoted.months - first)) / 12
                yield Flow(
                    add_months(quoted.drawn_on, first), -round_half_up(balances[first] * fee.rate * part + fee.yuan)
                )
