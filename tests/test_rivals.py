"""Every contender at hand, ours and others', learns from mixed columns and gives sane probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from pandas import DataFrame
from sklearn.metrics import roc_auc_score

from scoring.validation import Contender, Task
from service.adapters import rival_models
from service.adapters.plain_models import PLAIN_MODELS, as_categories, most_frequent
from service.adapters.rival_models import RIVALS, installed_rivals

HERE, ABSENT = installed_rivals()


def rows(count: int = 500, seed: int = 3) -> tuple[DataFrame, np.ndarray]:
    """Two numbers (one with missing values, one with codes), Chinese categories, and a default that depends on all."""
    random = np.random.default_rng(seed)
    debt, age = random.normal(size=count), random.integers(1, 40, count).astype(float)
    trade = random.choice(np.array(["批发业", "零售业", "制造业", "建筑业"], dtype=object), count)
    risk = 2.0 * debt - 0.05 * age + 1.0 * (trade == "建筑业") - 1.0
    y = (random.random(count) < 1 / (1 + np.exp(-risk))).astype(np.int64)
    X = DataFrame({"debt, %": debt, "age": age})
    X["trade"] = trade
    X["trade"] = X["trade"].astype(object)
    X.loc[random.random(count) < 0.1, "debt, %"] = np.nan
    X.loc[random.random(count) < 0.1, "age"] = -9.0
    X.loc[random.random(count) < 0.05, "trade"] = None
    return X, y


TASK = Task(categorical=("trade",), special={"age": (-9.0,)}, directions={"debt, %": 1}, seed=1)


@pytest.mark.parametrize("contender", [*PLAIN_MODELS, *HERE], ids=lambda each: each.id)
def test_it_separates_unseen_rows_and_takes_what_it_has_not_seen(contender: Contender) -> None:
    X, y = rows()
    later, outcome = rows(seed=4)
    later.loc[:3, "trade"] = "采矿业"
    model = contender.make(TASK)
    model.fit(X, y)
    given = np.asarray(model.predict_proba(later))
    assert given.shape == (len(later), 2)
    assert np.allclose(given.sum(axis=1), 1.0)
    assert roc_auc_score(outcome, given[:, 1]) > 0.70
    assert X.equals(rows()[0]), "the caller's table is not changed"


def test_every_rival_is_either_here_or_named_as_absent() -> None:
    assert {each.id for each in HERE} | {r.id for r in RIVALS if r.package in ABSENT} == {r.id for r in RIVALS}
    for contender in HERE:
        assert contender.source.split()[1][0].isdigit(), "the version is part of the source"


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rival_models, "_module", lambda name: None)
    here, absent = installed_rivals()
    assert here == []
    assert absent == ["optbinning", "toad", "interpret-core", "lightgbm"]


def test_only_the_most_frequent_categories_are_kept() -> None:
    X = DataFrame({"a": ["x", "y", "x", "z", None, "y"]}, dtype=object)
    levels = most_frequent(X, ["a"], 2)
    assert levels == {"a": ["x", "y"]}
    assert as_categories(X, levels)["a"].isna().tolist() == [False, False, False, True, True, False]
