"""The lines a score is made of. Every milli-point of a total stands in exactly one line of its firm."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scoring.evaluation.model import Band, PointsTable


class LineKind(StrEnum):
    """Why a line has points.

    ``base`` a dimension starts with; ``band`` a known item; ``unknown`` what the dimension's unknown items count for;
    ``group`` cut back to a group's limits; ``dimension`` cut back to 0 or the dimension's maximum; ``veto`` and
    ``official`` cut back because of a veto or the official grade.
    """

    BASE = "base"
    BAND = "band"
    UNKNOWN = "unknown"
    GROUP = "group"
    DIMENSION = "dimension"
    VETO = "veto"
    OFFICIAL = "official"


@dataclass(frozen=True)
class Line:
    """One row of the contributions matrix. ``dimension`` is empty for the two limits on the total."""

    kind: LineKind
    id: str
    dimension: str
    zh: str
    en: str
    band: Band | None = None


def lines_of(model: PointsTable) -> tuple[Line, ...]:
    """The lines of a model, in the order the evaluation fills them."""
    made: list[Line] = []
    for dimension in model.dimensions:
        place = dimension.id
        made.append(Line(LineKind.BASE, f"{place}.base", place, "基础分", "Base points"))
        made += [Line(LineKind.BAND, band.id, place, band.zh, band.en, band) for band in dimension.bands]
        made.append(Line(LineKind.UNKNOWN, f"{place}.unknown", place, "未知信息项", "Unknown items"))
        made += [
            Line(LineKind.GROUP, f"{place}.{group.id}", place, f"{group.zh}限额", f"Limit of {group.en}")
            for group in dimension.groups
        ]
        made.append(Line(LineKind.DIMENSION, f"{place}.limit", place, "维度限额", "Limit of the dimension"))
    made.append(Line(LineKind.VETO, "veto", "", "一票否决限分", "Limit by a veto"))
    made.append(Line(LineKind.OFFICIAL, "official", "", "官方评价限分", "Limit by the official grade"))
    return tuple(made)
