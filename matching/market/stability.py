"""Pairs that block an outcome: both sides would rather have each other than something they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.market.choice import within
from matching.market.market import Market, Places

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Block:
    """``pairs``: rows of the market that block. ``by_limit``: of the pairs their firms want, how many are kept out by
    each kind of limit; a pair kept out by two counts twice.
    """

    pairs: Ints
    by_limit: dict[str, int]


def blocking_pairs(market: Market, held: Bools) -> Block:
    """Every pair off the list that its firm would take (it has room, or holds one it likes less) and that lenders would
    keep beside what they hold: it fits every limit together with the held pairs that come before it in priority.
    """
    fits = ~held & wanted_by_firm(market, held)
    by_limit: dict[str, int] = {}
    open_ = fits.copy()
    for each, place in zip(market.limits, market.places(market.priority()), strict=True):
        inside = _inside(held, place)
        by_limit[each.kind] = by_limit.get(each.kind, 0) + int((open_ & ~inside).sum())
        fits &= inside
    return Block(np.flatnonzero(fits), by_limit)


def blocking(market: Market, held: Bools, places: Sequence[Places]) -> Bools:
    """The blocking pairs (e,) under the priority order of ``places``."""
    fits = ~held & wanted_by_firm(market, held)
    for place in places:
        fits &= _inside(held, place)
    return fits


def _inside(held: Bools, place: Places) -> Bools:
    """Pairs (e,) that fit one kind of limit beside the held pairs before them."""
    fits = np.ones(held.size, np.bool_)
    if place.pairs.size:
        drawn = np.where(held[place.pairs], place.use, 0)
        before = within(drawn, place.group) - drawn
        fits[place.pairs] = before + place.use <= place.most[place.group]
    return fits


def wanted_by_firm(market: Market, held: Bools) -> Bools:
    """Pairs (e,) better for their firm than the worst it holds, or whose firm has room."""
    order, _ = market.wishes
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(order.size)
    has = np.bincount(market.firm[held], minlength=market.caps.size)
    worst = np.full(market.caps.size, -1, np.int64)
    np.maximum.at(worst, market.firm[held], place[held])
    wanted: Bools = (has[market.firm] < market.caps[market.firm]) | (place < worst[market.firm])
    return wanted & (market.caps[market.firm] > 0)
