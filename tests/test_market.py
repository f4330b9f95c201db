"""The market: deferred acceptance against a plain one, no blocking pair, limits that hold, fair shares, the bound."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.market import FairShare, Market, blocking_pairs, bound, matched, matched_fairly, reach
from matching.market.choice import chosen
from matching.market.market import limits_of
from models.errors import RefusedInput


def market(
    seed: int, firms: int = 12, products: int = 5, density: float = 0.6, amounts: bool = False, pots: bool = False,
    tied: bool = False,
) -> Market:  # fmt: skip
    """A random market: product and bank head counts, and sums and a pot if asked for. Two products make a bank."""
    random = np.random.default_rng(seed)
    firm, product = np.nonzero(random.random((firms, products)) < density)
    pairs = firm.size
    bank, banks = product // 2, (products + 1) // 2
    names = [f"p{at}" for at in range(products)]
    limits = [
        limits_of("product_firms", product, np.ones(pairs), random.integers(0, 5, products), names),
        limits_of("bank_firms", bank, np.ones(pairs), random.integers(1, 7, banks), [f"b{at}" for at in range(banks)]),
    ]
    if amounts:
        yuan = random.integers(1, 50, pairs)
        limits.append(limits_of("product_yuan", product, yuan, random.integers(10, 120, products), names))
    if pots:
        use = random.integers(0, 9, pairs)
        limits.append(limits_of("pot", np.where(product < 3, 0, -1), use, [int(random.integers(5, 40))], ["g"]))
    draw = (lambda: random.integers(0, 3, pairs).astype(float)) if tied else (lambda: random.random(pairs))
    return Market(
        tuple(f"f{at}" for at in range(firms)), tuple(names), firm.astype(np.int64), product.astype(np.int64),
        draw(), draw(), random.integers(0, 4, firms), tuple(limits),
    )  # fmt: skip


def plain_list(asked: Market) -> set[tuple[int, int]]:
    """Gale and Shapley by hand, one proposal at a time, for head counts of products and banks."""
    pairs = {(int(f), int(p)): at for at, (f, p) in enumerate(zip(asked.firm, asked.product, strict=True))}
    order = sorted(pairs, key=lambda pair: (-asked.values[pairs[pair]], int(asked.ties[pairs[pair]])))
    rank = {pair: at for at, pair in enumerate(order)}
    wishes = {
        firm: sorted(
            (pair for pair in pairs if pair[0] == firm),
            key=lambda pair: (-asked.likes[pairs[pair]], int(asked.ties[pairs[pair]])),
        )
        for firm in range(len(asked.firms))
    }
    heads, bank_heads = asked.limits[0].most, asked.limits[1].most
    held: set[tuple[int, int]] = set()
    while True:
        asking = next(
            (f for f in wishes if wishes[f] and sum(pair[0] == f for pair in held) < asked.caps[f]), None
        )  # fmt: skip
        if asking is None:
            return held
        before, held = held | {wishes[asking].pop(0)}, set()
        for pair in sorted(before, key=rank.__getitem__):
            in_product = sum(one[1] == pair[1] for one in held)
            in_bank = sum(one[1] // 2 == pair[1] // 2 for one in held)
            if in_product < heads[pair[1]] and in_bank < bank_heads[pair[1] // 2]:
                held.add(pair)


def shown(asked: Market, held: np.ndarray) -> set[tuple[int, int]]:
    return {(int(asked.firm[at]), int(asked.product[at])) for at in np.flatnonzero(held)}


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_heads_alone_give_what_plain_deferred_acceptance_gives(seed: int, tied: bool) -> None:
    asked = market(seed, tied=tied)
    held = matched(asked)
    assert shown(asked, held) == plain_list(asked)
    assert not blocking_pairs(asked, held).pairs.size


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.booleans(), st.booleans())
def test_limits_and_caps_always_hold(seed: int, amounts: bool, pots: bool, tied: bool) -> None:
    asked = market(seed, amounts=amounts, pots=pots, tied=tied)
    held = matched(asked)
    for limits in asked.limits:
        assert (asked.used(held, limits) <= limits.most).all()
    assert (np.bincount(asked.firm[held], minlength=asked.caps.size) <= asked.caps).all()
    if not (amounts or pots):
        assert not blocking_pairs(asked, held).pairs.size


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_the_choice_is_a_walk_down_the_priority_order(seed: int) -> None:
    asked = market(seed, firms=25, amounts=True, pots=True)
    rank = asked.priority()
    wanted = np.random.default_rng(seed).random(rank.size) < 0.7
    left = [limits.most.copy() for limits in asked.limits]
    kept = np.zeros(rank.size, np.bool_)
    for pair in np.argsort(rank):
        draws = [
            (room, limits.group[pair], limits.use[pair])
            for room, limits in zip(left, asked.limits, strict=True)
            if limits.group[pair] >= 0
        ]
        if wanted[pair] and all(use <= room[group] for room, group, use in draws):
            kept[pair] = True
            for room, group, use in draws:
                room[group] -= use
    assert (chosen(wanted, rank, asked.places(rank)) == kept).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_the_order_of_rows_changes_nothing(seed: int, amounts: bool) -> None:
    asked = market(seed, amounts=amounts, pots=amounts, tied=True)
    random = np.random.default_rng(seed + 1)
    turn, firms, products = (random.permutation(size) for size in (asked.firm.size, 12, 5))
    turned = Market(
        tuple(asked.firms[at] for at in firms),
        tuple(asked.products[at] for at in products),
        np.argsort(firms)[asked.firm[turn]],
        np.argsort(products)[asked.product[turn]],
        asked.likes[turn],
        asked.values[turn],
        asked.caps[firms],
        tuple(replace(each, group=each.group[turn], use=each.use[turn]) for each in asked.limits),
    )

    def named(one: Market) -> set[tuple[str, str]]:
        return {(one.firms[firm], one.products[product]) for firm, product in shown(one, matched(one))}

    assert named(asked) == named(turned)


def brute(asked: Market, weights: np.ndarray) -> float:
    """The weightiest list of all, by trying every one."""
    best = 0.0
    for taken in itertools.product([False, True], repeat=asked.firm.size):
        held = np.array(taken)
        fits = all((asked.used(held, each) <= each.most).all() for each in asked.limits)
        if fits and (np.bincount(asked.firm[held], minlength=asked.caps.size) <= asked.caps).all():
            best = max(best, float(weights[held].sum()))
    return best


@pytest.mark.parametrize("seed", range(4))
def test_no_list_weighs_more_than_the_bound(seed: int) -> None:
    asked = market(seed, firms=4, products=3, amounts=True, pots=True)
    weights = asked.likes + asked.values
    found = bound(asked, weights, matched(asked))
    assert found.weight <= brute(asked, weights) + 1e-9 <= found.best + 1e-6
    assert 0 <= found.share <= 1 + 1e-9


def test_who_blocks_is_found_and_who_is_kept_out_is_told_by_what() -> None:
    # Both firms want the one product; it has one place and prefers f1. Holding f0 is blocked by f1.
    limits = (limits_of("product_firms", [0, 0], [1, 1], [1], ["p"]),)
    one = Market(
        ("f0", "f1"), ("p",), np.array([0, 1]), np.array([0, 0]), np.ones(2), np.array([0.1, 0.9]), np.array([1, 1]),
        limits,
    )  # fmt: skip
    assert blocking_pairs(one, np.array([True, False])).pairs.tolist() == [1]
    assert matched(one).tolist() == [False, True]
    after = blocking_pairs(one, np.array([False, True]))
    assert (after.pairs.size, after.by_limit) == (0, {"product_firms": 1})


def test_a_group_that_would_starve_gets_its_share() -> None:
    # Ten firms for five places; the lender prefers those of the city, f0 to f4.
    limits = (limits_of("product_firms", np.zeros(10), np.ones(10), [5], ["p"]),)
    values = np.linspace(1, 0.1, 10)
    asked = Market(
        tuple(f"f{at}" for at in range(10)), ("p",), np.arange(10), np.zeros(10, np.int64), np.ones(10), values,
        np.ones(10, np.int64), limits,
    )  # fmt: skip
    country = np.arange(10) >= 5
    shares = (FairShare("country", country, 0.4), FairShare("city", ~country, 0.4))
    assert matched(asked)[5:].sum() == 0
    held = matched_fairly(asked, shares)
    assert np.flatnonzero(held).tolist() == [0, 1, 2, 5, 6]
    assert [(one.wanted, one.reached, one.possible) for one in reach(asked, shares, held)] == [
        (2, 2, True),
        (2, 3, True),
    ]
    # Blocked only because of the share, and reported so.
    assert blocking_pairs(asked, held).pairs.tolist() == [3, 4]


def test_shares_that_nothing_can_meet_name_what_stands_in_the_way() -> None:
    limits = (
        limits_of("product_firms", [0, 0, 0, 1], [1, 1, 1, 1], [1, 5], ["tight", "wide"]),
    )  # fmt: skip
    asked = Market(
        ("f0", "f1", "f2", "f3"), ("tight", "wide"), np.arange(4), np.array([0, 0, 0, 1]), np.ones(4),
        np.array([0.4, 0.3, 0.2, 0.1]), np.ones(4, np.int64), limits,
    )  # fmt: skip
    shares = (FairShare("d", np.array([True, True, True, False]), 0.9),)
    (found,) = reach(asked, shares, matched_fairly(asked, shares))
    assert (found.wanted, found.reached, found.possible) == (3, 1, False)
    assert found.binding == (("product_firms", "tight"),)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_fair_shares_never_break_a_limit(seed: int) -> None:
    asked = market(seed, firms=30, amounts=True, pots=True)
    shares = tuple(FairShare(f"g{part}", np.arange(30) % 3 == part, 0.5) for part in range(3))
    held = matched_fairly(asked, shares)
    for limits in asked.limits:
        assert (asked.used(held, limits) <= limits.most).all()
    for one in reach(asked, shares, held):
        assert one.reached >= one.wanted or one.binding or one.possible


def test_an_empty_market_has_an_empty_list() -> None:
    none = np.zeros(0, np.int64)
    empty = Market(("f",), ("p",), none, none, none.astype(float), none.astype(float), np.ones(1, np.int64), ())
    held = matched_fairly(empty, ())
    assert held.size == 0
    assert bound(empty, none.astype(float), held).share == 1.0
    assert blocking_pairs(empty, held).pairs.size == 0


@pytest.mark.parametrize(
    "change",
    [
        {"firms": ("f0",) * 12},
        {"caps": np.full(12, -1)},
        {"likes": np.ones(3)},
        {"caps": np.ones(3, np.int64)},
    ],
)
def test_a_market_that_contradicts_itself_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(RefusedInput):
        replace(market(1), **change)


def test_a_share_beyond_one_is_refused() -> None:
    with pytest.raises(RefusedInput):
        FairShare("d", np.ones(3, np.bool_), 1.5)
