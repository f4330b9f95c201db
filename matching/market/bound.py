"""How good a list could be at most: the linear programme over the same market, and what each limit is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from matching.market.market import OPEN, Bools, Floats, Market


@dataclass(frozen=True)
class Bound:
    """``best``: no list weighs more, since pairs may be taken in part here. ``weight`` is the list's, ``share`` the one
    over the other. ``worth``: by kind and name of limit, what one more unit would add to ``best``; those of worth only.
    """

    best: float
    weight: float
    share: float
    worth: dict[tuple[str, str], float]


def bound(market: Market, weights: Floats, held: Bools) -> Bound:
    """The bound on the sum of ``weights`` (e,) over a list, beside the weight of ``held``.

    Stability has a price: the weightiest list may be one that pairs block. ``weights`` are at least 0.
    """
    weight = float(weights[held].sum())
    if not market.firm.size:
        return Bound(0.0, 0.0, 1.0, {})
    table, most, names = rows_of(market)
    found = linprog(-weights, A_ub=table, b_ub=most, bounds=(0.0, 1.0), method="highs")
    if not found.success:
        raise RuntimeError(f"the linear programme stopped: {found.message}")
    best = -float(found.fun)
    duals = -found.ineqlin.marginals[: len(names)]
    worth = {name: float(dual) for name, dual in zip(names, duals, strict=True) if dual > 1e-9}
    return Bound(best, weight, weight / best if best > 0 else 1.0, worth)


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
