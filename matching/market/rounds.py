"""Deferred acceptance, firms proposing: round by round, until nobody is turned away who has somewhere left to ask."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matching.market.choice import above_lines, chosen
from matching.market.market import OPEN, Market, Places
from matching.market.stability import standing_of, wanted_by_firm

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
#: Rounds of mending. A stable list need not exist where sums bind, so the rounds may circle.
_MENDINGS = 30


def matched(market: Market, first: Bools | None = None) -> Bools:
    """The pairs (e,) on the list.

    Deferred acceptance first (:func:`accepted`). Where sums bind, what is left below the lines is then filled, in the
    order of priority, with pairs whose firms have room; a firm leaves nothing for it. Filling may move a line, so what
    blocks is let in, each lender dropping what no longer fits, until nothing blocks or for some rounds, of which the
    one with the fewest blocking pairs counts; :func:`~matching.market.stability.blocking_pairs` reports what is left.
    ``first`` (e,): pairs put before all others by fair shares.
    """
    rank = market.priority(first)
    places = market.places(rank)
    held = accepted(market, rank, places)
    best, fewest = held, market.firm.size + 1
    for _ in range(_MENDINGS):
        held = _filled(market, held, rank)
        blocks = standing_of(market, held, rank, places).blocking
        count = int(blocks.sum())
        if count < fewest:
            best, fewest = held, count
        if not count:
            break
        held = chosen(_within_caps(market, held, blocks), rank, places)
    return best


def accepted(market: Market, rank: Ints, places: Sequence[Places]) -> Bools:
    """What deferred acceptance holds (e,) at its end.

    Each firm asks as many of its best products as its cap has room for; each limit is given down the order of ``rank``
    to the first that does not fit; who is turned away asks its next. With head counts alone (of products, and of banks
    over them) no pair blocks the outcome, and every firm does as well as in any other outcome that no pair blocks.
    With sums of products alone no pair blocks it either: who is turned away stays away.
    """
    order, start = market.wishes
    following, ends = start[:-1].copy(), start[1:]
    held = np.zeros(order.size, np.bool_)
    lines = [np.full(place.most.size, OPEN) for place in places]
    while True:
        has = np.bincount(market.firm[held], minlength=market.caps.size)
        asks = np.minimum(np.maximum(market.caps - has, 0), ends - following)
        if not asks.any():
            return held
        offset = np.arange(int(asks.sum())) - np.repeat(np.cumsum(asks) - asks, asks)
        asked = held.copy()
        asked[order[np.repeat(following, asks) + offset]] = True
        following += asks
        held = above_lines(asked, rank, places, lines)


def _within_caps(market: Market, held: Bools, blocks: Bools) -> Bools:
    """What is held and each firm's best pair of ``blocks``; a firm at its cap drops what it likes least."""
    order, start = market.wishes

    def running(mine: Bools) -> Ints:
        total = np.cumsum(mine[order])
        counted: Ints = total - np.r_[0, total][start[:-1]][market.firm[order]]
        return counted

    asked = held.copy()
    asked[order] |= blocks[order] & (running(blocks) == 1)
    asked[order] &= running(asked) <= market.caps[market.firm[order]]
    return asked


def _filled(market: Market, held: Bools, rank: Ints) -> Bools:
    """The outcome and, in priority order, every further pair that both sides and all limits have room for."""
    has = np.bincount(market.firm[held], minlength=market.caps.size)
    open_ = ~held & wanted_by_firm(market, held) & (has < market.caps)[market.firm]
    left = [each.most - market.used(held, each) for each in market.limits]
    for each, free in zip(market.limits, left, strict=True):
        mine = each.group >= 0
        open_[mine] &= each.use[mine] <= free[each.group[mine]]
    if not open_.any():
        return held
    made: Bools = held | chosen(open_, rank, market.free_places(rank, left, market.caps - has, open_))
    return made
