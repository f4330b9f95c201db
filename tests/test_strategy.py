"""The credit strategy: against brute force and hand arithmetic, within its caps, and with prices that hold."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.strategy import Applicants, ChurnTable, Counts, Plan, Terms, equal_split, prices, rating_order, solve
from matching.strategy import value as value_of
from models.errors import RefusedInput

CHURN = ChurnTable.of([0.04, 0.08, 0.12], {"A": [0.0, 0.5, 0.9], "B": [0.0, 0.4, 0.8]})
#: Three rates only, the table's own, so that brute force can try them all.
TERMS = Terms(budget=300, least=40, most=100, rate_low=0.04, rate_high=0.12, rate_step=0.04, loss_given_default=0.5)


def firms(pd: list[float], grades: str, groups: str | None = None) -> Applicants:
    names = [f"F{at}" for at in range(len(pd))]
    return Applicants.of(names, pd, list(grades), list(groups) if groups else None)


def margin(pd: float, grade: str, rate: float, terms: Terms) -> tuple[float, float]:
    """(share who stay, profit of a granted yuan) at a rate of the table, written out once more."""
    leave = {"A": {0.04: 0.0, 0.08: 0.5, 0.12: 0.9}, "B": {0.04: 0.0, 0.08: 0.4, 0.12: 0.8}}[grade][round(rate, 4)]
    stay = 1 - leave
    return stay, stay * (rate - pd * rate - pd * terms.loss_given_default - terms.funding_cost)


def brute(asked: Applicants, terms: Terms, step: int) -> float:
    """The best profit over every amount in whole steps and every rate of the table."""
    amounts = [0, *range(terms.least, terms.most + 1, step)]
    choices = []
    for pd, grade in zip(asked.pd, asked.grades, strict=True):
        rates = (0.04, 0.08, 0.12) if grade in CHURN.leave else ()
        offers = [(amount, *margin(pd, grade, rate, terms)) for rate in rates for amount in amounts if amount]
        choices.append([(0, 0.0, 0.0), *offers])
    best = 0.0
    for taken in itertools.product(*choices):
        used = sum(amount * (stay if terms.counts is Counts.DRAWN else 1) for amount, stay, _ in taken)
        heads = sum(amount > 0 for amount, _, _ in taken)
        if used > terms.budget + 1e-9 or (terms.firms_most is not None and heads > terms.firms_most):
            continue
        if any(
            sum(one[0] for one, group in zip(taken, asked.groups, strict=True) if group == name) > most
            for name, most in terms.group_most.items()
        ):
            continue
        best = max(best, sum(amount * profit for amount, _, profit in taken))
    return best


@pytest.mark.parametrize("budget", [0, 30, 40, 110, 130, 170, 300])
def test_the_plan_is_the_best_of_all_plans(budget: int) -> None:
    asked = firms([0.01, 0.02, 0.05], "ABA")
    terms = replace(TERMS, budget=budget)
    best = solve(asked, CHURN, terms)
    assert best.valued.profit == pytest.approx(brute(asked, terms, 10), abs=1e-6)
    assert best.bound >= best.valued.profit - 1e-6


@settings(max_examples=25, deadline=None)
@given(
    pd=st.lists(st.floats(0.0, 0.2), min_size=3, max_size=3),
    grades=st.lists(st.sampled_from("ABD"), min_size=3, max_size=3),
    budget=st.integers(0, 16).map(lambda tens: tens * 20),
    heads=st.sampled_from([None, 1, 2]),
    cap=st.sampled_from([None, 60, 120]),
)
def test_any_small_case_equals_brute_force(
    pd: list[float], grades: list[str], budget: int, heads: int | None, cap: int | None
) -> None:
    asked = firms(pd, "".join(grades), "xxy")
    terms = replace(TERMS, budget=budget, firms_most=heads, group_most={} if cap is None else {"x": cap})
    best = solve(asked, CHURN, terms)
    assert best.valued.profit == pytest.approx(brute(asked, terms, 20), abs=1e-4)


def test_what_counts_as_drawn_lets_more_be_granted() -> None:
    asked = firms([0.0, 0.0], "AA")
    granted = solve(asked, CHURN, replace(TERMS, budget=100))
    drawn = solve(asked, CHURN, replace(TERMS, budget=100, counts=Counts.DRAWN))
    # One yuan granted at 8 % brings (1 - 0.5) x 0.08 = 0.04, as at 4 %. Drawn yuan are scarce: 8 % uses half of them.
    assert granted.valued.profit == pytest.approx(4.0)
    assert drawn.valued.profit == pytest.approx(8.0)
    assert drawn.valued.drawn == pytest.approx(100.0)
    assert drawn.valued.granted == 200


def test_churn_between_two_rates_lies_on_the_line() -> None:
    assert CHURN.stay(["A", "D"], np.array([0.05, 0.04]))[0].tolist() == pytest.approx([0.875, 1.0])
    assert CHURN.stay(["D"], np.array([0.05]))[0].tolist() == [0.0]


def test_a_yuan_by_hand() -> None:
    asked = firms([0.1], "A")
    plan = Plan(np.array([100]), np.array([0.08]))
    found = value_of(plan, asked, CHURN, replace(TERMS, funding_cost=0.02))
    assert found.drawn == pytest.approx(50.0)
    assert found.interest == pytest.approx(50 * 0.9 * 0.08)
    assert found.loss == pytest.approx(50 * 0.1 * 0.5)
    assert found.funding == pytest.approx(1.0)
    assert found.profit == pytest.approx(3.6 - 2.5 - 1.0)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from("ABD"), st.sampled_from("xyz")), min_size=1, max_size=25),
    st.integers(0, 2_000_000),
    st.sampled_from(list(Counts)),
    st.integers(0, 20_000),
)
def test_no_cap_is_ever_passed(rows: list[tuple[float, str, str]], budget: int, counts: Counts, loss: int) -> None:
    asked = firms([row[0] for row in rows], "".join(row[1] for row in rows), "".join(row[2] for row in rows))
    terms = Terms(
        budget=budget, least=30_000, most=100_000, rate_low=0.04, rate_high=0.12, counts=counts,
        loss_given_default=0.5, group_most={"x": 250_000}, loss_most=loss, firms_most=7,
    )  # fmt: skip
    best = solve(asked, CHURN, terms)
    amount, plan = best.plan.amount, best.plan
    given_ = amount[amount > 0]
    assert ((given_ >= 30_000) & (given_ <= 100_000)).all()
    assert given_.size <= 7
    stay = np.array(
        [CHURN.stay([grade], plan.rate[[row]])[0, 0] if amount[row] else 0 for row, grade in enumerate(asked.grades)]
    )
    use = amount * stay if counts is Counts.DRAWN else amount
    assert use.sum() <= budget
    assert use[[group == "x" for group in asked.groups]].sum() <= 250_000
    # A probability of 1e-320 on a cap of nothing: sums of floats are held to a millionth of a yuan.
    assert (amount * stay * asked.pd * 0.5).sum() <= loss + 1e-6
    assert not amount[[grade == "D" for grade in asked.grades]].any()
    assert best.valued.profit <= best.bound + 1e-6 * max(1.0, best.bound)


def test_more_budget_never_brings_less_and_the_dual_bounds_what_it_brings() -> None:
    random = np.random.default_rng(3)
    asked = firms(random.uniform(0, 0.15, 30).tolist(), "AB" * 15)
    profits, duals, bounds = [], [], []
    for budget in range(0, 3200, 200):
        best = solve(asked, CHURN, replace(TERMS, budget=budget))
        profits.append(best.valued.profit)
        bounds.append(best.bound)
        duals.append(best.shadow.get("budget", 0.0))
    assert all(after >= before - 1e-9 for before, after in itertools.pairwise(profits))
    # The bound is concave in the budget, so the dual at a budget is at least what the next yuan bring.
    for at in range(1, len(bounds) - 1):
        assert bounds[at + 1] - bounds[at] <= duals[at] * 200 + 1e-6


def test_the_bound_is_the_closed_form_of_a_knapsack() -> None:
    random = np.random.default_rng(5)
    pd = random.uniform(0, 0.15, 40)
    asked = firms(pd.tolist(), "AB" * 20)
    terms = replace(TERMS, budget=1_550)
    best_rate = [
        max(margin(chance, grade, rate, terms)[1] for rate in (0.04, 0.08, 0.12))
        for chance, grade in zip(pd, asked.grades, strict=True)
    ]
    ranked = sorted(best_rate, reverse=True)
    assert solve(asked, CHURN, terms).bound == pytest.approx(100 * sum(ranked[:15]) + 50 * ranked[15])
    assert solve(asked, CHURN, terms).shadow["budget"] == pytest.approx(ranked[15])


def test_each_constraint_has_its_price() -> None:
    asked = firms([0.0, 0.01, 0.02, 0.03], "AAAA", "xxxy")
    terms = replace(TERMS, budget=130, rate_high=0.08, firms_most=2, group_most={"x": 100})
    best = solve(asked, CHURN, terms)
    found = {price.constraint: price for price in prices(asked, CHURN, terms, best)}
    assert set(found) == {"budget", "least", "most", "rate_low", "rate_high", "group:x", "firms_most"}
    assert found["rate_low"].price is None  # the churn table ends there
    for price in found.values():
        assert price.price is None or price.price >= 0
    # Group x may have 100 and firm y, worth less, needs at least 40: 90 for the best of x and 40 for y.
    assert best.plan.amount.tolist() in ([90, 0, 0, 40], [100, 0, 0, 0])
    without = solve(asked, CHURN, replace(terms, group_most={}))
    assert found["group:x"].price == pytest.approx(without.valued.profit - best.valued.profit)


def test_unknown_probability_is_not_a_refusal_of_the_firm() -> None:
    best = solve(firms([float("nan"), 0.0, 0.0, 0.9], "ABDA"), CHURN, TERMS)
    assert best.why == ("pd_unknown", "offered", "grade_not_lent", "no_rate_pays")
    assert solve(firms([float("nan")], "A"), CHURN, TERMS).bound == 0.0


def test_baselines_keep_budget_and_amounts() -> None:
    asked = firms([0.02, 0.01, 0.0, 0.05, 0.3], "BAABD")
    even = equal_split(asked, CHURN, replace(TERMS, budget=200))
    assert even.amount.tolist() == [50, 50, 50, 50, 0]
    few = equal_split(asked, CHURN, replace(TERMS, budget=100))
    assert few.amount.tolist() == [40, 40, 0, 0, 0]
    ranked = rating_order(asked, CHURN, replace(TERMS, budget=250))
    assert ranked.amount.tolist() == [50, 100, 100, 0, 0]
    for plan in (even, few, ranked):
        budget = int(plan.amount.sum())
        best = solve(asked, CHURN, replace(TERMS, budget=budget)).valued.profit
        assert value_of(plan, asked, CHURN, TERMS).profit <= best + 1e-9


def test_order_of_the_list_changes_nothing_where_firms_differ() -> None:
    pd = np.random.default_rng(8).uniform(0, 0.1, 20)
    asked = firms(pd.tolist(), "AB" * 10)
    turn = np.random.default_rng(9).permutation(20)
    turned = Applicants.of([asked.ids[at] for at in turn], pd[turn], [asked.grades[at] for at in turn])
    terms = replace(TERMS, budget=770)
    assert (solve(turned, CHURN, terms).plan.amount == solve(asked, CHURN, terms).plan.amount[turn]).all()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"budget": -1}, "budget"),
        ({"least": 101}, "least"),
        ({"most": 0, "least": 0}, "least"),
        ({"rate_low": 0.2}, "rate_low"),
        ({"rate_step": 0.0}, "rate_step"),
        ({"loss_given_default": 1.1}, "loss_given_default"),
        ({"funding_cost": -0.1}, "funding_cost"),
        ({"group_most": {"x": -1}}, "x"),
    ],
)
def test_terms_out_of_range_are_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(RefusedInput) as caught:
        replace(TERMS, **change)
    assert caught.value.field == field


def test_a_rate_outside_the_churn_table_is_refused() -> None:
    with pytest.raises(RefusedInput, match="reaches from"):
        solve(firms([0.0], "A"), CHURN, replace(TERMS, rate_high=0.15))


@pytest.mark.parametrize(
    ("rates", "leave"),
    [([0.04], {"A": [0.1]}), ([0.05, 0.04], {"A": [0, 0]}), ([0.04, 0.05], {"A": [0, 2]}), ([0.04, 0.05], {})],
)
def test_a_wrong_churn_table_is_refused(rates: list[float], leave: dict[str, list[float]]) -> None:
    with pytest.raises(RefusedInput):
        ChurnTable.of(rates, leave)


@pytest.mark.parametrize(
    ("ids", "pd", "grades"), [(["a", "a"], [0, 0], "AA"), (["a"], [1.5], "A"), (["a"], [0.1, 0.2], "A")]
)
def test_a_wrong_list_of_firms_is_refused(ids: list[str], pd: list[float], grades: str) -> None:
    with pytest.raises(RefusedInput):
        Applicants.of(ids, pd, list(grades))
