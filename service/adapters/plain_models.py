"""scikit-learn's logistic regression and gradient boosting, prepared the ordinary way: what is always there to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import pandas as pd
import sklearn
from pandas import DataFrame
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from scoring.validation import Contender, Task
from scoring.validation.contender import Floats, Ints
from scoring.validation.special_codes import CodesApart, kind_columns

_VERSION = f"scikit-learn {sklearn.__version__}"
#: scikit-learn's boosting takes at most 255 categories; the rarer ones count as missing.
_MOST_CATEGORIES = 254
_RARE = 0.005


class _Logistic:
    """Median and a mark for what is missing, one scale, one column per category, L2 penalty at its default."""

    def __init__(self, categorical: Sequence[str]):
        self._categorical = list(categorical)

    def fit(self, X: DataFrame, y: Ints, sample_weight: Floats | None = None) -> Self:
        numeric = [name for name in X.columns if name not in self._categorical]
        # A column that is missing in all training rows has no median; 0 keeps it in place.
        numbers = Pipeline(
            [
                ("fill", SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)),
                ("scale", StandardScaler()),
            ]
        )
        kinds = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=_RARE)
        self._pipeline = Pipeline(
            [
                ("columns", ColumnTransformer([("numbers", numbers, numeric), ("kinds", kinds, self._categorical)])),
                ("model", LogisticRegression(max_iter=2000)),
            ]
        )
        self._pipeline.fit(X, y, model__sample_weight=sample_weight)
        return self

    def predict_proba(self, X: DataFrame) -> Any:
        return self._pipeline.predict_proba(X)


class _Boosting:
    """Gradient boosting at its defaults; categories as categories, missing values as they are."""

    def __init__(self, categorical: Sequence[str], seed: int):
        self._categorical = list(categorical)
        self._seed = seed

    def fit(self, X: DataFrame, y: Ints, sample_weight: Floats | None = None) -> Self:
        self._levels = most_frequent(X, self._categorical, _MOST_CATEGORIES)
        self._model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=self._seed)
        self._model.fit(as_categories(X, self._levels), y, sample_weight=sample_weight)
        return self

    def predict_proba(self, X: DataFrame) -> Any:
        return self._model.predict_proba(as_categories(X, self._levels))


def most_frequent(X: DataFrame, columns: Sequence[str], most: int) -> dict[str, list[str]]:
    """The categories of each column by falling frequency, equals in order of text; at most ``most``."""
    made = {}
    for name in columns:
        counts = X[name].dropna().value_counts()
        made[name] = sorted(counts.index, key=lambda level, counts=counts: (-counts[level], str(level)))[:most]
    return made


def as_categories(X: DataFrame, levels: dict[str, list[str]]) -> DataFrame:
    """A copy whose text columns are pandas categories of these levels; any other value is missing."""
    made = X.copy()
    for name, kept in levels.items():
        made[name] = pd.Categorical(X[name].where(X[name].isin(kept), None), categories=kept)
    return made


def _logistic(task: Task) -> CodesApart:
    return CodesApart(_Logistic([*task.categorical, *kind_columns(task.special)]), task.special)


def _boosting(task: Task) -> _Boosting:
    # Codes stay numbers: a tree splits them off, as it would any other values at the end of the range.
    return _Boosting(task.categorical, task.seed)


PLAIN_MODELS = (
    Contender("sklearn_logistic", "逻辑回归", "Logistic regression", "model", _VERSION, _logistic),
    Contender("sklearn_boosting", "直方图梯度提升", "Histogram gradient boosting", "model", _VERSION, _boosting),
)

__all__ = ["PLAIN_MODELS", "as_categories", "most_frequent"]
