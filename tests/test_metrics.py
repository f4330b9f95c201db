"""AUC, KS, Gini and Brier against scikit-learn and scipy, and against figures worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn.metrics import brier_score_loss, roc_auc_score

from scoring.metrics import auc, brier, discrimination, gini, ks

# Few distinct values, so that ties are the rule and not the exception.
SAMPLES = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=60)


@settings(max_examples=80, deadline=None)
@given(SAMPLES)
def test_agrees_with_scikit_learn_and_scipy(sample: list[tuple[int, bool]]) -> None:
    risk = np.array([value for value, _ in sample], dtype=float)
    bad = np.array([flag for _, flag in sample])
    assume(bad.any() and not bad.all())
    assert auc(risk, bad) == pytest.approx(roc_auc_score(bad, risk), abs=1e-12)
    assert ks(risk, bad) == pytest.approx(ks_2samp(risk[bad], risk[~bad], method="exact").statistic, abs=1e-12)
    assert gini(risk, bad) == pytest.approx(2 * roc_auc_score(bad, risk) - 1, abs=1e-12)


def test_ties_by_hand() -> None:
    # bad: 2, 1; good: 1, 0. Pairs: 2>1, 2>0, 1=1 (half), 1>0 -> 3.5 of 4.
    assert auc([2, 1, 1, 0], [1, 1, 0, 0]) == 0.875
    # Below or at 0: half of good, none of bad; at 1: all of good, half of bad -> gap one half both times.
    assert ks([2, 1, 1, 0], [1, 1, 0, 0]) == 0.5


def test_one_value_for_all_says_nothing() -> None:
    assert auc([5.0] * 6, [1, 0, 0, 1, 0, 0]) == 0.5
    assert ks([5.0] * 6, [1, 0, 0, 1, 0, 0]) == 0.0


def test_perfect_and_reversed() -> None:
    assert auc([3, 2, 1], [1, 0, 0]) == 1.0
    assert gini([3, 2, 1], [0, 0, 1]) == -1.0
    assert ks([3, 2, 1], [0, 0, 1]) == 1.0


@settings(max_examples=40, deadline=None)
@given(SAMPLES)
def test_turning_the_sign_turns_the_auc(sample: list[tuple[int, bool]]) -> None:
    risk = np.array([value for value, _ in sample], dtype=float)
    bad = np.array([flag for _, flag in sample])
    assume(bad.any() and not bad.all())
    assert auc(-risk, bad) == pytest.approx(1.0 - auc(risk, bad), abs=1e-12)
    assert ks(-risk, bad) == pytest.approx(ks(risk, bad), abs=1e-12)


def test_brier_against_scikit_learn_and_by_hand() -> None:
    random = np.random.default_rng(3)
    probability, bad = random.random(500), random.random(500) < 0.2
    assert brier(probability, bad) == pytest.approx(brier_score_loss(bad, probability), abs=1e-12)
    assert brier([0.0, 0.5], [0, 1]) == 0.125


def test_interval_repeats_with_its_seed_and_holds_the_figure() -> None:
    random = np.random.default_rng(1)
    bad = np.arange(120) < 30
    risk = random.normal(size=120) + bad
    first, again, other = (discrimination(risk, bad, draws=500, seed=seed) for seed in (7, 7, 8))
    assert first == again
    assert first.auc != other.auc
    assert first.auc.low <= first.auc.value <= first.auc.high
    assert (first.good, first.bad) == (90, 30)
    assert first.gini.low == pytest.approx(2 * first.auc.low - 1)


def test_interval_agrees_with_resampling_firms_one_by_one() -> None:
    random = np.random.default_rng(2)
    bad = np.arange(80) < 25
    risk = np.round(random.normal(size=80) + bad, 1)
    ours = discrimination(risk, bad, draws=4000, seed=5)
    plain = np.empty(1000)
    for draw in range(plain.size):
        picked = np.concatenate([random.choice(np.flatnonzero(bad), 25), random.choice(np.flatnonzero(~bad), 55)])
        plain[draw] = roc_auc_score(bad[picked], risk[picked])
    assert ours.auc.low == pytest.approx(np.quantile(plain, 0.025), abs=0.02)
    assert ours.auc.high == pytest.approx(np.quantile(plain, 0.975), abs=0.02)


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    # Two normals one standard deviation apart: the true AUC is Phi(1 / sqrt 2) = 0.7602.
    random = np.random.default_rng(11)
    bad = np.arange(150) < 40
    trials = 200
    hits = 0
    for _ in range(trials):
        interval = discrimination(random.normal(size=150) + bad, bad, draws=300).auc
        hits += interval.low <= 0.7602 <= interval.high
    assert 0.88 <= hits / trials <= 0.99


@pytest.mark.parametrize(
    ("risk", "bad", "why"),
    [
        ([1.0, float("nan")], [1, 0], "NaN"),
        ([1.0, 2.0], [1, 1], "both"),
        ([], [], "both"),
        ([1.0, 2.0, 3.0], [1, 0], "shapes"),
        ([[1.0, 2.0]], [[1, 0]], "shapes"),
        ([1.0, 2.0], [2, 0], "true or false"),
    ],
)
def test_bad_input_is_refused(risk: list[float], bad: list[int], why: str) -> None:
    for figure in (auc, ks, gini, discrimination):
        with pytest.raises(ValueError, match=why):
            figure(risk, bad)


def test_brier_refuses_what_is_no_probability() -> None:
    for probability in ([1.2], [-0.1], [float("nan")]):
        with pytest.raises(ValueError, match=r"0\.\.1|NaN"):
            brier(probability, [1])
    with pytest.raises(ValueError, match="no firm"):
        brier([], [])


def test_a_million_firms_take_seconds_at_most() -> None:
    random = np.random.default_rng(4)
    risk, bad = random.random(300_000), random.random(300_000) < 0.05
    assert discrimination(risk, bad, draws=20).auc.value == pytest.approx(0.5, abs=0.02)
