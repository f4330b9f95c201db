"""Made-up firms for the scorecard tests: numbers with gaps, a Chinese category, a code value, and a known risk."""

from __future__ import annotations

import numpy as np
import pandas as pd

DISTRICTS = ("和平区", "浑南区", "铁西区", "沈北新区")


def made_firms(n: int = 600, seed: int = 5) -> tuple[pd.DataFrame, np.ndarray]:
    """``n`` firms and whether each defaulted. More debt and more overdue days are worse, more sales better."""
    random = np.random.default_rng(seed)
    debt, sales, noise = random.gamma(2.0, 1.0, n), random.lognormal(0.0, 1.0, n), random.normal(size=n)
    overdue = random.poisson(1.0, n).astype(float)
    district = random.integers(len(DISTRICTS), size=n)
    log_odds = -2.0 + 0.7 * debt - 0.8 * np.log(sales) + 0.5 * overdue + 0.6 * (district == 2)
    bad = (random.random(n) < 1 / (1 + np.exp(-log_odds))).astype(int)
    debt[random.random(n) < 0.1] = np.nan
    overdue[random.random(n) < 0.05] = -9.0
    names = np.array(DISTRICTS, dtype=object)[district]
    names[random.random(n) < 0.05] = None
    table = pd.DataFrame({"debt": debt, "sales": sales, "overdue": overdue, "noise": noise, "district": names})
    return table, bad
