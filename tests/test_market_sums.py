"""The market under sums: plain oracles of what blocks and of deferred acceptance; nothing left that would fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.market import Market, blocking_pairs, bound, matched
from matching.market.choice import above_lines
from matching.market.market import OPEN, limits_of
from matching.market.rounds import accepted
from tests.test_market import market, shown

Pair = tuple[int, int]


class Plain:
    """The market as dictionaries, one pair at a time, with nothing of the code under test but the ids' hashes."""

    def __init__(self, asked: Market):
        rows = range(asked.firm.size)
        self.pairs = {(int(asked.firm[at]), int(asked.product[at])): at for at in rows}
        self.liked = {pair: (-asked.likes[at], int(asked.ties[at])) for pair, at in self.pairs.items()}
        self.valued = {pair: (-asked.values[at], int(asked.ties[at])) for pair, at in self.pairs.items()}
        self.caps = [int(cap) for cap in asked.caps]
        self.draws: dict[Pair, list[tuple[Any, int, int]]] = {
            pair: [
                ((number, int(each.group[at])), int(each.use[at]), int(each.most[each.group[at]]))
                for number, each in enumerate(asked.limits)
                if each.group[at] >= 0
            ]
            for pair, at in self.pairs.items()
        }

    def wants(self, pair: Pair, held: set[Pair]) -> bool:
        mine = [one for one in held if one[0] == pair[0]]
        cap = self.caps[pair[0]]
        return len(mine) < cap or (cap > 0 and self.liked[pair] < max(self.liked[one] for one in mine))

    def fits(self, pair: Pair, held: set[Pair], limit: Any) -> bool:
        """Beside the held pairs that come before it, in one limit."""
        use, most = next((use, most) for key, use, most in self.draws[pair] if key == limit)
        before = (one for one in held if self.valued[one] < self.valued[pair])
        return use + sum(use for one in before for key, use, _ in self.draws[one] if key == limit) <= most

    def blocking(self, held: set[Pair]) -> tuple[set[Pair], set[Pair]]:
        """What blocks, and what only stands behind one that was turned away."""
        wanted = [pair for pair in self.pairs if pair not in held and self.wants(pair, held)]
        blocks: set[Pair] = set()
        behind: set[Pair] = set()
        for pair in wanted:
            limits = [key for key, _, _ in self.draws[pair]]
            if not all(self.fits(pair, held, limit) for limit in limits):
                continue
            better = [one for one in wanted if self.valued[one] < self.valued[pair]]
            passed = any(
                not self.fits(one, held, limit)
                for limit in limits
                for one in better
                if limit in [key for key, _, _ in self.draws[one]]
            )
            (behind if passed else blocks).add(pair)
        return blocks, behind

    def accepted(self) -> set[Pair]:
        """Deferred acceptance, one proposal at a time: of all that ever asked a product, the longest beginning of its
        order that fits."""
        lists = {
            firm: sorted((pair for pair in self.pairs if pair[0] == firm), key=self.liked.__getitem__)
            for firm in range(len(self.caps))
        }
        ever: set[Pair] = set()
        held: set[Pair] = set()
        while True:
            asking = next(
                (f for f in lists if lists[f] and sum(one[0] == f for one in held) < self.caps[f]), None
            )  # fmt: skip
            if asking is None:
                return held
            ever.add(lists[asking].pop(0))
            held = set()
            for product in {pair[1] for pair in ever}:
                room: dict[Any, int] = {}
                for pair in sorted((one for one in ever if one[1] == product), key=self.valued.__getitem__):
                    for key, use, most in self.draws[pair]:
                        room[key] = room.get(key, most) - use
                    if min(room.values()) < 0:
                        break
                    held.add(pair)


def of_products(seed: int) -> Market:
    """Heads and sums of products alone."""
    made = market(seed, firms=10, products=4, amounts=True)
    return Market(
        made.firms, made.products, made.firm, made.product, made.likes, made.values, made.caps,
        (made.limits[0], made.limits[2]),
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_sums_of_products_give_what_plain_deferred_acceptance_gives_and_nothing_blocks(seed: int) -> None:
    asked = of_products(seed)
    rank = asked.priority()
    held = accepted(asked, rank, asked.places(rank))
    assert shown(asked, held) == Plain(asked).accepted()
    assert not blocking_pairs(asked, held).pairs.size


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.booleans())
def test_what_blocks_is_what_a_plain_reading_of_the_definition_finds(seed: int, pots: bool, tied: bool) -> None:
    asked = market(seed, firms=8, products=4, amounts=True, pots=pots, tied=tied)
    plain = Plain(asked)
    some = np.random.default_rng(seed).random(asked.firm.size) < 0.4
    for held in (matched(asked), some, np.zeros(asked.firm.size, np.bool_)):
        blocks, behind = plain.blocking(shown(asked, held))
        found = blocking_pairs(asked, held)
        mine = np.zeros(held.size, np.bool_)
        mine[found.pairs] = True
        assert shown(asked, mine) == blocks
        assert found.behind == len(behind)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_no_pair_is_left_out_that_both_sides_and_all_limits_have_room_for(seed: int, pots: bool) -> None:
    asked = market(seed, firms=15, amounts=True, pots=pots)
    held = matched(asked)
    has = np.bincount(asked.firm[held], minlength=asked.caps.size)
    left = [each.most - asked.used(held, each) for each in asked.limits]
    for pair in np.flatnonzero(~held & (has < asked.caps)[asked.firm]):
        assert any(
            each.group[pair] >= 0 and each.use[pair] > free[each.group[pair]]
            for each, free in zip(asked.limits, left, strict=True)
        )


def test_few_small_markets_with_sums_and_pots_are_left_with_a_blocking_pair() -> None:
    left = [
        blocking_pairs(asked, matched(asked)).pairs.size
        for asked in (market(seed, firms=30, products=8, amounts=True, pots=True) for seed in range(150))
    ]
    assert sum(count > 0 for count in left) <= 8
    assert max(left) <= 4


def three(uses: list[int], most: int) -> Market:
    """Three firms of falling value and one product with a sum."""
    limits = (limits_of("product_fen", np.zeros(3), uses, [most], ["p"]),)
    return Market(
        ("a", "b", "c"), ("p",), np.arange(3), np.zeros(3, np.int64), np.ones(3), np.array([0.9, 0.5, 0.1]),
        np.ones(3, np.int64), limits,
    )  # fmt: skip


def test_the_rest_of_a_sum_goes_to_the_next_that_fits_and_who_was_too_large_does_not_block() -> None:
    asked = three([6, 6, 3], 10)
    assert matched(asked).tolist() == [True, False, True]
    assert blocking_pairs(asked, np.array([True, False, True])).pairs.size == 0
    # Without the third, it stands behind the second, which is too large: said, and not called blocking.
    bare = blocking_pairs(asked, np.array([True, False, False]))
    assert (bare.pairs.size, bare.behind, bare.by_limit) == (0, 1, {"product_fen": 1})
    # Holding the second alone: the first blocks, since the second may be dropped for it, and the third fits beside it.
    assert blocking_pairs(asked, np.array([False, True, False])).pairs.tolist() == [0, 2]


def test_a_line_never_comes_down_again() -> None:
    asked = three([6, 6, 3], 10)
    rank = asked.priority()
    places, lines = asked.places(rank), [np.full(1, OPEN)]
    assert above_lines(np.array([True, True, False]), rank, places, lines).tolist() == [True, False, False]
    assert lines[0].tolist() == [1]
    assert above_lines(np.array([True, False, True]), rank, places, lines).tolist() == [True, False, False]


@pytest.mark.parametrize("seed", range(3))
def test_a_large_programme_solved_in_parts_is_the_whole_one(seed: int) -> None:
    asked = market(seed, firms=150, products=12, amounts=True, pots=True)
    weights = asked.likes + asked.values
    held = matched(asked)
    whole = bound(asked, weights, held)
    parts = bound(asked, weights, held, whole=0)
    assert whole.best - 1e-6 <= parts.best <= whole.best * (1 + parts.loose) + 1e-6
    assert parts.loose <= 0.002
    assert whole.weight <= whole.best + 1e-9
    assert whole.heaviest <= whole.best + 1e-9
    assert whole.loose == 0.0
