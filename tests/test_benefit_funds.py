"""Equity, pots, pools and guarantees: by hand, whoever bears a loss bears all of it, and no pot pays what it lacks."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.benefit_terms import benefit_of
from matching.benefits import GuaranteeTerms, Pool, allocate
from models.errors import RefusedInput
from service.books.rulebook import facts, parameters
from tests.benefit_terms_said import CAPPED, EQUITY, MONEY, POOL, POT, SHARES, YUAN, D, ask, floor_fen, terms


def test_a_funds_return_is_bounded_by_the_parameter_of_the_day() -> None:
    # 000:87: at most 5,000,000, three years, return at most the one-year LPR
    made = ask(terms(**EQUITY), loan_amount_yuan=8_000_000, loan_term_months=48)
    assert (made.funding_yuan, made.fee_annual_rate) == (5_000_000, D("0.0310"))
    assert made.fee_yuan == 465_000  # 5,000,000 x 3.10 % x 3
    assert made.amount_yuan is None, "a stake is given back"
    assert ask(terms(**EQUITY), loan_amount_yuan=5_000_000, loan_term_months=36).fee_yuan == 465_000
    assert ask(terms(**EQUITY), loan_amount_yuan="4999999.99", loan_term_months=35).funding_yuan == D("4999999.99")
    assert ask(terms(**EQUITY)).missing == ("loan_amount_yuan", "loan_term_months")


def test_a_parameter_after_its_last_confirmation_is_named() -> None:
    values = facts().read_values({"loan_amount_yuan": 1, "loan_term_months": 12})
    late = benefit_of(terms(**EQUITY), values, parameters(), date(2030, 1, 1))
    assert len(late.unconfirmed) == 1
    assert late.unconfirmed[0].startswith("lpr_1y on 2030-01-01: Last confirmed on")
    assert ask(terms(**EQUITY)).unconfirmed == ()


@pytest.mark.parametrize(
    ("own", "total", "amount"),
    [("1", "3", "1000000"), ("2", "7", "857142.85"), ("7", "7", "3000000"), ("0", "7", "0"), ("0", "0", "0")],
)
def test_a_pot_by_volume(own: str, total: str, amount: str) -> None:
    assert ask(terms(**POT), need_amount_yuan=own, sales_12m=total).amount_yuan == D(amount)


def test_a_part_above_its_total_is_refused_and_an_unknown_one_named() -> None:
    with pytest.raises(RefusedInput) as refused:
        ask(terms(**POT), need_amount_yuan="7.01", sales_12m="7")
    assert refused.value.field == "need_amount_yuan"
    made = ask(terms(**POT), need_amount_yuan=7)
    assert (made.amount_yuan, made.missing, made.at_most_yuan) == (None, ("sales_12m",), 3_000_000)


@given(YUAN, st.dictionaries(st.text("abc", min_size=1, max_size=3), MONEY, min_size=1, max_size=8))
@settings(max_examples=100, deadline=None)
def test_the_shares_of_a_pot_are_the_pot(pot: Decimal, volumes: dict[str, Decimal]) -> None:
    parts = allocate(pot, volumes)
    total = sum(volumes.values())
    assert set(parts) == set(volumes)
    assert sum(parts.values()) == (pot if total else 0)
    for name, volume in volumes.items():
        least = floor_fen(Fraction(pot) * Fraction(volume) / Fraction(total)) if total else D(0)
        assert least <= parts[name] <= least + D("0.01")
    if total:
        reversed_order = allocate(pot, dict(reversed(volumes.items())))
        assert reversed_order == parts, "the order of the list changes nothing"


def test_a_volume_below_zero_is_refused() -> None:
    with pytest.raises(RefusedInput):
        allocate(D(100), {"a": D(-1)})


def test_a_pool_by_hand() -> None:
    made = ask(terms(**POOL), loan_amount_yuan=2_000_000, claim_pool_yuan=500_000)
    assert (made.contribution_low_yuan, made.contribution_high_yuan) == (20_000, 50_000)
    assert made.funding_yuan == 2_000_000, "capacity is ten times the pool, 5,000,000"
    # a total loss of 2,000,000: 20,000 paid in, 500,000 from the pool, the rest 40 : 60
    assert [step.value for step in made.steps[-4:]] == [20_000, 500_000, 592_000, 888_000]
    larger = ask(terms(**POOL), loan_amount_yuan=6_000_000, claim_pool_yuan=500_000)
    assert larger.funding_yuan == 5_000_000
    taken = ask(
        terms(**POOL, lent="claim_pool_lent_yuan"),
        loan_amount_yuan=2_000_000,
        claim_pool_yuan=500_000,
        claim_pool_lent_yuan=4_500_000,
    )
    assert taken.funding_yuan == 500_000
    assert ask(terms(**POOL)).missing == ("loan_amount_yuan", "claim_pool_yuan")
    assert ask(terms(**POOL, pool_yuan=100_000), loan_amount_yuan=2_000_000).funding_yuan == 1_000_000


@given(MONEY, MONEY, MONEY)
@settings(max_examples=80, deadline=None)
def test_every_loss_is_borne_and_the_pool_never_pays_what_it_has_not(
    loss: Decimal, pool: Decimal, paid_in: Decimal
) -> None:
    of = terms(**POOL)
    assert isinstance(of, Pool)
    borne = of.borne(loss, pool, paid_in)
    assert sum(borne.values()) == loss
    assert all(yuan >= 0 for yuan in borne.values())
    assert borne["firm"] <= paid_in
    assert borne["pool"] <= pool
    with pytest.raises(RefusedInput):
        of.borne(D("-0.01"), pool)


@pytest.mark.parametrize(
    ("lost", "fund", "province", "guarantor"),
    [
        ("0", "0", "0", "0"),
        ("4000000", "800000", "800000", "1600000"),  # four per cent of the volume: the fund's cap itself
        ("4000001", "800000", "800000.20", "1600000.60"),
        ("5000000", "800000", "1000000", "2200000"),  # the province's cap
        ("10000000", "800000", "1000000", "6200000"),
    ],
)
def test_beyond_its_cap_a_bearer_pays_nothing_more(lost: str, fund: str, province: str, guarantor: str) -> None:
    of = terms(**CAPPED)
    assert isinstance(of, GuaranteeTerms)
    borne = of.year_of_losses(D(100_000_000), D(lost))
    assert (borne["national_fund"], borne["province"], borne["guarantor"]) == (D(fund), D(province), D(guarantor))
    assert borne["bank"] == D(lost) / 5
    assert sum(borne.values()) == D(lost)


@given(MONEY, SHARES, SHARES, st.decimals("0", "0.1", places=3))
@settings(max_examples=80, deadline=None)
def test_a_larger_compensation_cap_never_lowers_what_the_fund_pays(
    volume: Decimal, part_lost: Decimal, cap: Decimal, more: Decimal
) -> None:
    lost = (volume * part_lost).quantize(D("0.01"), rounding=ROUND_FLOOR)
    caps = (cap, min(cap + more, D(1)))
    paid = []
    for each in caps:
        of = terms(**{**CAPPED, "compensation_caps": {"national_fund": str(each)}})
        assert isinstance(of, GuaranteeTerms)
        borne = of.year_of_losses(volume, lost)
        assert sum(borne.values()) == lost
        assert min(borne.values()) >= 0
        paid.append(borne["national_fund"])
    assert paid[0] <= paid[1]


def test_a_loss_above_the_volume_is_refused() -> None:
    of = terms(**CAPPED)
    assert isinstance(of, GuaranteeTerms)
    with pytest.raises(RefusedInput):
        of.year_of_losses(D(100), D("100.01"))


def test_a_relieved_fee() -> None:
    made = ask(terms(**CAPPED, fee_relief="0.50"), loan_amount_yuan=2_000_000, loan_term_months=18)
    assert (made.fee_annual_rate, made.fee_yuan) == (D("0.005"), 15_000)
    assert [step.value for step in made.steps[:3]] == [D("0.01"), D("0.50"), D("0.005")]
    assert ask(terms(**CAPPED, fee_relief=1), loan_amount_yuan=2_000_000, loan_term_months=18).fee_yuan == 0


@given(MONEY, MONEY)
@settings(max_examples=60, deadline=None)
def test_a_pot_agrees_with_plain_arithmetic(own: Decimal, others: Decimal) -> None:
    made = ask(terms(**POT), need_amount_yuan=own, sales_12m=own + others)
    whole = Fraction(own) + Fraction(others)
    assert made.amount_yuan == (floor_fen(Fraction(3_000_000) * Fraction(own) / whole) if whole else 0)
