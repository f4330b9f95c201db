"""Probabilities of default and grades of the real firms, for the credit strategy: our own models, our own bands."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import DataFrame
from threadpoolctl import threadpool_limits

from scoring.validation import Task, cross_validate, folds, prepare
from scoring.validation.own_models import OWN_MODELS
from service.adapters import datasets
from service.adapters.cumcm2020c import CreditRecord
from service.real.item_table import item_table, with_outcome
from service.real.strategy_report import GRADES, Bands
from service.snapshot.snapshots import OpenSnapshot

Floats = NDArray[np.float64]
#: Of the folds and the models.
_SEED = 7


@dataclass(frozen=True)
class Credit:
    """``left_out``: by model the probability (n,) of each firm with a credit record, from a fit without it. ``others``:
    the same of the firms without one, from a fit on all who have one; NaN for a firm of whom no item is known.
    ``shocked``: the champion's of the same after the fall of sales.
    """

    left_out: Mapping[str, Floats]
    others: Mapping[str, Floats]
    shocked: Floats
    bands: Bands


def credit_of(
    snapshot: OpenSnapshot, records: Sequence[CreditRecord], others: Sequence[str], falls: Sequence[float]
) -> Credit:
    """Fit our models on the firms with a credit record and score the rest (credit codes ``others``).

    ``falls``: by firm of ``others`` the share by which its sales of the last twelve months fall in the shock. The
    publisher's rating is no input.
    """
    described, _ = datasets.find("cumcm_123")
    data = prepare(with_outcome(snapshot, records), described)
    asked = item_table(snapshot, others)[list(data.X.columns)].apply(pd.to_numeric, errors="coerce").astype(np.float64)
    lower = with_lower_sales(asked, np.asarray(falls))
    silent = asked.isna().all(axis=1).to_numpy()
    parts = folds(data.y, data.units, described.folds, 1, _SEED)
    left_out, scored = {}, {}
    shocked = np.full(len(others), np.nan)
    with threadpool_limits(limits=1):
        for contender in OWN_MODELS:
            left_out[contender.id] = cross_validate(contender, data, parts, time.perf_counter, _SEED).pd[0]
            model = contender.make(Task(data.categorical, data.special, data.directions, _SEED))
            model.fit(data.X, data.y)
            scored[contender.id] = np.where(silent, np.nan, model.predict_proba(asked)[:, 1])
            if contender is OWN_MODELS[0]:
                shocked = np.where(silent, np.nan, model.predict_proba(lower)[:, 1])
    ratings = [record.rating for record in records]
    return Credit(left_out, scored, shocked, bands_like(left_out[OWN_MODELS[0].id], ratings))


def bands_like(chance: Floats, ratings: Sequence[str]) -> Bands:
    """Limits that give these probabilities the shares of the ratings, lowest probability first."""
    counts = np.cumsum([sum(rating == one for rating in ratings) for one in GRADES])[:3]
    ranked = np.append(np.sort(chance), 1.0)
    below = tuple(float(ranked[count]) for count in counts)
    bands = Bands((below[0], below[1], below[2]), 0.0, 0.0)
    apart = np.abs(
        np.array([GRADES.index(grade) for grade in bands.grades(chance)])
        - np.array([GRADES.index(rating) for rating in ratings])
    )
    return Bands(bands.below, float((apart == 0).mean()), float((apart <= 1).mean()))


def with_lower_sales(items: DataFrame, falls: Floats) -> DataFrame:
    """The items as though sales of the last twelve months had been lower by a share (n,), month by month alike."""
    made = items.copy()
    recent = items["sales_12m"]
    made["sales_12m"] = recent * (1.0 - falls)
    made["sales_24m"] = items["sales_24m"] - recent.fillna(0.0) * falls
    made["sales_last_month"] = items["sales_last_month"] * (1.0 - falls)
    made["sales_growth"] = (1.0 + items["sales_growth"]) * (1.0 - falls) - 1.0
    return made


def shifted(chance: Floats, factor: float) -> Floats:
    """Probabilities whose odds are multiplied by a factor."""
    odds = chance / (1.0 - chance) * factor
    made: Floats = odds / (1.0 + odds)
    return made
