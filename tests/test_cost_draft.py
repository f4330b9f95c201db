"""A cost list as a bank drafts it: the all-in rate against another method, every item dated, wrong drafts refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from matching.all_in import Flow
from matching.cost_draft import Draft, DraftFee, DraftPreference, DraftReduction
from matching.drafted_cost import listed
from matching.financing_cost import ItemKind, When
from matching.loans import DayCount, Repayment
from matching.rulefile import Name
from models.errors import RefusedInput

D = Decimal
ON = date(2024, 11, 6)
APPRAISAL = Name("评估费", "Appraisal")


def fee(when: When = When.DRAWDOWN, charged_by: str = "appraiser", **price: Any) -> DraftFee:
    return DraftFee(APPRAISAL, ItemKind.FEE, charged_by, when, **price)


def draft(**changed: Any) -> Draft:
    parts: dict[str, Any] = {
        "product": "",
        "lender": "a-bank",
        "lender_kind": "bank",
        "principal": D(1_000_000),
        "months": 12,
        "drawn_on": ON,
        "annual_rate": D("0.0385"),
        "repayment": Repayment.BULLET,
        "day_count": DayCount.ACTUAL_365,
    }
    return Draft(**{**parts, **changed})


def test_a_bullet_loan_by_hand() -> None:
    paid_in_march = fee(When.ON_DAY, yuan=D(500), on=date(2025, 3, 6))
    made = listed(draft(fees=(fee(yuan=D(3_000)), paid_in_march), deposit=D(50_000)))
    items = {item.id: (item.yuan, item.annual_rate, [flow.on for flow in item.due]) for item in made.items}
    assert items == {
        "interest": (D("38500.00"), D("0.038500"), [date(2025, 11, 6)]),
        "fee-1": (3_000, D("0.003000"), [ON]),
        "fee-2": (500, D("0.000500"), [date(2025, 3, 6)]),
        "deposit": (0, 0, []),
    }
    assert made.items[-1].held_yuan == 50_000
    assert (made.total_yuan, made.total_annual_rate) == (D("42000.00"), D("0.042000"))
    # 947,000 received; 500 after 120 days; 988,500 after a year: 947000 = 500/q^(120/365) + 988500/q
    assert made.all_in_annual_rate == D("0.044366")


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    months = draw(st.integers(2, 36))
    drawn_on = draw(st.dates(date(2020, 1, 1), date(2030, 12, 31)))
    principal = draw(st.integers(50_000, 50_000_000).map(D))
    made = draft(
        principal=principal,
        months=months,
        drawn_on=drawn_on,
        annual_rate=draw(st.decimals("0.01", "0.15", places=4)),
        repayment=draw(st.sampled_from(Repayment)),
        day_count=draw(st.sampled_from(DayCount)),
        deposit=draw(st.integers(0, int(principal) // 10).map(D)),
    )
    days = (made.ends_on - drawn_on).days
    prices = st.one_of(
        st.builds(lambda rate: {"rate": rate}, st.decimals("0", "0.03", places=4)),
        st.builds(lambda yuan: {"yuan": yuan}, st.decimals("0", "1000", places=2)),
    )
    rules = st.sampled_from([When.DRAWDOWN, When.YEARLY, When.MATURITY])
    fees = draw(
        st.lists(
            st.one_of(
                st.builds(lambda when, price: fee(when, **price), rules, prices),
                st.builds(
                    lambda day, price: fee(When.ON_DAY, on=drawn_on + timedelta(day), **price),
                    st.integers(-200, days),
                    prices,
                ),
            ),
            max_size=4,
        )
    )
    received = draw(
        st.lists(
            st.builds(
                lambda day, yuan: Flow(drawn_on + timedelta(day), yuan),
                st.integers(0, days + 300),
                st.decimals("0", "200", places=2),
            ),
            max_size=2,
        )
    )
    preference = DraftPreference("", Name("补贴", "Subsidy"), tuple(received))
    return replace(made, fees=tuple(fees), preferences=(preference,) if received else ())


@given(drafts())
@settings(max_examples=60, deadline=None)
def test_the_all_in_rate_is_the_root_another_method_finds(of: Draft) -> None:
    """The yearly growth at which everything the firm pays is worth what it receives, by Brent's method on compound
    factors; the code solves for a continuous rate by Newton's.
    """
    made = listed(of)
    assert made.all_in_annual_rate is not None
    moves = [(of.drawn_on, float(of.principal - of.deposit)), (of.ends_on, float(of.deposit))]
    moves += [(flow.on, -float(flow.yuan)) for flow in made.repayments]
    moves += [(flow.on, -float(flow.yuan)) for item in made.items for flow in item.due]
    moves += [(flow.on, float(flow.yuan)) for each in of.preferences for flow in each.due]

    def worth(rate: float) -> float:
        return sum(yuan * (1 + rate) ** (-(day - of.drawn_on).days / 365) for day, yuan in moves)

    assert brentq(worth, -0.5, 5) == pytest.approx(float(made.all_in_annual_rate), abs=6e-7)
    assert sum(item.yuan for item in made.items) - sum(each.yuan for each in made.preferences) == made.total_yuan


@given(drafts(), st.decimals("1", "5000", places=2))
@settings(max_examples=30, deadline=None)
def test_one_more_fee_costs_its_yuan_and_never_lowers_the_rate(of: Draft, yuan: Decimal) -> None:
    before, after = listed(of), listed(replace(of, fees=(*of.fees, fee(yuan=yuan))))
    assert after.total_yuan - before.total_yuan == yuan
    assert after.all_in_annual_rate is not None
    assert before.all_in_annual_rate is not None
    assert after.all_in_annual_rate >= before.all_in_annual_rate


def test_a_yearly_fee_is_on_what_is_owed_and_a_free_item_may_be_listed() -> None:
    terms = draft(months=24, repayment=Repayment.EQUAL_PRINCIPAL, principal=D(1_200_000))
    made = listed(replace(terms, fees=(fee(When.YEARLY, rate=D("0.01")), fee(yuan=D(0)))))
    assert [flow.yuan for flow in made.items[1].due] == [12_000, 6_000]
    assert (made.items[2].yuan, made.items[2].due) == (0, ())


def test_a_preference_without_yuan_and_one_of_the_lender_are_told_apart() -> None:
    waived = DraftPreference("", Name("评估费减免", "Appraisal waived"), (Flow(ON, D(3_000)),))
    in_rate = DraftPreference("sy-first-loan-subsidy-2024", Name("首贷", "First loan"))
    made = listed(draft(fees=(fee(yuan=D(3_000)),), preferences=(in_rate, waived)))
    assert [(each.id, each.yuan) for each in made.preferences] == [
        ("sy-first-loan-subsidy-2024", 0),
        ("preference-2", 3_000),
    ]
    assert made.total_yuan == D("38500.00")
    assert made.all_in_annual_rate == D("0.038500")


END = date(2025, 11, 6)
SUBSIDY = DraftPreference("s", Name("补贴", "Subsidy"))


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"fees": (fee(yuan=D(-1)),)}, "fees.0.yuan", "negative_amount"),
        ({"fees": (fee(rate=D("-0.01")),)}, "fees.0.rate", "bad_rate"),
        ({"fees": (fee(rate=D(1)),)}, "fees.0.rate", "bad_rate"),
        ({"fees": (fee(),)}, "fees.0.rate", "rate_or_sum"),
        ({"fees": (fee(rate=D("0.01"), yuan=D(1)),)}, "fees.0.rate", "rate_or_sum"),
        ({"fees": (fee(yuan=D(1)), fee(charged_by="broker", yuan=D(1)))}, "fees.1.charged_by", "unknown_charger"),
        ({"fees": (fee(charged_by="other", yuan=D(1)),)}, "fees.0.charger", "unknown_charger"),
        ({"fees": (replace(fee(yuan=D(1)), name=Name(" ", "")),)}, "fees.0.zh", "no_name"),
        ({"fees": (fee(When.ON_DAY, yuan=D(1)),)}, "fees.0.on", "day_or_rule"),
        ({"fees": (fee(yuan=D(1), on=ON),)}, "fees.0.on", "day_or_rule"),
        ({"fees": (fee(When.ON_DAY, yuan=D(1), on=END + timedelta(1)),)}, "fees.0.on", "fee_after_end"),
        ({"fees": (fee(When.ON_DAY, yuan=D(1), on=date(2023, 11, 5)),)}, "fees.0.on", "fee_before_loan"),
        ({"fees": (fee(yuan=D(1_000_000)),)}, "fees", "no_rate"),
        ({"deposit": D(1_000_000)}, "deposit_yuan", "bad_amount"),
        ({"deposit": D(-1)}, "deposit_yuan", "bad_amount"),
        ({"principal": D(0)}, "principal", "bad_amount"),
        ({"months": 0}, "months", "bad_term"),
        ({"annual_rate": D("3.85")}, "annual_rate", "bad_rate"),
        ({"preferences": (replace(SUBSIDY, due=(Flow(ON, D(-1)),)),)}, "preferences.0.yuan", "negative_amount"),
        ({"preferences": (replace(SUBSIDY, due=(Flow(date(2024, 11, 5), D(1)),)),)}, "preferences.0.on", "bad_date"),
        ({"preferences": (replace(SUBSIDY, due=(Flow(date(2031, 1, 1), D(1)),)),)}, "preferences.0.on", "bad_date"),
        ({"preferences": (SUBSIDY, SUBSIDY)}, "preferences", "named_twice"),
        (
            {"preferences": (SUBSIDY,), "reductions_open": (DraftReduction("s", APPRAISAL, APPRAISAL),)},
            "reductions_open",
            "named_twice",
        ),
    ],
)
def test_a_draft_that_cannot_be_is_refused_by_its_part(changed: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        listed(draft(**changed))
    assert (refused.value.field, refused.value.code) == (field, code)
    assert refused.value.rule
    assert refused.value.fix


def test_a_fee_on_the_last_day_and_one_a_year_before_are_taken() -> None:
    last, first = fee(When.ON_DAY, yuan=D(1), on=END), fee(When.ON_DAY, yuan=D(1), on=date(2023, 11, 6))
    assert [item.due[0].on for item in listed(draft(fees=(last, first))).items[1:]] == [END, date(2023, 11, 6)]
