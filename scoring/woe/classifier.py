"""The classic scorecard as an estimator: the same artefact as the champion's, learned the way credit officers know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from scoring.scorecard.additive import Layout
from scoring.scorecard.assemble import Rows, assemble
from scoring.scorecard.crossfit import FOLDS, calibration_slope, stratified_folds
from scoring.scorecard.estimator import CardEstimator, calibrated
from scoring.scorecard.evidence import Binning, WoeItem, woe_items, woe_matrix
from scoring.scorecard.inputs import Floats, Inputs
from scoring.scorecard.prebins import PRIOR_ROWS
from scoring.scorecard.settings import Direction, check_positive
from scoring.scorecard.signed_fit import signed_fit


class WoeScorecardClassifier(CardEstimator):
    """Monotone bins → weight of evidence → L2 logistic regression without a wrong sign → points.

    Parameters
    ----------
    monotone, categorical, specials, max_bins, fine_bins, shrinkage
        As in :class:`~scoring.woe.binner.WoeBinner`, but weights have mean 1 here.
    prior, pdo, base_score, base_odds
        As in :class:`~scoring.scorecard.classifier.ScorecardClassifier`.
    C : float
        As in :class:`~scoring.woe.signed_logistic.SignedLogisticRegression`.
    random_state : int
        Seed of the folds the calibration is found on. Same data, settings and seed: same card, byte for byte.

    Attributes
    ----------
    scorecard_ : Scorecard
        The artefact; ``predict_proba`` is its ``score`` and nothing else. Items of coefficient zero are left out.
    items_ : tuple of WoeItem
        Bins, weights of evidence and information value of every column.
    coef_ : ndarray (p,)
        Coefficient of each weight of evidence in the log-odds of bad, before calibration; none is above zero.
    margins_ : ndarray (n,)
        Log-odds of the training rows from models that did not see them, after calibration.
    classes_, n_features_in_, feature_names_in_
        As in scikit-learn. The second class is "bad".
    """

    def __init__(
        self,
        *,
        monotone: Mapping[str, Direction] | None = None,
        categorical: Sequence[str] | None = None,
        specials: Mapping[str, Sequence[float]] | None = None,
        prior: float | None = None,
        pdo: float = 20.0,
        base_score: float = 600.0,
        base_odds: float = 50.0,
        max_bins: int = 8,
        fine_bins: int = 20,
        shrinkage: float = PRIOR_ROWS,
        C: float = 1.0,
        random_state: int = 0,
    ):
        self.monotone = monotone
        self.categorical = categorical
        self.specials = specials
        self.prior = prior
        self.pdo = pdo
        self.base_score = base_score
        self.base_odds = base_odds
        self.max_bins = max_bins
        self.fine_bins = fine_bins
        self.shrinkage = shrinkage
        self.C = C
        self.random_state = random_state

    def _check_settings(self) -> None:
        self._binning()
        check_positive("C", self.C)

    def _binning(self) -> Binning:
        return Binning(self.monotone or {}, self.specials or {}, self.max_bins, self.fine_bins, self.shrinkage)

    def _learn(self, rows: Rows, names: Sequence[str]) -> None:
        margins = self._left_out(rows, names)
        slope = calibration_slope(margins, rows.bad, rows.weight)
        self.items_, _, self.coef_ = self._fitted(rows.inputs, rows.bad, rows.weight, names)
        log_odds = [each * item.woe for each, item in zip(self.coef_, self.items_, strict=True)]
        fine = [item.fine for item in self.items_]
        layout = Layout(
            tuple(item.bins.slots for item in fine),
            tuple(item.free for item in fine),
            tuple(item.direction for item in self.items_),
        )
        # The bins are final: what the card may merge besides are bins of one and the same value.
        how = self._reading(self.max_bins, 0.0, rows)
        self.scorecard_ = assemble(fine, layout, np.concatenate(log_odds), slope, rows, how)
        self.margins_ = calibrated(margins, slope)

    def _fitted(
        self, inputs: Inputs, bad: Floats, weight: Floats, names: Sequence[str]
    ) -> tuple[tuple[WoeItem, ...], float, Floats]:
        """Items, intercept and coefficients (p,) of some rows."""
        items = woe_items(inputs, names, bad, weight, self._binning())
        intercept, coefficients = signed_fit(woe_matrix(items, inputs), bad, weight, self.C, -1)
        return items, intercept, coefficients

    def _left_out(self, rows: Rows, names: Sequence[str]) -> Floats:
        """Log-odds (n,) of each row from bins and coefficients of the other folds."""
        margins = np.empty(len(rows.bad))
        for left in stratified_folds(rows.sample, FOLDS, np.random.default_rng(self.random_state)):
            kept = np.ones(len(margins), np.bool_)
            kept[left] = False
            items, intercept, coefficients = self._fitted(
                rows.inputs.take(kept), rows.bad[kept], rows.weight[kept], names
            )
            margins[left] = intercept + woe_matrix(items, rows.inputs.take(left)) @ coefficients
        return margins
