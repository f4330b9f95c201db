"""Logistic regression whose coefficients may be held to one sign.

A weight of evidence is a finding about one item. Beside other items its coefficient can turn over, and the card would
then give points for what harms. With a sign the coefficient of such an item is zero, and the item leaves the card.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.utils.validation import validate_data

from scoring.scorecard.faults import bad_training
from scoring.scorecard.inputs import Floats
from scoring.scorecard.settings import check_positive
from scoring.scorecard.signed_fit import Sign, signed_fit
from scoring.scorecard.tabular import read_outcome, read_weight


class SignedLogisticRegression(LinearClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression of two classes with an L2 penalty and a sign.

    Minimises ``C · Σ weight · log-loss + ½ · |coefficients|²``, as scikit-learn's own does; the intercept is free.

    Parameters
    ----------
    C : float
        Inverse strength of the penalty, above zero.
    sign : {-1, 0, 1}
        1: no coefficient is below zero. -1: none is above. 0: no promise.

    Attributes
    ----------
    coef_ (1, p), intercept_ (1,), classes_, n_features_in_, feature_names_in_
        As in scikit-learn. The coefficients are those of the second class.
    """

    def __init__(self, *, C: float = 1.0, sign: Sign = 0):
        self.C = C
        self.sign = sign

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit X (n, p), finite numbers, and a target of two classes (n,).

        ``RefusedValues`` (a ``ValueError``) for one class, a negative weight or a setting out of range.
        """
        matrix = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        self.classes_, second = read_outcome(y, len(matrix))
        weight = read_weight(sample_weight, second)
        check_positive("C", self.C)
        if self.sign not in (-1, 0, 1):
            raise bad_training("sign", self.sign, "A sign is -1, 0 or 1.", "Take one of them.")
        intercept, coefficients = signed_fit(matrix, second, weight, self.C, self.sign)
        self.intercept_, self.coef_ = np.array([intercept]), coefficients[None, :]
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities (n, 2) of the two classes."""
        second = expit(self.decision_function(X))
        return np.column_stack([1.0 - second, second])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
