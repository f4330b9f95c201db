"""Guarantee circles against plain Python: circles, chains, spread, who may stand for whom, and a city's size."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.circles import (
    Circles,
    GuaranteeGraph,
    Link,
    chain_lengths,
    circles_of,
    link_between,
    named_graph,
    spread,
)

Edge = tuple[int, int, int]
FIRMS = 8
edges_of_firms = st.lists(
    st.tuples(st.integers(0, FIRMS - 1), st.integers(0, FIRMS - 1), st.integers(0, 50)), max_size=18
)
SLOW = settings(max_examples=120, deadline=None)


def graph_of(edges: list[Edge], n: int = FIRMS) -> GuaranteeGraph:
    columns = [np.array([edge[place] for edge in edges], np.int64) for place in range(3)]
    return GuaranteeGraph.of(n, *columns)


def reached(edges: list[Edge], start: int) -> set[int]:
    """Whom ``start`` stands for, itself or through others, by walking until nothing is new."""
    found: set[int] = set()
    while True:
        more = {b for g, b, _ in edges if g != b and (g == start or g in found)} - found
        if not more:
            return found
        found |= more


def oracle_circles(edges: list[Edge], n: int = FIRMS) -> list[frozenset[int]]:
    far = [reached(edges, firm) for firm in range(n)]
    groups = [frozenset(b for b in range(n) if a != b and b in far[a] and a in far[b]) | {a} for a in range(n)]
    return sorted({group for group in groups if len(group) > 1}, key=min)


def found_circles(circles: Circles) -> list[frozenset[int]]:
    return [frozenset(circles.members(number).tolist()) for number in range(len(circles.size))]


@SLOW
@given(edges_of_firms)
def test_circles_are_the_firms_that_reach_each_other(edges: list[Edge]) -> None:
    graph = graph_of(edges)
    circles, expected = circles_of(graph), oracle_circles(edges)
    assert found_circles(circles) == expected
    assert circles.size.tolist() == [len(group) for group in expected]
    pairs = {(g, b) for g, b, _ in edges}
    for number, group in enumerate(expected):
        assert circles.amount[number] == sum(a for g, b, a in edges if g != b and {g, b} <= group)
        assert circles.pairs[number] == sum((b, a) in pairs for a, b in pairs if a < b and {a, b} <= group)


@SLOW
@given(edges_of_firms)
def test_a_chain_is_the_longest_way_on_over_circles_made_one(edges: list[Edge]) -> None:
    graph = graph_of(edges)
    groups = oracle_circles(edges)
    name = {firm: next((min(group) for group in groups if firm in group), firm) for firm in range(FIRMS)}
    steps = {(name[g], name[b]) for g, b, _ in edges if name[g] != name[b]}

    def longest(firm: int) -> int:
        return max((1 + longest(b) for g, b in steps if g == firm), default=0)

    found = chain_lengths(graph, circles_of(graph)).tolist()
    assert found == [longest(name[firm]) for firm in range(FIRMS)]


@SLOW
@given(
    edges_of_firms,
    st.sets(st.integers(0, FIRMS - 1), max_size=3),
    st.lists(st.sampled_from([-1, 0, 10, 40, 90]), min_size=FIRMS, max_size=FIRMS),
)
def test_a_default_spreads_as_round_after_round_tells(edges: list[Edge], down: set[int], able: list[int]) -> None:
    def rounds(unknown: int) -> set[int]:
        failed = set(down)
        while True:
            due = [sum(a for g, b, a in edges if g == firm and b != g and b in failed) for firm in range(FIRMS)]
            more = {f for f in range(FIRMS) if due[f] > (unknown if able[f] == -1 else able[f])} - failed
            if not more:
                return failed - down
            failed |= more

    defaulted = np.isin(np.arange(FIRMS), list(down))
    made = spread(graph_of(edges), defaulted, np.array(able, np.int64))
    assert set(np.flatnonzero(made.fails).tolist()) == rounds(10**9)
    assert set(np.flatnonzero(made.may_fail).tolist()) == rounds(0)
    assert not (made.fails & ~made.may_fail).any(), "what is certain is possible"


@SLOW
@given(edges_of_firms, st.integers(0, FIRMS - 1), st.integers(0, FIRMS - 1))
def test_a_guarantor_that_would_close_a_circle_is_found_by_adding_the_guarantee(
    edges: list[Edge], firm: int, guarantor: int
) -> None:
    link = link_between(graph_of(edges), firm, guarantor)
    together = [group for group in oracle_circles([*edges, (guarantor, firm, 1)]) if {firm, guarantor} <= group]
    assert link is (Link.ITSELF if firm == guarantor else Link.CIRCLE if together else Link.NONE)


def test_known_shapes() -> None:
    edges = [(0, 1, 5), (1, 0, 7), (2, 3, 1), (3, 4, 1), (4, 2, 1), (4, 5, 9), (5, 6, 2), (7, 7, 100)]
    graph = graph_of(edges)
    circles = circles_of(graph)
    assert found_circles(circles) == [{0, 1}, {2, 3, 4}]
    assert circles.pairs.tolist() == [1, 0]
    assert circles.amount.tolist() == [12, 3]
    assert chain_lengths(graph, circles).tolist() == [0, 0, 2, 2, 2, 1, 0, 0]
    assert graph.given().tolist() == [5, 7, 1, 1, 10, 2, 0, 0], "who stands for itself stands for nobody"
    assert graph.received().tolist() == [7, 5, 1, 1, 1, 9, 2, 0]
    down = np.isin(np.arange(8), [1, 3])
    assert circles.others_of(down).tolist() == [1, 0, 1, 0, 1, 0, 0, 0]
    assert circles.share_of(down).tolist() == [0.5, pytest.approx(1 / 3)]


def test_several_guarantees_of_one_pair_are_one_with_their_sum() -> None:
    graph = graph_of([(1, 2, 3), (1, 2, 4)])
    assert (graph.guarantor.tolist(), graph.beneficiary.tolist(), graph.amount.tolist()) == ([1], [2], [7])


def test_a_graph_without_guarantees_has_no_circles() -> None:
    graph = graph_of([])
    circles = circles_of(graph)
    assert not len(circles.size)
    assert (circles.circle == -1).all()
    assert not chain_lengths(graph, circles).any()
    assert link_between(graph, 0, 1) is Link.NONE


def test_nobody_at_all_is_a_graph_too() -> None:
    codes, graph = named_graph(np.array([], "S18"), np.array([], "S18"), np.zeros(0, np.int64))
    circles = circles_of(graph)
    assert not len(codes)
    assert not len(chain_lengths(graph, circles))
    assert not len(spread(graph, np.zeros(0, np.bool_), np.zeros(0, np.int64)).fails)


@pytest.mark.parametrize("edge", [(0, 9, 1), (-1, 0, 1), (0, 1, -1)])
def test_what_is_no_guarantee_is_refused(edge: Edge) -> None:
    with pytest.raises(ValueError, match="is"):
        graph_of([edge])


def test_firms_are_named_by_code_in_order() -> None:
    codes, graph = named_graph(np.array([b"C", b"A"], "S18"), np.array([b"A", b"B"], "S18"), np.array([1, 2], np.int64))
    assert codes.tolist() == [b"A", b"B", b"C"]
    assert list(zip(graph.guarantor, graph.beneficiary, strict=True)) == [(0, 1), (2, 0)]


def test_a_chain_as_long_as_a_city_is_no_recursion() -> None:
    n = 50_000
    line = np.arange(n - 1, dtype=np.int64)
    graph = GuaranteeGraph.of(n, line, line + 1, np.ones(n - 1, np.int64))
    assert chain_lengths(graph, circles_of(graph))[0] == n - 1
    ring = GuaranteeGraph.of(n, np.arange(n), (np.arange(n) + 1) % n, np.ones(n, np.int64))
    assert circles_of(ring).size.tolist() == [n]


def test_a_city_of_400_000_firms_and_300_000_guarantees_takes_less_than_two_seconds() -> None:
    rng = np.random.default_rng(11)
    ends = rng.integers(0, 400_000, (2, 300_000))
    amounts = rng.integers(1, 10**10, 300_000)
    began = time.process_time()
    graph = GuaranteeGraph.of(400_000, ends[0], ends[1], amounts)
    circles = circles_of(graph)
    chains = chain_lengths(graph, circles)
    made = spread(graph, rng.random(400_000) < 0.01, rng.integers(-1, 10**10, 400_000))
    assert time.process_time() - began < 2
    assert chains.max() > 1
    assert made.fails.any()
