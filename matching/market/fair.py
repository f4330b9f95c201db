"""Fair shares: of every district, of every size class, at least a share of the firms is on the list."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack, vstack

from matching.market.bound import rows_of
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
    if any(there < least for there, least in zip(reached, wanted, strict=True)):
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


def _least_shortfall(
    market: Market, shares: Sequence[FairShare], wanted: Sequence[int]
) -> tuple[Floats, tuple[tuple[str, str], ...]]:
    """The least total shortfall of any list, pairs taken in part: by group (g,), and the limits whose price is above 0.

    Zero does not prove that a whole list meets the shares; above zero proves that none does.
    """
    table, most, names = rows_of(market)
    pairs, firms, groups = market.firm.size, len(market.firms), len(shares)
    rows = csr_array((np.ones(pairs), (market.firm, np.arange(pairs))), (firms, pairs))
    one = csr_array((np.ones(firms), (np.arange(firms), np.arange(firms))), (firms, firms))
    member = csr_array(np.array([share.members for share in shares], np.float64))
    lack = csr_array((np.ones(groups), (np.arange(groups), np.arange(groups))), (groups, groups))
    found = linprog(
        np.concatenate([np.zeros(pairs + firms), np.ones(groups)]),
        A_ub=vstack(
            [
                hstack([table, csr_array((table.shape[0], firms + groups))]),
                hstack([-rows, one, csr_array((firms, groups))]),
                hstack([csr_array((groups, pairs)), -member, -lack]),
            ],
            format="csr",
        ),
        b_ub=np.concatenate([most, np.zeros(firms), -np.asarray(wanted, np.float64)]),
        bounds=[(0.0, 1.0)] * (pairs + firms) + [(0.0, None)] * groups,
        method="highs",
    )
    if not found.success:
        raise RuntimeError(f"the linear programme stopped: {found.message}")
    prices = -found.ineqlin.marginals[: len(names)]
    tight = tuple(name for name, price in zip(names, prices, strict=True) if price > 1e-9)
    return found.x[-groups:], tight
