"""Ranking for a firm and for a bank, conversion shrunk for small numbers, stated rules against decisions."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.applications.bank_value import risk_adjusted
from matching.applications.conversion import Cell, Conversions, Decided
from matching.applications.hidden import Decision, HiddenCriterion, hidden_criteria
from matching.applications.rank import Ranked, best_of_each_lender, in_order, read_weights, with_points
from matching.applications.rules import CRITERIA, Shrinkage
from matching.option import Option
from matching.status import Status
from models.errors import RefusedInput
from service.books.rulebook import application_rules

RULES = application_rules()
SHRINKAGE = Shrinkage(20, Decimal("0.90"), 5)
MICRO, SMALL = Cell("micro", "C", "A"), Cell("small", "C", "A")


# --- conversion


def test_small_numbers_are_drawn_toward_the_product_and_that_toward_all() -> None:
    known = Conversions(
        [Decided("p", MICRO, 3, 0, 30), Decided("p", SMALL, 27, 70, 970), Decided("q", MICRO, 50, 50, 500)], SHRINKAGE
    )
    overall = 80 / 200
    product = (30 + 20 * overall) / 120
    chance = known.chance("p", MICRO)
    assert chance is not None
    assert chance.prior == pytest.approx(product)
    assert chance.share == pytest.approx((3 + 20 * product) / 23)
    assert (chance.decisions, chance.approved, chance.of_product) == (3, 3, 100)
    assert chance.low < chance.share < chance.high
    unseen = known.chance("new product", MICRO)
    assert unseen is not None
    assert unseen.share == pytest.approx(overall), "nothing of its own: all products' share"
    speed = known.speed("p")
    assert speed is not None
    assert speed.days == pytest.approx((1000 + 5 * 1500 / 200) / 105)


def test_where_nobody_decided_nothing_is_known() -> None:
    known = Conversions([], SHRINKAGE)
    assert known.chance("p", MICRO) is None
    assert known.speed("p") is None


def test_the_interval_covers_what_the_posterior_draws() -> None:
    known = Conversions([Decided("p", MICRO, 12, 28, 0)], SHRINKAGE)
    chance = known.chance("p", MICRO)
    assert chance is not None
    weight = 40 + 20
    draws = np.random.default_rng(7).beta(chance.share * weight, (1 - chance.share) * weight, 200_000)
    assert np.mean((draws >= chance.low) & (draws <= chance.high)) == pytest.approx(0.90, abs=0.005)


@settings(max_examples=60, deadline=None)
@given(counts=st.lists(st.tuples(st.sampled_from("pq"), st.integers(0, 40), st.integers(0, 40)), max_size=6))
def test_a_chance_lies_between_its_prior_and_what_was_seen(counts: list[tuple[str, int, int]]) -> None:
    known = Conversions([Decided(product, MICRO, yes, no) for product, yes, no in counts], SHRINKAGE)
    for product in "pq":
        chance = known.chance(product, MICRO)
        if chance is None:
            assert not any(yes + no for _, yes, no in counts)
            continue
        assert 0 <= chance.low <= chance.high <= 1
        if chance.decisions:
            seen = chance.approved / chance.decisions
            assert min(seen, chance.prior) - 1e-12 <= chance.share <= max(seen, chance.prior) + 1e-12


# --- ranking for a firm


def offer(name: str, status: Status = Status.ELIGIBLE, lender: str = "l", **values: Any) -> Ranked:
    found = {each: None if values.get(each) is None else Decimal(str(values[each])) for each in CRITERIA}
    return with_points(Option(name, "loan", status, ()), lender, Decimal(1), found, RULES.weights, RULES)


def test_points_are_the_weighted_sum_and_every_part_is_told() -> None:
    each = offer("p", cost="0.07", chance="0.6", speed=15, fit="0.5")
    assert [criterion.points for criterion in each.criteria] == [50, 60, 50, 50]
    assert [float(criterion.counts) for criterion in each.criteria] == [0.4, 0.3, 0.1, 0.2]
    assert each.points == 53


def test_what_is_unknown_counts_neither_way() -> None:
    each = offer("p", cost="0.07", fit="0.5")
    assert each.points == 50, "cost and fit share the weights"
    assert [criterion.counts for criterion in each.criteria] == [Decimal(40) / 60, 0, 0, Decimal(20) / 60]
    assert offer("nothing known").points is None


def test_points_stay_between_0_and_100_outside_the_line() -> None:
    assert [criterion.points for criterion in offer("p", cost="0.5", chance=0, speed=99, fit=0).criteria] == [0] * 4
    assert offer("p", cost="-0.01", chance=1, speed=0, fit=1).points == 100


def test_the_order_is_status_then_points_then_id() -> None:
    made = [
        offer("c", Status.UNKNOWN, cost="0.02"),
        offer("b", cost="0.10"),
        offer("a", cost="0.10", lender="m"),
        offer("e", lender="m"),
        offer("d", cost="0.03"),
    ]
    assert [each.option.id for each in in_order(made)] == ["d", "a", "b", "e", "c"]
    assert [each.option.id for each in best_of_each_lender(in_order(made))] == ["d", "a"]


def test_weights_change_the_order() -> None:
    cheap, fast = {"cost": "0.03", "speed": 29}, {"cost": "0.09", "speed": 1}
    for weights, first in (({"cost": 1, "speed": 0}, "cheap"), ({"cost": 0, "speed": 1}, "fast")):
        weighed = read_weights(weights | {"chance": 0, "fit": 0}, RULES.weights)
        made = [
            replace(
                with_points(
                    Option(name, "loan", Status.ELIGIBLE, ()), "l", Decimal(1),
                    {each: Decimal(str(values[each])) if each in values else None for each in CRITERIA}, weighed, RULES,
                )
            )
            for name, values in (("cheap", cheap), ("fast", fast))
        ]  # fmt: skip
        assert in_order(made)[0].option.id == first


@pytest.mark.parametrize("raw", [{"luck": 1}, {"cost": -1}, {"cost": 1001}, {"cost": "x"}, dict.fromkeys(CRITERIA, 0)])
def test_weights_that_are_none_are_refused(raw: dict[str, object]) -> None:
    with pytest.raises(RefusedInput) as refused:
        read_weights(raw, RULES.weights)
    assert refused.value.code == "bad_weight"


# --- for a bank


def test_value_is_margin_less_expected_loss() -> None:
    value = risk_adjusted(Decimal("0.045"), Decimal("0.01"), "credit", Decimal(1_000_000), RULES.bank_value)
    assert (value.margin, value.expected_loss, value.annual_rate) == (
        Decimal("0.0250"), Decimal("0.0040"), Decimal("0.0210"),
    )  # fmt: skip
    assert value.yuan == Decimal("21000.00")
    mortgaged = risk_adjusted(Decimal("0.045"), Decimal("0.01"), "mortgage", Decimal(1_000_000), RULES.bank_value)
    assert mortgaged.annual_rate is not None
    assert mortgaged.annual_rate > value.annual_rate  # type: ignore[operator]


def test_an_unknown_risk_is_neither_none_nor_the_worst() -> None:
    value = risk_adjusted(Decimal("0.045"), None, "credit", Decimal(1), RULES.bank_value)
    assert (value.annual_rate, value.yuan, value.margin) == (None, None, Decimal("0.0250"))


# --- stated rules against decisions


def examined(decisions: list[Decision], stated: set[str] | None = None) -> tuple[HiddenCriterion, ...]:
    known = {"industry_section", "size_class", "grade"} if stated is None else stated
    return hidden_criteria(decisions, known, RULES.reasons, RULES.hidden)


def decided(yes: int, **reasons: int) -> list[Decision]:
    no = [Decision(MICRO, reason) for reason, times in reasons.items() for _ in range(times)]
    return [Decision(MICRO, "")] * yes + no


def tail(times: int, n: int, share: float) -> float:
    """The chance of at least ``times`` of ``n``, added up term by term."""
    return sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(times, n + 1))


def test_a_reason_the_rules_do_not_state_is_flagged_with_its_numbers() -> None:
    (found,) = examined(decided(30, leverage_high=10))
    assert (found.kind, found.name, found.n, found.declined, found.flagged) == ("reason", "leverage_high", 40, 10, True)
    assert found.p_value == pytest.approx(tail(10, 40, 0.05))
    assert found.low < 0.25 < found.high
    assert tail(10, 40, found.low) == pytest.approx(found.error / 2, rel=1e-6), "Clopper and Pearson's bound"


def test_what_is_stated_or_rare_or_no_criterion_is_not_flagged() -> None:
    assert examined(decided(30, leverage_high=10), {"leverage", "industry_section", "size_class", "grade"}) == ()
    (rare,) = examined(decided(58, leverage_high=2))
    assert not rare.flagged
    assert examined(decided(30, quota_used_up=10)) == (), "it speaks of no fact of the firm"
    assert examined(decided(9, leverage_high=10)) == (), "too few decisions to say anything"


def test_a_level_that_is_declined_more_often_is_flagged() -> None:
    shops = Cell("micro", "F", "A")
    decisions = [Decision(MICRO, "")] * 40 + [Decision(shops, "")] * 5 + [Decision(shops, "quota_used_up")] * 15
    found = {each.name: each for each in examined(decisions, {"size_class", "grade"})}
    assert found["F"].flagged
    assert not found["C"].flagged
    table = found["F"]
    assert (table.n, table.declined, table.others, table.others_declined) == (20, 15, 40, 0)
    hyper = comb(15, 15) * comb(45, 5) / comb(60, 20)
    assert table.p_value == pytest.approx(hyper)
    assert table.low > 1


def test_chance_alone_is_seldom_flagged() -> None:
    draws, alarms = np.random.default_rng(3), 0
    for _ in range(60):
        cells = [Cell(size, section, grade) for size in ("micro", "small") for section in "CF" for grade in "AB"]
        decisions = [
            Decision(cells[int(draws.integers(8))], "quota_used_up" if draws.random() < 0.3 else "") for _ in range(80)
        ]
        alarms += any(each.flagged for each in examined(decisions, set()))
    assert alarms <= 8, "5 % each, 3 expected of 60"
