"""The champion: a points table learned from data, its file form, and the arithmetic that scores with it.

Scoring needs numpy and pandas only. The estimator, and scikit-learn with it, is imported when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scoring.scorecard.card import Calibration, Cross, Line, Scale, Scorecard, Scored, Training
from scoring.scorecard.inputs import Category, Inputs

if TYPE_CHECKING:
    from scoring.scorecard.classifier import ScorecardClassifier

__all__ = [
    "Calibration",
    "Category",
    "Cross",
    "Inputs",
    "Line",
    "Scale",
    "Scorecard",
    "ScorecardClassifier",
    "Scored",
    "Training",
]


def __getattr__(name: str) -> Any:
    if name != "ScorecardClassifier":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from scoring.scorecard.classifier import ScorecardClassifier

    return ScorecardClassifier
