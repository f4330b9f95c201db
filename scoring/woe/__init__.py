"""The classic way to a card: monotone bins, weight of evidence, a regression whose signs are given, points.

The champion (:mod:`scoring.scorecard`) is learned another way; this one makes the same artefact, so that it can be
read, scored, validated and compared by the same code.
"""

from __future__ import annotations

from scoring.scorecard.evidence import Binning, WoeItem, woe_items, woe_matrix
from scoring.woe.binner import WoeBinner
from scoring.woe.classifier import WoeScorecardClassifier
from scoring.woe.signed_logistic import SignedLogisticRegression

__all__ = [
    "Binning",
    "SignedLogisticRegression",
    "WoeBinner",
    "WoeItem",
    "WoeScorecardClassifier",
    "woe_items",
    "woe_matrix",
]
