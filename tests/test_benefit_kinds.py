"""Grants by kind: numbers by hand on and beside each bound, what must always hold, and sums done a second way."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.benefits import BenefitTerms
from models.truth import Truth
from tests.benefit_terms_said import (
    FLAGS,
    INSURER,
    MONEY,
    SHARES,
    YUAN,
    D,
    ask,
    fixed,
    flag,
    floor_fen,
    of_amount,
    part,
    terms,
)


@pytest.mark.parametrize(
    ("sales", "amount"),
    [
        ("0", "0"),
        ("199.99", "0.99"),  # 0.99995 is not a yuan
        ("200", "1.00"),
        ("39999999.99", "199999.99"),
        ("40000000", "200000"),
        ("40000000.01", "200000"),  # the cap
        ("-5", "0"),  # returns above sales
    ],
)
def test_a_share_of_an_amount_is_rounded_down_and_capped(sales: str, amount: str) -> None:
    made = ask(of_amount(cap_yuan=200_000), sales_12m=sales)
    assert made.amount_yuan == made.at_least_yuan == made.at_most_yuan == D(amount)
    assert made.missing == ()


@pytest.mark.parametrize(("sales", "amount"), [("0", "0"), ("0.01", "500"), ("100000", "500"), ("100001", "500")])
def test_a_floor_is_paid_on_any_amount_and_on_none_at_all_nothing(sales: str, amount: str) -> None:
    assert ask(of_amount(floor_yuan=500), sales_12m=sales).amount_yuan == D(amount)


def test_cap_and_floor_are_steps_with_their_clause() -> None:
    steps = ask(of_amount(cap_yuan=200_000, floor_yuan=500), sales_12m=1_000_000).steps
    assert [(step.value, step.unit) for step in steps] == [
        (1_000_000, "yuan"),
        (5_000, "yuan"),
        (500, "yuan"),
        (200_000, "yuan"),
        (5_000, "yuan"),
    ]
    assert {step.cite for step in steps[1:]} == {"text:1"}


def test_an_unknown_amount_is_named_and_bounded_by_its_cap() -> None:
    made = ask(of_amount(cap_yuan=200_000))
    assert (made.amount_yuan, made.missing) == (None, ("sales_12m",))
    assert (made.at_least_yuan, made.at_most_yuan) == (0, 200_000)
    assert ask(of_amount()).at_most_yuan is None, "without a cap nothing bounds it"


@given(MONEY, SHARES, YUAN, YUAN)
@settings(max_examples=100, deadline=None)
def test_a_larger_cap_and_a_larger_base_never_lower_a_share(
    base: Decimal, share: Decimal, cap: Decimal, more: Decimal
) -> None:
    amount = ask(of_amount(str(share), cap_yuan=cap), sales_12m=base).amount_yuan
    wider = ask(of_amount(str(share), cap_yuan=cap + more), sales_12m=base).amount_yuan
    uncapped = ask(of_amount(str(share)), sales_12m=base).amount_yuan
    richer = ask(of_amount(str(share)), sales_12m=base + more).amount_yuan
    assert amount is not None
    assert wider is not None
    assert uncapped is not None
    assert richer is not None
    assert 0 <= amount <= wider <= uncapped <= richer
    assert amount <= cap


@pytest.mark.parametrize(("units", "amount"), [(0, 0), (1, 2000), (4, 8000), (5, 10_000), (6, 10_000)])
def test_so_much_for_each(units: int, amount: int) -> None:
    each = terms(kind="per_unit", of="insured_staff", yuan_each=2000, cap_yuan=10_000)
    assert ask(each, insured_staff=units).amount_yuan == amount
    assert ask(each).missing == ("insured_staff",)


def test_a_fixed_sum_and_a_thing_that_is_no_money() -> None:
    assert ask(terms(kind="fixed", yuan="50000")).amount_yuan == 50_000
    label = ask(terms(kind="in_kind", zh="名单", en="A label"))
    assert (label.amount_yuan, label.missing) == (None, ())
    assert label.given is not None
    assert label.given.en == "A label"


@pytest.mark.parametrize(
    ("base", "enjoyed", "amount"),
    [
        ("20000000", "0", "100000"),
        ("59999999", "0", "299999.99"),
        ("60000000", "0", "300000"),
        ("60000001", "0", "300000"),
        ("60000000", "250000", "50000"),
        ("60000000", "300000", "0"),
        ("60000000", "300000.01", "0"),  # paid more by mistake: nothing is asked back here
        ("0", "0", "0"),
    ],
)
def test_a_payees_cap_counts_what_it_has_had(base: str, enjoyed: str, amount: str) -> None:
    # 000:96: half a per cent of the risk insured, at most 300,000 an insurer a year
    assert ask(terms(**INSURER), need_amount_yuan=base, claim_enjoyed_yuan=enjoyed).amount_yuan == D(amount)


def test_what_was_enjoyed_is_never_taken_for_nothing() -> None:
    made = ask(terms(**INSURER), need_amount_yuan=20_000_000)
    assert (made.amount_yuan, made.missing) == (None, ("claim_enjoyed_yuan",))
    assert made.at_most_yuan == 100_000


@given(MONEY, MONEY, YUAN)
@settings(max_examples=80, deadline=None)
def test_claims_in_pieces_come_to_no_more_than_the_cap(first: Decimal, second: Decimal, cap: Decimal) -> None:
    of = terms(**{**INSURER, "cap_yuan": cap})
    one = ask(of, need_amount_yuan=first, claim_enjoyed_yuan=0).amount_yuan
    assert one is not None
    two = ask(of, need_amount_yuan=second, claim_enjoyed_yuan=one).amount_yuan
    whole = ask(of, need_amount_yuan=first + second, claim_enjoyed_yuan=0).amount_yuan
    assert two is not None
    assert whole is not None
    assert one + two <= whole <= cap


def building(counting: str = "highest") -> BenefitTerms:
    def above(yuan: str, give: int) -> dict[str, Any]:
        return {
            "when": {"fact": "sales_12m", "op": "gt", "value": yuan},
            "give": fixed(give),
            "zh": f"超过{yuan}",
            "en": f"Above {yuan}",
        }

    return terms(
        kind="tiers",
        counting=counting,
        tiers=[above("2500000000", 200_000), above("5000000000", 300_000), above("7500000000", 400_000)],
    )


@pytest.mark.parametrize(
    ("sales", "highest", "cumulative"),
    [
        ("2500000000", 0, 0),
        ("2500000000.01", 200_000, 200_000),
        ("5000000000", 200_000, 200_000),
        ("5000000000.01", 300_000, 500_000),
        ("7500000000.01", 400_000, 900_000),
    ],
)
def test_tiers_on_and_beside_each_bound(sales: str, highest: int, cumulative: int) -> None:
    assert ask(building(), sales_12m=sales).amount_yuan == highest
    assert ask(building("cumulative"), sales_12m=sales).amount_yuan == cumulative


def test_each_tier_says_whether_it_is_reached_and_what_it_gives() -> None:
    parts = ask(building(), sales_12m="6000000000").parts
    assert [(each.truth, each.amount_yuan) for each in parts] == [
        (Truth.MET, 200_000),
        (Truth.MET, 300_000),
        (Truth.UNMET, 400_000),
    ]


def two_tiers(counting: str, first: int, second: int, **more: Any) -> BenefitTerms:
    tiers = [part("high_tech", fixed(first)), part("specialised_label", fixed(second))]
    return terms(kind="tiers", counting=counting, tiers=tiers, **more)


def test_an_unknown_that_cannot_change_the_highest_tier_is_not_asked() -> None:
    small_open = ask(two_tiers("highest", 300, 200), high_tech=True)
    assert (small_open.amount_yuan, small_open.missing) == (300, ())
    large_open = ask(two_tiers("highest", 300, 400), high_tech=True)
    assert (large_open.amount_yuan, large_open.missing) == (None, ("specialised_label",))
    assert (large_open.at_least_yuan, large_open.at_most_yuan) == (300, 400)
    both = ask(two_tiers("cumulative", 300, 200), high_tech=True)
    assert (both.amount_yuan, both.at_least_yuan, both.at_most_yuan) == (None, 300, 500)


def test_tiers_together_end_at_their_cap_and_say_so() -> None:
    made = ask(two_tiers("cumulative", 300, 200, cap_yuan=400), high_tech=True, specialised_label=True)
    assert made.amount_yuan == 400
    assert [step.value for step in made.steps[-3:]] == [500, 400, 400]
    # with the cap reached, what is open no longer matters
    assert ask(two_tiers("cumulative", 300, 200, cap_yuan=300), high_tech=True).amount_yuan == 300


@given(st.lists(st.tuples(FLAGS, st.integers(1, 10**7)), min_size=1, max_size=3), MONEY)
@settings(max_examples=100, deadline=None)
def test_the_highest_is_never_more_than_all_and_filling_an_unknown_stays_within_the_bounds(
    drawn: list[tuple[bool | None, int]], sales: Decimal
) -> None:
    asked = ("high_tech", "specialised_label", "private_owned")
    tiers = [part(fact, fixed(yuan)) for fact, (_, yuan) in zip(asked, drawn, strict=False)]
    tiers.append(part("live", {"kind": "share_of_amount", "of": "sales_12m", "share": "0.001", "cap_yuan": 1000}))
    values = {"live": True, "sales_12m": sales}
    values |= {fact: known for fact, (known, _) in zip(asked, drawn, strict=False)}
    made = {}
    for counting in ("highest", "cumulative"):
        of = terms(kind="tiers", counting=counting, tiers=tiers)
        open_one = ask(of, **values)
        made[counting] = open_one
        assert (open_one.amount_yuan is None) == bool(open_one.missing)
        for answer in (True, False):
            filled = ask(of, **{fact: answer if value is None else value for fact, value in values.items()})
            assert filled.amount_yuan is not None
            assert open_one.at_least_yuan is not None
            assert open_one.at_most_yuan is not None
            assert open_one.at_least_yuan <= filled.amount_yuan <= open_one.at_most_yuan
    highest, cumulative = made["highest"], made["cumulative"]
    assert highest.at_least_yuan is not None
    assert cumulative.at_least_yuan is not None
    assert highest.at_least_yuan <= cumulative.at_least_yuan
    if highest.amount_yuan is not None and cumulative.amount_yuan is not None:
        assert highest.amount_yuan <= cumulative.amount_yuan


GOING_PUBLIC = {
    "kind": "staged",
    "stages": [
        part("high_tech", fixed(1_000_000), id="tutoring"),
        part("specialised_label", fixed(1_000_000), id="accepted"),
        part("private_owned", fixed(1_000_000), id="listed"),
    ],
}


def test_each_stage_is_paid_when_it_is_reached() -> None:
    of = terms(**GOING_PUBLIC)
    none = ask(of, high_tech=False, specialised_label=False, private_owned=False)
    two = ask(of, high_tech=True, specialised_label=True, private_owned=False)
    every = ask(of, high_tech=True, specialised_label=True, private_owned=True)
    assert [made.amount_yuan for made in (none, two, every)] == [0, 2_000_000, 3_000_000]
    assert [each.id for each in two.parts if each.truth is Truth.MET] == ["tutoring", "accepted"]
    open_end = ask(of, high_tech=True, specialised_label=False)
    assert (open_end.amount_yuan, open_end.missing) == (None, ("private_owned",))
    assert (open_end.at_least_yuan, open_end.at_most_yuan) == (1_000_000, 2_000_000)


def years(whole: Mapping[str, Any], *shares: str) -> BenefitTerms:
    asked = ("high_tech", "specialised_label", "private_owned")
    parts = [
        {"share": share, "when": flag(fact), "zh": "年", "en": "Year"}
        for share, fact in zip(shares, asked, strict=False)
    ]
    return terms(kind="split_years", of=dict(whole), parts=parts)


def test_half_at_once_and_half_after_two_years() -> None:
    # 004:5: at most 100,000 over two years, half in the year, half if revenue rises two years running
    halves = years(fixed(100_000), "0.5", "0.5")
    assert ask(halves, high_tech=True, specialised_label=True).amount_yuan == 100_000
    assert ask(halves, high_tech=True, specialised_label=False).amount_yuan == 50_000
    first = ask(halves, high_tech=True)
    assert (first.amount_yuan, first.at_least_yuan, first.at_most_yuan) == (None, 50_000, 100_000)
    assert first.missing == ("specialised_label",)


@given(st.decimals("0.01", "999999.99", places=2), st.sampled_from([("0.5", "0.5"), ("0.333", "0.333", "0.334")]))
@settings(max_examples=80, deadline=None)
def test_the_years_together_are_the_whole_to_the_fen(yuan: Decimal, shares: tuple[str, ...]) -> None:
    of = years(fixed(yuan), *shares)
    every = ask(of, high_tech=True, specialised_label=True, private_owned=True)
    assert every.amount_yuan == yuan
    assert sum(each.amount_yuan or 0 for each in every.parts) == yuan
    without_last = ask(of, high_tech=True, specialised_label=False, private_owned=False)
    assert without_last.amount_yuan == floor_fen(Fraction(yuan) * Fraction(shares[0]))


def oracle_share(base: Decimal, share: str, cap: int | None) -> Decimal:
    exact = floor_fen(Fraction(max(base, D(0))) * Fraction(share))
    return exact if cap is None or exact <= cap else D(cap)


@given(
    sales=MONEY,
    high_tech=st.booleans(),
    label=st.booleans(),
    staff=st.integers(0, 5000),
    counting=st.sampled_from(["highest", "cumulative"]),
)
@settings(max_examples=150, deadline=None)
def test_tiers_of_every_simple_kind_agree_with_plain_arithmetic(
    sales: Decimal, high_tech: bool, label: bool, staff: int, counting: str
) -> None:
    of = terms(
        kind="tiers",
        counting=counting,
        tiers=[
            part("high_tech", {"kind": "share_of_amount", "of": "sales_12m", "share": "0.002", "cap_yuan": 200_000}),
            part("specialised_label", {"kind": "per_unit", "of": "insured_staff", "yuan_each": 150}),
            {
                "when": {"fact": "sales_12m", "op": "ge", "value": 20_000_000},
                "give": fixed(50_000),
                "zh": "规上",
                "en": "Above scale",
            },
        ],
    )
    reached = [
        oracle_share(sales, "0.002", 200_000) if high_tech else D(0),
        D(150 * staff) if label else D(0),
        D(50_000) if sales >= 20_000_000 else D(0),
    ]
    expected = max(reached) if counting == "highest" else sum(reached)
    made = ask(of, sales_12m=sales, high_tech=high_tech, specialised_label=label, insured_staff=staff)
    assert made.amount_yuan == expected
