"""Pairs that block an outcome: both sides would rather have each other than something they hold.

What a lender would rather have is said for limits of sums too. It would have a pair if every limit has room for it
beside the held pairs that come before it, so that it drops only what it values less, and if none of these limits has
turned away a pair that comes before it: a lender need not pass over the firm it puts higher for a smaller one. With
head counts alone the second half says nothing, since where one does not fit no later one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.market.choice import within
from matching.market.market import OPEN, Market, Places

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Block:
    """``pairs``: rows of the market that block. ``behind``: pairs that would fit beside those before them, behind one
    that was turned away for its size. ``by_limit``: of the pairs their firms want, how many are kept out by each kind
    of limit; a pair kept out by two counts twice.
    """

    pairs: Ints
    behind: int
    by_limit: dict[str, int]


@dataclass(frozen=True)
class Standing:
    """Where the pairs (e,) off the list stand that their firms want. ``blocking``: block it; ``behind``: fit every
    limit beside the held pairs before them, but stand behind one that a limit turned away."""

    blocking: Bools
    behind: Bools
    by_limit: dict[str, int]


def blocking_pairs(market: Market, held: Bools) -> Block:
    """What blocks under the lenders' own order, whoever was put first by fair shares."""
    rank = market.priority()
    found = standing_of(market, held, rank, market.places(rank))
    return Block(np.flatnonzero(found.blocking), int(found.behind.sum()), found.by_limit)


def standing_of(market: Market, held: Bools, rank: Ints, places: Sequence[Places]) -> Standing:
    """Every pair off the list that its firm would take, under the priority order of ``rank`` and ``places``."""
    wanted = ~held & wanted_by_firm(market, held)
    fits, passed = wanted.copy(), np.zeros(held.size, np.bool_)
    by_limit: dict[str, int] = {}
    for each, place in zip(market.limits, places, strict=True):
        pairs, group = place.pairs, place.group
        drawn = np.where(held[pairs], place.use, 0)
        inside = within(drawn, group) - drawn + place.use <= place.most[group]
        away = wanted[pairs] & ~inside
        by_limit[each.kind] = by_limit.get(each.kind, 0) + int(away.sum())
        line = np.full(place.most.size, OPEN)
        np.minimum.at(line, group[away], rank[pairs[away]])
        passed[pairs] |= rank[pairs] > line[group]
        fits[pairs] &= inside
    return Standing(fits & ~passed, fits & passed, by_limit)


def wanted_by_firm(market: Market, held: Bools) -> Bools:
    """Pairs (e,) better for their firm than the worst it holds, or whose firm has room."""
    has = np.bincount(market.firm[held], minlength=market.caps.size)
    worst = np.full(market.caps.size, -1, np.int64)
    np.maximum.at(worst, market.firm[held], market.wish_place[held])
    wanted: Bools = (has[market.firm] < market.caps[market.firm]) | (market.wish_place < worst[market.firm])
    return wanted & (market.caps[market.firm] > 0)
