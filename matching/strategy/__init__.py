"""Which applicants get how much credit at which rate, for the best expected profit under caps."""

from __future__ import annotations

from matching.strategy.applicants import Applicants
from matching.strategy.baselines import equal_split, rating_order
from matching.strategy.churn import ChurnTable
from matching.strategy.plan import Plan, Valued, value
from matching.strategy.prices import Price, prices
from matching.strategy.solve import Solved, solve
from matching.strategy.terms import Counts, Terms

__all__ = [
    "Applicants",
    "ChurnTable",
    "Counts",
    "Plan",
    "Price",
    "Solved",
    "Terms",
    "Valued",
    "equal_split",
    "prices",
    "rating_order",
    "solve",
    "value",
]
