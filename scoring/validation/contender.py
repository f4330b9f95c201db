"""What takes part in a validation: a model with a name, made afresh for every fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame

from scoring.validation.description import Sign

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Model(Protocol):
    """What scikit-learn calls a classifier; ``X`` has one row per firm or loan, ``y`` is 1 for a default."""

    def fit(self, X: DataFrame, y: Ints, sample_weight: Floats | None = None) -> Any:
        """Learn from these rows alone; every preparation belongs in here."""

    def predict_proba(self, X: DataFrame) -> Floats:
        """Shape (rows, 2): probability of no default and of default."""


@dataclass(frozen=True)
class Task:
    """What a model may know beforehand, because it is no finding from the rows.

    ``categorical`` columns hold text or ``None``; all others are float64 with NaN for missing. ``special``: by column
    the codes that are kinds of missing (they still stand in the column). ``directions``: +1 where a larger value means
    a larger probability of default, -1 the reverse; a column that is not named is free.
    """

    categorical: Sequence[str] = ()
    special: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    directions: Mapping[str, Sign] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True)
class Contender:
    """``kind`` is ``scorecard`` (points a person can add up) or ``model``. ``source`` names package and version.

    ``grouped``: its ``fit`` takes ``groups``, what each row belongs to, for the rows it leaves out within.
    """

    id: str
    zh: str
    en: str
    kind: str
    source: str
    make: Callable[[Task], Model]
    grouped: bool = False
