"""What scikit-learn callers hand over, read into a table with named columns, a 0/1 outcome and weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_feature_names, _check_n_features, _check_sample_weight

from scoring.scorecard.faults import bad_training
from scoring.scorecard.inputs import Floats


def read_table(estimator: BaseEstimator, X: Any, *, reset: bool) -> pd.DataFrame:
    """X as a table; an array's columns are named x0, x1, … ``reset`` learns their names and number, else checks."""
    if isinstance(X, pd.DataFrame):
        if X.columns.has_duplicates:
            twice = sorted({str(name) for name in X.columns[X.columns.duplicated()]})
            raise bad_training("columns", twice, "A column name may come only once.", "Rename or drop the second one.")
        _check_feature_names(estimator, X, reset=reset)
        _check_n_features(estimator, X, reset=reset)
        table = X
    else:
        array = check_array(X, dtype=None, ensure_all_finite="allow-nan", estimator=estimator)
        _check_feature_names(estimator, X, reset=reset)
        _check_n_features(estimator, array, reset=reset)
        table = pd.DataFrame(array, columns=[f"x{at}" for at in range(array.shape[1])])
        if array.dtype == object:
            table = table.infer_objects()
    if table.shape[1] == 0:
        raise ValueError(f"0 feature(s) (shape={table.shape}) while a minimum of 1 is required.")
    if reset and len(table) < 2:
        raise ValueError(f"Found array with n_samples={len(table)} while a minimum of 2 samples is required.")
    return table.reset_index(drop=True)


def read_outcome(y: ArrayLike | None, rows: int) -> tuple[NDArray[Any], Floats]:
    """The two classes, and 1.0 for the second one (n,)."""
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    target = column_or_1d(y, warn=True)
    if len(target) != rows:
        raise ValueError(f"X has {rows} samples, but y has {len(target)}")
    if target.dtype.kind == "f" and not np.isfinite(target).all():
        raise ValueError("Input y contains NaN or infinity.")
    check_classification_targets(target)
    kind = type_of_target(target, input_name="y", raise_unknown=True)
    classes, place = np.unique(target, return_inverse=True)
    if len(classes) == 1:
        raise bad_training("y", str(classes[0]), "The target has one class only.", "Bring good and bad rows.")
    if kind != "binary":
        raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
    return classes, place.astype(np.float64)


def read_weight(sample_weight: ArrayLike | None, bad: Floats, least: int = 1) -> Floats:
    """Weights (n,): ones where none are given; each class keeps ``least`` rows."""
    weight: Floats = np.ones(len(bad))
    if sample_weight is not None:
        weight = _check_sample_weight(sample_weight, bad.reshape(-1, 1), dtype=np.float64)
    if (weight < 0).any():
        raise bad_training("sample_weight", float(weight.min()), "A weight is not negative.", "Use zero to leave out.")
    fewest = min(np.count_nonzero(weight[bad > 0.5]), np.count_nonzero(weight[bad < 0.5]))
    if fewest < least:
        raise bad_training("y", fewest, f"Each class needs {least} rows with weight.", "Bring more rows of that class.")
    return weight


def read_units(groups: ArrayLike | None, bad: Floats, kept: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Numbers from 0 of the groups of the kept rows, in order of appearance; each row its own where none are given."""
    if groups is None:
        return np.arange(np.count_nonzero(kept))
    named = column_or_1d(groups)
    if len(named) != len(bad):
        raise bad_training("groups", len(named), f"There are {len(bad)} rows.", "Name the group of each row.")
    units = np.asarray(pd.factorize(named[kept])[0], np.intp)
    if (units < 0).any():
        raise bad_training("groups", "empty", "A row belongs to a group.", "Name the group of each row.")
    marked = np.bincount(units, weights=bad[kept]) > 0
    fewest = min(np.count_nonzero(marked), np.count_nonzero(~marked))
    if fewest < 2:
        raise bad_training("groups", fewest, "Two groups with and two without a bad row are needed.", "Bring more.")
    return units
