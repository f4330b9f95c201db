"""How a default spreads: whoever stands for a firm that fails pays its guarantee, and fails itself if it cannot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.circles.graph import Flags, GuaranteeGraph, Ints

#: The capacity of a firm of which nobody knows what it can pay.
UNKNOWN_CAPACITY = -1


@dataclass(frozen=True)
class Spread:
    """What follows from some defaults. The firms in default themselves are in neither set.

    ``fails``: firms called for more than they are known to be able to pay. ``may_fail``: those that would also be if
    every firm of unknown capacity could pay nothing; whoever ``fails`` is among them. ``called``: fen each firm is
    called for by certain failures and the defaults.
    """

    fails: Flags
    may_fail: Flags
    called: Ints


def spread(graph: GuaranteeGraph, defaulted: Flags, capacity: Ints) -> Spread:
    """Every guarantee for a failed firm is called in full; a guarantor called for more than ``capacity`` fen fails.

    ``capacity`` is ``UNKNOWN_CAPACITY`` where it is not known. Which firm is looked at first makes no difference:
    calls only add up.
    """
    unknown = capacity == UNKNOWN_CAPACITY
    called, failed = _cascade(graph, defaulted, np.where(unknown, np.iinfo(np.int64).max, capacity))
    _, could = _cascade(graph, defaulted, np.where(unknown, 0, capacity))
    return Spread(failed & ~defaulted, could & ~defaulted, called)


def _cascade(graph: GuaranteeGraph, defaulted: Flags, capacity: Ints) -> tuple[Ints, Flags]:
    order = np.argsort(graph.beneficiary, kind="stable")
    starts = np.searchsorted(graph.beneficiary[order], np.arange(graph.n + 1)).tolist()
    guarantors, amounts = graph.guarantor[order].tolist(), graph.amount[order].tolist()
    able, called, failed = capacity.tolist(), [0] * graph.n, defaulted.tolist()
    waiting = np.flatnonzero(defaulted).tolist()
    while waiting:
        firm = waiting.pop()
        for entry in range(starts[firm], starts[firm + 1]):
            guarantor = guarantors[entry]
            called[guarantor] += amounts[entry]
            if not failed[guarantor] and called[guarantor] > able[guarantor]:
                failed[guarantor] = True
                waiting.append(guarantor)
    return np.array(called, np.int64), np.array(failed, np.bool_)
