"""Who changed grade between two days: a matrix of counts, who is new and who is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Migration:
    """Grades run from best to worst; the last row and column of ``counts`` are firms without a grade.

    ``counts[before, after]`` are firms of both days. ``new`` and ``gone`` count firms of one day by their grade there.
    Upgrades and downgrades are among the firms graded on both days.
    """

    grades: tuple[str, ...]
    counts: NDArray[np.int64]
    new: NDArray[np.int64]
    gone: NDArray[np.int64]

    @property
    def graded_twice(self) -> int:
        return int(self._inner.sum())

    @property
    def upgrades(self) -> int:
        return int(np.tril(self._inner, -1).sum())

    @property
    def downgrades(self) -> int:
        return int(np.triu(self._inner, 1).sum())

    @property
    def downgrade_share(self) -> float | None:
        """Of the firms graded on both days; ``None`` without one."""
        return self.downgrades / self.graded_twice if self.graded_twice else None

    @property
    def shares(self) -> tuple[tuple[float, ...] | None, ...]:
        """Each row as shares of its firms; ``None`` for a row without firms."""
        sums = self.counts.sum(axis=1).tolist()
        return tuple(
            tuple((row / total).tolist()) if total else None for row, total in zip(self.counts, sums, strict=True)
        )

    @property
    def _inner(self) -> NDArray[np.int64]:
        return self.counts[:-1, :-1]


def migrate(
    grades: Sequence[str],
    before: tuple[NDArray[np.bytes_], Codes, Sequence[str]],
    after: tuple[NDArray[np.bytes_], Codes, Sequence[str]],
) -> Migration:
    """The move from one day to another. Each day is (codes of firms, grade of each as a place, names of the places),
    -1 for no grade; a name that is not in ``grades`` counts as no grade.
    """
    k = len(grades)
    (firms_before, from_), (firms_after, to) = (
        (firms, _places(grades, codes, names)) for firms, codes, names in (before, after)
    )
    _, was, is_now = np.intersect1d(firms_before, firms_after, assume_unique=True, return_indices=True)
    counts = np.bincount(from_[was] * (k + 1) + to[is_now], minlength=(k + 1) ** 2).reshape(k + 1, k + 1)
    gone, new = np.ones(len(from_), np.bool_), np.ones(len(to), np.bool_)
    gone[was], new[is_now] = False, False
    return Migration(
        tuple(grades),
        counts.astype(np.int64),
        np.bincount(to[new], minlength=k + 1).astype(np.int64),
        np.bincount(from_[gone], minlength=k + 1).astype(np.int64),
    )


def _places(grades: Sequence[str], codes: Codes, names: Sequence[str]) -> NDArray[np.int64]:
    # The last place answers -1: no grade.
    table = [grades.index(name) if name in grades else len(grades) for name in names]
    made: NDArray[np.int64] = np.array([*table, len(grades)], np.int64)[codes]
    return made
