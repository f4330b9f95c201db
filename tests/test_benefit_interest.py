"""Interest subsidies by points and by share: by hand, in pieces, and done a second way."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.benefits.benefit import Asked
from matching.benefits.interest import LoanSubsidy
from matching.loans import DayCount, Repayment, schedule
from models.errors import RefusedInput
from service.books.rulebook import parameters
from tests.benefit_terms_said import AS_OF, LOAN, YUAN, D, a_loan, ask, floor_fen, interest_share, points, terms


@pytest.mark.parametrize(
    ("rate", "points_off", "half"),
    [("0.04", "0.015", "0.02"), ("0.015", "0.015", "0.0075"), ("0.0149", "0.0149", "0.00745"), ("0", "0", "0")],
)
def test_points_off_and_a_share_of_the_interest(rate: str, points_off: str, half: str) -> None:
    stated = {"loan_annual_rate": rate, "loan_amount_yuan": 1_000_000, "loan_term_months": 12}
    assert ask(points(), **stated).annual_rate == D(points_off), "never more than the loan itself costs"
    assert ask(interest_share(), **stated).annual_rate == D(half)


def test_points_off_by_hand() -> None:
    # 1.5 points on 2,000,000 for two of the three years, 50,000,000 at most
    of = points(limit_yuan=50_000_000)
    made = ask(of, loan_annual_rate="0.04", loan_amount_yuan=2_000_000, loan_term_months=36)
    assert (made.amount_yuan, made.amount_per_year_yuan) == (60_000, 30_000)
    over = ask(of, loan_annual_rate="0.04", loan_amount_yuan=60_000_000, loan_term_months=12)
    assert over.amount_yuan == 750_000
    assert "Principal subsidised at most" in [step.en for step in over.steps]


def test_a_subsidy_names_what_it_lacks() -> None:
    of = points(limit_yuan=50_000_000, enjoyed="claim_subsidised_principal_yuan")
    assert ask(of).missing == ("loan_annual_rate",)
    stated = {"loan_annual_rate": "0.04", "loan_amount_yuan": 2_000_000}
    assert ask(of, **stated).missing == ("claim_subsidised_principal_yuan",)
    used = ask(of, **stated, claim_subsidised_principal_yuan=49_000_000)
    assert (used.missing, used.amount_per_year_yuan) == (("loan_term_months",), 15_000)
    full = ask(of, **stated, loan_term_months=12, claim_subsidised_principal_yuan=50_000_000)
    assert full.amount_yuan == 0


def test_an_impossible_rate_is_refused() -> None:
    with pytest.raises(RefusedInput) as refused:
        ask(points(), loan_annual_rate="-0.01", loan_amount_yuan=1, loan_term_months=1)
    assert refused.value.field == "loan_annual_rate"


def test_the_rest_above_a_moved_target_is_subsidised() -> None:
    # the borrower bears up to LPR less 150 basis points: 3.10 % - 1.5 % = 1.60 %
    of = terms(
        kind="rate_to_share_of_parameter", parameter="lpr_1y", share=1, plus="-0.015", cap=1, day="as_of", **LOAN
    )
    assert ask(of, loan_annual_rate="0.04").annual_rate == D("0.0240")


@given(YUAN, st.integers(2, 4), st.decimals("0.02", "0.1", places=4), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_a_loan_in_pieces_is_never_subsidised_beyond_the_loan_in_one(
    piece: Decimal, pieces: int, rate: Decimal, kind: int
) -> None:
    limit = {"limit_yuan": str((piece * D("1.5")).quantize(D("0.01")) + D("0.01"))}
    of = [
        points(**limit),
        interest_share(**limit),
        terms(
            kind="rate_to_share_of_parameter",
            parameter="lpr_1y",
            share="0.70",
            cap="0.02",
            day="as_of",
            **{**LOAN, **limit},
        ),
    ][kind]
    assert isinstance(of, LoanSubsidy)
    asked = Asked({}, parameters(), AS_OF)
    (whole,) = of.on_loans([a_loan(piece * pieces, str(rate))], asked)
    parts = of.on_loans([a_loan(piece, str(rate))] * pieces, asked)
    assert whole.amount_yuan is not None
    assert sum(each.amount_yuan or 0 for each in parts) <= whole.amount_yuan


@given(
    principal=st.decimals("1", "80000000", places=2),
    rate=st.decimals("0", "0.24", places=4),
    months=st.integers(1, 40),
    repayment=st.sampled_from(Repayment),
    kind=st.sampled_from(["points_off", "share_of_interest"]),
)
@settings(max_examples=100, deadline=None)
def test_interest_subsidies_agree_with_plain_arithmetic(
    principal: Decimal, rate: Decimal, months: int, repayment: Repayment, kind: str
) -> None:
    limit = 50_000_000
    of = points(limit_yuan=limit) if kind == "points_off" else interest_share(limit_yuan=limit)
    loan = a_loan(principal, str(rate), months, repayment=repayment, day_count=DayCount.MONTHLY)
    made = ask(of, loan, loan_annual_rate=rate)
    subsidy = min(Fraction("0.015"), Fraction(rate)) if kind == "points_off" else Fraction(rate) / 2
    repaid = {payment.due_on: payment.principal for payment in schedule(loan)}
    owed, total = Fraction(principal), Fraction(0)
    for month in range(1, months + 1):
        if month <= 24:
            total += min(owed, limit) * subsidy / 12
        owed -= Fraction(repaid.get(loan.due(month), D(0)))
    assert made.amount_yuan == floor_fen(total)
    assert sum(flow.yuan for flow in made.flows) == made.amount_yuan
