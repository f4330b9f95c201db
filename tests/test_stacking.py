"""Combining schemes: the chosen set is legal and the best there is, every other scheme has its reason."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.all_in import Flow
from matching.benefits import Benefit
from matching.rulefile import RuleFile
from matching.stacked import cut_to
from matching.stacking import INTEREST_SUBSIDY, Candidate, Resolution, Ruling, pair_of, resolve
from matching.stacking_rules import Stacking, parse_stacking
from models.errors import DataFileError

D = Decimal


def scheme(name: str, yuan: object, offers: str = "award", given: bool = False, **clause: object) -> Candidate:
    text = Stacking(**clause, cite=f"clause of {name}") if clause else Stacking()  # type: ignore[arg-type]
    return Candidate(name, None if yuan is None else D(str(yuan)), offers, text, given)


def left_out(found: Resolution, name: str) -> Ruling:
    (one,) = [each for each in found.left_out if each.id == name]
    return one.ruling


def test_where_the_texts_are_silent_both_are_counted_and_the_answer_says_so() -> None:
    found = resolve([scheme("a", 100), scheme("b", 50)])
    assert (found.best.ids, found.best.yuan, found.next_best, found.left_out) == (("a", "b"), D(150), None, ())
    (pair,) = found.pairs
    assert (pair.ruling, pair.cite) == (Ruling.SILENT, "")
    assert (pair.words.zh, pair.words.en) == ("政策文本未排除", "not excluded by the texts")


def test_a_permission_names_its_clause_from_whichever_side_it_comes() -> None:
    for pair in (
        resolve([scheme("a", 1, permits=("b",)), scheme("b", 2)]).pairs[0],
        resolve([scheme("a", 1), scheme("b", 2, permits=("a",))]).pairs[0],
    ):
        assert pair.ruling is Ruling.PERMITTED
        assert pair.cite.startswith("clause of")
        assert pair.cite in pair.words.zh
        assert pair.cite in pair.words.en


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (scheme("a", 100, excludes=("b",)), scheme("b", 60)),
        (scheme("a", 100), scheme("b", 60, excludes=("a",))),
        (scheme("a", 100, excludes=("award",)), scheme("b", 60)),
        (scheme("a", 100, excludes=("city-money",)), scheme("b", 60, tags=("city-money",))),
        (scheme("a", 100, excludes=("g",)), scheme("b", 60, group="g")),
    ],
)
def test_an_exclusion_counts_from_either_side_by_id_tag_group_or_kind(first: Candidate, second: Candidate) -> None:
    assert pair_of(first, second).ruling is pair_of(second, first).ruling is Ruling.EXCLUDED
    found = resolve([second, first])
    assert (found.best.ids, found.best.yuan) == (("a",), D(100))
    assert found.next_best is not None
    assert (found.next_best.ids, found.next_best.yuan) == (("b",), D(60))
    (out,) = found.left_out
    assert (out.id, out.yuan_with, out.barred_by[0].second) == ("b", D(60), "a")
    assert out.cite.startswith("clause of")
    assert "少得 40.00 元" in out.words.zh
    assert "40.00 yuan less" in out.words.en


def test_of_a_group_only_the_highest_is_paid() -> None:
    found = resolve([scheme("ten", 10, group="g"), scheme("twenty", 20, group="g"), scheme("other", 5, group="h")])
    assert found.best.ids == ("other", "twenty")
    assert left_out(found, "ten") is Ruling.HIGHEST_ONLY


def test_one_per_loan_bars_every_other_support_of_its_kind_even_a_silent_one() -> None:
    found = resolve([scheme("a", 9, one_per_loan=True), scheme("b", 7), scheme("fee", 3, offers="fee_relief")])
    assert found.best.ids == ("a", "fee")
    assert left_out(found, "b") is Ruling.ONE_PER_LOAN


def test_a_permission_lifts_what_its_own_text_bars_in_general_but_not_what_the_other_text_bars() -> None:
    permitting = scheme("a", 9, one_per_loan=True, permits=("b",))
    assert pair_of(permitting, scheme("b", 7)).ruling is Ruling.PERMITTED
    assert pair_of(permitting, scheme("b", 7, excludes=("a",))).ruling is Ruling.EXCLUDED
    assert pair_of(permitting, scheme("b", 7, one_per_loan=True)).ruling is Ruling.ONE_PER_LOAN


def test_two_small_ones_beat_a_large_one_that_excludes_both() -> None:
    found = resolve([scheme("large", 100, excludes=("s1", "s2")), scheme("s1", 60), scheme("s2", 60)])
    assert (found.best.ids, found.best.yuan) == (("s1", "s2"), D(120))
    assert found.next_best is not None
    assert found.next_best.ids == ("large",)


def test_an_unknown_amount_is_listed_and_never_counted_and_zero_adds_nothing() -> None:
    found = resolve([scheme("a", 10), scheme("unknown", None, excludes=("a",)), scheme("zero", 0)])
    assert found.best.ids == ("a",)
    assert left_out(found, "unknown") is Ruling.AMOUNT_UNKNOWN
    assert left_out(found, "zero") is Ruling.NOTHING_PAID
    assert resolve([]).best.yuan == 0


def test_what_the_offer_rests_on_is_never_given_up_for_a_subsidy() -> None:
    found = resolve([scheme("guarantee", None, "guarantee", given=True), scheme("a", 10, excludes=("guarantee",))])
    assert found.best.ids == ()
    (out,) = found.left_out
    assert (out.id, out.ruling, out.barred_by[0].second) == ("a", Ruling.EXCLUDED, "guarantee")


def test_interest_subsidies_never_exceed_the_interest_and_a_step_says_so() -> None:
    subsidies = [scheme(name, yuan, INTEREST_SUBSIDY) for name, yuan in (("a", 70), ("b", 50), ("c", 40))]
    found = resolve([*subsidies, scheme("award", 30)], interest_yuan=D(100))
    assert found.best.paid == (("a", D(70)), ("award", D(30)), ("b", D(30)))
    assert found.best.yuan == 130
    assert left_out(found, "c") is Ruling.INTEREST_COVERED
    assert [step.value for step in found.steps] == [D(160), D(100)]
    assert resolve(subsidies, interest_yuan=D(160)).steps == ()
    assert resolve(subsidies).best.yuan == 160, "a claim without a loan has no interest to exceed"


def test_what_a_set_with_a_left_out_scheme_pays_is_reckoned_under_the_cap_too() -> None:
    # beside c the award d (2) is worth more than the subsidy b (3), since c already takes up the interest
    c = scheme("c", 4, INTEREST_SUBSIDY, group="g")
    found = resolve(
        [
            scheme("a", 5, INTEREST_SUBSIDY, group="g"),
            c,
            scheme("b", 3, INTEREST_SUBSIDY, excludes=("d",)),
            scheme("d", 2),
        ],
        interest_yuan=D(4),
    )
    assert (found.best.ids, found.best.yuan) == (("a", "d"), D(6))
    assert {each.id: each.yuan_with for each in found.left_out} == {"b": D(4), "c": D(6)}


def test_a_cut_benefit_loses_its_last_payments_and_says_so() -> None:
    flows = (Flow(date(2024, 3, 31), D(30)), Flow(date(2024, 6, 30), D(30)), Flow(date(2024, 9, 30), D(30)))
    cut = cut_to(Benefit("x", amount_yuan=D(90), flows=flows), D(50))
    assert (cut.amount_yuan, [flow.yuan for flow in cut.flows]) == (D(50), [D(30), D(20)])
    assert cut.steps[-1].value == 50
    assert cut_to(cut, D(50)) is cut


def test_equal_sets_are_told_apart_by_id_whatever_the_order_asked() -> None:
    schemes = [scheme(name, 10, group="g") for name in "dbca"]
    assert resolve(schemes) == resolve(schemes[::-1])
    assert resolve(schemes).best.ids == ("a",)
    with pytest.raises(ValueError, match="twice"):
        resolve([schemes[0], schemes[0]])


NAMES = [f"s{place}" for place in range(9)]


@st.composite
def rule_sets(draw: st.DrawFn) -> tuple[list[Candidate], Decimal | None]:
    """Random schemes under random clauses, and an interest that may or may not cut."""
    made = []
    for name in NAMES[: draw(st.integers(0, 9))]:
        others = [other for other in [*NAMES, "tag", "award", INTEREST_SUBSIDY] if other != name]
        excludes = draw(st.lists(st.sampled_from(others), max_size=2, unique=True))
        permits = draw(st.lists(st.sampled_from(NAMES), max_size=2, unique=True))
        clause = Stacking(
            group=draw(st.sampled_from(["", "", "g", "h"])),
            one_per_loan=draw(st.integers(0, 5)) == 0,
            excludes=tuple(excludes),
            permits=tuple(each for each in permits if each not in excludes),
            tags=draw(st.sampled_from([(), ("tag",)])),
            cite="clause",
        )
        yuan = draw(st.one_of(st.none(), st.integers(0, 5).map(D), st.decimals(0, 100, places=2)))
        offers = draw(st.sampled_from(["award", INTEREST_SUBSIDY]))
        made.append(Candidate(name, yuan, offers, clause, draw(st.integers(0, 9)) == 0))
    return made, draw(st.one_of(st.none(), st.decimals(0, 150, places=2)))


def brute(
    candidates: list[Candidate], interest: Decimal | None
) -> tuple[list[tuple[Decimal, frozenset[str]]], Decimal]:
    """Every maximal legal set of paying schemes with its worth, and the most any legal set is worth."""
    given_ones = [each for each in candidates if each.given]
    free = [
        each
        for each in candidates
        if not each.given and each.yuan and all(pair_of(each, other).allowed for other in given_ones)
    ]

    def worth(chosen: tuple[Candidate, ...]) -> Decimal:
        subsidies = sum((each.yuan or D(0) for each in chosen if each.offers == INTEREST_SUBSIDY), D(0))
        others = sum((each.yuan or D(0) for each in chosen if each.offers != INTEREST_SUBSIDY), D(0))
        return others + (subsidies if interest is None else min(subsidies, interest))

    legal = [
        chosen
        for size in range(len(free) + 1)
        for chosen in combinations(free, size)
        if all(pair_of(a, b).allowed for a, b in combinations(chosen, 2))
    ]
    sets = {frozenset(each.id for each in chosen): worth(chosen) for chosen in legal}
    maximal = [(value, ids) for ids, value in sets.items() if not any(ids < other for other in sets)]
    return sorted(maximal, key=lambda each: -each[0]), max(sets.values())


@given(rule_sets())
@settings(max_examples=250, deadline=None)
def test_the_resolver_is_as_good_as_trying_every_set(asked: tuple[list[Candidate], Decimal | None]) -> None:
    candidates, interest = asked
    found = resolve(candidates, interest)
    maximal, most = brute(candidates, interest)
    assert found.best.yuan == most == maximal[0][0]
    assert (found.next_best.yuan if found.next_best else None) == (maximal[1][0] if len(maximal) > 1 else None)
    by_id = {each.id: each for each in candidates}
    counted = [by_id[each] for each in found.best.ids] + [each for each in candidates if each.given]
    for first, second in combinations(counted, 2):
        if not (first.given and second.given):
            assert pair_of(first, second).allowed
    # Everything is accounted for: counted with its yuan, or left out with a reason in both languages.
    out = {each.id for each in found.left_out}
    assert sorted(out | {each.id for each in counted}) == sorted(by_id)
    assert not out & {each.id for each in counted}
    assert all(each.words.zh and each.words.en for each in found.left_out)
    assert sum(yuan for _, yuan in found.best.paid) == found.best.yuan
    for each in found.left_out:
        if each.yuan_with is not None:
            assert each.yuan_with <= found.best.yuan
            assert each.yuan_with == max(value for value, ids in maximal if each.id in ids)
    assert resolve(candidates[::-1], interest) == found


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"group": "g"}, "cite"),
        ({"cite": "x"}, "stacking"),
        ({"excludes": "a", "cite": "x"}, "excludes"),
        ({"excludes": ["a", "a"], "cite": "x"}, "excludes"),
        ({"excludes": ["A scheme"], "cite": "x"}, "excludes"),
        ({"excludes": ["a"], "permits": ["a"], "cite": "x"}, "permits"),
        ({"group_rule": "highest_only", "permits": ["a"], "cite": "x"}, "group_rule"),
        ({"group": "g", "group_rule": "all", "cite": "x"}, "group_rule"),
        ({"one_per_loan": "yes", "cite": "x"}, "one_per_loan"),
        ({"per_loan": True, "cite": "x"}, "per_loan"),
    ],
)
def test_a_faulty_clause_is_refused_with_its_field(raw: dict[str, object], field: str) -> None:
    with pytest.raises(DataFileError) as refused:
        parse_stacking(RuleFile.of(raw, raw))
    assert refused.value.field == field
    assert refused.value.fix
