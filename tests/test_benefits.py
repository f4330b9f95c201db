"""The sums of schemes: the numbers of 000:83 on and beside each bound, and what must always hold."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.benefits import FeeTier, GuaranteeTerms, Payout, RateToShare, split
from matching.loans import DayCount, Loan, Repayment, schedule

D = Decimal
TERMS = RateToShare(
    parameter="lpr_1y",
    share=D("0.70"),
    cap=D("0.02"),
    cite="000:83",
    day="loan_contract_on",
    months_at_most=12,
    day_count=DayCount.MONTHLY,
    payout=Payout.QUARTER_END,
)
RATES = st.decimals("0", "0.36", places=5)
BASES = st.decimals("0.01", "0.06", places=4)


@pytest.mark.parametrize(
    ("rate", "lpr", "subsidy"),
    [
        ("0.0450", "0.0345", "0.02"),  # 2.085 points needed, two given
        ("0.0400", "0.0345", "0.01585"),
        ("0.0345", "0.0345", "0.01035"),
        ("0.0300", "0.0310", "0.0083"),
        ("0.0210", "0.0310", "0"),
        # the cap, from both sides: the target is 2.415 %
        ("0.04415", "0.0345", "0.02"),
        ("0.04416", "0.0345", "0.02"),
        ("0.04414", "0.0345", "0.01999"),
        # the target, from both sides
        ("0.02415", "0.0345", "0"),
        ("0.02416", "0.0345", "0.00001"),
        ("0.02414", "0.0345", "0"),
    ],
)
def test_the_rate_is_brought_down_to_seventy_percent_of_the_lpr_by_two_points_at_most(
    rate: str, lpr: str, subsidy: str
) -> None:
    assert TERMS.subsidy_rate(D(rate), D(lpr)) == D(subsidy)


@given(RATES, BASES)
@settings(max_examples=200, deadline=None)
def test_the_firm_pays_the_target_or_more_and_never_gets_above_the_cap(rate: Decimal, base: Decimal) -> None:
    subsidy = TERMS.subsidy_rate(rate, base)
    assert 0 <= subsidy <= D("0.02")
    if subsidy > 0:
        assert rate - subsidy >= D("0.70") * base
    if 0 < subsidy < D("0.02"):
        assert rate - subsidy == D("0.70") * base


def loan(**changed: object) -> Loan:
    parts = {
        "principal": D(1_000_000),
        "annual_rate": D("0.04"),
        "months": 12,
        "drawn_on": date(2024, 5, 31),
        "repayment": Repayment.INTEREST_MONTHLY,
    }
    return Loan(**{**parts, **changed})  # type: ignore[arg-type]


def test_a_year_of_interest_only() -> None:
    benefit = TERMS.on_loan(loan(), D("0.0345"), "LPR")
    assert benefit.amount_yuan == D("15850.00")
    assert benefit.amount_per_year_yuan == D("15850.00")
    # June to August fall due in the quarters ending 30 June (one month) and 30 September (three)
    assert [(flow.on.isoformat(), flow.yuan) for flow in benefit.flows] == [
        ("2024-06-30", D("1320.83")),
        ("2024-09-30", D("3962.50")),
        ("2024-12-31", D("3962.50")),
        ("2025-03-31", D("3962.50")),
        ("2025-06-30", D("2641.67")),
    ]


def test_equal_principal_is_subsidised_on_what_is_owed() -> None:
    # mean balance over the year is 13/24 of the principal: 1,200,000 x 13/24 x 1.585 % = 10,302.50
    repaid = loan(principal=D(1_200_000), repayment=Repayment.EQUAL_PRINCIPAL)
    assert TERMS.on_loan(repaid, D("0.0345"), "LPR").amount_yuan == D("10302.50")


def test_actual_days_pay_for_actual_days() -> None:
    days = RateToShare("lpr_1y", D("0.70"), D("0.02"), "", "as_of", 12, DayCount.ACTUAL_360, Payout.WITH_INTEREST)
    # 365 days from 31 May 2024: 1,000,000 x 1.585 % x 365/360 = 16,070.138...
    assert days.on_loan(loan(), D("0.0345"), "LPR").amount_yuan == D("16070.13")


def test_a_part_of_a_fen_is_not_paid() -> None:
    assert TERMS.on_loan(loan(principal=D("100.01")), D("0.0345"), "LPR").amount_yuan == D("1.58")


def test_months_beyond_the_most_and_yuan_beyond_the_limit_count_for_nothing() -> None:
    assert TERMS.on_loan(loan(months=24), D("0.0345"), "LPR").amount_yuan == D("15850.00")
    limited = RateToShare(
        "lpr_1y", D("0.70"), D("0.02"), "", "as_of", 12, DayCount.MONTHLY, Payout.QUARTER_END, D(10_000_000)
    )
    assert limited.on_loan(loan(principal=D(30_000_000)), D("0.0345"), "LPR").amount_yuan == D("158500.00")


def test_each_step_of_a_subsidy_is_shown_with_its_clause() -> None:
    steps = TERMS.on_loan(loan(), D("0.0345"), "LPR of the day").steps
    assert [step.value for step in steps] == [
        D("0.0345"),
        D("0.02415"),
        D("0.04"),
        D("0.01585"),
        12,
        D("15850.00"),
    ]
    assert steps[0].cite == "LPR of the day"
    assert steps[3].cite == "000:83"
    assert all(step.zh and step.en and step.unit for step in steps)


@given(
    st.decimals("1", "20000000", places=2),
    st.decimals("0.022", "0.12", places=4),
    st.integers(1, 36),
    st.dates(date(2024, 1, 1), date(2024, 12, 31)),
    st.sampled_from(Repayment),
    st.sampled_from(Payout),
)
@settings(max_examples=100, deadline=None)
def test_a_subsidy_is_paid_in_full_and_never_exceeds_the_interest(
    principal: Decimal, rate: Decimal, months: int, on: date, repayment: Repayment, payout: Payout
) -> None:
    terms = RateToShare("lpr_1y", D("0.70"), D("0.02"), "", "as_of", 12, DayCount.MONTHLY, payout)
    made = Loan(principal, rate, months, on, repayment, DayCount.MONTHLY)
    benefit = terms.on_loan(made, D("0.0310"), "LPR")
    assert benefit.amount_yuan is not None
    assert sum(flow.yuan for flow in benefit.flows) == benefit.amount_yuan
    assert 0 <= benefit.amount_yuan <= sum(payment.interest for payment in schedule(made)) + D("0.005") * months
    assert all(flow.yuan > 0 and flow.on > on for flow in benefit.flows)


@pytest.mark.parametrize(
    ("day", "quarter_end"),
    [
        ("2024-01-01", "2024-03-31"),
        ("2024-03-31", "2024-03-31"),
        ("2024-04-01", "2024-06-30"),
        ("2024-11-20", "2024-12-31"),
    ],
)
def test_a_quarter_ends_with_march_june_september_december(day: str, quarter_end: str) -> None:
    assert Payout.QUARTER_END.day(date.fromisoformat(day)).isoformat() == quarter_end


GUARANTEE = GuaranteeTerms(
    fee_tiers=(FeeTier(D("0.003"), D(5_000_000)), FeeTier(D("0.005"))),
    shares={"guarantor": D("0.40"), "province": D("0.20"), "national_fund": D("0.20"), "bank": D("0.20")},
    cite="test",
)


@pytest.mark.parametrize(
    ("amount", "rate"), [("4999999.99", "0.003"), ("5000000", "0.005"), ("5000000.01", "0.005"), ("0.01", "0.003")]
)
def test_the_fee_tier_of_an_amount(amount: str, rate: str) -> None:
    assert GUARANTEE.fee_rate(D(amount)) == D(rate)


def test_a_guarantee_by_hand() -> None:
    benefit = GUARANTEE.on_amount(D(6_000_000), 18)
    assert (benefit.fee_annual_rate, benefit.fee_yuan) == (D("0.005"), D("45000.00"))
    assert (benefit.annual_rate, benefit.amount_yuan) == (None, None), "a fee is no subsidy"
    assert [step.value for step in benefit.steps[2:]] == [2_400_000, 1_200_000, 1_200_000, 1_200_000]
    assert GUARANTEE.on_amount(D(6_000_000), None).missing == ("loan_term_months",)


@given(st.decimals("0.01", "20000000", places=2))
@settings(max_examples=50, deadline=None)
def test_the_shares_of_a_loss_are_the_loss(amount: Decimal) -> None:
    parts = split(amount, GUARANTEE.shares)
    assert sum(parts.values()) == amount
    assert abs(parts["bank"] - amount * D("0.20")) <= D("0.02")
