"""Figures of a watched model, against formulas written another way, optbinning and scipy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from models.errors import DataFileError, RefusedInput
from scoring.monitoring.alert_rules import METRICS, Light, parse_watch_rules
from scoring.monitoring.comparison import compare, rank_correlation
from scoring.monitoring.drift import (
    chance,
    item_drifts,
    parse_reference,
    reference_of,
    score_drift,
    slot_counts,
    trained_shares,
)
from scoring.monitoring.gate_numbers import HeldOutDay, gate_numbers
from scoring.monitoring.migration import migrate
from scoring.monitoring.outcomes import OVERSTATED, UNDERSTATED, band_outcomes, jeffreys
from scoring.monitoring.parity import parity
from scoring.scorecard.bins import NumberBins
from scoring.scorecard.card import Cross, Scorecard
from scoring.scorecard.inputs import Category, Inputs
from service.books.rulebook import pd_scale, watch_rules
from service.books.seedbook import rule_set
from tests.made_models import a_scorecard

RULES = watch_rules()


def crossed() -> Scorecard:
    """The made card with one pair of items beside its lines."""
    bins = NumberBins((24.0,)), NumberBins((1_000_000.0,))
    table = ((0, -1_000, 1_000), (-2_000, -3_000, 0), (500, 0, 4_000))
    shares = ((0.1, 0.1, 0.1), (0.1, 0.1, 0.1), (0.1, 0.1, 0.2))
    card = a_scorecard()
    cross = Cross(("firm_age_months", "sales_12m"), bins, (-1, -1), table, shares)
    return Scorecard(card.lines, (cross,), card.base, card.scale, card.calibration, card.training)


def firms(n: int, seed: int) -> Inputs:
    rng = np.random.default_rng(seed)
    age = np.where(rng.random(n) < 0.1, np.nan, rng.integers(0, 100, n).astype(float))
    sales = np.where(rng.random(n) < 0.2, np.nan, rng.lognormal(14, 1, n))
    size = Category(rng.integers(-1, 3, n).astype(np.int32), ("micro", "small", "medium"))
    return Inputs(n, {"firm_age_months": age, "sales_12m": sales}, {"size_class": size})


def slow_psi(expected: Sequence[float], actual: Sequence[float]) -> float:
    """The index of two rows of positive shares, term by term."""
    one, other = sum(expected), sum(actual)
    total = 0.0
    for e, a in zip(expected, actual, strict=True):
        total += (a / other - e / one) * math.log((a / other) / (e / one))
    return total


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_the_index_of_an_item_is_the_formula_both_ways_round(data: Any) -> None:
    card = a_scorecard()
    counts = [
        [np.array(data.draw(st.lists(st.integers(1, 500), min_size=k, max_size=k)), float) for k in (4, 3, 4)]
        for _ in range(2)
    ]
    there = item_drifts(card, counts[0], 100, counts[1], 0.99)
    back = item_drifts(card, counts[1], 100, counts[0], 0.99)
    for drift, reverse, before, after in zip(there, back, *counts, strict=True):
        assert drift.csi == pytest.approx(slow_psi(before.tolist(), after.tolist()), rel=1e-9, abs=1e-12)
        assert drift.csi >= 0
        assert drift.csi == pytest.approx(reverse.csi, rel=1e-9, abs=1e-12)
        assert drift.effect == pytest.approx(-reverse.effect, abs=1e-9)
    assert all(drift.csi == 0 == drift.effect for drift in item_drifts(card, counts[0], 100, counts[0], 0.99))


def test_the_index_is_that_of_optbinning() -> None:
    metrics = pytest.importorskip("optbinning.binning.metrics", reason="optbinning is a bench extra")
    rng = np.random.default_rng(5)
    for _ in range(20):
        one, other = (rng.dirichlet(np.full(4, 8.0)) for _ in range(2))
        counts = [np.round(side * 1000) + 1 for side in (one, other)]
        line = a_scorecard().lines[0]
        single = Scorecard((line,), (), 0, a_scorecard().scale, a_scorecard().calibration, a_scorecard().training)
        (drift,) = item_drifts(single, counts[:1], 9, counts[1:], 0.99)
        shares = [side / side.sum() for side in counts]
        assert drift.csi == pytest.approx(metrics.jeffrey(*shares, return_sum=True), abs=1e-9)


def test_slots_are_those_that_score_and_the_effects_sum_to_the_move_of_the_mean() -> None:
    card, before, after = crossed(), firms(700, 1), firms(500, 2)
    counts = [slot_counts(card, each) for each in (before, after)]
    drifts = item_drifts(card, counts[0], 700, counts[1], 0.99)
    means = [card.score(each).points.mean() / 1000 for each in (before, after)]
    assert sum(drift.effect for drift in drifts) == pytest.approx(means[1] - means[0], abs=1e-9)
    assert [drift.name for drift in drifts] == list(card.names)
    assert [len(shares) for shares in trained_shares(card)] == [len(each) for each in counts[0]]
    for each, shares in zip(counts[0], trained_shares(card), strict=True):
        assert each.sum() == 700
        assert shares.sum() == pytest.approx(1)


def test_the_score_index_against_itself_and_against_a_plain_count() -> None:
    rng = np.random.default_rng(3)
    was, is_now = rng.normal(600, 40, 4000).round(3), rng.normal(610, 40, 3000).round(3)
    reference = reference_of(was)
    same, moved = (score_drift(reference, each, 0.99) for each in (was, is_now))
    assert same is not None
    assert moved is not None
    assert same.psi == 0.0
    counts = [0.0] * 10
    for value in is_now.tolist():
        counts[sum(value >= cut for cut in reference.cuts)] += 1
    assert moved.psi == pytest.approx(slow_psi(reference.shares, counts), rel=1e-9)
    assert moved.psi > moved.chance
    assert [band[3] for band in moved.bands] == pytest.approx([count / 3000 for count in counts])
    assert parse_reference(reference.told()) == reference
    assert score_drift(reference, np.empty(0), 0.99) is None


def test_weights_make_the_reference() -> None:
    made = reference_of([1.0, 1.0, 2.0, 3.0], [1.0, 1.0, 1.0, 3.0])
    assert sum(made.shares) == pytest.approx(1)
    assert made.mean == pytest.approx(13 / 6)
    assert made.shares[-1] == pytest.approx(0.5)


@pytest.mark.parametrize(
    "raw",
    [{}, {"cuts": [1], "shares": [1.0], "mean": 1, "rows": 5},
     {"cuts": [2, 1], "shares": [0.3] * 3, "mean": 1, "rows": 5},
     {"cuts": [], "shares": [1.0], "mean": 1, "rows": 0}, {"cuts": "x", "shares": None, "mean": 1, "rows": 1}],
)  # fmt: skip
def test_a_reference_that_is_none_is_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(RefusedInput, match="reference"):
        parse_reference(raw)


def test_chance_is_what_two_samples_of_one_distribution_stay_below() -> None:
    rng = np.random.default_rng(8)
    share = np.full(10, 0.1)
    found = []
    for _ in range(800):
        one, other = rng.multinomial(2000, share), rng.multinomial(1500, share)
        found.append(slow_psi(one.tolist(), other.tolist()))
    limit = chance(10, 2000, 1500, 0.9)
    assert 0.86 < np.mean(np.array(found) < limit) < 0.94
    assert limit == pytest.approx(stats.chi2.ppf(0.9, 9) * (1 / 2000 + 1 / 1500), rel=1e-9)
    assert chance(1, 10, 10, 0.9) == 0.0


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3000), st.floats(0, 1), st.sampled_from((0.5, 0.9, 0.99)))
def test_jeffreys_is_scipys_beta(n: int, share: float, level: float) -> None:
    defaults = round(share * n)
    low, high = jeffreys(defaults, n, level)
    beta = stats.beta(defaults + 0.5, n - defaults + 0.5)
    assert low == pytest.approx(0.0 if defaults == 0 else beta.ppf((1 - level) / 2), rel=1e-7, abs=1e-12)
    assert high == pytest.approx(1.0 if defaults == n else beta.ppf((1 + level) / 2), rel=1e-7)
    assert low <= defaults / n <= high


@pytest.mark.parametrize(("defaults", "n", "level"), [(-1, 5, 0.9), (6, 5, 0.9), (0, 0, 0.9), (1, 5, 1.0)])
def test_counts_that_are_none_have_no_interval(defaults: int, n: int, level: float) -> None:
    with pytest.raises(ValueError, match="defaults"):
        jeffreys(defaults, n, level)


def test_lights_of_bands_complete_and_open() -> None:
    rule = RULES.alerts["calibration"]
    pd = np.concatenate([np.full(400, 0.02), np.full(300, 0.05)])
    places = np.repeat([0, 1], [400, 300]).astype(np.int16)
    default = np.zeros(700, np.bool_)
    default[:24] = True  # three times what was said
    default[400:402] = True  # far fewer
    for complete in (True, False):
        whole, first, second, empty = band_outcomes(("A", "B", "C"), places, pd, default, rule, complete)
        assert (whole.band, whole.firms, whole.defaults) == (None, 700, 26)
        assert (first.light, first.direction) == (Light.RED, UNDERSTATED)
        assert (second.light, second.direction) == ((Light.RED, OVERSTATED) if complete else (None, None))
        assert (empty.firms, empty.mean_pd, empty.light) == (0, None, None)
    default[8:24] = False
    assert band_outcomes(("A", "B"), places, pd, default, rule, True)[1].light is Light.GREEN


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_migration_counts_every_firm_once(data: Any) -> None:
    grades = ("A", "B", "C")
    days = []
    for _ in range(2):
        codes = data.draw(st.lists(st.integers(0, 40), unique=True, max_size=30))
        held = data.draw(st.lists(st.integers(-1, 2), min_size=len(codes), max_size=len(codes)))
        days.append({f"{code:02d}".encode(): grade for code, grade in zip(codes, held, strict=True)})
    arrays = [(np.array(list(day), "S2"), np.array(list(day.values()), np.int16), grades) for day in days]
    made = migrate(grades, *arrays)
    before, after = days
    both = [(before[code], after[code]) for code in before if code in after]
    assert made.counts.sum() == len(both)
    assert made.upgrades == sum(0 <= now < was for was, now in both)
    assert made.downgrades == sum(0 <= was < now for was, now in both)
    assert made.new.sum() == len(after.keys() - before.keys())
    assert made.gone.sum() == len(before.keys() - after.keys())
    for place, row in enumerate((0, 1, 2, -1)):
        assert made.counts[place].sum() == sum(was == row for was, _ in both)
        shares = made.shares[place]
        assert shares is None or sum(shares) == pytest.approx(1)


def test_another_order_of_codes_is_the_same_grade_and_an_unknown_one_is_none() -> None:
    uscc = np.array([b"1", b"2", b"3"])
    one = (uscc, np.array([0, 1, 2], np.int16), ("A", "B", "C"))
    other = (uscc[::-1].copy(), np.array([0, 1, 2], np.int16), ("C", "B", "X"))
    made = migrate(("A", "B", "C"), one, other)
    assert made.counts.tolist() == [[0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert migrate(("A", "B", "C"), one, one).downgrade_share == 0.0
    none = (uscc[:0], np.empty(0, np.int16), ("A",))
    assert migrate(("A",), none, none).downgrade_share is None


def test_parity_is_a_plain_count_and_small_groups_are_not_assessed() -> None:
    rng = np.random.default_rng(4)
    places = rng.choice([-1, 0, 1, 2, 3], 900, p=[0.1, 0.4, 0.3, 0.18, 0.02]).astype(np.int16)
    approved, pd = rng.random(900) < 0.3 + 0.1 * places, rng.random(900)
    made = parity(places, ("a", "b", "c", "d", "e"), {"approved": approved}, pd * 100, pd, 30)
    assert [group.name for group in made.groups] == ["a", "b", "c", "d", None]
    rates = {}
    for group in made.groups:
        mine = [i for i in range(900) if places[i] == ("abcd".index(group.name) if group.name else -1)]
        assert group.firms == len(mine)
        assert group.rates["approved"] == sum(bool(approved[i]) for i in mine) / len(mine)
        assert group.mean_pd == pytest.approx(sum(float(pd[i]) for i in mine) / len(mine))
        assert group.assessed == (group.name in ("a", "b", "c"))
        if group.assessed:
            rates[group.name] = group.rates["approved"]
    assert made.ratios["approved"] == pytest.approx(min(rates.values()) / max(rates.values()), rel=1e-12)


def test_the_ratio_over_weighted_rows_is_that_of_fairlearn_over_firms() -> None:
    from fairlearn.metrics import MetricFrame, selection_rate

    rng = np.random.default_rng(9)
    places = rng.integers(0, 4, 600).astype(np.int16)
    flags = rng.random(600) < 0.2 + 0.15 * places
    frame = MetricFrame(metrics=selection_rate, y_true=flags, y_pred=flags, sensitive_features=places)
    made = parity(places, tuple("abcd"), {"x": flags}, np.zeros(600), np.zeros(600), 30)
    assert made.ratios["x"] == pytest.approx(float(frame.ratio()), rel=1e-12)


def test_no_ratio_where_there_is_nothing_to_compare() -> None:
    ones = np.ones(100)
    one_group = parity(np.zeros(100, np.int16), ("a",), {"x": ones > 0}, ones, ones, 30)
    nobody = parity(np.repeat([0, 1], 50).astype(np.int16), ("a", "b"), {"x": ones < 0}, ones, ones, 30)
    empty = parity(np.empty(0, np.int16), ("a",), {"x": np.empty(0, np.bool_)}, ones[:0], ones[:0], 30)
    assert one_group.ratios["x"] is nobody.ratios["x"] is empty.ratios["x"] is None
    assert empty.groups == ()


def test_champion_beside_challenger() -> None:
    rng = np.random.default_rng(6)
    one = rng.random(300).round(2) * 0.1
    other = np.clip(one + rng.normal(0, 0.02, 300), 0.001, 1)
    assert rank_correlation(one, other) == pytest.approx(stats.spearmanr(one, other).statistic, rel=1e-9)
    made = compare(one, other, pd_scale().below)
    assert made is not None
    grade = [[sum(p >= limit for limit in pd_scale().below[:-1]) for p in side] for side in (one, other)]
    assert made.grade_differs == sum(a != b for a, b in zip(*grade, strict=True)) / 300
    assert made.grades.sum() == made.firms == 300
    assert compare(one, np.full(300, np.nan), pd_scale().below) is None
    same = compare(one, np.full(300, 0.02), pd_scale().below)
    assert same is not None
    assert same.rank_correlation is None


def test_gate_numbers_are_the_worst_day_and_unknown_where_they_cannot_be_told() -> None:
    card, inputs = a_scorecard(600_000), firms(400, 7)
    half = {"district": Category(np.repeat([0, 1], 200).astype(np.int32), ("x", "y"))}
    days = [HeldOutDay(inputs, half, 1.25), HeldOutDay(firms(400, 8), {}, 0.5)]
    made = gate_numbers(card, days, 0.03, ("district", "ownership"), 30)
    drifts = [item_drifts(card, trained_shares(card), 1000, slot_counts(card, day.inputs), 0.5) for day in days]
    assert made["max_csi"] == max(drift.csi for day in drifts for drift in day)
    approved = card.score(inputs).pd < 0.03
    rates = sorted((approved[:200].mean(), approved[200:].mean()))
    assert made["parity_ratio"] == pytest.approx(rates[0] / rates[1])
    assert made["calibration_slope"] == 0.5
    unknown = gate_numbers(card, [HeldOutDay(inputs, {}, None)], 0.03, ("district",), 30)
    assert unknown["parity_ratio"] is unknown["calibration_slope"] is None
    backwards = gate_numbers(card, [HeldOutDay(inputs, {}, -0.2), days[0]], 0.03, (), 30)
    assert backwards["calibration_slope"] == -0.2


def test_every_metric_has_words_in_both_languages_and_lights_in_order() -> None:
    assert set(RULES.alerts) == set(METRICS)
    for rule in RULES.alerts.values():
        assert all((rule.zh, rule.en, rule.do_zh, rule.do_en, rule.basis))
    psi, ratio = RULES.alerts["score_psi"], RULES.alerts["approved"]
    assert [psi.light(value) for value in (None, 0.1, 0.11, 0.26)] == [None, Light.GREEN, Light.AMBER, Light.RED]
    assert psi.light(0.26, chance=0.3) is Light.GREEN
    assert [ratio.light(value) for value in (0.8, 0.79, 0.59)] == [Light.GREEN, Light.AMBER, Light.RED]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda d: d.pop("parity"), "parity"),
        (lambda d: d["alerts"].pop(), "alerts"),
        (lambda d: d["alerts"].append(d["alerts"][0]), "metric"),
        (lambda d: d["alerts"][0].update(metric="luck"), "metric"),
        (lambda d: d["alerts"][0].update(red=0.05), "red"),
        (lambda d: d["alerts"][0].update(amber="much"), "amber"),
        (lambda d: d["alerts"][0].pop("do"), "do"),
        (lambda d: d["alerts"][3].update(red=1.5), "red"),
        (lambda d: d["parity"].update(approve="E"), "approve"),
        (lambda d: d["parity"].update(gated=["birthday"]), "gated"),
        (lambda d: d["parity"].update(least_firms=0), "least_firms"),
        (lambda d: d["drift"].update(chance_level=1), "chance_level"),
    ],
)
def test_a_faulty_file_of_thresholds_is_refused_with_its_place(change: Any, field: str) -> None:
    document = rule_set().document("models/alerts.yaml")
    change(document)
    with pytest.raises(DataFileError) as fault:
        parse_watch_rules(document, pd_scale().grades)
    assert (fault.value.field, fault.value.file) == (field, "models/alerts.yaml")
