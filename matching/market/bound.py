"""How good a list could be at most: the linear programme over the same market, and what each limit is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from matching.market.choice import chosen
from matching.market.market import OPEN, Bools, Floats, Ints, Market

#: Large programmes are solved to within this share of their optimum.
_CLOSE = 0.002
_ROUNDS = 8
#: Prices are guessed from a tenth of the firms, then a third; after that pairs so far below the prices, in shares of
#: the greatest weight, are left out at first.
_GUESSES, _MARGIN = (0.1, 0.33, 1.0), 0.04


@dataclass(frozen=True)
class Bound:
    """``best``: no list weighs more, since pairs may be taken in part here. ``weight`` is the list's, ``share`` the one
    over the other. ``heaviest``: the weight of a whole list made for weight alone, whoever blocks it: what ``weight``
    lacks of it is the price of the order the list was made in, what it lacks of ``best`` is not. ``loose``: by what
    share ``best`` may lie above the programme's own optimum. ``worth``: by kind and name of limit, what one more unit
    would add to ``best``; those of worth only.
    """

    best: float
    weight: float
    share: float
    heaviest: float
    loose: float
    worth: dict[tuple[str, str], float]


def bound(market: Market, weights: Floats, held: Bools, whole: int = 40_000) -> Bound:
    """The bound on the sum of ``weights`` (e,) over a list, beside the weight of ``held``.

    Stability has a price: the weightiest list may be one that pairs block. ``weights`` are at least 0. Any prices of
    the limits give a bound (:func:`_at_prices`); the programme finds the lowest. One of more than ``whole`` pairs is
    solved over those that the prices so far make worth taking, until its own weight and the bound at its prices are
    close enough.
    """
    weight = float(weights[held].sum())
    if not market.firm.size:
        return Bound(0.0, 0.0, 1.0, 0.0, 0.0, {})
    table, most, names = rows_of(market)
    limits, right = table[: len(names)], most[: len(names)]
    if market.firm.size <= whole:
        best, prices = _solved(market, weights, limits, right, np.arange(market.firm.size))
        loose = 0.0
    else:
        best, prices, loose = _sifted(market, weights, limits, right)
    heaviest = _walked_by(market, weights - limits.T @ prices, weights)
    worth = {name: float(price) for name, price in zip(names, prices, strict=True) if price > 1e-9}
    return Bound(best, weight, weight / best if best > 0 else 1.0, heaviest, loose, worth)


def _walked_by(market: Market, figures: Floats, weights: Floats) -> float:
    """What the list weighs that a walk makes from the highest of ``figures`` (e,) to the lowest, taking what fits."""
    rank = np.empty(weights.size, np.int64)
    rank[np.lexsort((market.ties, -figures))] = np.arange(weights.size)
    every = np.ones(weights.size, np.bool_)
    places = market.free_places(rank, [each.most for each in market.limits], market.caps, every)
    return float(weights[chosen(every, rank, places)].sum())


def _sifted(market: Market, weights: Floats, limits: csr_array, right: Floats) -> tuple[float, Floats, float]:
    """Bound, prices (k,) and how loose the bound may be: prices guessed from a part of the firms, then over all."""
    columns, margin = limits.tocsc(), _MARGIN * float(weights.max())
    # A firm's smallest hash of a pair orders the firms, whatever the order of rows.
    hashes = np.full(market.caps.size, np.iinfo(np.uint64).max)
    np.minimum.at(hashes, market.firm, market.ties)
    place = np.empty(market.caps.size, np.int64)
    place[np.argsort(hashes)] = np.arange(market.caps.size)
    wanted = np.ones(weights.size, np.bool_)
    best, reached, prices = np.inf, 0.0, np.zeros(right.size)
    for share in _GUESSES + (1.0,) * _ROUNDS:
        mine = wanted & (place < share * market.caps.size)[market.firm]
        weight, found = _solved(market, weights, columns, right * share, np.flatnonzero(mine))
        above, over = _at_prices(market, weights, columns, right, found)
        if above < best:
            best, prices = above, found
        if share < 1:
            wanted = over > -margin
            continue
        reached = max(reached, weight)
        if best <= reached * (1 + _CLOSE):
            break
        wanted |= over > 0
    return best, prices, best / reached - 1 if reached > 0 else 0.0


def _solved(market: Market, weights: Floats, limits: csr_array, right: Floats, taken: Ints) -> tuple[float, Floats]:
    """The programme's weight and prices (k,) of the limits over the pairs ``taken`` alone."""
    firms, row = np.unique(market.firm[taken], return_inverse=True)
    caps = csr_array((np.ones(taken.size), (row, np.arange(taken.size))), (firms.size, taken.size))
    # Sums of fen beside counts of heads: each limit in hundredths of itself.
    unit = np.maximum(right, 1.0) / 100
    mine = csr_array(limits[:, taken].tocsr().multiply(1 / unit[:, None]))
    found = linprog(
        -weights[taken],
        A_ub=vstack([mine, caps], format="csr"),
        b_ub=np.concatenate([right / unit, market.caps[firms].astype(np.float64)]),
        bounds=(0.0, 1.0),
        method="highs-ds",
    )
    if not found.success:
        raise RuntimeError(f"the linear programme stopped: {found.message}")
    return -float(found.fun), np.maximum(-found.ineqlin.marginals[: unit.size] / unit, 0.0)


def _at_prices(
    market: Market, weights: Floats, limits: csr_array, right: Floats, prices: Floats
) -> tuple[float, Floats]:
    """The bound that ``prices`` (k,) of the limits give, and what each pair (e,) is worth over prices and contacts.

    No list weighs more than all that the limits hold at their prices and, for each firm, its best pairs at what they
    weigh over the prices, as many as its cap allows (the Lagrangian dual of the programme).
    """
    over = weights - limits.T @ prices
    order = np.lexsort((-over, market.firm))
    start = np.searchsorted(market.firm[order], np.arange(market.caps.size))
    place = np.arange(order.size) - start[market.firm[order]]
    cap = market.caps[market.firm[order]]
    contact = np.zeros(market.caps.size)
    next_best = order[place == cap]
    contact[market.firm[next_best]] = np.maximum(over[next_best], 0.0)
    best = float(right @ prices) + float(np.maximum(over[order[place < cap]], 0.0).sum())
    return best, over - contact[market.firm]


def rows_of(market: Market) -> tuple[csr_array, Floats, list[tuple[str, str]]]:
    """The limits that can bind, then the firms' caps, as rows over the pairs; right sides; kind and name of limits."""
    blocks, right, names = [], [], []
    pairs = np.arange(market.firm.size)
    for each in market.limits:
        binding = np.flatnonzero((each.most < OPEN) & (market.used(np.ones(pairs.size, np.bool_), each) > each.most))
        if not binding.size:
            continue
        row_of = np.full(each.most.size + 1, -1)
        row_of[binding] = np.arange(binding.size)
        row = row_of[each.group]
        mine = row >= 0
        block = csr_array((each.use[mine].astype(np.float64), (row[mine], pairs[mine])), (binding.size, pairs.size))
        blocks.append(block)
        right.append(each.most[binding].astype(np.float64))
        names += [(each.kind, each.names[group]) for group in binding]
    ones = np.ones(pairs.size)
    blocks.append(csr_array((ones, (market.firm, pairs)), (market.caps.size, pairs.size)))
    right.append(market.caps.astype(np.float64))
    return vstack(blocks, format="csr"), np.concatenate(right), names
