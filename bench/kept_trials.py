"""Trials of other people's models, kept from one validation to the next.

The rivals of a data set do not change while our own models do, and some take an hour. What they predicted on the
same rows, outcomes, weights and folds, with the same version and seed, need not be made twice. Our own models are never
kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from scoring.validation import Contender, Fold, Prepared, Trial, cross_validate
from scoring.validation.own_models import OWN_MODELS


class KeptTrials:
    """A folder of trials; called like :func:`~scoring.validation.cross_validate`, whose answer it keeps."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._own = {contender.id for contender in OWN_MODELS}

    def __call__(
        self,
        contender: Contender,
        data: Prepared,
        parts: Sequence[Fold],
        clock: Callable[[], float],
        seed: int = 0,
        tell: Callable[[], None] = lambda: None,
    ) -> Trial:
        """The kept trial, or a new one that is kept from now on; ``tell`` is called only for a new one."""
        if contender.id in self._own:
            return cross_validate(contender, data, parts, clock, seed, tell)
        file = self.file(contender, data, parts, seed)
        if file.exists():
            with np.load(file, allow_pickle=False) as kept:
                seconds = (tuple(kept[name].tolist()) for name in ("fit_seconds", "score_seconds"))
                return Trial(kept["pd"], *seconds, int(kept["scored"]))
        made = cross_validate(contender, data, parts, clock, seed, tell)
        self.keep(file, made)
        return made

    def keep(self, file: Path, trial: Trial) -> None:
        """Write one trial."""
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            file, pd=trial.pd, fit_seconds=trial.fit_seconds, score_seconds=trial.score_seconds, scored=trial.scored
        )

    def file(self, contender: Contender, data: Prepared, parts: Sequence[Fold], seed: int) -> Path:
        """Where a trial is kept: named by all that decides it."""
        digest = hashlib.sha256(repr((contender.source, seed, sorted(data.special.items()), data.categorical)).encode())
        digest.update(pd.util.hash_pandas_object(data.X, index=False).to_numpy().tobytes())
        for part in (data.y, *([] if data.weight is None else [data.weight])):
            digest.update(np.ascontiguousarray(part).tobytes())
        for fold in parts:
            digest.update(fold.train.tobytes() + b"|" + fold.test.tobytes() + b";")
        return self._folder / f"{contender.id}-{digest.hexdigest()[:20]}.npz"
