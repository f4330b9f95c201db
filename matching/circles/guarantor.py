"""Whether one firm may stand for another without closing a circle."""

from __future__ import annotations

from enum import StrEnum

from matching.circles.graph import GuaranteeGraph


class Link(StrEnum):
    """``CIRCLE``: the firm stands for the guarantor already, itself or through others, so that the new guarantee would
    come back to it; members of one circle are the plainest case.
    """

    NONE = "none"
    ITSELF = "itself"
    CIRCLE = "circle"


def link_between(graph: GuaranteeGraph, firm: int, guarantor: int) -> Link:
    """What a guarantee of ``guarantor`` for ``firm`` (places in the graph) would make of the graph."""
    if firm == guarantor:
        return Link.ITSELF
    seen, waiting = {firm}, [firm]
    while waiting:
        place = waiting.pop()
        for other in graph.beneficiary[graph.starts[place] : graph.starts[place + 1]].tolist():
            if other == guarantor:
                return Link.CIRCLE
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return Link.NONE
