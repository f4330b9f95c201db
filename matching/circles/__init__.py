"""Guarantee circles (担保圈): who stands for whom, who stands for each other in the end, and how a default spreads."""

from matching.circles.chains import chain_lengths
from matching.circles.graph import Circles, GuaranteeGraph, circles_of, named_graph
from matching.circles.guarantor import Link, link_between
from matching.circles.spread import Spread, spread

__all__ = [
    "Circles",
    "GuaranteeGraph",
    "Link",
    "Spread",
    "chain_lengths",
    "circles_of",
    "link_between",
    "named_graph",
    "spread",
]
