"""A model's own error and the challenger's level: estimated from fits that left firms out, told in the card."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import RefusedInput
from scoring.challenger.trees import Tree, Trees
from scoring.pd_error import ErrorBands, error_bands_of
from scoring.scorecard.inputs import Category, Inputs
from scoring.scorecard.interval import pd_interval, spread_coverage
from scoring.training.level import Level, level_of
from scoring.training.own_error import own_error
from tests.made_models import a_scorecard

SCORES = st.integers(400_000, 700_000)


def firms(*told: tuple[float, float, str | None]) -> Inputs:
    sizes = ("micro", "small", "medium", "large")
    codes = [-1 if size is None else sizes.index(size) for _, _, size in told]
    numbers = {"firm_age_months": [age for age, _, _ in told], "sales_12m": [sales for _, sales, _ in told]}
    return Inputs(
        len(told),
        {name: np.array(values, np.float64) for name, values in numbers.items()},
        {"size_class": Category(np.array(codes, np.int32), sizes)},
    )


WHOLE = firms((70.0, 2e6, "small"))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(SCORES, SCORES, SCORES), min_size=1, max_size=8))
def test_one_band_is_the_jackknife_formula_by_hand(rows: list[tuple[int, int, int]]) -> None:
    without = [np.array([row[group] for row in rows]) for group in range(3)]
    made = own_error(np.full(len(rows), 600_000), without, np.ones(len(rows)))
    assert made is not None
    by_hand = []
    for row in rows:
        mean = sum(row) / 3
        by_hand.append(2 / 3 * sum((score - mean) ** 2 for score in row))
    wanted = math.sqrt(sum(by_hand) / len(by_hand)) / 1000
    # All rows at one score: whatever bands there are, a firm at that score has this error.
    assert made.at(np.array([600_000]))[0] / 1000 == pytest.approx(wanted, abs=6e-4)


def test_bands_are_by_score_and_weighted() -> None:
    points = np.array([500_000] * 10 + [600_000] * 10)
    spread = np.array([1_000] * 10 + [5_000] * 9 + [50_000])
    weight = np.array([1.0] * 19 + [0.0])
    made = own_error(points, [points - spread, points + spread], weight)
    assert made is not None
    # Two groups: half the sum of the squared departures of both, which is the spread itself.
    assert made.at(np.array([450_000, 500_000])).tolist() == [1_000.0, 1_000.0]
    assert made.at(np.array([600_000, 900_000])).tolist() == [5_000.0, 5_000.0]
    assert own_error(points, [points], weight) is None


def test_a_card_keeps_it_and_a_card_without_it_tells_none() -> None:
    bands = ErrorBands((550.0, 600.0), (9.0, 7.5, 12.0), 5)
    assert error_bands_of({"pd_error": bands.told()}) == bands
    assert error_bands_of({}) is None


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"cuts": [600.0, 550.0]},
        {"cuts": [550.0, 550.0]},
        {"points": [1.0, 2.0]},
        {"points": [1.0, -2.0, 3.0]},
        {"points": [1.0, float("nan"), 3.0]},
        {"points": "many"},
        {"groups": None},
    ],
    ids=["another version", "falling cuts", "a cut twice", "too few", "negative", "no number", "no list", "no groups"],
)
def test_a_malformed_error_is_refused_by_name(change: dict[str, Any]) -> None:
    told = ErrorBands((550.0, 600.0), (9.0, 7.5, 12.0), 5).told()
    with pytest.raises(RefusedInput) as refused:
        error_bands_of({"pd_error": {**told, **change}})
    assert (refused.value.code, refused.value.field) == ("bad_card", "pd_error")


@pytest.mark.parametrize("raw", [None, [], 3], ids=["null", "a list", "a number"])
def test_an_error_that_is_no_object_is_refused(raw: object) -> None:
    with pytest.raises(RefusedInput):
        error_bands_of({"pd_error": raw})


def test_the_own_error_widens_what_is_fully_known() -> None:
    card = a_scorecard()
    sure = pd_interval(card, WHOLE)
    assert sure.low[0] == sure.pd[0] == sure.high[0]
    wide = pd_interval(card, WHOLE, own_error=np.array([10_000.0]))
    # 10 points of standard error, 1.645 of them to either side at 90 %, 20 points to a doubling of the odds.
    odds = [bound / (1 - bound) for bound in (wide.low[0], wide.pd[0], wide.high[0])]
    assert math.log2(odds[2] / odds[1]) == pytest.approx(1.6449 * 10 / 20, abs=1e-3)
    assert math.log2(odds[1] / odds[0]) == pytest.approx(1.6449 * 10 / 20, abs=1e-3)
    assert wide.coverage[0] == sure.coverage[0]


def test_the_half_life_and_the_thin_limit_are_the_callers() -> None:
    card, ages = a_scorecard(), {"sales_12m": np.array([12.0])}
    short, long = (pd_interval(card, WHOLE, ages, half_life_months=months) for months in (6.0, 60.0))
    assert short.high[0] > long.high[0]
    assert short.coverage[0] < long.coverage[0]
    half = pd_interval(card, WHOLE, ages, half_life_months=12.0)
    whole = spread_coverage(card, WHOLE)[0]
    without = spread_coverage(card, firms((70.0, float("nan"), "small")))[0]
    assert half.coverage[0] == pytest.approx((whole + without) / 2)
    for limit in (0.0, 0.5, 1.0):
        assert pd_interval(card, WHOLE, ages, thin_below=limit).thin[0] == (limit > short.coverage[0] or limit == 1.0)


@pytest.mark.parametrize(
    ("call", "field"),
    [({"half_life_months": 0.0}, "half_life_months"), ({"thin_below": 1.5}, "thin_below"), ({"level": 0.0}, "level")],
    ids=["half-life", "thin", "level"],
)
def test_conventions_that_are_none_are_refused(call: dict[str, float], field: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        pd_interval(a_scorecard(), WHOLE, **call)  # type: ignore[arg-type]
    assert refused.value.field == field


def test_coverage_weighs_by_points_and_falls_with_every_unknown() -> None:
    known = ((70.0, float("nan")), (2e6, float("nan")), ("small", None))
    every = list(itertools.product(*known))
    found = dict(zip(every, spread_coverage(a_scorecard(), firms(*every)).tolist(), strict=True))
    assert found[70.0, 2e6, "small"] == pytest.approx(1.0)
    assert min(found.values()) == 0.0
    # Age moves the score by 13.5 points or so, size by 3.5: knowing age alone is worth more.
    only_age = next(value for key, value in found.items() if key[0] == 70.0 and key[1] != 2e6 and key[2] is None)
    only_size = next(value for key, value in found.items() if key[0] != 70.0 and key[1] != 2e6 and key[2] == "small")
    assert only_age > 2 * only_size


def test_the_level_makes_probabilities_mean_what_they_say_and_changes_no_order() -> None:
    rng = np.random.default_rng(3)
    truth = rng.normal(-2.0, 1.0, 20_000)
    default = (rng.random(20_000) < 1 / (1 + np.exp(-truth))).astype(float)
    weight = rng.uniform(0.5, 1.5, 20_000)
    too_sure = 1 / (1 + np.exp(-(2.5 * truth + 1.0)))
    made = level_of(too_sure, default, weight, None)
    assert made.slope == pytest.approx(1 / 2.5, abs=0.03)
    told = made.pd(too_sure)
    assert np.average(told, weights=weight) == pytest.approx(np.average(default, weights=weight), abs=1e-9)
    inside = (too_sure > 1e-5) & (too_sure < 1 - 1e-5)
    assert np.array_equal(np.argsort(told[inside]), np.argsort(too_sure[inside]))
    lower = level_of(too_sure, default, weight, 0.01)
    rate = np.average(default, weights=weight)
    assert lower.intercept - made.intercept == pytest.approx(math.log(0.01 / 0.99) - math.log(rate / (1 - rate)))


@pytest.mark.parametrize("pd", [np.full(6, 0.1), np.array([0.9, 0.8, 0.7, 0.3, 0.2, 0.1])], ids=["alike", "wrong way"])
def test_where_no_rising_line_can_be_fitted_nothing_is_stretched(pd: Any) -> None:
    default = np.array([0.0, 1.0, 0.0, 1.0, 0.0, 1.0])
    assert level_of(pd, default, np.ones(6), None) == Level()


def test_the_level_in_the_leaves_is_the_level_of_the_probabilities() -> None:
    tree = Tree((0, 0, 0), (5.0, 0.0, 0.0), (True, False, False), (1, -1, -1), (2, -1, -1), (0.0, -0.7, 0.9))
    trees = Trees(("x",), (None,), -1.5, (tree, tree))
    values = np.array([[1.0], [9.0], [np.nan]])
    level = Level(0.6, -0.2)
    assert level.trees(trees).pd(values) == pytest.approx(level.pd(trees.pd(values)), rel=1e-12)
    assert Trees.from_json(level.trees(trees).to_json()) == level.trees(trees)
