"""Logistic regression of a matrix, its coefficients held to one sign: what a classic scorecard is fitted with."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning

from scoring.scorecard.inputs import Floats

Sign = Literal[-1, 0, 1]
_MOST_STEPS = 2000


def signed_fit(matrix: Floats, second: Floats, weight: Floats, C: float, sign: Sign) -> tuple[float, Floats]:
    """Intercept and coefficients (p,) for rows (n, p) whose outcome is 0 or 1.

    ``C`` is the inverse strength of the L2 penalty; ``sign`` 1: no coefficient below zero, -1: none above, 0: free.
    """
    total = float(weight.sum())
    share = weight / total
    rate = float(share @ second)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        coefficients = parameters[1:]
        log_odds = parameters[0] + matrix @ coefficients
        value = float(share @ (np.logaddexp(0.0, log_odds) - second * log_odds))
        residual = share * (expit(log_odds) - second)
        slope = np.concatenate([[residual.sum()], matrix.T @ residual + coefficients / (C * total)])
        return value + float(coefficients @ coefficients) / (2.0 * C * total), slope

    width = matrix.shape[1]
    bound = {-1: (None, 0.0), 0: (None, None), 1: (0.0, None)}[sign]
    start = np.concatenate([[np.log(rate / (1.0 - rate))], np.zeros(width)])
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[(None, None), *[bound] * width],
        options={"maxiter": _MOST_STEPS, "maxfun": 10 * _MOST_STEPS, "ftol": 1e-14, "gtol": 1e-9},
    )  # fmt: skip
    if found.status == 1:
        warnings.warn(f"No optimum in {_MOST_STEPS} steps: bring columns of like scale.", ConvergenceWarning, 3)
    coefficients: Floats = found.x[1:]
    return float(found.x[0]), coefficients
