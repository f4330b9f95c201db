"""Predicted against observed default rates by band, with Jeffreys intervals and a light for each.

Jeffreys' interval is the one the ECB's validation reports ask for (Instructions for reporting the validation results of
internal models, 2019, 2.5.3.1 [memory]). It takes defaults as independent; in a bad year they are not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from scoring.monitoring.alert_rules import AlertRule, Light

Floats = NDArray[np.float64]
UNDERSTATED, OVERSTATED = "understated", "overstated"


@dataclass(frozen=True)
class BandOutcome:
    """Firms of one band (``None``: all). ``low`` and ``high`` bound the true rate at the amber level.

    ``direction``: the model says too little risk (understated) or too much. ``light`` is ``None`` where nothing can be
    said: no firm, or a window that is still open and may yet bring defaults.
    """

    band: str | None
    firms: int
    defaults: int
    mean_pd: float | None
    observed: float | None
    low: float | None
    high: float | None
    light: Light | None
    direction: str | None


def jeffreys(defaults: int, firms: int, level: float) -> tuple[float, float]:
    """Equal-tailed interval of a rate, from Beta(defaults + 1/2, firms - defaults + 1/2).

    The lower bound of none is 0 and the upper bound of all is 1 (Brown, Cai, DasGupta 2001). ``ValueError`` for counts
    that are none and for a level outside 0..1.
    """
    if not 0 <= defaults <= firms or firms < 1 or not 0.0 < level < 1.0:
        raise ValueError("defaults lie in 0..firms, firms is at least 1, level between 0 and 1")
    a, b, tail = defaults + 0.5, firms - defaults + 0.5, (1.0 - level) / 2.0
    low = 0.0 if defaults == 0 else float(betaincinv(a, b, tail))
    high = 1.0 if defaults == firms else float(betaincinv(a, b, 1.0 - tail))
    return low, high


def band_outcomes(
    bands: tuple[str, ...],
    places: NDArray[np.integer],
    pd: Floats,
    default: NDArray[np.bool_],
    rule: AlertRule,
    complete: bool,
) -> tuple[BandOutcome, ...]:
    """All firms, then each band; ``places`` (n,) are places in ``bands``.

    ``rule`` holds the levels of the intervals: outside the amber one is amber, outside the red one red. An open window
    (not ``complete``) can only say that there are too many defaults already.
    """
    masks: list[tuple[str | None, NDArray[np.bool_]]] = [(None, np.ones(len(pd), np.bool_))]
    masks += [(band, places == place) for place, band in enumerate(bands)]
    return tuple(_outcome(band, pd[mask], default[mask], rule, complete) for band, mask in masks)


def _outcome(band: str | None, pd: Floats, default: NDArray[np.bool_], rule: AlertRule, complete: bool) -> BandOutcome:
    firms, defaults = len(pd), int(default.sum())
    if not firms:
        return BandOutcome(band, 0, 0, None, None, None, None, None, None)
    mean = float(pd.mean())
    low, high = jeffreys(defaults, firms, rule.amber)
    direction = UNDERSTATED if mean < low else OVERSTATED if mean > high and complete else None
    light: Light | None = Light.GREEN if complete else None
    if direction is not None:
        far_low, far_high = jeffreys(defaults, firms, rule.red)
        light = Light.AMBER if far_low <= mean <= far_high else Light.RED
    return BandOutcome(band, firms, defaults, mean, defaults / firms, low, high, light, direction)
