"""Guarantee chains (担保链): how many guarantees lie one behind the other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matching.circles.graph import Circles, GuaranteeGraph


def chain_lengths(graph: GuaranteeGraph, circles: Circles) -> npt.NDArray[np.int64]:
    """Per firm: the most guarantees that follow one another beginning with its own; 0 for who stands for nobody.

    A circle has no end, so it counts as one link: its members stand together, and guarantees inside it add nothing.
    """
    # One place for each circle, one for each firm outside; the circles come first.
    count = len(circles.size)
    outside = circles.circle < 0
    place = np.where(outside, count + np.cumsum(outside) - 1, circles.circle).astype(np.int64)
    between = place[graph.guarantor] != place[graph.beneficiary]
    ends = place[graph.guarantor[between]], place[graph.beneficiary[between]]
    total = count + int(outside.sum())
    order = np.argsort(ends[1], kind="stable")
    guarantors = ends[0][order].tolist()
    starts = np.searchsorted(ends[1][order], np.arange(total + 1)).tolist()
    # Two circles may be linked twice; each link is waited for and comes.
    links = np.bincount(ends[0], minlength=total)
    waiting = links.tolist()
    # From the ends of the chains upwards: a guarantor is settled once everybody it stands for is.
    settled = np.flatnonzero((links == 0) & (np.bincount(ends[1], minlength=total) > 0)).tolist()
    length = [0] * total
    while settled:
        beneficiary = settled.pop()
        longer = length[beneficiary] + 1
        for guarantor in guarantors[starts[beneficiary] : starts[beneficiary + 1]]:
            if length[guarantor] < longer:
                length[guarantor] = longer
            waiting[guarantor] -= 1
            if not waiting[guarantor]:
                settled.append(guarantor)
    found: npt.NDArray[np.int64] = np.array(length, np.int64)[place]
    return found
