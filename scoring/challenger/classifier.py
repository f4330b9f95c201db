"""The challenger: monotone gradient boosting, kept to be compared with. It never decides and never explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils.validation import check_is_fitted

from scoring.challenger.trees import Floats, Tree, Trees, matrix_of
from scoring.scorecard.faults import bad_training
from scoring.scorecard.inputs import Inputs
from scoring.scorecard.prebins import shrunken_rates
from scoring.scorecard.tabular import read_outcome, read_table, read_weight
from scoring.scorecard.two_classes import TwoClassEstimator

#: Values of a category that are kept apart, most frequent first; the rest is unknown to the trees.
_MOST_VALUES = 200


class ChallengerClassifier(TwoClassEstimator):
    """Histogram gradient boosting under monotone constraints, fitted by scikit-learn and served from its own trees.

    A category enters as the rank of its default rate, shrunken to the average, so that a tree splits safe from risky.

    Parameters
    ----------
    monotone : mapping of column to -1, 0 or 1, optional
        +1: a larger value never lowers the probability of default. Columns that are not named: 0. ``"auto"``, which the
        champion knows, counts as 0.
    categorical : sequence of str, optional
        Columns read as categories. Default: every column whose dtype is no number.
    rate : float
        Share of each tree's step that is taken.
    steps : int
        Number of trees.
    leaves : int
        Most leaves of a tree.
    random_state : int
        Seed of the binning of more than 200,000 rows.

    Attributes
    ----------
    trees_ : Trees
        The artefact; ``predict_proba`` walks it.
    classes_, n_features_in_, feature_names_in_
        As in scikit-learn. The second class is "bad".
    """

    def __init__(
        self,
        *,
        monotone: Mapping[str, int | str] | None = None,
        categorical: Sequence[str] | None = None,
        rate: float = 0.06,
        steps: int = 200,
        leaves: int = 16,
        random_state: int = 0,
    ):
        self.monotone = monotone
        self.categorical = categorical
        self.rate = rate
        self.steps = steps
        self.leaves = leaves
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> ChallengerClassifier:
        """Learn from X (n, p) and a target of two classes (n,).

        ``RefusedValues`` for what the champion refuses too, and where the exported trees do not give scikit-learn's
        probabilities to the last bit.
        """
        table = read_table(self, X, reset=True)
        self.classes_, bad = read_outcome(y, len(table))
        weight = read_weight(sample_weight, bad)
        inputs = Inputs.from_frame(table, self._categories())
        names = tuple(str(name) for name in table.columns)
        wanted = dict(self.monotone or {})
        unknown = sorted(set(wanted) - set(names))
        if unknown:
            raise bad_training("monotone", unknown, "The table has no such column.", "Name a column of the table.")
        categories = tuple(_ranked(inputs, name, bad, weight) for name in names)
        values = matrix_of(inputs, names, categories)
        signs = [wanted.get(name, 0) if listed is None else 0 for name, listed in zip(names, categories, strict=True)]
        model = HistGradientBoostingClassifier(
            learning_rate=self.rate,
            max_iter=self.steps,
            max_leaf_nodes=self.leaves,
            monotonic_cst=[0 if sign == "auto" else sign for sign in signs],
            early_stopping=False,
            random_state=self.random_state,
        ).fit(values, bad, sample_weight=weight)
        trees = Trees(names, categories, float(model._baseline_prediction.ravel()[0]), tuple(
            _exported(stage[0].nodes) for stage in model._predictors
        ))  # fmt: skip
        if not np.array_equal(trees.pd(values), model.predict_proba(values)[:, 1]):
            raise bad_training(
                "trees", "export", "The exported trees disagree with scikit-learn.", "Report the versions in use."
            )
        self.trees_ = trees
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities (n, 2) of good and bad."""
        check_is_fitted(self)
        bad = self.trees_.pd(self._read(X))
        return np.column_stack([1.0 - bad, bad])

    def decision_function(self, X: Any) -> Floats:
        """Log-odds (n,) of bad."""
        check_is_fitted(self)
        return self.trees_.log_odds(self._read(X))

    def _read(self, X: Any) -> Floats:
        table: pd.DataFrame = read_table(self, X, reset=False)
        listed = [n for n, values in zip(self.trees_.names, self.trees_.categories, strict=True) if values is not None]
        return self.trees_.matrix(Inputs.from_frame(table, listed))


def _ranked(inputs: Inputs, name: str, bad: Floats, weight: Floats) -> tuple[str, ...] | None:
    """A category's values from safe to risky; ``None`` for a number."""
    category = inputs.categories.get(name)
    if category is None:
        return None
    size = len(category.values)
    rates = shrunken_rates(category.codes + 1, size + 1, bad, weight)[1:]
    count = np.bincount(category.codes + 1, minlength=size + 1)[1:]
    common = np.argsort(-count, kind="stable")[:_MOST_VALUES]
    return tuple(category.values[at] for at in sorted(common.tolist(), key=lambda at: (rates[at], category.values[at])))


def _exported(nodes: Any) -> Tree:
    """One of scikit-learn's trees. A leaf's children are -1 and its threshold is zero: they say nothing."""
    leaf = nodes["is_leaf"].astype(np.bool_)
    threshold = np.where(leaf, 0.0, nodes["num_threshold"])
    # "Known values left, unknown right" is written with an infinite threshold; the largest number says the same.
    threshold = np.minimum(threshold, np.finfo(np.float64).max)
    return Tree(
        feature=tuple(int(entry) for entry in np.where(leaf, 0, nodes["feature_idx"])),
        threshold=tuple(float(entry) for entry in threshold),
        missing_left=tuple(bool(entry) for entry in np.where(leaf, False, nodes["missing_go_to_left"])),
        left=tuple(int(entry) for entry in np.where(leaf, -1, nodes["left"].astype(np.int64))),
        right=tuple(int(entry) for entry in np.where(leaf, -1, nodes["right"].astype(np.int64))),
        value=tuple(float(entry) for entry in nodes["value"]),
    )
