"""The challenger: scikit-learn's numbers to the last bit, from JSON alone."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from models.errors import RefusedInput
from scoring.challenger import ChallengerClassifier, Trees
from tests.scorecard_firms import made_firms

TABLE, BAD = made_firms()


@parametrize_with_checks([ChallengerClassifier(steps=10)])
def test_scikit_learn_contract(estimator, check) -> None:  # type: ignore[no-untyped-def]
    check(estimator)


@pytest.fixture(scope="module")
def model() -> ChallengerClassifier:
    return ChallengerClassifier(monotone={"debt": 1, "sales": -1}, steps=60).fit(TABLE, BAD)


def test_the_walker_gives_scikit_learns_bits() -> None:
    numbers = TABLE.drop(columns="district")
    model = ChallengerClassifier(steps=60, rate=0.1, leaves=8).fit(numbers, BAD)
    settings = {"max_iter": 60, "learning_rate": 0.1, "max_leaf_nodes": 8, "early_stopping": False, "random_state": 0}
    theirs = HistGradientBoostingClassifier(**settings).fit(numbers, BAD)
    unseen = made_firms(500, seed=8)[0].drop(columns="district")
    assert np.array_equal(model.predict_proba(unseen)[:, 1], theirs.predict_proba(unseen)[:, 1])


def test_json_carries_everything(model: ChallengerClassifier) -> None:
    served = Trees.from_json(model.trees_.to_json())
    assert served == model.trees_
    assert served.to_json() == model.trees_.to_json()


def test_a_new_category_is_unknown_and_scored(model: ChallengerClassifier) -> None:
    new, unknown = TABLE.assign(district="新设区"), TABLE.assign(district=pd.Series([None] * len(TABLE), dtype=object))
    assert np.array_equal(model.predict_proba(new), model.predict_proba(unknown))


def test_improving_a_good_factor_never_raises_the_risk(model: ChallengerClassifier) -> None:
    risk = [model.predict_proba(TABLE.assign(sales=sales))[:, 1] for sales in np.geomspace(0.05, 20, 12)]
    assert (np.diff(risk, axis=0) <= 0).all()


FAULTS = {
    "another format": lambda c: c | {"format": "x"},
    "key too many": lambda c: c | {"note": 1},
    "child before parent": lambda c: _first(c, "left", lambda part: [0, *part[1:]]),
    "parts of unequal length": lambda c: _first(c, "value", lambda part: part[1:]),
    "unknown column": lambda c: _first(c, "feature", lambda part: [99, *part[1:]]),
    "text for a number": lambda c: _first(c, "threshold", lambda part: ["1", *part[1:]]),
    "names twice": lambda c: c | {"names": ["debt"] * len(c["names"])},
}


def _first(content: dict, key: str, change) -> dict:  # type: ignore[type-arg, no-untyped-def]
    first, *rest = content["trees"]
    return content | {"trees": [first | {key: change(first[key])}, *rest]}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_file_is_refused(fault: str, model: ChallengerClassifier) -> None:
    content = json.loads(model.trees_.to_json())
    with pytest.raises(RefusedInput):
        Trees.from_json(json.dumps(FAULTS[fault](content)).encode())


@pytest.mark.parametrize("text", [b"", b"[]", b'{"baseline":NaN}', b'{"a":1,"a":2}', b"\xff"], ids=repr)
def test_what_is_no_challenger_is_refused(text: bytes) -> None:
    with pytest.raises(RefusedInput):
        Trees.from_json(text)


def test_a_constraint_on_no_column_is_refused() -> None:
    with pytest.raises(RefusedInput, match="debts"):
        ChallengerClassifier(monotone={"debts": 1}, steps=5).fit(TABLE, BAD)
