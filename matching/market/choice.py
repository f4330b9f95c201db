"""What the lenders keep of the pairs before them: down the order to the first that does not fit, or past it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matching.market.market import Places

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
#: Vectorised passes before the few pairs left are gone through one by one.
_PASSES = 12


def above_lines(asked: Bools, rank: Ints, places: Sequence[Places], lines: Sequence[Ints]) -> Bools:
    """Those of the pairs ``asked`` (e,) that stand above the line of every limit they draw on.

    ``lines``: for each of ``places`` the rank (k,) from which on nothing is taken. A limit's line is at the first pair
    that does not fit beside all asked before it, and only ever moves up: ``lines`` are changed. So whoever is turned
    away stays away whoever else asks, which taking a smaller one instead (:func:`chosen`) does not promise.
    """
    kept = asked.copy()
    for place, line in zip(places, lines, strict=True):
        mine = kept[place.pairs]
        pairs, group, use = place.pairs[mine], place.group[mine], place.use[mine]
        if not pairs.size:
            continue
        over = within(use, group) > place.most[group]
        np.minimum.at(line, group[over], rank[pairs[over]])
        kept[pairs[rank[pairs] >= line[group]]] = False
    return kept


def chosen(asked: Bools, rank: Ints, places: Sequence[Places]) -> Bools:
    """Those of the pairs ``asked`` (e,) that a walk down the priority order keeps; a pair that does not fit is passed.

    Exactly the walk, in passes over arrays: a pair that fits although all asked before it were kept is kept; one that
    does not fit beside those surely kept before it is not; both leave fewer open. Where amounts are tight, what is open
    after some passes is walked through.
    """
    kept = np.zeros(asked.size, np.bool_)
    open_ = asked.copy()
    for _ in range(_PASSES):
        if not open_.any():
            return kept
        fits_all, fits_sure = open_.copy(), open_.copy()
        for place in places:
            mine = kept[place.pairs] | open_[place.pairs]
            pairs, group, use = place.pairs[mine], place.group[mine], place.use[mine]
            if not pairs.size:
                continue
            sure = kept[pairs]
            most = place.most[group]
            fits_all[pairs] &= within(use, group) <= most
            fits_sure[pairs] &= within(use * sure, group) + use * ~sure <= most
        kept |= fits_all & open_
        open_ &= fits_sure & ~fits_all
    return _walked(kept, open_, rank, places)


def within(use: Ints, group: Ints) -> Ints:
    """Running sum (p,) of ``use`` inside each group of a grouped sequence, the entry itself included."""
    total = np.cumsum(use)
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    before = np.r_[0, total][starts]
    sums: Ints = total - np.repeat(before, np.diff(np.r_[starts, use.size]))
    return sums


def _walked(kept: Bools, open_: Bools, rank: Ints, places: Sequence[Places]) -> Bools:
    """The walk over what is open. Kept pairs count from the start: each precedes, or fits beside, all that are open."""
    if not open_.any():
        return kept
    left, drawn = [], []
    for place in places:
        room = place.most.copy()
        np.subtract.at(room, place.group[kept[place.pairs]], place.use[kept[place.pairs]])
        left.append(room.tolist())
        drawn.append({int(pair): (int(group), int(use)) for pair, group, use in zip(
            place.pairs[open_[place.pairs]], place.group[open_[place.pairs]], place.use[open_[place.pairs]], strict=True
        )})  # fmt: skip
    waiting = np.flatnonzero(open_)
    for pair in waiting[np.argsort(rank[waiting])].tolist():
        draws = [(room, *found) for room, of in zip(left, drawn, strict=True) if (found := of.get(pair))]
        if all(use <= room[group] for room, group, use in draws):
            kept[pair] = True
            for room, group, use in draws:
                room[group] -= use
    return kept
