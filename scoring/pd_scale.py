"""Grades of a probability of default, the limit an official grade sets to them, what its range is told by. Pure; the
numbers are data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.kinds import UNKNOWN_CODE
from models.marked import MarkedDict, marked
from scoring.columns import Array


@dataclass(frozen=True)
class PdScale:
    """``model`` is the name of the models that give the probability. ``grades`` runs from best to worst; grade ``k``
    holds probabilities below ``below[k]``. ``official_cap`` maps an official grade to the best grade still possible. A
    firm of whose points' spread less than ``thin_below`` is known has a thin file. ``level`` is how often the range of
    a probability is meant to hold, ``half_life_months`` the age at which half of what an observation said is gone.
    """

    model: str
    grades: tuple[str, ...]
    below: tuple[float, ...]
    official_cap: Mapping[str, str]
    cite: str
    thin_below: float
    level: float
    half_life_months: float

    def places(self, pd: Array) -> Array:
        """Places in ``grades`` (int16) of probabilities; -1 where unknown."""
        found = np.searchsorted(np.array(self.below[:-1]), pd, side="right").astype(np.int16)
        return np.where(np.isnan(pd), np.int16(UNKNOWN_CODE), found)

    def capped(self, places: Array, official: Array, codes: Sequence[str]) -> Array:
        """The places, no better than the official grades (places in ``codes``, -1 unknown) allow."""
        limits = [self.grades.index(self.official_cap[code]) if code in self.official_cap else 0 for code in codes]
        floor = np.array([*limits, 0], np.int16)[official]
        return np.where(places < 0, places, np.maximum(places, floor))


def parse_pd_scale(document: Mapping[str, Any]) -> PdScale:
    """The scale of ``seed/pd.yaml``; ``DataFileError`` for the first fault."""
    raw = document if isinstance(document, MarkedDict) else MarkedDict(document)
    _need(raw, "model", "grades", "official_cap", "thin_below", "interval")
    grades: list[str] = []
    below: list[float] = []
    for entry in raw["grades"]:
        spec = marked(entry)
        limit = _fraction(spec.get("below"))
        if limit is None or limit <= (below[-1] if below else 0.0):
            raise spec.wrong("below", "Limits rise, above 0 and up to 1.", "Write them like 0.03.")
        grades.append(str(spec["grade"]))
        below.append(limit)
    if not below or below[-1] != 1.0:
        raise raw.wrong("grades", "The last grade reaches up to 1.", "Give it `below: 1`.")
    cap = marked(raw["official_cap"])
    limits = {str(official): str(grade) for official, grade in cap["limits"].items()}
    if not set(limits.values()) <= set(grades):
        raise cap.wrong("limits", "A cap names a grade of this scale.", f"One of {', '.join(grades)}.")
    thin = _fraction(raw["thin_below"])
    if thin is None:
        raise raw.wrong("thin_below", "A share from 0 to 1.", "Write it like 0.5.")
    interval = marked(raw["interval"])
    _need(interval, "level", "half_life_months")
    level, half_life = _fraction(interval["level"]), _number(interval["half_life_months"])
    if level is None or not 0 < level < 1:
        raise interval.wrong("level", "A level lies between 0 and 1.", "Write it like 0.9.")
    if half_life is None or half_life <= 0:
        raise interval.wrong("half_life_months", "A half-life is above zero months.", "Write it like 24.")
    cite = str(cap.get("cite", ""))
    return PdScale(str(raw["model"]), tuple(grades), tuple(below), limits, cite, thin, level, half_life)


def _need(raw: MarkedDict, *names: str) -> None:
    for name in names:
        if name not in raw:
            raise raw.wrong(name, f"The file says {name}.", f"Add {name}.")


def _fraction(value: object) -> float | None:
    share = _number(value)
    return share if share is not None and 0 <= share <= 1 else None


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
