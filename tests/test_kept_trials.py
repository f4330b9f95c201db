"""Trials of other people's models are kept; ours are always made anew, and any change of the rows makes a new trial."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pandas import DataFrame

from bench.kept_trials import KeptTrials
from scoring.validation import Contender, Prepared, Task, folds


class Counted:
    """Gives everyone the training rate, and counts its fits."""

    fits = 0

    def fit(self, X: DataFrame, y: Any, sample_weight: Any = None, groups: Any = None) -> Counted:
        Counted.fits += 1
        self.rate = float(y.mean())
        return self

    def predict_proba(self, X: DataFrame) -> Any:
        return np.tile([1.0 - self.rate, self.rate], (len(X), 1))


def contender(identity: str, source: str = "theirs 1.0") -> Contender:
    def make(task: Task) -> Any:
        return Counted()

    return Contender(identity, identity, identity, "model", source, make)


@pytest.fixture
def data() -> Prepared:
    random = np.random.default_rng(0)
    y = (random.random(60) < 0.4).astype(np.int64)
    return Prepared(DataFrame({"x": random.normal(size=60)}), y, np.arange(60), "1", (), {}, {}, None, None, (), ())


def fits(kept: KeptTrials, who: Contender, data: Prepared, seed: int = 1, count: int = 3) -> tuple[int, Any]:
    """How many fits a trial took, and the trial."""
    before = Counted.fits
    trial = kept(who, data, folds(data.y, data.units, count, 1, 1), lambda: 0.0, seed)
    return Counted.fits - before, trial


def test_a_kept_trial_is_the_trial(tmp_path: Path, data: Prepared) -> None:
    first, made = fits(KeptTrials(tmp_path), contender("theirs"), data)
    again, kept = fits(KeptTrials(tmp_path), contender("theirs"), data)
    assert (first, again) == (3, 0)
    assert np.array_equal(made.pd, kept.pd, equal_nan=True)
    assert (kept.fit_seconds, kept.score_seconds, kept.scored) == (made.fit_seconds, made.score_seconds, made.scored)


def test_whatever_decides_a_trial_makes_a_new_one(tmp_path: Path, data: Prepared) -> None:
    kept = KeptTrials(tmp_path)
    fits(kept, contender("theirs"), data)
    other = data.y.copy()
    other[0] = 1 - other[0]
    assert fits(kept, contender("theirs", "theirs 1.1"), data)[0] == 3
    assert fits(kept, contender("theirs"), data, seed=2)[0] == 3
    assert fits(kept, contender("theirs"), data, count=4)[0] == 4
    assert fits(kept, contender("theirs"), replace(data, y=other))[0] == 3
    assert fits(kept, contender("theirs"), replace(data, X=data.X + 1.0))[0] == 3
    assert fits(kept, contender("theirs"), replace(data, weight=np.ones(60)))[0] == 3


def test_our_own_models_are_never_kept(tmp_path: Path, data: Prepared) -> None:
    kept = KeptTrials(tmp_path)
    assert [fits(kept, contender("champion"), data)[0] for _ in range(2)] == [3, 3]
    assert not list(tmp_path.iterdir())
