"""A model's own error: how far its points would move had other firms been in the fit. In the card, by score band."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import RefusedInput

Floats = NDArray[np.float64]
#: Points of a scorecard are kept in thousandths.
MILLI = 1000
#: The member of a model card that holds it. Absent from cards of models that were trained without it.
MEMBER = "pd_error"
VERSION = 1


@dataclass(frozen=True)
class ErrorBands:
    """Standard errors of the score by band: band ``k`` ends below ``cuts[k]`` points, the last is open.

    ``points`` has one standard error (points) more than there are cuts. ``groups``: how many groups of firms were left
    out in turn.
    """

    cuts: tuple[float, ...]
    points: tuple[float, ...]
    groups: int

    def at(self, milli_points: NDArray[np.int64]) -> Floats:
        """The standard error (milli-points) of scores (n,) in milli-points."""
        bands = np.searchsorted(np.array(self.cuts), milli_points / MILLI, side="right")
        found: Floats = np.array(self.points)[bands] * MILLI
        return found

    def told(self) -> dict[str, Any]:
        """As a model card carries it."""
        return {
            "version": VERSION,
            "method": "jackknife over groups of firms left out of the fit",
            "groups": self.groups,
            "cuts": list(self.cuts),
            "points": list(self.points),
        }


def error_bands_of(card: Mapping[str, Any]) -> ErrorBands | None:
    """The own error a model card tells; ``None`` where it tells none. ``RefusedInput`` for a member that is malformed
    or of another version.
    """
    if MEMBER not in card:
        return None
    raw = card[MEMBER]
    try:
        if raw["version"] != VERSION:
            raise _bad(raw, f"This version reads version {VERSION} of it.")
        cuts, points = (tuple(float(each) for each in raw[name]) for name in ("cuts", "points"))
        made = ErrorBands(cuts, points, int(raw["groups"]))
    except (KeyError, TypeError, ValueError):
        raise _bad(raw, "It has cuts, points and groups, all numbers.") from None
    if len(made.points) != len(made.cuts) + 1 or list(made.cuts) != sorted(set(made.cuts)):
        raise _bad(raw, "Cuts ascend, and there is one standard error more than cuts.")
    if not all(math.isfinite(each) for each in (*made.cuts, *made.points)) or min(made.points) < 0:
        raise _bad(raw, "Cuts are finite; standard errors are finite and not below zero.")
    return made


def _bad(raw: object, rule: str) -> RefusedInput:
    return RefusedInput("bad_card", MEMBER, raw, rule, "Train the model again.")
