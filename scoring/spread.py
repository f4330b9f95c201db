"""How firms spread: counts by code, by group, by band of score, and how much is known. Pure numpy over columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.kinds import UNKNOWN_CODE, UNKNOWNS, Kind
from scoring.columns import Array

#: Grade shares of the enterprises evaluated in Zhejiang, as published. Ours are shown beside them, not fitted to them.
ZHEJIANG_SHARES: Mapping[str, float] = {"A": 0.023, "B": 0.764, "C": 0.200, "D": 0.013}
SCORE_BAND = 100
_BANDS = 10


@dataclass(frozen=True)
class GroupSpread:
    """Firms of one group: how many, how many of each grade, and the median score (``None`` where none is scored)."""

    group: str | None
    firms: int
    grades: Mapping[str, int]
    median_score: float | None


def counted(codes: Array, dictionary: tuple[str, ...]) -> dict[str | None, int]:
    """Firms by code in dictionary order; ``None`` counts the unknown."""
    counts = np.bincount(codes.astype(np.int64) - UNKNOWN_CODE, minlength=len(dictionary) + 1)
    return {**{code: int(counts[place + 1]) for place, code in enumerate(dictionary)}, None: int(counts[0])}


def spread_by(
    groups: Array, group_codes: tuple[str, ...], grades: Array, grade_codes: tuple[str, ...], score: Array
) -> list[GroupSpread]:
    """One :class:`GroupSpread` for each group that has firms, unknown group last.

    ``groups`` and ``grades`` are int16 codes (-1 unknown), ``score`` float64 with NaN, all of one length.
    """
    made = []
    for place in (*range(len(group_codes)), UNKNOWN_CODE):
        mine = groups == place
        firms = int(np.count_nonzero(mine))
        if not firms:
            continue
        scores = score[mine]
        scores = scores[~np.isnan(scores)]
        by_grade = counted(grades[mine], grade_codes)
        made.append(
            GroupSpread(
                group=group_codes[place] if place >= 0 else None,
                firms=firms,
                grades={code: count for code, count in by_grade.items() if code is not None},
                median_score=float(np.median(scores)) if len(scores) else None,
            )
        )
    return made


def score_bands(score: Array) -> list[tuple[int, int, int]]:
    """Firms by band of 100 points: (low, high, firms); the last band includes 1000. Unknown scores are left out."""
    known = score[~np.isnan(score)]
    bands = np.clip(known // SCORE_BAND, 0, _BANDS - 1).astype(np.int64)
    counts = np.bincount(bands, minlength=_BANDS)
    return [(band * SCORE_BAND, (band + 1) * SCORE_BAND, int(counts[band])) for band in range(_BANDS)]


def known_count(kind: Kind, column: Array) -> int:
    """How many firms have a value."""
    if kind in (Kind.NUMBER, Kind.RATIO):
        return int(np.count_nonzero(~np.isnan(column)))
    return int(np.count_nonzero(column != UNKNOWNS[kind]))
