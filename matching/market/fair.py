"""Fair shares: of every district, of every size class, at least a share of the firms is on the list."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack, vstack

from matching.market.bound import rows_of
from matching.market.choice import chosen
from matching.market.market import Bools, Floats, Market
from matching.market.rounds import matched
from models.errors import RefusedInput

#: Times more firms are put first before a shortfall is reported.
_TRIES = 25


@dataclass(frozen=True)
class FairShare:
    """``members`` (n,) are the firms of ``name``; at least ``least`` (0 to 1) of those with a product get a place."""

    name: str
    members: Bools
    least: float

    def __post_init__(self) -> None:
        if not 0 <= self.least <= 1:
            raise RefusedInput("bad_fair_share", self.name, self.least, "A share from 0 to 1.", "Correct it.")


@dataclass(frozen=True)
class Reach:
    """``eligible`` firms have a product and allow contact, ``wanted`` of them are to be on the list, ``reached`` are.

    ``possible`` is false where no list at all reaches so many; ``binding`` then names the limits that stand in the way.
    """

    name: str
    eligible: int
    wanted: int
    reached: int
    possible: bool
    binding: tuple[tuple[str, str], ...]


def matched_fairly(market: Market, shares: Sequence[FairShare]) -> Bools:
    """The list (e,), with firms of groups that fall short put before all others until every share is met.

    Who is put first: the firms without a place whose best pair the lenders value most, as many as are missing. A firm
    once put first stays so; when there is nobody left to put first, the shortfall stands.
    """
    held = matched(market)
    ahead = np.zeros(len(market.firms), np.bool_)
    eligible = _eligible(market)
    best = np.full(len(market.firms), np.iinfo(np.int64).max)
    np.minimum.at(best, market.firm, market.priority())
    for _ in range(_TRIES):
        on_list = _on_list(market, held)
        more = ahead.copy()
        for share in shares:
            mine = share.members & eligible
            short = _wanted(share, mine) - int((on_list & mine).sum())
            waiting = np.flatnonzero(mine & ~on_list & ~ahead)
            if short > 0:
                more[waiting[np.argsort(best[waiting])[:short]]] = True
        if (more == ahead).all():
            break
        ahead = more
        held = matched(market, ahead[market.firm])
    return held


def reach(market: Market, shares: Sequence[FairShare], held: Bools) -> tuple[Reach, ...]:
    """How far each share is met; for those that are not, whether any list could meet all of them, and what binds."""
    on_list, eligible = _on_list(market, held), _eligible(market)
    wanted = [_wanted(share, share.members & eligible) for share in shares]
    reached = [int((on_list & share.members).sum()) for share in shares]
    lacking: Floats = np.zeros(len(shares))
    binding: tuple[tuple[str, str], ...] = ()
    short = any(there < least for there, least in zip(reached, wanted, strict=True))
    if short and not _met_by_the_smallest(market, shares, wanted):
        lacking, binding = _least_shortfall(market, shares, wanted)
    impossible = bool((lacking > 1e-6).any())
    return tuple(
        Reach(
            name=share.name,
            eligible=int((share.members & eligible).sum()),
            wanted=least,
            reached=there,
            possible=there >= least or not impossible,
            binding=binding if there < least and impossible else (),
        )
        for share, least, there in zip(shares, wanted, reached, strict=True)
    )


def _on_list(market: Market, held: Bools) -> Bools:
    made = np.zeros(len(market.firms), np.bool_)
    made[market.firm[held]] = True
    return made


def _eligible(market: Market) -> Bools:
    made = np.zeros(len(market.firms), np.bool_)
    made[market.firm] = True
    return made & (market.caps > 0)


def _wanted(share: FairShare, mine: Bools) -> int:
    # Counted in millionths, so that 0.1 of 30 is 3 and not, for the rounding of 0.1, 4.
    return math.ceil(round(share.least * 1_000_000) * int(mine.sum()) / 1_000_000)


def _met_by_the_smallest(market: Market, shares: Sequence[FairShare], wanted: Sequence[int]) -> bool:
    """Whether a list of one pair a firm, the pairs that take least of their limits first, meets all shares: a proof
    without the programme that some list can."""
    taken = np.zeros(market.firm.size)
    for each in market.limits:
        mine = each.group >= 0
        taken[mine] += each.use[mine] / np.maximum(each.most, 1)[each.group[mine]]
    rank = np.empty(taken.size, np.int64)
    rank[np.lexsort((market.ties, taken))] = np.arange(taken.size)
    every = np.ones(taken.size, np.bool_)
    places = market.free_places(rank, [each.most for each in market.limits], np.minimum(market.caps, 1), every)
    on_list = _on_list(market, chosen(every, rank, places))
    return all(int((on_list & share.members).sum()) >= least for share, least in zip(shares, wanted, strict=True))


def _least_shortfall(
    market: Market, shares: Sequence[FairShare], wanted: Sequence[int]
) -> tuple[Floats, tuple[tuple[str, str], ...]]:
    """The least total shortfall of any list, pairs taken in part: by group (g,), and the limits whose price is above 0.

    Zero does not prove that a whole list meets the shares; above zero proves that none does. A firm counts once, so
    one pair of it is enough.
    """
    table, most, names = rows_of(market)
    limits, pairs, firms, groups = len(names), market.firm.size, len(market.firms), len(shares)
    # Sums of fen beside counts of heads: each limit in hundredths of itself.
    unit = np.maximum(most[:limits], 1.0) / 100
    used = csr_array(table[:limits].multiply(1 / unit[:, None]))
    counted = csr_array(np.array([share.members[market.firm] for share in shares], np.float64))
    rows = csr_array((np.ones(pairs), (market.firm, np.arange(pairs))), (firms, pairs))
    lack = csr_array(np.eye(groups))
    found = linprog(
        np.concatenate([np.zeros(pairs), np.ones(groups)]),
        A_ub=vstack(
            [
                hstack([used, csr_array((limits, groups))]),
                hstack([rows, csr_array((firms, groups))]),
                hstack([-counted, -lack]),
            ],
            format="csr",
        ),
        b_ub=np.concatenate([most[:limits] / unit, np.minimum(market.caps, 1), -np.asarray(wanted, np.float64)]),
        # The interior point: all pairs weigh the same, which the simplex takes minutes over.
        method="highs-ipm",
    )
    if not found.success:
        raise RuntimeError(f"the linear programme stopped: {found.message}")
    prices = -found.ineqlin.marginals[:limits] / unit
    tight = tuple(name for name, price in zip(names, prices, strict=True) if price > 1e-9)
    return found.x[-groups:], tight
