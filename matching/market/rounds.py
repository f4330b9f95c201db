"""Deferred acceptance, firms proposing: round by round, until nobody is turned away who has somewhere left to ask."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matching.market.choice import chosen
from matching.market.market import Market, Places
from matching.market.stability import blocking

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
#: Rounds of mending. A stable list need not exist where sums bind, so the rounds may circle.
_MENDINGS = 40


def matched(market: Market, first: Bools | None = None) -> Bools:
    """The pairs (e,) on the list.

    Each firm asks as many of its best products as its cap has room for; lenders keep what they choose of all that ask;
    who is turned away asks its next. With head counts alone (of products, and of banks over them) no pair blocks the
    outcome, and every firm does as well as in any other outcome that no pair blocks. Sums and pots break that promise:
    a pair turned away for a large one may fit once the large one has left. So what blocks is asked again and the list
    mended until nothing blocks, or for some rounds, of which the one with the fewest blocking pairs counts;
    :func:`~matching.market.stability.blocking_pairs` reports what is left. ``first`` (e,): pairs put before all others
    by fair shares.
    """
    rank = market.priority(first)
    places = market.places(rank)
    order, start = market.wishes
    ends = start[1:]
    following = start[:-1].copy()
    held = np.zeros(order.size, np.bool_)
    firms = np.arange(len(market.firms))
    while True:
        has = np.bincount(market.firm[held], minlength=firms.size)
        asks = np.minimum(np.maximum(market.caps - has, 0), ends - following)
        if not asks.any():
            break
        offset = np.arange(int(asks.sum())) - np.repeat(np.cumsum(asks) - asks, asks)
        asked = held.copy()
        asked[order[np.repeat(following, asks) + offset]] = True
        following += asks
        held = chosen(asked, rank, places)
    return _mended(market, held, rank, places)


def _mended(market: Market, held: Bools, rank: Ints, places: Sequence[Places]) -> Bools:
    """Blocking pairs let in, firms dropping what they like least and lenders what no longer fits, round by round."""
    best, fewest = held, market.firm.size + 1
    for _ in range(_MENDINGS):
        blocks = blocking(market, held, places)
        count = int(blocks.sum())
        if count < fewest:
            best, fewest = held, count
        if not count:
            break
        held = _filled(market, chosen(_within_caps(market, held | blocks), rank, places), rank)
    return best


def _within_caps(market: Market, asked: Bools) -> Bools:
    """Of the pairs asked for, each firm's best, as many as its cap allows."""
    order, start = market.wishes
    running = np.cumsum(asked[order])
    before = np.r_[0, running][start[:-1]]
    kept = np.zeros(asked.size, np.bool_)
    kept[order] = asked[order] & (running - before[market.firm[order]] <= market.caps[market.firm[order]])
    return kept


def _filled(market: Market, held: Bools, rank: Ints) -> Bools:
    """The outcome and, in priority order, every further pair that both sides and all limits have room for."""
    room = market.caps - np.bincount(market.firm[held], minlength=market.caps.size)
    open_ = ~held & (room[market.firm] > 0)
    left = [each.most - market.used(held, each) for each in market.limits]
    for each, free in zip(market.limits, left, strict=True):
        mine = each.group >= 0
        open_[mine] &= each.use[mine] <= free[each.group[mine]]
    made = held.copy()
    waiting = np.flatnonzero(open_)
    for pair in waiting[np.argsort(rank[waiting])].tolist():
        draws = [(free, each.group[pair], each.use[pair]) for free, each in zip(left, market.limits, strict=True)]
        draws = [draw for draw in draws if draw[1] >= 0]
        if room[market.firm[pair]] > 0 and all(use <= free[group] for free, group, use in draws):
            made[pair] = True
            room[market.firm[pair]] -= 1
            for free, group, use in draws:
                free[group] -= use
    return made
