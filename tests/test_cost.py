"""What an offer costs: fees, deposits, guarantees and subsidies, each by hand, and the all-in rate they come to."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.benefits import Payout, RateToShare
from matching.cost import Cost, cost_of, quote
from matching.loans import DayCount
from matching.products import Charged, Fee, Product
from matching.rulefile import Name
from models.errors import RefusedInput
from service.books.rulebook import offers, parameters
from tests.cost_products import ON, product

D = Decimal


def cost(of: Product, amount: str = "1000000", months: int = 12) -> Cost:
    return cost_of(of, quote(of, D(amount), months, ON, parameters()))


def fee(charged: str, **price: Any) -> list[dict[str, Any]]:
    return [{"zh": "费", "en": "Fee", "charged": charged, "payee": "bank", **price}]


def test_a_floating_rate_is_the_parameter_of_the_day_plus_the_usual_spread() -> None:
    made = cost(product())
    assert made.contract_annual_rate == D("0.0400")
    assert (made.lowest_annual_rate, made.highest_annual_rate) == (D("0.0360"), D("0.0460"))
    assert made.interest_yuan == D("40000.00")
    assert made.all_in_annual_rate == D("0.040000")  # 31 October to 31 October is 365 days
    earlier = quote(product(), D(1_000_000), 12, date(2024, 10, 20), parameters())
    assert earlier.annual_rate == D("0.0425")


def test_a_fee_at_the_drawdown_raises_the_rate() -> None:
    made = cost(product(fees=fee("drawdown", rate="0.01")))
    assert made.other_fees_yuan == D("10000.00")
    assert made.total_yuan == D("50000.00")
    assert made.all_in_annual_rate == D("0.050505")  # 1,040,000 / 990,000 - 1


def test_a_fee_at_the_end_is_paid_at_the_end() -> None:
    made = cost(product(fees=fee("maturity", yuan=5_000)))
    assert made.all_in_annual_rate == D("0.045000")


def test_a_yearly_fee_is_charged_in_advance_on_what_is_owed() -> None:
    yearly = product(fees=fee("yearly", rate="0.012"), repayment="equal_principal")
    # 18 months: 1.2 % of 900,000 for a year, then of the 300,000 still owed for half a year
    assert cost(yearly, "900000", 18).other_fees_yuan == D("10800.00") + D("1800.00")


def test_a_deposit_costs_no_yuan_but_raises_the_rate() -> None:
    made = cost(product(deposit="0.10"))
    assert made.total_yuan == D("40000.00")
    assert made.all_in_annual_rate == D("0.044444")  # 40,000 a year for the use of 900,000


def test_a_guarantee_fee_is_told_apart_from_other_fees() -> None:
    linked = product(guarantee={"scheme": "cn-government-guarantee-2019", "fee_annual_rate": "0.01"})
    made = cost(linked)
    assert (made.guarantee_fee_yuan, made.other_fees_yuan) == (D("10000.00"), 0)
    assert made.all_in_annual_rate == D("0.050505")


def test_a_guarantee_alone_lends_nothing_and_has_no_rate() -> None:
    made = cost(product(offers="guarantee", rate=None, fees=fee("yearly", rate="0.009")), months=18)
    assert (made.guarantee_fee_yuan, made.other_fees_yuan, made.interest_yuan) == (D("13500.00"), 0, 0)
    assert made.all_in_annual_rate is None
    assert made.schedule == ()


def test_a_premium_is_no_guarantee_fee() -> None:
    made = cost(product(offers="insurance", rate=None, fees=fee("yearly", rate="0.018")))
    assert (made.guarantee_fee_yuan, made.other_fees_yuan) == (0, D("18000.00"))


def test_a_subsidy_lowers_the_cost_and_the_rate() -> None:
    of = product(repayment="interest_monthly")
    quoted = quote(of, D(1_000_000), 12, ON, parameters())
    assert of.terms
    loan = quoted.loan(of.terms)
    assert loan
    terms = RateToShare("lpr_1y", D("0.70"), D("0.02"), "000:83", "as_of", 12, DayCount.MONTHLY, Payout.WITH_INTEREST)
    benefit = terms.on_loan(loan, D("0.0310"), "LPR")
    plain, subsidised = cost_of(of, quoted), cost_of(of, quoted, [benefit])
    assert subsidised.subsidy_yuan == D("18300.00")
    assert plain.total_yuan - subsidised.total_yuan == D("18300.00")
    # 4.00 % less 1.83 points, paid monthly: 2.17 % nominal
    assert subsidised.all_in_nominal_rate is not None
    assert float(subsidised.all_in_nominal_rate) == pytest.approx(0.0217, abs=0.0001)


def test_an_amount_or_a_term_outside_the_product_is_priced_at_its_limit_and_says_so() -> None:
    made = cost(product(), "20000000", 60)
    assert made.principal_yuan == 10_000_000
    assert made.steps[0].cite == made.steps[1].cite == "product limit, nearest to the need"
    assert made.steps[1].value == 36


def test_the_steps_end_in_the_cost_and_the_rate() -> None:
    made = cost(product(fees=fee("drawdown", rate="0.01")))
    assert [step.value for step in made.steps[-2:]] == [made.total_yuan, made.all_in_annual_rate]
    assert all(step.zh and step.en for step in made.steps)


def test_no_rate_is_invented_before_the_parameter_began() -> None:
    with pytest.raises(RefusedInput, match="no value before"):
        quote(product(), D(1_000_000), 12, date(2019, 8, 19), parameters())


LENDING = [each for each in offers().products.values() if each.terms and each.terms.rate]


@given(st.sampled_from(LENDING), st.decimals("0.001", "0.03", places=4))
@settings(max_examples=60, deadline=None)
def test_every_product_adds_up_and_a_higher_fee_costs_more(of: Product, extra: Decimal) -> None:
    assert of.terms
    quoted = quote(of, of.terms.amount.typical, int(of.terms.months.typical), ON, parameters())
    made = cost_of(of, quoted)
    assert sum(payment.principal for payment in made.schedule) == made.principal_yuan
    assert sum(payment.interest for payment in made.schedule) == made.interest_yuan
    assert made.all_in_annual_rate is not None
    assert made.contract_annual_rate is not None
    # Simple interest paid after several years compounds to a little less than its rate.
    assert made.all_in_annual_rate >= made.contract_annual_rate * D("0.95")
    dearer = replace(of.terms, fees=(*of.terms.fees, Fee(Name("费", "Fee"), Charged.DRAWDOWN, "bank", extra)))
    again = cost_of(replace(of, terms=dearer), quoted)
    assert again.all_in_annual_rate is not None
    assert again.all_in_annual_rate > made.all_in_annual_rate
