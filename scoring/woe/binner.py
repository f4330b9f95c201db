"""Columns to weights of evidence, as a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import ClassifierTags
from sklearn.utils.validation import check_is_fitted

from scoring.scorecard.bins import CategoryBins
from scoring.scorecard.evidence import Binning, woe_items, woe_matrix
from scoring.scorecard.inputs import Floats, Inputs
from scoring.scorecard.prebins import PRIOR_ROWS
from scoring.scorecard.settings import Direction, check_columns
from scoring.scorecard.tabular import read_outcome, read_table, read_weight


class WoeBinner(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Each column in bins, each bin as its weight of evidence (high is good; :mod:`scoring.scorecard.evidence`).

    Parameters
    ----------
    monotone : mapping of column to -1, 0, 1 or "auto", optional
        +1: a larger value never lowers the default rate from bin to bin. 0: any shape. "auto": the direction the rows
        show, if they show one. Columns that are not named: "auto". A category has no direction.
    categorical : sequence of str, optional
        Columns read as categories. Default: every column whose dtype is no number.
    specials : mapping of column to values, optional
        Numbers that are codes; each gets its own bin outside the order. Unknown always has one.
    max_bins : int
        Most bins of a column, besides unknown, special values and "other".
    fine_bins : int
        Bins of about equal weight that are joined to fewer.
    shrinkage : float
        Average rows that are thought into every bin. Above zero. A weight of 1 is one row.

    Attributes
    ----------
    items_ : tuple of WoeItem
        Bins, weights of evidence and counts of each column, in the order of the columns.
    iv_ : dict
        Information value by column.
    n_features_in_, feature_names_in_
        As in scikit-learn.
    """

    def __init__(
        self,
        *,
        monotone: Mapping[str, Direction] | None = None,
        categorical: Sequence[str] | None = None,
        specials: Mapping[str, Sequence[float]] | None = None,
        max_bins: int = 8,
        fine_bins: int = 20,
        shrinkage: float = PRIOR_ROWS,
    ):
        self.monotone = monotone
        self.categorical = categorical
        self.specials = specials
        self.max_bins = max_bins
        self.fine_bins = fine_bins
        self.shrinkage = shrinkage

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> WoeBinner:
        """Bins of X (n, p) and a target of two classes (n,), the second one "bad".

        ``RefusedValues`` (a ``ValueError``) as :meth:`scoring.scorecard.estimator.CardEstimator.fit`.
        """
        table = read_table(self, X, reset=True)
        _, bad = read_outcome(y, len(table))
        weight = read_weight(sample_weight, bad)
        names = [str(name) for name in table.columns]
        check_columns(names, monotone=self.monotone, categorical=self.categorical, specials=self.specials)
        how = Binning(self.monotone or {}, self.specials or {}, self.max_bins, self.fine_bins, self.shrinkage)
        kept = weight > 0
        categorical = None if self.categorical is None else [str(name) for name in self.categorical]
        inputs = Inputs.from_frame(table, categorical).take(kept)
        self.items_ = woe_items(inputs, names, bad[kept], weight[kept], how)
        self.iv_ = {item.name: item.iv for item in self.items_}
        return self

    def transform(self, X: Any) -> Floats:
        """Weights of evidence (n, p). A category value nobody saw goes to "other"."""
        check_is_fitted(self)
        table = read_table(self, X, reset=False)
        categories = [item.name for item in self.items_ if isinstance(item.bins, CategoryBins)]
        return woe_matrix(self.items_, Inputs.from_frame(table, categories))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.target_tags.required = True
        tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags
