"""The guarantees in force as a graph, and its circles: groups of firms each of which stands for every other one, if
only through the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
#: The circle of a firm that is in none.
NO_CIRCLE = -1


@dataclass(frozen=True)
class GuaranteeGraph:
    """``n`` firms by place; ``guarantor[k]`` stands for ``beneficiary[k]`` with ``amount[k]`` fen.

    One entry for each ordered pair, sorted by guarantor, then beneficiary; nobody stands for itself.
    """

    n: int
    guarantor: Ints
    beneficiary: Ints
    amount: Ints

    @classmethod
    def of(cls, n: int, guarantor: Ints, beneficiary: Ints, amount: Ints) -> GuaranteeGraph:
        """The graph of single guarantees: those of one pair are added up, those for oneself left out.

        ``ValueError`` for a place outside ``0 … n - 1`` or an amount below zero.
        """
        for places in (guarantor, beneficiary):
            if len(places) and (places.min() < 0 or places.max() >= n):
                raise ValueError(f"a firm's place is 0 to {n - 1}")
        if len(amount) and amount.min() < 0:
            raise ValueError("a guarantee is not below zero")
        others = guarantor != beneficiary
        keys, pair = np.unique(guarantor[others] * n + beneficiary[others], return_inverse=True)
        total = np.zeros(len(keys), np.int64)
        np.add.at(total, pair, amount[others])
        return cls(n, keys // max(n, 1), keys % max(n, 1), total)

    @cached_property
    def mutual(self) -> Flags:
        """Per entry: whether the beneficiary stands for the guarantor too (互保)."""
        if not len(self.amount):
            return np.zeros(0, np.bool_)
        keys, turned = self.guarantor * self.n + self.beneficiary, self.beneficiary * self.n + self.guarantor
        # The entries are sorted by key: looking a pair up is much quicker than sorting again.
        place = np.minimum(np.searchsorted(keys, turned), len(keys) - 1)
        found: Flags = keys[place] == turned
        return found

    @cached_property
    def starts(self) -> Ints:
        """``starts[i]`` to ``starts[i + 1]`` are the entries in which firm ``i`` is the guarantor; n + 1 numbers."""
        return np.searchsorted(self.guarantor, np.arange(self.n + 1))

    def given(self) -> Ints:
        """What each firm stands for in all, fen."""
        return _sums(self.guarantor, self.amount, self.n)

    def received(self) -> Ints:
        """What others stand for each firm in all, fen."""
        return _sums(self.beneficiary, self.amount, self.n)


@dataclass(frozen=True)
class Circles:
    """The circles of a graph. ``circle``: per firm its circle's number, or ``NO_CIRCLE``.

    Per circle: ``size`` firms, ``pairs`` of them that stand for each other directly, ``amount`` fen guaranteed among
    them. Circles are numbered by their first member.
    """

    circle: npt.NDArray[np.int32]
    size: Ints
    pairs: Ints
    amount: Ints

    def members(self, number: int) -> Ints:
        """Places of the firms of one circle, in order."""
        return np.flatnonzero(self.circle == number)

    def others_of(self, marked: Flags) -> Ints:
        """Per firm: how many other members of its circle are marked; 0 outside any circle."""
        inside = self.circle >= 0
        counts = np.bincount(self.circle[inside & marked], minlength=len(self.size))
        found = np.zeros(len(self.circle), np.int64)
        found[inside] = counts[self.circle[inside]] - marked[inside]
        return found

    def share_of(self, marked: Flags) -> npt.NDArray[np.float64]:
        """Per circle: the fraction of its members that are marked."""
        inside = self.circle >= 0
        return np.bincount(self.circle[inside & marked], minlength=len(self.size)) / np.maximum(self.size, 1)


def circles_of(graph: GuaranteeGraph) -> Circles:
    """The circles: strongly connected components of at least two firms."""
    circle = np.full(graph.n, NO_CIRCLE, np.int32)
    if not len(graph.amount):
        none = np.zeros(0, np.int64)
        return Circles(circle, none, none, none)
    # Only firms that guarantee and are guaranteed can be in a circle: the rest would each be a component of its own.
    gives, takes = np.zeros((2, graph.n), np.bool_)
    gives[graph.guarantor], takes[graph.beneficiary] = True, True
    both = gives & takes
    placed, place = np.flatnonzero(both), np.cumsum(both) - 1
    inner = both[graph.guarantor] & both[graph.beneficiary]
    ends = (place[graph.guarantor[inner]], place[graph.beneficiary[inner]])
    links = csr_array((np.ones(len(ends[0]), np.int8), ends), shape=(len(placed), len(placed)))
    found, labels = connected_components(links, directed=True, connection="strong")
    sizes = np.bincount(labels, minlength=found)
    large = np.flatnonzero(sizes[labels] > 1)
    _, first, number = np.unique(labels[large], return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    circle[placed[large]] = rank[number]
    within = (circle[graph.guarantor] >= 0) & (circle[graph.guarantor] == circle[graph.beneficiary])
    of = circle[graph.guarantor[within]].astype(np.int64)
    count = len(first)
    return Circles(
        circle,
        size=np.bincount(circle[circle >= 0], minlength=count),
        pairs=np.bincount(of[graph.mutual[within]], minlength=count) // 2,
        amount=_sums(of, graph.amount[within], count),
    )


def named_graph(
    guarantors: npt.NDArray[np.bytes_], beneficiaries: npt.NDArray[np.bytes_], amounts: Ints
) -> tuple[npt.NDArray[np.bytes_], GuaranteeGraph]:
    """The graph of guarantees between firms given by code, and the codes in the order of its places (sorted)."""
    codes, place = np.unique(np.concatenate([guarantors, beneficiaries]), return_inverse=True)
    ends = place.astype(np.int64)
    return codes, GuaranteeGraph.of(len(codes), ends[: len(guarantors)], ends[len(guarantors) :], amounts)


def _sums(places: Ints, amounts: Ints, n: int) -> Ints:
    # Exact: bincount would add in floating point.
    found = np.zeros(n, np.int64)
    np.add.at(found, places, amounts)
    return found
