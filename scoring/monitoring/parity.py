"""Whether groups of firms fare alike: rates and means by group, and the lowest rate over the highest.

A ratio says that groups differ. It does not say why: their records differ too, and nothing here is a cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Group:
    """Scored firms of one group; ``name`` is ``None`` where the group is unknown. Rates are shares of its firms.

    ``assessed``: named, and large enough for its rate to be compared.
    """

    name: str | None
    firms: int
    rates: Mapping[str, float]
    mean_points: float
    mean_pd: float
    assessed: bool


@dataclass(frozen=True)
class Parity:
    """``ratios``: by measure the lowest rate over the highest among the assessed groups, ``None`` with fewer than two
    of them or where no firm of any passes.
    """

    groups: tuple[Group, ...]
    ratios: Mapping[str, float | None]


def parity(
    places: NDArray[np.integer[Any]],
    names: tuple[str, ...],
    measures: Mapping[str, Flags],
    points: Floats,
    pd: Floats,
    least_firms: int,
) -> Parity:
    """Groups of ``n`` firms: ``places`` (n,) in ``names``, -1 unknown; ``measures`` are flags (n,) such as approved.

    Groups without a firm are left out, the unknown group comes last.
    """
    slots = np.where(places < 0, len(names), places).astype(np.intp)
    size = len(names) + 1
    firms = np.bincount(slots, minlength=size)
    passed = {name: np.bincount(slots[flags], minlength=size) for name, flags in measures.items()}
    sums = [np.bincount(slots, weights=values, minlength=size) for values in (points, pd)]
    groups = tuple(
        Group(
            name=names[slot] if slot < len(names) else None,
            firms=int(firms[slot]),
            rates={measure: int(counts[slot]) / int(firms[slot]) for measure, counts in passed.items()},
            mean_points=float(sums[0][slot] / firms[slot]),
            mean_pd=float(sums[1][slot] / firms[slot]),
            assessed=slot < len(names) and int(firms[slot]) >= least_firms,
        )
        for slot in range(size)
        if firms[slot]
    )
    large = np.flatnonzero(firms[:-1] >= least_firms)
    return Parity(groups, {measure: _ratio(counts[large], firms[large]) for measure, counts in passed.items()})


def _ratio(passed: NDArray[np.int64], firms: NDArray[np.int64]) -> float | None:
    """The lowest selection rate over the highest, by fairlearn.

    ``MetricFrame`` takes ten seconds over 400,000 firms and gives the same over two weighted rows a group: those who
    passed and those who did not.
    """
    if len(firms) < 2 or not passed.any():
        return None
    # Only here: the import costs seconds.
    from fairlearn.metrics import MetricFrame, selection_rate

    flags = np.tile([1, 0], len(firms))
    frame = MetricFrame(
        metrics=selection_rate,
        y_true=flags,
        y_pred=flags,
        sensitive_features=np.repeat(np.arange(len(firms)), 2),
        sample_params={"sample_weight": np.column_stack([passed, firms - passed]).ravel()},
    )
    return float(frame.ratio(method="between_groups"))
