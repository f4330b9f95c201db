"""What every learner of good and bad has in common for scikit-learn: the tables it takes and the class it names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from scoring.scorecard.inputs import Floats


class TwoClassEstimator(ClassifierMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """A scikit-learn classifier of two classes, the second "bad", over tables of numbers and categories with gaps."""

    categorical: Sequence[str] | None
    classes_: NDArray[Any]

    @abstractmethod
    def decision_function(self, X: Any) -> Floats:
        """Log-odds (n,) of bad."""

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

    def _categories(self) -> Sequence[str] | None:
        """Columns that are to be read as categories; ``None`` leaves it to their dtypes."""
        return None if self.categorical is None else [str(name) for name in self.categorical]
