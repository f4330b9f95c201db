"""The champion as a scikit-learn estimator: from a table to a :class:`~scoring.scorecard.card.Scorecard`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from scoring.scorecard.assemble import Rows, assemble
from scoring.scorecard.bins import CategoryBins
from scoring.scorecard.classic import classic, classic_share
from scoring.scorecard.crossfit import calibration_slope
from scoring.scorecard.estimator import CardEstimator, calibrated
from scoring.scorecard.evidence import Binning
from scoring.scorecard.learn import learn
from scoring.scorecard.prebins import LEAST_ROWS, FineItem, fine_items
from scoring.scorecard.settings import Direction, check_share, check_whole


class ScorecardClassifier(CardEstimator):
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
    classic : float, optional
        Share of the classic card (weights of evidence and a regression on the same bins) in the tables, 0 to 1.
        Default: by the rows left out, as near to one half as they allow.
    steps : int
        Most boosting steps; fewer are taken when rows left out show no gain.
    random_state : int
        Seed of folds and of the choice of items. Same data, settings and seed: same card, byte for byte.

    Attributes
    ----------
    scorecard_ : Scorecard
        The artefact; ``predict_proba`` is its ``score`` and nothing else.
    classic_share_ : float
        Share of the classic card in the tables.
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
        classic: float | None = None,
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
        self.classic = classic
        self.steps = steps
        self.random_state = random_state

    def _check_settings(self) -> None:
        for setting, least, most in (("crosses", 0, 100), ("bins", 2, 64), ("fine_bins", 2, 200), ("steps", 0, 20_000)):
            check_whole(setting, getattr(self, setting), least, most)
        if self.classic is not None:
            check_share("classic", self.classic)

    def _learn(self, rows: Rows, names: Sequence[str]) -> None:
        bad, weight, sample = rows.bad, rows.weight, rows.sample
        items = fine_items(rows.inputs, names, bad, weight, self.fine_bins, LEAST_ROWS, self.specials or {})
        positions = np.column_stack([item.positions(rows.inputs) for item in items])
        layout, grown = learn(
            items, positions, sample, self._wanted(items), self.crosses, self.steps, self.random_state
        )
        other = classic(items, positions, sample, self._binning(), self.random_state)
        slopes = [calibration_slope(margins, bad, weight) for margins in (grown.margins, other.margins)]
        boosted, plain = calibrated(grown.margins, slopes[0]), calibrated(other.margins, slopes[1])
        self.classic_share_ = share = (
            classic_share(boosted, plain, bad, weight) if self.classic is None else float(self.classic)
        )
        mixed = (1.0 - share) * boosted + share * plain
        table = (1.0 - share) * slopes[0] * grown.table
        table[: layout.singles] += share * slopes[1] * other.table
        slope = calibration_slope(mixed, bad, weight)
        how = self._reading(self.bins, self.tolerance, rows)
        self.scorecard_ = assemble(items, layout, table, slope, rows, how)
        self.margins_ = calibrated(mixed, slope)

    def _binning(self) -> Binning:
        return Binning(self.monotone or {}, self.specials or {}, fine_bins=self.fine_bins)

    def _wanted(self, items: Sequence[FineItem]) -> list[int | None]:
        """Direction by item; a category has none, ``None`` leaves it to the data."""
        asked = {str(name): direction for name, direction in (self.monotone or {}).items()}
        directions = [0 if isinstance(item.bins, CategoryBins) else asked.get(item.name, "auto") for item in items]
        return [None if isinstance(direction, str) else direction for direction in directions]
