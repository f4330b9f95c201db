"""The firms a strategy is made for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.errors import RefusedInput

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Applicants:
    """``n`` firms: ``pd`` (n,) probability of default within the year, NaN where unknown; ``grades`` as the churn table
    calls them; ``groups`` (an industry, say) for caps and shocks.
    """

    ids: tuple[str, ...]
    pd: Floats
    grades: tuple[str, ...]
    groups: tuple[str, ...]

    @classmethod
    def of(
        cls, ids: Sequence[str], pd: ArrayLike, grades: Sequence[str], groups: Sequence[str] | None = None
    ) -> Applicants:
        """``RefusedInput`` for a firm named twice, a probability outside 0..1 and columns of different length."""
        odds = np.asarray(pd, np.float64)
        made = cls(tuple(ids), odds, tuple(grades), tuple(groups) if groups is not None else ("",) * len(ids))
        if not (odds.shape == (len(made.ids),) and len(made.ids) == len(made.grades) == len(made.groups)):
            raise _refused("firms", len(made.ids), "Each firm has one probability, one grade and one group.")
        if len(set(made.ids)) != len(made.ids):
            twice = sorted({name for name in made.ids if made.ids.count(name) > 1})
            raise _refused("firm", twice[0], "A firm comes once.")
        wrong = np.flatnonzero(~(np.isnan(odds) | ((odds >= 0) & (odds <= 1))))
        if wrong.size:
            raise _refused("pd", float(odds[wrong[0]]), "A probability from 0 to 1, empty where unknown.")
        return made

    def __len__(self) -> int:
        return len(self.ids)

    def with_pd(self, pd: Floats, grades: Sequence[str] | None = None) -> Applicants:
        """The same firms under other probabilities, and other grades where given."""
        return replace(self, pd=pd, grades=self.grades if grades is None else tuple(grades))


def _refused(field: str, value: object, rule: str) -> RefusedInput:
    return RefusedInput("bad_applicants", field, value, rule, "Correct the list of firms.")
