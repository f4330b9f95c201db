"""The optimality report of a campaign: how many, what blocks, what is used, how fair, how far from the bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.market import FairShare, Market, blocking_pairs, bound, reach
from matching.market.market import OPEN

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def summary_of(market: Market, held: Bools, shares: Sequence[FairShare], solve: bool) -> dict[str, Any]:
    """Of the list ``held`` (e,); ``solve``: with the linear programme."""
    blocks = blocking_pairs(market, held)
    return {
        "firms_eligible": len(market.firms),
        "pairs_considered": int(market.firm.size),
        "firms_listed": int(np.unique(market.firm[held]).size),
        "blocking_pairs": int(blocks.pairs.size),
        "behind": blocks.behind,
        "kept_out_by": blocks.by_limit,
        "limits": [
            {"kind": each.kind, "id": name, "most": int(most), "used": int(used)}
            for each in market.limits
            for name, most, used in zip(each.names, each.most, market.used(held, each), strict=True)
            if most < OPEN
        ],
        "fair": [
            {
                "group": one.name, "eligible": one.eligible, "wanted": one.wanted, "reached": one.reached,
                "possible": one.possible, "binding": [f"{kind}:{name}" for kind, name in one.binding],
            }
            for one in reach(market, shares, held)
        ],
        "bound": _bound(market, held) if solve else None,
    }  # fmt: skip


def _bound(market: Market, held: Bools) -> dict[str, Any]:
    found = bound(market, _weights(market), held)
    return {
        "best": found.best,
        "list": found.weight,
        "share": found.share,
        "heaviest_share": found.heaviest / found.best if found.best > 0 else 1.0,
        "loose": found.loose,
        "worth": [{"limit": f"{kind}:{name}", "one_more": worth} for (kind, name), worth in found.worth.items()],
    }


def _weights(market: Market) -> Floats:
    """What the bound adds up: half the lender's and half the firm's standing of the pair, each from 0 to 1."""
    return 0.5 * _from_0_to_1(market.values) + 0.5 * _from_0_to_1(market.likes)


def _from_0_to_1(figures: Floats) -> Floats:
    spread = float(np.ptp(figures)) if figures.size else 0.0
    return (figures - figures.min()) / spread if spread else np.ones(figures.size)
