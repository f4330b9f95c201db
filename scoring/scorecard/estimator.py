"""What every learner of a card has in common: it reads a table, and its probabilities are those of the card it made."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from scoring.scorecard.assemble import Reading, Rows
from scoring.scorecard.card import Scale, Scorecard
from scoring.scorecard.crossfit import Sample
from scoring.scorecard.inputs import Floats, Inputs
from scoring.scorecard.settings import Direction, check_columns, check_directions, check_prior
from scoring.scorecard.tabular import read_outcome, read_table, read_units, read_weight
from scoring.scorecard.two_classes import TwoClassEstimator

#: Rows of either class without which nothing can be learned: one to learn from, one to check on.
LEAST_OF_A_CLASS = 2


class CardEstimator(TwoClassEstimator):
    """A scikit-learn classifier whose ``scorecard_`` is a :class:`~scoring.scorecard.card.Scorecard`.

    A subclass has the settings below among its own and learns in :meth:`_learn`.
    """

    monotone: Mapping[str, Direction] | None
    specials: Mapping[str, Sequence[float]] | None
    prior: float | None
    pdo: float
    base_score: float
    base_odds: float
    scorecard_: Scorecard

    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Self:
        """Learn the card from X (n, p) and a target of two classes (n,).

        ``groups`` (n,) names what each row belongs to, such as the firm that comes with several days: where rows are
        left out to judge by, all rows of a group are left out together. Without it each row stands alone.
        ``RefusedValues`` (a ``ValueError``) for one class, an infinite value, columns of one name, a negative weight, a
        setting out of range or a column that is named in a setting and not in X.
        """
        table = read_table(self, X, reset=True)
        self.classes_, bad = read_outcome(y, len(table))
        weight = read_weight(sample_weight, bad, LEAST_OF_A_CLASS)
        inputs = Inputs.from_frame(table, self._categories())
        kept = weight > 0
        units = read_units(groups, bad, kept)
        if not kept.all():
            inputs, bad, weight = inputs.take(kept), bad[kept], weight[kept]
        names = [str(name) for name in table.columns]
        check_columns(names, monotone=self.monotone, categorical=self.categorical, specials=self.specials)
        check_directions(self.monotone)
        check_prior(self.prior)
        self._check_settings()
        self._learn(Rows(inputs, Sample(bad, weight / weight.mean(), units)), names)
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

    @abstractmethod
    def _check_settings(self) -> None:
        """Refuse the learner's own settings that are out of range."""

    @abstractmethod
    def _learn(self, rows: Rows, names: Sequence[str]) -> None:
        """Set ``scorecard_`` and what else the learner tells."""

    def _reading(self, bins: int, tolerance: float, rows: Rows) -> Reading:
        """How the card is read: points, and the default rate its probabilities are meant for, by default the rows'."""
        scale = Scale(float(self.pdo), float(self.base_score), float(self.base_odds))
        return Reading(bins, tolerance, scale, self.prior if self.prior is not None else rows.rate)

    def _inputs(self, table: pd.DataFrame) -> Inputs:
        """Columns as the card reads them, whatever dtype they come in today."""
        read = [at for at, name in enumerate(table.columns) if str(name) in self.scorecard_.items]
        return Inputs.from_frame(table.iloc[:, read], self.scorecard_.category_items)


def calibrated(margins: Floats, slope: float) -> Floats:
    """Log-odds (n,) of rows left out, stretched about their mean as the card's tables are."""
    centre = float(np.mean(margins))
    return centre + slope * (margins - centre)
