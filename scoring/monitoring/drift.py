"""How far the scores and the items of a model have moved: PSI of the points, CSI of each item, the points it costs.

Indices are those of :func:`scoring.stability.psi`. An index is never zero in a sample even when nothing moved, so each
comes with ``chance``: the value that pure chance stays below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtri

from models.errors import RefusedInput
from scoring.scorecard.bins import Bins, NumberBins, Slots
from scoring.scorecard.card import Scorecard
from scoring.scorecard.inputs import Inputs
from scoring.stability import psi

Floats = NDArray[np.float64]
#: Points of a scorecard are kept in thousandths.
MILLI = 1000
_PARTS = 10


@dataclass(frozen=True)
class Reference:
    """Points of the firms a model is compared with: ``shares`` of the parts that ``cuts`` (points, ascending) make.

    A firm at a cut is in the part above it. ``rows`` firms, with ``mean`` points.
    """

    cuts: tuple[float, ...]
    shares: tuple[float, ...]
    mean: float
    rows: int

    def told(self) -> dict[str, Any]:
        """As a model card carries it."""
        return {"cuts": list(self.cuts), "shares": list(self.shares), "mean": self.mean, "rows": self.rows}


@dataclass(frozen=True)
class ScoreDrift:
    """``bands``: (low, high, expected share, actual share); ``None`` is an open end. Means are points."""

    firms: int
    mean: float
    reference_mean: float
    psi: float
    chance: float
    bands: tuple[tuple[float | None, float | None, float, float], ...]


@dataclass(frozen=True)
class ItemDrift:
    """One line of a scorecard. Shares and ``points`` are by slot; ``effect`` is how many points its drift moves the
    mean score (negative: down). The effects of all lines sum to the move of the mean score.
    """

    name: str
    csi: float
    chance: float
    effect: float
    expected: tuple[float, ...]
    actual: tuple[float, ...]
    points: tuple[float, ...]


def reference_of(points: ArrayLike, weight: ArrayLike | None = None, parts: int = _PARTS) -> Reference:
    """The reference of ``points`` (n,), in parts that hold about as many firms each; equal points stay together.

    ``ValueError`` without a firm, with NaN, or with weights that are not one per firm.
    """
    values = np.asarray(points, np.float64)
    weights = np.ones(values.shape) if weight is None else np.asarray(weight, np.float64)
    if values.ndim != 1 or not len(values) or weights.shape != values.shape or np.isnan(values).any():
        raise ValueError("points are a row of numbers, at least one, with one weight each")
    cuts = np.unique(np.quantile(values, np.arange(1, parts) / parts))
    counts = np.bincount(np.searchsorted(cuts, values, side="right"), weights=weights, minlength=len(cuts) + 1)
    shares = counts / counts.sum()
    return Reference(
        tuple(cuts.tolist()), tuple(shares.tolist()), float(np.average(values, weights=weights)), len(values)
    )


def parse_reference(raw: Mapping[str, Any]) -> Reference:
    """The reference of a model card; ``RefusedInput`` where it is none."""
    try:
        cuts, shares = (tuple(float(each) for each in raw[name]) for name in ("cuts", "shares"))
        made = Reference(cuts, shares, float(raw["mean"]), int(raw["rows"]))
    except (KeyError, TypeError, ValueError):
        made = Reference((), (), 0.0, 0)
    if len(made.shares) != len(made.cuts) + 1 or made.rows < 1 or list(made.cuts) != sorted(set(made.cuts)):
        raise RefusedInput(
            "bad_card", "reference", dict(raw), "A reference has ascending cuts, one share more than cuts, and rows.",
            "Train the model again.",
        )  # fmt: skip
    return made


def score_drift(reference: Reference, points: ArrayLike, level: float) -> ScoreDrift | None:
    """The points (n,) of today's firms against the reference; ``None`` without a firm."""
    values = np.asarray(points, np.float64)
    if not len(values):
        return None
    parts = len(reference.shares)
    actual = np.bincount(np.searchsorted(reference.cuts, values, side="right"), minlength=parts) / len(values)
    ends = (None, *reference.cuts, None)
    bands = zip(ends[:-1], ends[1:], reference.shares, actual.tolist(), strict=True)
    return ScoreDrift(
        len(values),
        float(values.mean()),
        reference.mean,
        psi(reference.shares, actual),
        chance(parts, reference.rows, len(values), level),
        tuple(bands),
    )


def slot_counts(card: Scorecard, inputs: Inputs) -> list[Floats]:
    """Firms by slot for each line of the card, items first, then crossed items (tables row by row)."""
    made = [_counted(_place(line.name, line.bins, inputs), line.bins.slots) for line in card.lines]
    for cross in card.crosses:
        first, second = (_place(name, bins, inputs) for name, bins in zip(cross.names, cross.bins, strict=True))
        width = cross.bins[1].slots
        made.append(_counted(first.astype(np.intp) * width + second, cross.bins[0].slots * width))
    return made


def trained_shares(card: Scorecard) -> list[Floats]:
    """Shares by slot of the rows the card was learned from, in the order of :func:`slot_counts`."""
    single = [np.array(line.shares) for line in card.lines]
    return [*single, *(np.array(cross.shares).ravel() for cross in card.crosses)]


def item_drifts(
    card: Scorecard, expected: Sequence[Floats], expected_rows: int, actual: Sequence[Floats], level: float
) -> tuple[ItemDrift, ...]:
    """Each line's drift from ``expected`` (shares or counts by slot, of ``expected_rows`` firms) to ``actual`` counts.

    Nothing where either side has no firm.
    """
    tables = [*(line.points for line in card.lines), *(sum(cross.points, ()) for cross in card.crosses)]
    made = []
    for name, before, after, table in zip(card.names, expected, actual, tables, strict=True):
        if not before.sum() or not after.sum():
            return ()
        was, is_now, points = before / before.sum(), after / after.sum(), np.array(table) / MILLI
        occupied = int(np.count_nonzero((before > 0) | (after > 0)))
        made.append(
            ItemDrift(
                name,
                psi(was, is_now),
                chance(occupied, expected_rows, int(after.sum()), level),
                float(((is_now - was) * points).sum()),
                tuple(was.tolist()),
                tuple(is_now.tolist()),
                tuple(points.tolist()),
            )
        )
    return tuple(made)


def chance(bins: int, rows: int, firms: int, level: float) -> float:
    """The index that two samples of one distribution stay below with probability ``level``.

    Chi-square with ``bins`` - 1 degrees of freedom times (1/rows + 1/firms): B. Yurdakul, Statistical Properties of
    Population Stability Index, 2018.
    """
    return float(chdtri(bins - 1, 1.0 - level)) * (1.0 / rows + 1.0 / firms) if bins > 1 else 0.0


def _place(name: str, bins: Bins, inputs: Inputs) -> Slots:
    return bins.place(inputs.numbers[name]) if isinstance(bins, NumberBins) else bins.place(inputs.categories[name])


def _counted(slots: NDArray[np.integer[Any]], size: int) -> Floats:
    return np.bincount(slots, minlength=size).astype(np.float64)
