"""A scorecard as content: what is written, signed, printed, shown and scored with. Nothing in it needs a library.

Points are whole milli-points (a thousandth of a point), so that sums are exact. High is good. The total of a firm is
``base`` plus one entry of each line's ``points`` plus one of each cross's table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from scoring.scorecard.bins import Bins, CategoryBins, NumberBins
from scoring.scorecard.faults import bad_card
from scoring.scorecard.inputs import Floats, Inputs
from scoring.scorecard.tables import Ints, Tables

if TYPE_CHECKING:
    from scoring.scorecard.interval import PdInterval
    from scoring.scorecard.reasons import Against, Reason

FORMAT = "rongqiao.scorecard/1"
#: Milli-points of a table stay far inside int32 also in a sum over all lines.
LARGEST_POINTS = 10_000_000


@dataclass(frozen=True)
class Scale:
    """The line from points to odds: ``base_score`` points mean ``base_odds`` good to 1 bad, ``pdo`` more double it."""

    pdo: float = 20.0
    base_score: float = 600.0
    base_odds: float = 50.0

    def __post_init__(self) -> None:
        figures = (self.pdo, self.base_score, self.base_odds)
        if not all(math.isfinite(figure) for figure in figures) or self.pdo <= 0 or self.base_odds <= 0:
            raise bad_card("scale", figures, "pdo and base_odds are above zero, all three finite.")

    @property
    def factor(self) -> float:
        """Points of one unit of log-odds."""
        return self.pdo / math.log(2.0)

    def points(self, bad_log_odds: float) -> float:
        """Points (not milli-points) of the log-odds of default."""
        return self.base_score - self.factor * (math.log(self.base_odds) + bad_log_odds)

    def bad_log_odds(self, milli_points: Ints) -> Floats:
        """Log-odds of default of milli-points (n,)."""
        # One subtraction and one division of whole numbers: the same bits for one firm and for a million.
        shown: Floats = (self.base_score - milli_points / 1000.0) / self.factor - math.log(self.base_odds)
        return shown


@dataclass(frozen=True)
class Calibration:
    """A later correction without a new fit: log-odds become ``intercept + slope * log-odds``. Identity after a fit."""

    intercept: float = 0.0
    slope: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.intercept) and math.isfinite(self.slope)) or self.slope <= 0:
            raise bad_card("calibration", (self.intercept, self.slope), "Both are finite, the slope above zero.")


@dataclass(frozen=True)
class Training:
    """What the card was learned from: rows, weighted share of bad rows, the default rate it was set to."""

    rows: int
    bad: int
    bad_rate: float
    prior: float

    def __post_init__(self) -> None:
        if not 0 < self.bad < self.rows or not 0 < self.bad_rate < 1 or not 0 < self.prior < 1:
            raise bad_card("training", (self.rows, self.bad, self.bad_rate, self.prior), "Both classes were seen.")


@dataclass(frozen=True)
class Line:
    """One item: its bins and, by slot, milli-points, share of the training rows and their default rate.

    ``direction``: +1 where a larger number never gains points, -1 where it never loses any, 0 where neither is
    promised. A rate is ``None`` where no training row fell.
    """

    name: str
    bins: Bins
    direction: int
    points: tuple[int, ...]
    shares: tuple[float, ...]
    rates: tuple[float | None, ...]

    def __post_init__(self) -> None:
        if not len(self.points) == len(self.shares) == len(self.rates) == self.bins.slots:
            raise bad_card(self.name, len(self.points), f"The item has {self.bins.slots} slots.")
        _check_points(self.name, self.points)
        _check_shares(self.name, self.shares)
        if any(rate is not None and not 0 <= rate <= 1 for rate in self.rates):
            raise bad_card(self.name, self.rates, "A default rate lies in 0..1.")
        if self.direction not in (-1, 0, 1) or (self.direction and isinstance(self.bins, CategoryBins)):
            raise bad_card(self.name, self.direction, "A direction is -1, 0 or 1, and a category has none.")
        if isinstance(self.bins, NumberBins):
            _check_monotone(self.name, self.direction, self.points[self.bins.first_interval :])


@dataclass(frozen=True)
class Cross:
    """Two items read together: a table of milli-points by slot of the first and slot of the second."""

    names: tuple[str, str]
    bins: tuple[Bins, Bins]
    directions: tuple[int, int]
    points: tuple[tuple[int, ...], ...]
    shares: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        shape = (self.bins[0].slots, self.bins[1].slots)
        for table in (self.points, self.shares):
            if len(table) != shape[0] or any(len(row) != shape[1] for row in table):
                raise bad_card(self.label, shape, "The table has one entry for each pair of slots.")
        _check_points(self.label, [entry for row in self.points for entry in row])
        _check_shares(self.label, [entry for row in self.shares for entry in row])
        for bins, direction, rows in zip(self.bins, self.directions, (zip(*self.points, strict=True), self.points),
                                         strict=True):  # fmt: skip
            if isinstance(bins, CategoryBins):
                if direction:
                    raise bad_card(self.label, direction, "A category has no direction.")
                continue
            for row in rows:
                _check_monotone(self.label, direction, tuple(row)[bins.first_interval :])

    @property
    def label(self) -> str:
        """Its name among the lines: ``first × second``."""
        return " × ".join(self.names)


@dataclass(frozen=True)
class Scored:
    """Scores of ``n`` firms.

    ``points`` int64 (n,) milli-points; ``pd`` float64 (n,) probability of default; ``contributions`` int32
    (len(lines), n), or ``None`` where not asked for. ``base`` plus a firm's contributions is its points, exactly.
    """

    points: Ints
    pd: Floats
    lines: tuple[str, ...]
    base: int
    contributions: np.ndarray[tuple[int, int], np.dtype[np.int32]] | None


@dataclass(frozen=True)
class Scorecard:
    """The whole model."""

    lines: tuple[Line, ...]
    crosses: tuple[Cross, ...]
    base: int
    scale: Scale
    calibration: Calibration
    training: Training
    format: str = field(default=FORMAT)

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise bad_card("format", self.format, f"This version reads {FORMAT}.")
        if len(set(self.names)) != len(self.names):
            raise bad_card("lines", self.names, "Each item and each pair has one line.")
        _check_points("base", (self.base,))
        kinds = {line.name: type(line.bins) for line in self.lines}
        for cross in self.crosses:
            for name, bins in zip(cross.names, cross.bins, strict=True):
                if kinds.setdefault(name, type(bins)) is not type(bins):
                    raise bad_card(name, cross.label, "An item is a number or a category, not both.")

    @property
    def names(self) -> tuple[str, ...]:
        """Lines in their order: items, then crossed items."""
        return (*(line.name for line in self.lines), *(cross.label for cross in self.crosses))

    @property
    def items(self) -> tuple[str, ...]:
        """The items a firm must bring, known or not, sorted."""
        return tuple(sorted({line.name for line in self.lines} | {name for c in self.crosses for name in c.names}))

    @property
    def category_items(self) -> tuple[str, ...]:
        """The items among them that are categories."""
        axes = [(line.name, line.bins) for line in self.lines]
        axes += [axis for cross in self.crosses for axis in zip(cross.names, cross.bins, strict=True)]
        return tuple(sorted({name for name, bins in axes if isinstance(bins, CategoryBins)}))

    def score(self, inputs: Inputs, *, contributions: bool = True) -> Scored:
        """Points and probability of default of every firm; ``contributions=False`` saves the memory of the parts.

        ``RefusedInput`` where an item is not among the inputs or is of the wrong kind. Unknown has points of its own;
        a category value nobody saw in training goes to "other".
        """
        total, parts = self._tables.total(inputs, contributions)
        total += self.base
        return Scored(total, self.pd(total), self.names, self.base, parts)

    def pd(self, milli_points: Ints) -> Floats:
        """Probability of default of milli-points (n,)."""
        made: Floats = 1.0 / (1.0 + np.exp(-self.log_odds(milli_points)))
        return made

    def log_odds(self, milli_points: Ints) -> Floats:
        """Log-odds of default of milli-points (n,)."""
        return self.calibration.intercept + self.calibration.slope * self.scale.bad_log_odds(milli_points)

    def recalibrated(self, intercept: float, slope: float) -> Scorecard:
        """The same card with another calibration; the points stay."""
        return replace(self, calibration=Calibration(intercept, slope))

    def reasons(self, inputs: Inputs, against: Against = "best") -> tuple[Reason, ...]:
        """Reasons of one firm, most points lost first: :func:`scoring.scorecard.reasons.reasons`."""
        from scoring.scorecard.reasons import reasons

        return reasons(self, inputs, against)

    def what_if(self, inputs: Inputs, changes: Mapping[str, float | str | None]) -> Scored:
        """The score with some items at other values."""
        for name, value in changes.items():
            inputs = inputs.with_value(name, value)
        return self.score(inputs)

    def pd_interval(
        self, inputs: Inputs, ages_months: Mapping[str, Floats] | None = None, level: float = 0.9
    ) -> PdInterval:
        """Probability of default with bounds: :func:`scoring.scorecard.interval.pd_interval`."""
        from scoring.scorecard.interval import pd_interval

        return pd_interval(self, inputs, ages_months, level)

    def to_json(self) -> bytes:
        """Canonical JSON: the same card gives the same bytes."""
        from scoring.scorecard.card_json import to_json

        return to_json(self)

    @classmethod
    def from_json(cls, content: bytes) -> Scorecard:
        """The card of :meth:`to_json`. ``RefusedInput`` for anything else."""
        from scoring.scorecard.card_json import from_json

        return from_json(content)

    @cached_property
    def _tables(self) -> Tables:
        return Tables(
            [(line.name, line.bins, np.array(line.points, np.int32)) for line in self.lines],
            [(cross.names, cross.bins, np.array(cross.points, np.int32)) for cross in self.crosses],
        )


def _check_points(name: str, points: Sequence[int]) -> None:
    if not all(type(entry) is int and abs(entry) <= LARGEST_POINTS for entry in points):
        raise bad_card(name, points, f"Points are whole milli-points of at most {LARGEST_POINTS}.")


def _check_shares(name: str, shares: Sequence[float]) -> None:
    if not all(0 <= share <= 1 for share in shares) or abs(sum(shares) - 1.0) > 1e-6:
        raise bad_card(name, shares, "Training shares lie in 0..1 and sum to 1.")


def _check_monotone(name: str, direction: int, points: Sequence[int]) -> None:
    if any((high - low) * direction > 0 for low, high in pairwise(points)):
        raise bad_card(name, points, "Points run against the item's direction.")
