"""Many firms and many products under quotas, pots and fair shares: who is put before whom."""

from __future__ import annotations

from matching.market.bound import Bound, bound
from matching.market.fair import FairShare, Reach, matched_fairly, reach
from matching.market.market import Limits, Market, Places
from matching.market.rounds import matched
from matching.market.stability import Block, blocking_pairs

__all__ = [
    "Block",
    "Bound",
    "FairShare",
    "Limits",
    "Market",
    "Places",
    "Reach",
    "blocking_pairs",
    "bound",
    "matched",
    "matched_fairly",
    "reach",
]
