"""How many clients of each grade leave at each rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.errors import RefusedInput

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ChurnTable:
    """``rates`` (k,), rising fractions per year; ``leave``: by grade the share (k,) of clients who leave at each rate.

    Between two rates of the table the share is taken on the straight line that joins them; outside the table nothing is
    known and nothing is offered. A grade that is not in the table is not lent to.
    """

    rates: Floats
    leave: Mapping[str, Floats]

    @classmethod
    def of(cls, rates: ArrayLike, leave: Mapping[str, ArrayLike]) -> ChurnTable:
        """The table of any sequences. ``RefusedInput`` for rates that do not rise and shares outside 0..1."""
        asked = np.asarray(rates, np.float64)
        if asked.ndim != 1 or asked.size < 2 or not (np.diff(asked) > 0).all() or not 0 <= asked[0] <= asked[-1] <= 1:
            raise _refused("rates", asked.tolist(), "Two or more rising rates, as fractions per year (0.04 for 4 %).")
        shares = {grade: np.asarray(column, np.float64) for grade, column in leave.items()}
        if not shares:
            raise _refused("grades", [], "The table has a column for each grade that is lent to.")
        for grade, column in shares.items():
            if column.shape != asked.shape or not ((column >= 0) & (column <= 1)).all():
                raise _refused(grade, column.tolist(), "One share from 0 to 1 for each rate.")
        return cls(asked, shares)

    @property
    def grades(self) -> tuple[str, ...]:
        """The grades that are lent to, in the table's order."""
        return tuple(self.leave)

    def stay(self, grades: Sequence[str], rates: Floats) -> Floats:
        """Share who take the loan, shape (len(grades), len(rates)); a grade that is not in the table gives 0."""
        by_grade = {grade: 1.0 - np.interp(rates, self.rates, column) for grade, column in self.leave.items()}
        none = np.zeros(rates.size)
        return np.array([by_grade.get(grade, none) for grade in grades]).reshape(len(grades), rates.size)


def _refused(field: str, value: object, rule: str) -> RefusedInput:
    return RefusedInput("bad_churn_table", field, value, rule, "Correct the table.")
