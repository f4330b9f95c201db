"""Other people's scorecards and models, each used as its documentation recommends. None is needed to run the product.

What is not installed is named as absent; an import happens only when a contender is asked for.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, Self

import pandas as pd
from pandas import DataFrame
from sklearn.linear_model import LogisticRegression

from scoring.validation import Contender, Task
from scoring.validation.contender import Floats, Ints, Model
from service.adapters.plain_models import as_categories, most_frequent

#: toad has no bin for a missing category; its documentation fills them with a word.
_MISSING_WORD = "MISSING"
_MOST_CATEGORIES = 1000
#: optbinning: categories below this share go into one bin.
_RARE = 0.01


@dataclass(frozen=True)
class Rival:
    """A peer by the package it comes from. ``make`` gets the imported module."""

    id: str
    zh: str
    en: str
    kind: str
    package: str
    module: str
    make: Callable[[ModuleType, Task], Model]


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Their prints go to standard error, so that ``--json`` stays one value; their warnings are for their authors."""
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@cache
def _module(name: str) -> ModuleType | None:
    try:
        with _quietly():
            return importlib.import_module(name)
    except ImportError:
        return None


class _Quiet:
    """A model whose prints and warnings are kept off the report."""

    def __init__(self, model: Model):
        self._model = model

    def fit(self, X: DataFrame, y: Ints, sample_weight: Floats | None = None) -> Self:
        with _quietly():
            self._model.fit(X, y, sample_weight=sample_weight)
        return self

    def predict_proba(self, X: DataFrame) -> Any:
        with _quietly():
            return self._model.predict_proba(X)


class OptBinning:
    """Binning process, then logistic regression on weight of evidence, then points.

    Text columns are named, because their dtype is not always recognised (optbinning issue 399). Special codes get bins
    of their own; they and missing values keep their observed weight of evidence (by default it is 0, which costs 0.07
    of AUC on the Polish firms). Categories below 1 % share a bin; by default a city with three loans has its own.
    """

    def __init__(self, module: ModuleType, task: Task):
        self._optbinning = module
        self._task = task

    def fit(self, X: DataFrame, y: Ints, sample_weight: Floats | None = None) -> Self:
        codes = sorted({code for column in self._task.special.values() for code in column})
        process = self._optbinning.BinningProcess(
            variable_names=list(X.columns),
            categorical_variables=list(self._task.categorical) or None,
            special_codes=codes or None,
            binning_fit_params={name: {"cat_cutoff": _RARE} for name in self._task.categorical},
        )
        self.card = self._optbinning.Scorecard(
            binning_process=process,
            estimator=LogisticRegression(max_iter=1000),
            scaling_method="pdo_odds",
            scaling_method_params={"pdo": 20, "odds": 50, "scorecard_points": 600},
        )
        self.card.fit(X, y, sample_weight=sample_weight, metric_special="empirical", metric_missing="empirical")
        return self

    def predict_proba(self, X: DataFrame) -> Any:
        return self.card.predict_proba(X)


class _Toad:
    """Chi-merge bins of at least 5 %, weight of evidence, scorecard.

    The selection of columns in its tutorial (information value, correlation) is left out, because the card is better
    without: on the American bankruptcies by 0.15 of AUC. Missing has a bin of its own; without that the chi-merge of
    0.1.7 stops on a missing number. It takes no weights.
    """

    def __init__(self, module: ModuleType, task: Task):
        self._toad = module
        self._categorical = list(task.categorical)

    def fit(self, X: DataFrame, y: Ints, sample_weight: Floats | None = None) -> Self:
        target = "__target__"
        table = self._filled(X)
        table[target] = y
        self._combiner = self._toad.transform.Combiner()
        self._combiner.fit(table, y=target, method="chi", min_samples=0.05, empty_separate=True)
        self._woe = self._toad.transform.WOETransformer()
        binned = self._woe.fit_transform(self._combiner.transform(table), table[target], exclude=[target])
        self._card = self._toad.ScoreCard(
            combiner=self._combiner, transer=self._woe, base_odds=50, base_score=600, pdo=20
        )
        self._card.fit(binned.drop(columns=target), y)
        return self

    def predict_proba(self, X: DataFrame) -> Any:
        return self._card.model.predict_proba(self._woe.transform(self._combiner.transform(self._filled(X))))

    def _filled(self, X: DataFrame) -> DataFrame:
        made = X.copy()
        for name in self._categorical:
            made[name] = X[name].where(X[name].notna(), _MISSING_WORD).astype(object)
        # toad 0.1.7 indexes column names in a way that pandas 3 allows for names as objects only.
        return made.set_axis(pd.Index(X.columns, dtype=object), axis=1)


class _Ebm:
    """Explainable boosting machine, one process: 4 bags, 10 pairs, steps of .05.

    Its defaults (14 bags, three pairs for each column, steps of .015) took 8 to 11 times as long on the two smallest
    sets, half a minute a fit; the page says what the difference was there.
    """

    def __init__(self, module: ModuleType, task: Task):
        kinds = task.categorical
        self._kinds = set(kinds)
        self._make = lambda types: module.ExplainableBoostingClassifier(
            feature_types=types, random_state=task.seed, n_jobs=1, outer_bags=4, interactions=10, learning_rate=0.05
        )

    def fit(self, X: DataFrame, y: Ints, sample_weight: Floats | None = None) -> Self:
        self._model = self._make(["nominal" if name in self._kinds else "continuous" for name in X.columns])
        self._model.fit(X, y, sample_weight=sample_weight)
        return self

    def predict_proba(self, X: DataFrame) -> Any:
        return self._model.predict_proba(X)


class _LightGbm:
    """LightGBM at its defaults, one thread. Column names are numbered: it refuses some characters in names."""

    def __init__(self, module: ModuleType, task: Task):
        self._categorical = list(task.categorical)
        self._model = module.LGBMClassifier(n_jobs=1, random_state=task.seed, verbose=-1)

    def fit(self, X: DataFrame, y: Ints, sample_weight: Floats | None = None) -> Self:
        self._levels = most_frequent(X, self._categorical, _MOST_CATEGORIES)
        self._model.fit(self._table(X), y, sample_weight=sample_weight)
        return self

    def predict_proba(self, X: DataFrame) -> Any:
        return self._model.predict_proba(self._table(X))

    def _table(self, X: DataFrame) -> DataFrame:
        made = as_categories(X, self._levels)
        return made.set_axis([f"f{place}" for place in range(made.shape[1])], axis=1)


RIVALS = (
    Rival(
        "optbinning", "optbinning 评分卡", "optbinning scorecard", "scorecard", "optbinning", "optbinning", OptBinning
    ),
    Rival("toad", "toad 评分卡", "toad scorecard", "scorecard", "toad", "toad", _Toad),
    Rival("ebm", "可解释提升机 EBM", "Explainable boosting", "model", "interpret-core", "interpret.glassbox", _Ebm),
    Rival("lightgbm", "LightGBM", "LightGBM", "model", "lightgbm", "lightgbm", _LightGbm),
)


def installed_rivals() -> tuple[list[Contender], list[str]]:
    """Those that are installed, and the names of the packages that are not."""
    here, absent = [], []
    for rival in RIVALS:
        module = _module(rival.module)
        if module is None:
            absent.append(rival.package)
            continue
        source = f"{rival.package} {importlib.metadata.version(rival.package)}"
        here.append(Contender(rival.id, rival.zh, rival.en, rival.kind, source, _maker(rival, module)))
    return here, absent


def _maker(rival: Rival, module: ModuleType) -> Callable[[Task], Model]:
    return lambda task: _Quiet(rival.make(module, task))
