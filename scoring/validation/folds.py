"""Which rows a model learns from and which it is judged on. Rows that belong together are never on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from models.errors import RefusedInput
from scoring.validation.contender import Floats, Ints


@dataclass(frozen=True)
class Fold:
    """Row numbers to learn from and to be judged on; ``repeat`` and ``number`` count from 0."""

    repeat: int
    number: int
    train: Ints
    test: Ints


def folds(y: Ints, units: Ints, count: int, repeats: int, seed: int) -> tuple[Fold, ...]:
    """Repeated stratified folds: each repeat judges every row once.

    ``units`` (shape rows) says what belongs together: rows of one unit share a fold. Units, not rows, are spread evenly
    by whether they hold a default. Same input and seed, same folds. ``RefusedInput`` for fewer units of either class
    than folds.
    """
    if count < 2 or repeats < 1:
        field, value = ("folds", count) if count < 2 else ("repeats", repeats)
        raise RefusedInput("bad_folds", field, value, "There are at least 2 folds and 1 repeat.", "Ask for more.")
    marks = unit_marks(y, units)
    for name, size in (("defaults", int(marks.sum())), ("rows without default", int((~marks).sum()))):
        if size < count:
            raise RefusedInput(
                "too_few_defaults",
                "folds",
                count,
                f"Each fold needs both classes, and there are {size} {name} (counted by group).",
                f"Ask for at most {size} folds." if size > 1 else "Bring more rows.",
            )
    return tuple(
        Fold(repeat, number, np.flatnonzero(~chosen[units]), np.flatnonzero(chosen[units]))
        for repeat in range(repeats)
        for number, chosen in enumerate(_parts(marks, count, seed + repeat))
    )


def unit_marks(y: Ints, units: Ints) -> NDArray[np.bool_]:
    """Whether each unit holds a default; ``units`` are numbers from 0 without gaps."""
    return np.bincount(units, weights=y, minlength=int(units.max()) + 1) > 0


def _parts(marks: NDArray[np.bool_], count: int, seed: int) -> list[NDArray[np.bool_]]:
    splitter = StratifiedKFold(count, shuffle=True, random_state=seed)
    parts = []
    for _, test in splitter.split(marks, marks):
        chosen = np.zeros(marks.size, dtype=bool)
        chosen[test] = True
        parts.append(chosen)
    return parts


def later_rows(time: Floats, start: float, y: Ints) -> Fold:
    """One fold that learns from rows before ``start`` and is judged on the rest; rows without a time are in neither.

    ``RefusedInput`` when either side lacks a class.
    """
    train, test = np.flatnonzero(time < start), np.flatnonzero(time >= start)
    for side, rows in (("before", train), ("from", test)):
        if len(np.unique(y[rows])) < 2:
            raise RefusedInput(
                "bad_time_split",
                "time",
                start,
                f"The rows {side} this time ({rows.size}) do not hold both classes.",
                "Choose another `from` in the description.",
            )
    return Fold(0, 0, train, test)
