"""Scoring 400,000 firms on 25 binned items, training on 100,000, one firm alone; against optbinning, EBM, boosting."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from pandas import DataFrame
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from bench.ratios import Claim, best, milliseconds, peer
from scoring.scorecard import Inputs, ScorecardClassifier
from scoring.validation import Task
from service.adapters.rival_models import OptBinning

ITEMS = 25
TRAINED, SCORED = 100_000, 400_000
#: Rows the slow learner of a fast scorer is trained on; only its scoring is measured.
EBM_TRAINED = 20_000


def run() -> list[Claim]:
    """Fastest of three for scoring, once for training; everything on one thread."""
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _claims()


def firms(rows: int, seed: int) -> tuple[DataFrame, np.ndarray]:
    """Invented firms: 25 skewed figures, 5 % missing, eight of them tied to a default rate of some 6 %."""
    random = np.random.default_rng(seed)
    values = random.lognormal(size=(rows, ITEMS))
    risk = np.log(values[:, :8]) @ np.linspace(0.6, 0.1, 8) - 3.2
    bad = random.random(rows) < 1 / (1 + np.exp(-risk))
    values[random.random(values.shape) < 0.05] = np.nan
    return DataFrame(values, columns=[f"item_{place:02d}" for place in range(ITEMS)]), bad.astype(np.int64)


def _claims() -> list[Claim]:
    X, y = firms(TRAINED, 1)
    population = firms(SCORED, 2)[0]
    ours_fit, ours = best(lambda: ScorecardClassifier(random_state=1).fit(X, y), 1)
    card = ours.scorecard_
    inputs = Inputs.from_frame(population)
    bulk, _ = best(lambda: card.score(inputs, contributions=False), 3)
    from_table, _ = best(lambda: card.score(Inputs.from_frame(population), contributions=False), 3)
    one = population.iloc[0].to_dict()
    alone, _ = best(lambda: card.score(Inputs.of(one)), 200)
    per_second = f"{SCORED / bulk / 1e6:,.1f} M firms/s"
    claims = [
        Claim(f"score {SCORED:,} firms x {len(card.items)} items used", f"{milliseconds(bulk)}, {per_second}", ""),
        Claim("  the same from a table", milliseconds(from_table), ""),
        Claim("one firm from its figures, points and contributions", f"{alone * 1e6:,.0f} us", ""),
    ]
    boosting_fit, boosting = best(lambda: HistGradientBoostingClassifier(random_state=1).fit(X, y), 1)
    boosted, _ = best(lambda: boosting.predict_proba(population), 3)
    claims.append(_against("gradient boosting / ours, scoring", from_table, boosted, ">= 10"))
    claims.append(Claim(f"gradient boosting, train {TRAINED:,}", milliseconds(boosting_fit), ""))
    optbinning = peer("optbinning", "optbinning")
    if optbinning is None:
        claims.append(Claim(f"train {TRAINED:,} rows", milliseconds(ours_fit), ""))
    else:
        claims += _optbinning(optbinning, X, y, population, from_table, ours_fit, alone)
    glassbox = peer("interpret.glassbox", "interpret-core")
    if glassbox is not None:
        ebm = glassbox.ExplainableBoostingClassifier(interactions=0, outer_bags=1, n_jobs=1, random_state=1)
        ebm.fit(X[:EBM_TRAINED], y[:EBM_TRAINED])
        explained, _ = best(lambda: ebm.predict_proba(population), 3)
        claims.append(_against("EBM without interactions / ours, scoring", from_table, explained, ">= 2"))
    return claims


def _optbinning(
    module: Any, X: DataFrame, y: np.ndarray, population: DataFrame, bulk: float, fit: float, alone: float
) -> list[Claim]:
    model = OptBinning(module, Task())
    theirs_fit, _ = best(lambda: model.fit(X, y), 1)
    scored, _ = best(lambda: model.card.score(population), 1)
    row = population.iloc[[0]]
    single, _ = best(lambda: model.card.score(row), 3)
    return [
        _against("optbinning / ours, scoring", bulk, scored, ">= 10"),
        _against(f"optbinning / ours, train {TRAINED:,} rows", fit, theirs_fit, ">= 1"),
        _against("optbinning / ours, one firm", alone, single, ">= 100"),
    ]


def _against(what: str, ours: float, theirs: float, aim: str) -> Claim:
    return Claim(what, milliseconds(ours), milliseconds(theirs), theirs / ours, aim)
