"""The champion as a scikit-learn estimator: from a table to a :class:`~scoring.scorecard.card.Scorecard`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from scoring.scorecard.assemble import Reading, Rows, assemble
from scoring.scorecard.bins import CategoryBins
from scoring.scorecard.card import Scale
from scoring.scorecard.crossfit import Grown, calibration_slope
from scoring.scorecard.faults import bad_training
from scoring.scorecard.inputs import Floats, Inputs
from scoring.scorecard.learn import learn
from scoring.scorecard.prebins import FineItem, fine_items
from scoring.scorecard.tabular import read_outcome, read_table, read_weight

Direction = Literal[-1, 0, 1, "auto"]


class ScorecardClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A points table learned from data: additive in binned items and a few crossed ones, monotone where asked.

    Parameters
    ----------
    monotone : mapping of column to -1, 0, 1 or "auto", optional
        +1: a larger value never lowers the probability of default. 0: no promise. "auto": the direction the training
        data show, if they show one. Columns that are not named: "auto". A category has no direction.
    categorical : sequence of str, optional
        Columns read as categories. Default: every column whose dtype is no number.
    specials : mapping of column to values, optional
        Numbers that are codes ("-9: no record"); each gets its own bin outside the order.
    prior : float, optional
        Default rate the probabilities are meant for, when the training rows were drawn at another one.
    pdo, base_score, base_odds : float
        ``base_score`` points mean odds of ``base_odds`` good to one bad, ``pdo`` more points double them.
    crosses : int
        Most crossed items. A pair must explain more than chance would show in the best of all pairs.
    bins : int
        Most bins of an item in the card, besides unknown and special values.
    tolerance : float
        Error in log-odds (root mean square over the rows) an item may take for having fewer bins.
    fine_bins : int
        Bins of about equal weight the learner starts from.
    steps : int
        Most boosting steps; fewer are taken when rows left out show no gain.
    random_state : int
        Seed of folds and of the choice of items. Same data, settings and seed: same card, byte for byte.

    Attributes
    ----------
    scorecard_ : Scorecard
        The artefact; ``predict_proba`` is its ``score`` and nothing else.
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
        crosses: int = 20,
        bins: int = 16,
        tolerance: float = 0.01,
        fine_bins: int = 40,
        steps: int = 1500,
        random_state: int = 0,
    ):
        self.monotone = monotone
        self.categorical = categorical
        self.specials = specials
        self.prior = prior
        self.pdo = pdo
        self.base_score = base_score
        self.base_odds = base_odds
        self.crosses = crosses
        self.bins = bins
        self.tolerance = tolerance
        self.fine_bins = fine_bins
        self.steps = steps
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> ScorecardClassifier:
        """Learn the card from X (n, p) and a target of two classes (n,).

        ``RefusedValues`` (a ``ValueError``) for one class, an infinite value, columns of one name, a negative weight, a
        setting out of range or a column that is named in a setting and not in X.
        """
        table = read_table(self, X, reset=True)
        self.classes_, bad = read_outcome(y, len(table))
        weight = read_weight(sample_weight, bad, LEAST_OF_A_CLASS)
        inputs = Inputs.from_frame(table, self._categories(table))
        kept = weight > 0
        if not kept.all():
            inputs, bad, weight = inputs.take(kept), bad[kept], weight[kept]
        self._check_settings(table)
        self._learn(Rows(inputs, bad, weight / weight.mean()), [str(name) for name in table.columns])
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities (n, 2) of good and bad, from the card."""
        check_is_fitted(self)
        table = read_table(self, X, reset=False)
        pd_ = self.scorecard_.score(self._inputs(table), contributions=False).pd
        return np.column_stack([1.0 - pd_, pd_])

    def decision_function(self, X: Any) -> Floats:
        """Log-odds (n,) of bad."""
        check_is_fitted(self)
        table = read_table(self, X, reset=False)
        points = self.scorecard_.score(self._inputs(table), contributions=False).points
        return self.scorecard_.log_odds(points)

    def predict(self, X: Any) -> NDArray[Any]:
        """The likelier class (n,)."""
        likelier = (self.decision_function(X) > 0).astype(np.intp)
        predicted: NDArray[Any] = self.classes_[likelier]
        return predicted

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.classifier_tags.multi_class = False
        return tags

    def _learn(self, rows: Rows, names: Sequence[str]) -> None:
        bad, weight = rows.bad, rows.weight
        items = fine_items(rows.inputs, names, bad, weight, self.fine_bins, LEAST_ROWS, self.specials or {})
        positions = np.column_stack([item.positions(rows.inputs) for item in items])
        layout, grown = learn(
            items, positions, bad, weight, self._wanted(items), self.crosses, self.steps, self.random_state
        )
        slope = calibration_slope(grown.margins, bad, weight)
        scale = Scale(float(self.pdo), float(self.base_score), float(self.base_odds))
        how = Reading(self.bins, self.tolerance, scale, self.prior if self.prior is not None else rows.rate)
        self.scorecard_ = assemble(items, layout, grown.table, slope, rows, how)
        self.margins_ = _calibrated(grown, slope)

    def _wanted(self, items: Sequence[FineItem]) -> list[int | None]:
        """Direction by item; a category has none, ``None`` leaves it to the data."""
        asked = {str(name): direction for name, direction in (self.monotone or {}).items()}
        directions = [0 if isinstance(item.bins, CategoryBins) else asked.get(item.name, "auto") for item in items]
        return [None if isinstance(direction, str) else direction for direction in directions]

    def _categories(self, table: pd.DataFrame) -> Sequence[str] | None:
        return None if self.categorical is None else [str(name) for name in self.categorical]

    def _inputs(self, table: pd.DataFrame) -> Inputs:
        """Columns as the card reads them, whatever dtype they come in today."""
        read = [str(name) for name in table.columns if str(name) in self.scorecard_.items]
        return Inputs.from_frame(table[read], self.scorecard_.category_items)

    def _check_settings(self, table: pd.DataFrame) -> None:
        names = {str(name) for name in table.columns}
        for setting in ("monotone", "categorical", "specials"):
            unknown = sorted(set(map(str, getattr(self, setting) or ())) - names)
            if unknown:
                raise bad_training(setting, unknown, "The table has no such column.", "Name a column of the table.")
        for name, direction in (self.monotone or {}).items():
            if direction not in (-1, 0, 1, "auto"):
                raise bad_training(
                    "monotone", {name: direction}, "A direction is -1, 0, 1 or auto.", "Take one of them."
                )
        if self.prior is not None and not 0.0 < self.prior < 1.0:
            raise bad_training("prior", self.prior, "A default rate lies between 0 and 1.", "Give a fraction.")
        for setting, least, most in (("crosses", 0, 100), ("bins", 2, 64), ("fine_bins", 2, 200), ("steps", 0, 20_000)):
            if not least <= getattr(self, setting) <= most:
                raise bad_training(setting, getattr(self, setting), f"It lies in {least}..{most}.", "Change it.")


#: Rows of either class without which nothing can be learned: one to learn from, one to check on.
LEAST_OF_A_CLASS = 2
#: Rows a category value needs to be kept apart from "other".
LEAST_ROWS = 8


def _calibrated(grown: Grown, slope: float) -> Floats:
    centre = float(np.mean(grown.margins))
    return centre + slope * (grown.margins - centre)
