"""Splits codes such as -9 (no record) and -7 (not applicable) from the numbers they stand among."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from pandas import DataFrame, Series

from scoring.validation.contender import Floats, Ints, Model

#: Ending of the column that says which kind of missing it is.
KIND = " (kind of missing)"


def codes_apart(X: DataFrame, special: Mapping[str, tuple[float, ...]]) -> DataFrame:
    """A copy in which codes are NaN; where a column has two codes or more, a text column beside it says which."""
    made = X.copy()
    for column, codes in special.items():
        values = X[column].to_numpy(dtype=np.float64)
        coded = np.isin(values, codes)
        made[column] = np.where(coded, np.nan, values)
        if len(codes) > 1:
            kinds = np.full(values.size, None, dtype=object)
            kinds[~np.isnan(values)] = "known"
            kinds[coded] = [f"{code:g}" for code in values[coded]]
            made[column + KIND] = Series(kinds, index=made.index, dtype=object)
    return made


class CodesApart:
    """A model that sees :func:`codes_apart` instead of the codes."""

    def __init__(self, model: Model, special: Mapping[str, tuple[float, ...]]):
        self._model = model
        self._special = special

    def fit(self, X: DataFrame, y: Ints, sample_weight: Floats | None = None) -> Self:
        self._model.fit(codes_apart(X, self._special), y, sample_weight=sample_weight)
        return self

    def predict_proba(self, X: DataFrame) -> Any:
        return self._model.predict_proba(codes_apart(X, self._special))


def kind_columns(special: Mapping[str, tuple[float, ...]]) -> tuple[str, ...]:
    """Names of the text columns that :func:`codes_apart` adds."""
    return tuple(column + KIND for column, codes in special.items() if len(codes) > 1)
