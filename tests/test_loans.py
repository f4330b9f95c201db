"""Schedules to the fen and the all-in rate: cases worked by hand or in closed form, and what must always hold."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from matching.all_in import Flow, all_in_rate, loan_flows
from matching.loans import DayCount, Loan, Repayment, instalment, monthly_balances, schedule
from models.errors import RefusedInput

D = Decimal
MILLION = D(1_000_000)
MID_JANUARY = date(2024, 1, 15)

LOANS = st.builds(
    Loan,
    principal=st.decimals("0.01", "50000000", places=2),
    annual_rate=st.decimals("0", "0.36", places=4),
    months=st.integers(1, 72),
    drawn_on=st.dates(date(2015, 1, 1), date(2035, 12, 31)),
    repayment=st.sampled_from(Repayment),
    day_count=st.sampled_from(DayCount),
)


def interest(loan: Loan) -> Decimal:
    return sum((payment.interest for payment in schedule(loan)), D(0))


@pytest.mark.parametrize(
    ("loan", "expected"),
    [
        # 366 days of 2024: 1,000,000 x 4 % x 366/360
        (Loan(MILLION, D("0.04"), 12, MID_JANUARY, Repayment.BULLET), "40666.67"),
        # the same by 365, and by twelve twelfths
        (Loan(MILLION, D("0.04"), 12, MID_JANUARY, Repayment.BULLET, DayCount.ACTUAL_365), "40109.59"),
        (Loan(MILLION, D("0.04"), 12, MID_JANUARY, Repayment.BULLET, DayCount.MONTHLY), "40000.00"),
        # a bridge of 30 days: 1,000,000 x 3 % x 30/360
        (Loan(MILLION, D("0.03"), 1, date(2024, 4, 15), Repayment.BULLET), "2500.00"),
        # 3,333.33 in each of twelve months
        (Loan(MILLION, D("0.04"), 12, MID_JANUARY, Repayment.INTEREST_MONTHLY, DayCount.MONTHLY), "39999.96"),
        # principal x monthly rate x (n + 1) / 2 = 120,000 x 0.5 % x 6.5
        (Loan(D(120_000), D("0.06"), 12, MID_JANUARY, Repayment.EQUAL_PRINCIPAL, DayCount.MONTHLY), "3900.00"),
        (Loan(MILLION, D(0), 12, MID_JANUARY, Repayment.EQUAL_INSTALMENTS), "0"),
    ],
)
def test_interest_by_hand(loan: Loan, expected: str) -> None:
    assert interest(loan) == D(expected)


@pytest.mark.parametrize(
    ("principal", "rate", "months", "expected"),
    [
        # P i (1+i)^n / ((1+i)^n - 1), the annuity of every textbook
        (100_000, "0.12", 12, "8884.88"),
        (200_000, "0.06", 360, "1199.10"),
        (1_000_000, "0.049", 360, "5307.27"),
        (300_000, "0.049", 240, "1963.33"),
        (1_000, "0", 3, "333.33"),
    ],
)
def test_the_level_instalment_is_the_textbook_annuity(principal: int, rate: str, months: int, expected: str) -> None:
    loan = Loan(D(principal), D(rate), months, MID_JANUARY, day_count=DayCount.MONTHLY)
    assert instalment(loan) == D(expected)


def test_equal_instalments_on_actual_days_by_hand() -> None:
    # 31 and 28 days at 36 %: growth 1.031 and 1.028; instalment 1000 x 1.031 x 1.028 / (1.028 + 1) = 522.62
    first, last = schedule(Loan(D(1000), D("0.36"), 2, date(2023, 1, 1)))
    assert (first.due_on, first.principal, first.interest, first.balance) == (
        date(2023, 2, 1),
        D("491.62"),
        D("31.00"),
        D("508.38"),
    )
    # 508.38 x 0.028 = 14.23: the last payment settles what is owed, here a fen less
    assert (last.due_on, last.interest, last.total, last.balance) == (date(2023, 3, 1), D("14.23"), D("522.61"), 0)


def test_monthly_interest_follows_the_days_of_the_month() -> None:
    january, february, march = schedule(Loan(MILLION, D("0.04"), 3, MID_JANUARY, Repayment.INTEREST_MONTHLY))
    assert january.interest == D("3444.44")  # 31 days
    assert february.interest == D("3222.22")  # 29 days, a leap year
    assert (march.interest, march.principal) == (D("3444.44"), MILLION)


def test_equal_principal_by_hand() -> None:
    payments = schedule(Loan(D(100), D("0.12"), 3, MID_JANUARY, Repayment.EQUAL_PRINCIPAL, DayCount.MONTHLY))
    assert [payment.principal for payment in payments] == [D("33.33"), D("33.33"), D("33.34")]
    assert [payment.interest for payment in payments] == [D("1.00"), D("0.67"), D("0.33")]


def test_a_loan_drawn_at_the_end_of_a_month_is_due_at_the_ends_of_months() -> None:
    payments = schedule(Loan(MILLION, D("0.04"), 4, date(2024, 1, 31)))
    assert [payment.due_on.isoformat() for payment in payments] == [
        "2024-02-29",
        "2024-03-31",
        "2024-04-30",
        "2024-05-31",
    ]


@pytest.mark.parametrize(
    ("principal", "rate", "months", "code"),
    [
        ("0", "0.04", 12, "bad_amount"),
        ("-1", "0.04", 12, "bad_amount"),
        ("0.001", "0.04", 12, "bad_amount"),
        ("NaN", "0.04", 12, "bad_amount"),
        ("1000", "-0.01", 12, "bad_rate"),
        ("1000", "4.35", 12, "bad_rate"),
        ("1000", "NaN", 12, "bad_rate"),
        ("1000", "0.04", 0, "bad_term"),
        ("1000", "0.04", 481, "bad_term"),
    ],
)
def test_terms_no_loan_can_have_are_refused(principal: str, rate: str, months: int, code: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        Loan(D(principal), D(rate), months, MID_JANUARY)
    assert refused.value.code == code
    assert refused.value.fix


@given(LOANS)
@settings(max_examples=150, deadline=None)
def test_what_is_lent_is_repaid_and_nothing_is_negative(loan: Loan) -> None:
    payments = schedule(loan)
    assert sum(payment.principal for payment in payments) == loan.principal
    assert payments[-1].balance == 0
    assert payments[-1].due_on == loan.due(loan.months)
    assert all(payment.principal >= 0 and payment.interest >= 0 for payment in payments)
    assert [payment.due_on for payment in payments] == sorted({payment.due_on for payment in payments})


@given(LOANS)
@settings(max_examples=80, deadline=None)
def test_interest_is_the_rate_on_what_is_owed_each_month(loan: Loan) -> None:
    owed = monthly_balances(loan, schedule(loan))
    assert owed[0] == loan.principal
    exact = sum(balance * loan.annual_rate * loan.fraction(month, month + 1) for month, balance in enumerate(owed))
    assert abs(interest(loan) - exact) <= D("0.005") * loan.months


def test_all_in_rate_of_one_year_is_the_rate() -> None:
    paid = [Flow(date(2023, 1, 1), D(1000)), Flow(date(2024, 1, 1), D(-1100))]
    assert all_in_rate(paid).effective == D("0.100000")  # type: ignore[union-attr]


def test_a_fee_taken_from_the_loan_by_hand() -> None:
    # 2 % off the top of an interest-free year: 1/0.98 - 1
    flows = [Flow(date(2023, 1, 1), D(1000)), Flow(date(2023, 1, 1), D(-20)), Flow(date(2024, 1, 1), D(-1000))]
    assert all_in_rate(flows).effective == D("0.020408")  # type: ignore[union-attr]


def test_half_a_year_compounds() -> None:
    # 181 days at 5 % in all: 1.05^(365/181) - 1
    rate = all_in_rate([Flow(date(2023, 1, 1), D(1000)), Flow(date(2023, 7, 1), D(-1050))])
    assert rate is not None
    assert float(rate.effective) == pytest.approx(1.05 ** (365 / 181) - 1, abs=1e-6)
    assert (1 + float(rate.nominal) / 12) ** 12 - 1 == pytest.approx(float(rate.effective), abs=1e-5)


def test_money_that_costs_less_than_nothing_has_a_rate_below_zero() -> None:
    rate = all_in_rate([Flow(date(2023, 1, 1), D(1000)), Flow(date(2024, 1, 1), D(-990))])
    assert rate is not None
    assert rate.effective == D("-0.010000")


def test_a_deposit_that_comes_back_does_not_hide_the_rate() -> None:
    # 900 now, 400 a year for three years, 100 of it back with the last
    flows = [Flow(date(2021, 1, 1), D(900)), *(Flow(date(2021 + year, 1, 1), D(-400)) for year in (1, 2))]
    rate = all_in_rate([*flows, Flow(date(2024, 1, 1), D(-300))])
    assert rate is not None
    worth = 900 - sum(paid / (1 + float(rate.effective)) ** year for year, paid in ((1, 400), (2, 400), (3, 300)))
    assert worth == pytest.approx(0, abs=0.01)
    second = [Flow(date(2021, 1, 1), D(900)), Flow(date(2022, 1, 1), D(-1200)), Flow(date(2024, 1, 1), D(200))]
    # 900 (1+r)^3 - 1200 (1+r)^2 + 200 = 0 has the roots 17.14 % and -47.60 %
    found = all_in_rate(second)
    assert found is not None
    growth = 1 + float(found.effective)
    assert 900 * growth**3 - 1200 * growth**2 + 200 == pytest.approx(0, abs=0.01)
    assert growth == pytest.approx(1.17138, abs=0.001)


@pytest.mark.parametrize(
    "flows",
    [
        [],
        [Flow(date(2023, 1, 1), D(1000))],
        [Flow(date(2023, 1, 1), D(-10)), Flow(date(2024, 1, 1), D(-1000))],
        [Flow(date(2023, 1, 1), D(1000)), Flow(date(2023, 1, 1), D(-1000)), Flow(date(2024, 1, 1), D(-1))],
    ],
)
def test_where_no_rate_exists_none_is_given(flows: list[Flow]) -> None:
    assert all_in_rate(flows) is None


@given(LOANS.filter(lambda loan: loan.principal >= 10_000))
@settings(max_examples=80, deadline=None)
def test_a_loan_without_fees_costs_its_own_rate(loan: Loan) -> None:
    rate = all_in_rate(loan_flows(loan, schedule(loan)))
    assert rate is not None
    year = {DayCount.ACTUAL_360: 365 / 360, DayCount.ACTUAL_365: 1.0, DayCount.MONTHLY: 1.0}[loan.day_count]
    contract = float(loan.annual_rate) * year
    if loan.repayment is Repayment.BULLET:
        years = (loan.due(loan.months) - loan.drawn_on).days / 365
        simple = (1 + float(loan.annual_rate * loan.fraction(0, loan.months))) ** (1 / years) - 1
        assert float(rate.effective) == pytest.approx(simple, abs=2e-5)
    else:
        # Twelfths of unequal months, leap days and roundings move it a little; never a tenth of itself.
        assert float(rate.nominal) == pytest.approx(contract, abs=0.0002 + 0.1 * contract)


@given(LOANS.filter(lambda loan: loan.principal >= 100), st.decimals("0.001", "0.05", places=3))
@settings(max_examples=60, deadline=None)
def test_a_higher_fee_never_costs_less(loan: Loan, fee: Decimal) -> None:
    flows = loan_flows(loan, schedule(loan))
    paid = (loan.principal * fee).quantize(D("0.01"))
    dearer = all_in_rate([*flows, Flow(loan.drawn_on, -paid)])
    dearest = all_in_rate([*flows, Flow(loan.drawn_on, -2 * paid)])
    plain = all_in_rate(flows)
    assert plain is not None
    assert dearer is not None
    assert dearest is not None
    assert plain.effective < dearer.effective < dearest.effective


@given(LOANS.filter(lambda loan: loan.principal >= 100), st.decimals("0", "0.05", places=3))
@settings(max_examples=60, deadline=None)
def test_the_root_agrees_with_scipy(loan: Loan, fee: Decimal) -> None:
    flows = [*loan_flows(loan, schedule(loan)), Flow(loan.drawn_on, -(loan.principal * fee).quantize(D("0.01")))]

    def worth(rate: float) -> float:
        return sum(float(flow.yuan) * (1 + rate) ** (-(flow.on - loan.drawn_on).days / 365) for flow in flows)

    found = all_in_rate(flows)
    assert found is not None
    assert float(found.effective) == pytest.approx(brentq(worth, -0.5, 50, xtol=1e-12), abs=1e-6)
