"""Quarter-end results: which quarter a day's frozen result belongs to, and who is reviewed by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from hashlib import blake2b
from typing import Protocol

import numpy as np

from models.dates import month_end
from scoring.columns import Array
from scoring.evaluation.model import ModelBook


def frozen_quarter(as_of: date) -> date:
    """The quarter end whose frozen result may be quoted on ``as_of``: the last one that is not after it."""
    end = month_end(date(as_of.year, (as_of.month + 2) // 3 * 3, 1))
    return end if end == as_of else date(as_of.year, (as_of.month - 1) // 3 * 3 + 1, 1) - timedelta(days=1)


class Graded(Protocol):
    """What the draw reads of an evaluation: :class:`scoring.evaluation.evaluate.Evaluation` has it."""

    @property
    def n(self) -> int: ...
    @property
    def as_of(self) -> date: ...
    @property
    def model(self) -> Array: ...
    @property
    def grade(self) -> Array: ...


def to_review(book: ModelBook, evaluation: Graded, codes: Iterable[str]) -> Array:
    """Firms to look at by hand (bool): every firm of the model's review grades and its share of the other graded ones.

    ``codes`` are the firms' unified social credit codes in order. The draw depends only on code and quarter, so that it
    can be repeated and nobody can choose it.
    """
    quarter = frozen_quarter(evaluation.as_of).isoformat()
    drawn = np.fromiter(
        (
            int.from_bytes(blake2b(f"{quarter}:{code}".encode(), digest_size=8).digest(), "big") / 2**64
            for code in codes
        ),
        np.float64,
        evaluation.n,
    )
    chosen = np.zeros(evaluation.n, np.bool_)
    for place, model in enumerate(book.scored):
        graded = (evaluation.model == place) & (evaluation.grade >= 0)
        rates = np.array([*(model.review.rate(grade) for grade in model.grades), 0.0])
        chosen |= graded & (drawn < rates[evaluation.grade])
    return chosen
