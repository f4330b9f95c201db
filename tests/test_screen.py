"""Screens: the page, the total and the waterfall against a plain loop over the firms; bad input is refused."""

from __future__ import annotations

import base64
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.atoms import KnownBits
from matching.conditions import parse_conditions
from matching.explain import truth
from matching.facts import FactBook, FactSpec, Source
from matching.nodes import All, Node
from matching.parameters import ParameterBook
from matching.screen import Page, parse_order, run_screen
from models.errors import RefusedInput
from models.kinds import DTYPES, Kind, decode, encode
from models.truth import Truth

AS_OF = date(2024, 10, 31)
NO_PARAMETERS = ParameterBook()
FACTS = FactBook(
    [
        FactSpec("sales", Kind.MONEY, "yuan", Source.ITEM, "", ""),
        FactSpec("margin", Kind.RATIO, "fraction", Source.ITEM, "", ""),
        FactSpec("grade", Kind.CODE, "", Source.DERIVED, "", "", tuple("ABCD")),
        FactSpec("since", Kind.DATE, "", Source.ITEM, "", ""),
        FactSpec("name", Kind.TEXT, "", Source.ITEM, "", "", matchable=False),
        FactSpec("need", Kind.MONEY, "yuan", Source.NEED, "", ""),
        FactSpec("later", Kind.COUNT, "", Source.ITEM, "", ""),
    ]
)
COLUMNED = [FACTS[name] for name in ("sales", "margin", "grade", "since")]


def city(n: int, seed: int = 5) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    made = {
        "sales": rng.integers(-3, 9, n) * 100,
        "margin": rng.integers(-2, 5, n) / 4,
        "grade": rng.integers(0, 4, n),
        "since": rng.integers(-5, 5, n),
    }
    for spec in COLUMNED:
        values = made[spec.id].astype(DTYPES[spec.kind])
        values[rng.random(n) < 0.2] = encode(spec.kind, None)
        made[spec.id] = values
    return made


def values_of(columns: dict[str, np.ndarray], row: int) -> dict[str, object]:
    return {spec.id: decode(spec.kind, columns[spec.id][row].item(), spec.codes) for spec in COLUMNED}


SCREEN = {
    "all": [
        {"fact": "sales", "op": "ge", "value": 1},
        {"any": [{"fact": "grade", "op": "in", "value": ["A", "B"]}, {"fact": "margin", "op": "gt", "value": "0.4"}]},
        {"not": {"fact": "since", "op": "lt", "value": "1970-01-01"}},
    ]
}


def screen(node: Node, columns: dict[str, np.ndarray], n: int, **more: object) -> Page:
    return run_screen(node, columns, n, {}, NO_PARAMETERS, AS_OF, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("narrowed", [False, True])
def test_total_page_and_waterfall_equal_a_loop_over_the_firms(narrowed: bool):
    n, columns = 301, city(301)
    node = parse_conditions(SCREEN, FACTS)
    within = np.arange(n) % 3 != 0 if narrowed else None
    page = screen(node, columns, n, within=within, limit=20, known=KnownBits(columns))

    among = [row for row in range(n) if within is None or within[row]]
    verdicts = {row: truth(node, values_of(columns, row), NO_PARAMETERS, AS_OF) for row in among}
    met = [row for row in among if verdicts[row] is Truth.MET]
    assert page.among == len(among)
    assert page.total == len(met)
    assert page.undecided == sum(verdict is Truth.UNKNOWN for verdict in verdicts.values())
    assert page.rows.tolist() == met[:20]
    assert isinstance(node, All)
    left = among
    for step, part in zip(page.waterfall, node.children, strict=True):
        own = {row: truth(part, values_of(columns, row), NO_PARAMETERS, AS_OF) for row in among}
        left = [row for row in left if own[row] is Truth.MET]
        assert step.part == part
        assert step.removes == sum(verdict is not Truth.MET for verdict in own.values())
        assert step.unknown == sum(verdict is Truth.UNKNOWN for verdict in own.values())
        assert step.left == len(left)
    assert page.waterfall[-1].left == page.total


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(0, 400),
    seed=st.integers(0, 5),
    limit=st.integers(1, 60),
    sort=st.sampled_from(["", *(sign + spec.id for sign in ("", "-") for spec in COLUMNED)]),
)
def test_pages_joined_are_the_whole_list_in_order(n: int, seed: int, limit: int, sort: str):
    columns = city(n, seed)
    node = parse_conditions({"fact": "grade", "op": "in", "value": ["A", "B", "C"]}, FACTS)
    order = parse_order(sort, FACTS)
    seen: list[int] = []
    cursor = ""
    for _ in range(n + 1):
        page = screen(node, columns, n, sort=order, limit=limit, cursor=cursor, snapshot="s1")
        assert len(page.rows) <= limit
        seen += page.rows.tolist()
        cursor = page.next_cursor
        if not cursor:
            break
    met = [row for row in range(n) if 0 <= columns["grade"][row] <= 2]
    if order:
        sign = -1 if order.descending else 1

        def key(row: int) -> tuple[bool, float, int]:
            value = values_of(columns, row)[order.spec.id]
            stored = 0 if value is None else encode(order.spec.kind, value, order.spec.codes)  # type: ignore[arg-type]
            return (value is None, sign * stored, row)

        met.sort(key=key)
    assert seen == met
    assert page.total == len(met)


def test_a_screen_without_conditions_lists_everybody():
    page = screen(parse_conditions({"all": []}, FACTS), city(9), 9, limit=5)
    assert (page.total, page.rows.tolist(), page.waterfall) == (9, [0, 1, 2, 3, 4], ())
    assert page.next_cursor


def test_an_item_that_was_never_delivered_is_unknown_for_everybody_and_sorts_nobody():
    node = parse_conditions({"fact": "later", "op": "ge", "value": 1}, FACTS)
    page = screen(node, city(9), 9)
    assert (page.total, page.undecided) == (0, 9)
    everybody = screen(parse_conditions({"all": []}, FACTS), city(9), 9, sort=parse_order("later", FACTS))
    assert everybody.rows.tolist() == list(range(9))


def test_the_need_is_one_value_for_all_firms():
    node = parse_conditions({"fact": "need", "op": "le", "value": 100}, FACTS)
    for amount, total in ((Decimal(100), 9), (Decimal("100.01"), 0)):
        page = run_screen(node, city(9), 9, {"need": amount}, NO_PARAMETERS, AS_OF)
        assert page.total == total


NODE = parse_conditions({"fact": "grade", "op": "in", "value": ["A", "B", "C"]}, FACTS)


def refused(**changed: object) -> RefusedInput:
    with pytest.raises(RefusedInput) as caught:
        screen(NODE, city(300), 300, **changed)
    return caught.value


@pytest.mark.parametrize("limit", [0, -1, 501, True, 2.0, "5"])
def test_a_bad_limit_is_refused(limit: object):
    assert refused(limit=limit).field == "limit"


@pytest.mark.parametrize("sort", ["sale", "--sales", "name", "need", "-", "sales,grade"])
def test_a_bad_order_is_refused(sort: str):
    with pytest.raises(RefusedInput) as caught:
        parse_order(sort, FACTS)
    assert (caught.value.field, caught.value.value) == ("sort", sort)


def test_an_altered_or_foreign_cursor_is_refused():
    columns = city(300)
    cursor = screen(NODE, columns, 300, limit=10, snapshot="s1").next_cursor
    assert screen(NODE, columns, 300, limit=99, cursor=cursor, snapshot="s1").rows[0] > 0, "another limit is fine"
    raw = base64.urlsafe_b64decode(cursor)
    tampered = [
        base64.urlsafe_b64encode(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]).decode()
        for place in range(len(raw))
    ]
    for text in [*tampered, cursor[:-1], cursor + "A", "x", "１" * 44, "=" * 44, "\n" + cursor, cursor * 1000]:
        problem = refused(limit=10, cursor=text, snapshot="s1")
        assert (problem.field, problem.code, problem.value) == ("cursor", "bad_cursor", text)
    assert refused(cursor=cursor, snapshot="s2").code == "bad_cursor"
    assert refused(cursor=cursor, snapshot="s1", sort=parse_order("sales", FACTS)).code == "bad_cursor"
    other = parse_conditions({"fact": "grade", "op": "in", "value": ["A", "B"]}, FACTS)
    with pytest.raises(RefusedInput):
        screen(other, columns, 300, cursor=cursor, snapshot="s1")
