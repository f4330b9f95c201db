"""Lets a contender learn and predict fold by fold; nothing of a judged row reaches it beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from scoring.validation.contender import Contender, Floats, Task
from scoring.validation.folds import Fold
from scoring.validation.prepare import Prepared

#: Gives seconds; only differences count.
Clock = Callable[[], float]


@dataclass(frozen=True)
class Trial:
    """Probabilities of default for the judged rows, shape (repeats, rows); NaN for a row that was not judged.

    ``fit_seconds`` and ``score_seconds`` have one entry per fold; ``scored`` is the number of rows all folds scored.
    """

    pd: Floats
    fit_seconds: tuple[float, ...]
    score_seconds: tuple[float, ...]
    scored: int


def cross_validate(
    contender: Contender,
    data: Prepared,
    parts: Sequence[Fold],
    clock: Clock,
    seed: int = 0,
    tell: Callable[[], None] = lambda: None,
) -> Trial:
    """Fit and predict each fold. ``tell`` is called after each.

    ``ValueError`` for probabilities that are missing or outside 0..1; whatever the contender raises passes through.
    """
    task = Task(data.categorical, data.special, data.directions, seed)
    pd = np.full((1 + max(part.repeat for part in parts), data.y.size), np.nan)
    fitting: list[float] = []
    scoring: list[float] = []
    for part in parts:
        model = contender.make(task)
        weight = None if data.weight is None else data.weight[part.train]
        groups = {"groups": data.units[part.train]} if contender.grouped else {}
        start = clock()
        model.fit(data.X.iloc[part.train], data.y[part.train], sample_weight=weight, **groups)
        fitted = clock()
        given = np.asarray(model.predict_proba(data.X.iloc[part.test]), dtype=np.float64)
        done = clock()
        if given.shape != (part.test.size, 2):
            raise ValueError(f"{contender.id} gave shape {given.shape} for {part.test.size} rows")
        if not ((given >= 0.0) & (given <= 1.0)).all():
            raise ValueError(f"{contender.id} gave a probability that is missing or outside 0..1")
        pd[part.repeat, part.test] = given[:, 1]
        fitting.append(fitted - start)
        scoring.append(done - fitted)
        tell()
    return Trial(pd, tuple(fitting), tuple(scoring), sum(part.test.size for part in parts))


def out_of_time(
    contender: Contender,
    data: Prepared,
    part: Fold,
    clock: Clock,
    seed: int = 0,
    attempt: Callable[..., Trial] = cross_validate,
) -> Trial:
    """One fit on the earlier rows; the trial holds the later rows only, in their order."""
    whole = attempt(contender, data, [part], clock, seed)
    return Trial(whole.pd[:, part.test], whole.fit_seconds, whole.score_seconds, whole.scored)
