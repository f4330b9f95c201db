"""Figures of a validation against scikit-learn, scipy and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import ks_2samp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from scoring.validation import Trial, folds, judge
from scoring.validation.calibration import calibration_error, calibration_line, deciles, lift
from scoring.validation.resample import Ranking, resamples


def sample(rows: int = 600, seed: int = 1, repeats: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, shape (repeats, rows), and outcomes drawn from the first repeat's."""
    random = np.random.default_rng(seed)
    pd = np.round(random.beta(1.5, 6, size=(repeats, rows)), 3)
    pd = np.clip(pd, 0.001, 0.999)
    return pd, (random.random(rows) < pd[0]).astype(np.int64)


def judged(pd: np.ndarray, y: np.ndarray, **more: object):
    parts = folds(y, np.arange(y.size), 5, pd.shape[0], 3)
    trial = Trial(pd, (1.0,) * len(parts), (0.5,) * len(parts), y.size * pd.shape[0])
    return parts, judge({"champion": trial}, y, np.arange(y.size), None, parts, "champion", draws=200, **more)[
        "champion"
    ]


def test_auc_is_the_mean_of_the_folds_and_ks_that_of_the_repeats() -> None:
    pd, y = sample(repeats=2)
    parts, found = judged(pd, y)
    areas = [roc_auc_score(y[part.test], pd[part.repeat][part.test]) for part in parts]
    assert found.auc.value == pytest.approx(np.mean(areas), abs=1e-12)
    assert found.auc_by_fold == pytest.approx(areas, abs=1e-12)
    assert found.gini.value == pytest.approx(2 * np.mean(areas) - 1, abs=1e-12)
    distances = [ks_2samp(each[y == 1], each[y == 0]).statistic for each in pd]
    assert found.ks.value == pytest.approx(np.mean(distances), abs=1e-12)


def test_brier_and_log_loss_agree_with_scikit_learn() -> None:
    pd, y = sample(repeats=2)
    _, found = judged(pd, y)
    assert found.brier.value == pytest.approx(np.mean([brier_score_loss(y, each) for each in pd]), abs=1e-12)
    assert found.log_loss.value == pytest.approx(np.mean([log_loss(y, each) for each in pd]), abs=1e-12)
    assert found.fit_seconds == 1.0
    assert found.score_microseconds == pytest.approx(10 * 0.5 / (2 * y.size) * 1e6)


def test_a_weight_of_two_is_a_row_that_stands_twice() -> None:
    pd, y = sample(120)
    weight = np.ones(120)
    weight[::3] = 2.0
    twice = np.concatenate([np.arange(120), np.arange(0, 120, 3)])
    rows = np.arange(120)
    once = Ranking(pd[0], rows, y.astype(float))
    assert once.auc(weight[None, :])[0] == pytest.approx(roc_auc_score(y[twice], pd[0][twice]), abs=1e-12)
    expected = ks_2samp(pd[0][twice][y[twice] == 1], pd[0][twice][y[twice] == 0]).statistic
    assert once.ks(weight[None, :])[0] == pytest.approx(expected, abs=1e-12)
    assert lift(pd[0], y, weight, 0.1) == pytest.approx(lift(pd[0][twice], y[twice], np.ones(twice.size), 0.1))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.4, 2.5), st.floats(-1, 1))
def test_the_calibration_line_is_the_logistic_regression_of_scikit_learn(seed: int, slope: float, shift: float) -> None:
    random = np.random.default_rng(seed)
    odds = random.normal(-1, 1, 400)
    y = (random.random(400) < 1 / (1 + np.exp(-(shift + slope * odds)))).astype(float)
    weight = random.integers(1, 4, 400).astype(float)
    found = calibration_line(1 / (1 + np.exp(-odds)), y, weight)
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(odds[:, None], y, sample_weight=weight)
    assert found == pytest.approx((oracle.coef_[0, 0], oracle.intercept_[0]), abs=2e-4)


def test_the_calibration_line_is_the_optimum_even_far_from_the_start() -> None:
    random = np.random.default_rng(5)
    odds = random.normal(0, 0.02, 3000)
    y = (random.random(3000) < 1 / (1 + np.exp(-(-3 + 40 * odds)))).astype(float)
    found = calibration_line(1 / (1 + np.exp(-odds)), y, np.ones(3000))

    def loss(beta: np.ndarray) -> float:
        line = beta[0] + beta[1] * odds
        return float(np.sum(np.logaddexp(0, line) - y * line))

    assert found is not None
    assert loss(np.array([found[1], found[0]])) <= minimize(loss, [-3, 40]).fun + 1e-6


@pytest.mark.parametrize("pd", [[0.2] * 6, [0.1, 0.1, 0.1, 0.9, 0.9, 0.9]], ids=["all alike", "perfect"])
def test_no_line_where_none_can_be_fitted(pd: list[float]) -> None:
    assert calibration_line(np.array(pd), np.array([0, 0, 0, 1, 1, 1.0]), np.ones(6)) is None


def test_tenths_hold_everything_once_and_ties_stay_together() -> None:
    pd, y = sample(997)
    table = deciles(pd[0], y, np.ones(997))
    assert len(table) == 10
    assert sum(row.cases for row in table) == 997
    assert sum(row.defaults for row in table) == y.sum()
    assert [row.mean_pd for row in table] == sorted(row.mean_pd for row in table)
    order = np.sort(pd[0])
    assert table[0].mean_pd == pytest.approx(order[: int(table[0].cases)].mean())
    assert len(deciles(np.full(50, 0.3), np.arange(50) % 2, np.ones(50))) == 1


def test_calibration_error_by_hand() -> None:
    pd, y = np.array([0.1] * 10 + [0.6] * 10), np.array([0] * 8 + [1] * 2 + [1] * 5 + [0] * 5)
    # Two groups: observed 0.2 against 0.1, and 0.5 against 0.6.
    assert calibration_error(deciles(pd, y, np.ones(20))) == pytest.approx(0.1)


def test_lift_by_counting_and_with_ties_in_part() -> None:
    pd, y = sample(400)
    distinct = pd[0] + np.linspace(0, 1e-6, 400)
    top = np.argsort(-distinct)[:40]
    assert lift(distinct, y, np.ones(400), 0.1) == pytest.approx(y[top].mean() / y.mean())
    assert lift(np.full(400, 0.2), y, np.ones(400), 0.05) == pytest.approx(1.0)


def test_the_paired_interval_is_that_of_plain_resampling() -> None:
    random = np.random.default_rng(9)
    y = (np.arange(200) < 50).astype(np.int64)
    better, worse = random.normal(size=200) + 1.2 * y, random.normal(size=200) + 0.4 * y
    scale = [1 / (1 + np.exp(-risk))[None, :] for risk in (better, worse)]
    parts = folds(y, np.arange(200), 2, 1, 0)
    trials = {name: Trial(pd, (0.0,), (0.0,), 200) for name, pd in zip(("champion", "other"), scale, strict=True)}
    found = judge(trials, y, np.arange(200), None, parts, "champion", draws=1500, seed=4)
    assert found["champion"].ahead is None
    ahead = found["other"].ahead
    assert ahead is not None
    assert ahead.value == pytest.approx(found["champion"].auc.value - found["other"].auc.value)
    plain = []
    for _ in range(500):
        picked = np.concatenate([random.choice(np.flatnonzero(y == k), (y == k).sum()) for k in (0, 1)])
        gaps = []
        for part in parts:
            inside = picked[np.isin(picked, part.test)]
            gaps.append(roc_auc_score(y[inside], better[inside]) - roc_auc_score(y[inside], worse[inside]))
        plain.append(np.mean(gaps))
    assert (ahead.low, ahead.high) == pytest.approx(tuple(np.quantile(plain, (0.025, 0.975))), abs=0.02)


def test_a_resample_draws_units_whole_and_keeps_each_class() -> None:
    units = np.repeat(np.arange(30), 3)
    y = np.zeros(90, dtype=np.int64)
    y[::9] = 1  # the first row of every third unit
    blocks = np.concatenate(list(resamples(y, units, np.ones(90), 50, 2)))
    assert blocks.shape == (50, 90)
    assert (blocks.reshape(50, 30, 3) == blocks.reshape(50, 30, 3)[:, :, :1]).all()
    assert (blocks[:, y == 1].sum(axis=1) == 10).all()
    assert (blocks.sum(axis=1) == 90).all()


def test_same_seed_same_judgement() -> None:
    pd, y = sample()
    assert judged(pd, y, seed=5)[1] == judged(pd, y, seed=5)[1]
    assert judged(pd, y, seed=5)[1].auc != judged(pd, y, seed=6)[1].auc
