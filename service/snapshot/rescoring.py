"""Scores one firm again from its columns: the one place where what a what-if changes becomes points, grade and facts.

A build scores the whole city; this scores a single row with the same functions, so both give the same milli-points.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from models.kinds import Scalar, decode
from scoring.columns import Columns
from scoring.derived import DERIVED, MADE_OF, derive
from scoring.evaluation.explain import Explanation, explain
from scoring.evaluation.model import ModelBook
from scoring.pd_scale import PdScale
from scoring.size import SizeTable
from service.registry.scoring import PD_KINDS, pd_scores
from service.registry.store import LoadedModel


@dataclass(frozen=True)
class Rescored:
    """``facts`` are all that is worked out of the items, by id (``None`` unknown): derived, and the evaluation's.

    ``why`` is the evaluation line by line. Where the firm stands among its peers is not here: that takes the peers.
    """

    facts: Mapping[str, Scalar | None]
    why: Explanation


def rescore(
    one: Columns, as_of: date, sizes: SizeTable, models: ModelBook, pd: tuple[LoadedModel, PdScale] | None = None
) -> Rescored:
    """``one`` firm's items, year columns and auxiliary facts scored as of a day; derived facts in it are made anew.

    ``pd`` is the model that gives the probability of default, with its grades; without one the probability is unknown.
    """
    derived = derive(one, sizes, as_of)
    why = explain(models, one.merged(derived), 0, as_of)
    facts: dict[str, Scalar | None] = {
        name: decode(kind, derived.values[name][0].item(), derived.codes.get(name, ()))
        for name, kind in DERIVED.items()
    }
    facts |= {
        "score": None if why.total is None else float(why.total),
        "grade": why.grade,
        "official_grade": why.official_grade,
        "coverage": why.coverage,
    }
    if pd is not None:
        model, scale = pd
        codes = why.official_grade and (why.official_grade,)
        official = Columns(
            1, {"official_grade": np.array([0 if codes else -1], np.int16)}, {"official_grade": codes or ()}
        )
        found = pd_scores(model, scale, one.merged(derived), official, np.array([why.state])).facts
        facts |= {
            name: decode(kind, found.values[name][0].item(), found.codes.get(name, ()))
            for name, kind in PD_KINDS.items()
        }
    return Rescored(facts, why)


def made_of(models: ModelBook, pd: tuple[LoadedModel, PdScale] | None = None) -> dict[str, tuple[str, ...]]:
    """The items each evaluated fact is made of, over all models that score, with what says whether and by which."""
    columns = [column.partition(".")[0] for model in models.scored for column in model.columns]
    imported = (models.official.imports,) if models.official else ()
    choosing = (*MADE_OF["sole_proprietor"], *(model.status for model in models.scored), *imported)
    items = _items_of((*columns, *choosing))
    of_pd = _items_of((*(pd[0].scorecard.items if pd is not None else ()), *choosing))
    return {
        "score": items,
        "grade": items,
        "coverage": items,
        "official_grade": imported,
        **dict.fromkeys(PD_KINDS, of_pd),
    }


def _items_of(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for name in names for item in MADE_OF.get(name, (name,))))
