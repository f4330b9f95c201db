"""The way to a shut offer: gaps, the cheapest changes, the first day. Every claim is asked again before it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.changes import NEED_BEHIND, ChangeBook, parse_changes
from matching.cheapest import cheapest_changes, examined
from matching.conditions import parse_conditions
from matching.near_miss import NearMiss, near_miss
from matching.needs import Need, read_need
from matching.nodes import leaves
from matching.option import Option
from matching.options import OptionsAnswer, answer, options
from matching.question import Case, Standing
from matching.status import Status, status_of
from matching.verdicts import Requirements, Verdict, truth_of
from models.dates import add_months
from models.errors import DataFileError, RefusedInput
from models.kinds import Scalar
from service.books.documents import read_yaml
from service.books.rulebook import facts, parameters
from service.books.seedbook import SEED, catalogue
from tests.test_options import AS_OF, CITY, FACTORY, MILLION

D = Decimal
BOOK = parse_changes(read_yaml(SEED / "changes.yaml", SEED), facts())


def ask(need: Mapping[str, object] | None = None, as_of: date = AS_OF, **changed: object) -> OptionsAnswer:
    firm = facts().read_values({**FACTORY, **changed})
    stated = read_need(need or MILLION, facts())
    return answer(firm, stated, CITY, parameters(), as_of, facts(), BOOK)


def way_to(option_id: str, found: OptionsAnswer) -> NearMiss:
    (option,) = [option for option in found.options if option.id == option_id]
    assert option.near_miss is not None
    return option.near_miss


def status(option_id: str, need: Mapping[str, object], as_of: date, **changed: object) -> Status:
    """Asked anew, without any of the machinery that made the claim."""
    firm = facts().read_values({**FACTORY, **changed})
    found = options(firm, read_need(need, facts()), CITY, parameters(), as_of)
    (option,) = [option for option in found if option.id == option_id]
    return option.status


def test_a_need_above_the_limit_is_a_gap_in_yuan_closed_by_asking_for_less() -> None:
    way = way_to("social-insurance-cloud-loan", ask({**MILLION, "amount_yuan": "3000000.01"}))
    (gap,) = way.gaps
    assert (gap.fact, gap.by, gap.unit) == ("need_amount_yuan", D("0.01"), "yuan")
    assert gap.effort is not None
    (change,) = way.changes
    assert (change.fact, change.was, change.becomes) == ("need_amount_yuan", D("3000000.01"), D(3_000_000))
    assert way.changes_on == AS_OF


def test_a_month_short_of_insurance_is_changed_by_nothing_but_time() -> None:
    way = way_to("social-insurance-cloud-loan", ask(insurance_months=11))
    (gap,) = way.gaps
    assert (gap.fact, gap.by, gap.unit, gap.effort) == ("insurance_months", 1, "months", None)
    assert way.changes == ()
    assert way.opening is not None
    assert (way.opening.on, way.opening.facts) == (date(2024, 11, 30), ("insurance_months",))
    assert status("social-insurance-cloud-loan", MILLION, date(2024, 11, 30), insurance_months=12) is Status.ELIGIBLE


def test_a_broken_streak_is_promised_no_day_and_no_streak_is_promised_beyond_what_is_counted() -> None:
    assert way_to("social-insurance-cloud-loan", ask(insurance_months=0)).opening is None


@pytest.mark.parametrize("established_on", ["2023-12-15", "2023-12-31", "2023-11-30"])
def test_a_firm_too_young_is_told_the_very_day_it_is_old_enough(established_on: str) -> None:
    born = date.fromisoformat(established_on)
    age = 10 if established_on == "2023-12-15" or born.month == 12 else 11
    way = way_to("first-loan", ask(established_on=established_on, firm_age_months=age))
    assert way.opening is not None
    assert way.opening.on == add_months(born, 12)
    assert way.opening.no_later_than is None


def test_a_windowed_count_gives_the_last_day_it_can_stand_in_the_way_and_no_exact_one() -> None:
    way = way_to("social-insurance-cloud-loan", ask(social_insurance_arrears_months=2))
    assert way.opening is not None
    assert way.opening.on is None
    assert way.opening.no_later_than == add_months(AS_OF, 12)


def test_a_listing_ends_on_no_day_we_know() -> None:
    way = way_to("social-insurance-cloud-loan", ask(dishonest_debtor=True))
    assert way.undated == ("dishonest_debtor",)
    assert way.opening is None
    assert [change.effort.id for change in way.changes] == ["resolve"]


def test_what_has_happened_and_what_a_firm_is_can_not_be_changed() -> None:
    way = way_to("agricultural-loan", ask())
    assert {gap.fact: gap.effort for gap in way.gaps}["industry_section"] is None
    assert (way.changes, way.opening) == ((), None)


def test_a_rule_not_yet_in_force_opens_on_its_first_day() -> None:
    way = way_to("cn-government-guarantee-2025", ask())
    assert way.opening is not None
    assert way.opening.on == date(2025, 3, 1)


def test_changes_and_time_together_name_the_first_day_on_which_both_are_done() -> None:
    way = way_to("social-insurance-cloud-loan", ask({**MILLION, "amount_yuan": "4000000"}, insurance_months=7))
    assert way.opening is None
    assert [change.fact for change in way.changes] == ["need_amount_yuan"]
    assert way.changes_on == add_months(AS_OF, 5)


def test_where_something_is_unknown_nothing_is_claimed_and_the_unknown_is_named() -> None:
    found = ask({**MILLION, "amount_yuan": "4000000"}, insured_staff=None)
    way = way_to("social-insurance-cloud-loan", found)
    assert (way.changes, way.opening, way.unknown) == ((), None, ("insured_staff",))


def test_open_unknown_and_expired_offers_have_no_way() -> None:
    for option in ask(insurance_months=None).options:
        shut = option.status in (Status.NEAR_MISS, Status.INELIGIBLE, Status.NOT_YET)
        assert (option.near_miss is not None) == shut, option.id


VALUES: dict[str, list[object]] = {
    "insurance_months": [0, 5, 11, 12, None],
    "firm_age_months": [3, 11, 23, 60],
    "invoicing_months": [0, 4, 30],
    "insured_staff": [1, 2, 20],
    "sales_12m": ["900000", "8000000"],
    "dishonest_debtor": [True, False],
    "leverage": [0.5, 0.9],
    "social_insurance_arrears_months": [0, 2],
    "tax_credit_grade": ["B", "C"],
    "tax_arrears": ["0", "500"],
    "vat_paid_12m": ["30000", "100"],
    "late_filings": [0, 3],
    "procurement_24m": ["0", "900000"],
    "ever_borrowed": [True, False],
    "compensations_60m": [0, 1],
}
NEEDS: dict[str, list[object]] = {
    "amount_yuan": ["100000", "1000000", "6000000", "40000000"],
    "term_months": [3, 12, 60],
    "purpose": ["working_capital", "technical_upgrade"],
    "security": ["credit", "mortgage", None],
}


@given(
    st.fixed_dictionaries({fact: st.sampled_from(values) for fact, values in VALUES.items()}),
    st.fixed_dictionaries({part: st.sampled_from(values) for part, values in NEEDS.items()}),
)
@settings(max_examples=15, deadline=None)
def test_every_claim_holds_when_the_offer_is_asked_again_with_the_change_made(
    firm: dict[str, object], need: dict[str, object]
) -> None:
    known = facts().read_values({**FACTORY, **firm})
    stated = read_need(need, facts())
    told = answer(known, stated, CITY, parameters(), AS_OF, facts(), BOOK)
    asked: dict[tuple[object, ...], dict[str, Option]] = {}

    def again(firm: Mapping[str, Scalar | None], need: Need, day: date) -> dict[str, Option]:
        key = (tuple(sorted(firm.items(), key=str)), need, day)
        if key not in asked:
            asked[key] = {each.id: each for each in options(firm, need, CITY, parameters(), day)}
        return asked[key]

    for option in told.options:
        way = option.near_miss
        if way is None:
            continue
        if way.changes:
            assert way.changes_on is not None
            new_need, moved = stated, aged(known, way.changes_on)
            for change in way.changes:
                if change.fact.startswith("need_"):
                    new_need = replace(new_need, **{change.fact.removeprefix("need_"): change.becomes})  # type: ignore[arg-type]
                else:
                    moved[change.fact] = change.becomes
            assert again(moved, new_need, way.changes_on)[option.id].status is Status.ELIGIBLE, option.id
        if way.opening and way.opening.on:
            day = way.opening.on
            assert again(aged(known, day), stated, day)[option.id].status is Status.ELIGIBLE, option.id
            eve = day - timedelta(days=1)
            assert again(aged(known, eve), stated, eve)[option.id].status is not Status.ELIGIBLE, option.id


def aged(firm: Mapping[str, Scalar | None], day: date) -> dict[str, Scalar | None]:
    """The firm on a later day if nothing happens, by hand: whole months more of age and of unbroken streaks."""
    passed = (day.year - AS_OF.year) * 12 + day.month - AS_OF.month
    if add_months(AS_OF, passed) > day:
        passed -= 1
    moved = dict(firm)
    for fact, most in (("firm_age_months", 10**6), ("insurance_months", 36), ("invoicing_months", 36)):
        value = moved.get(fact)
        if isinstance(value, int) and (value or fact == "firm_age_months"):
            moved[fact] = min(value + passed, most)
    return moved


@dataclass(frozen=True)
class Rule:
    """A question of nothing but conditions."""

    asked: Requirements
    id: str = "rule"

    def openings(self) -> tuple[date, ...]:
        return ()

    def standing(self, case: Case) -> Standing:
        values = {**case.firm, **case.need.facts()}
        requirements = self.asked.judge(values, parameters(), case.as_of)
        verdict = Verdict(truth_of(requirements).value)
        return Standing(status_of(verdict, requirements), verdict, requirements, ((self.asked, values),), values)


GRID: dict[str, list[object]] = {
    "insured_staff": [2, 3, 5, 9],
    "tax_arrears": ["0", "10", "20"],
    "high_tech": [True, False],
    "industry_section": ["A", "C"],
    "tax_credit_grade": ["A", "B", "C"],
    "key_group_jobs": [0, 1, 4],
}
LEAVES = st.one_of(
    st.builds(
        lambda fact, op, value: {"fact": fact, "op": op, "value": value},
        st.sampled_from(["insured_staff", "key_group_jobs"]),
        st.sampled_from(["ge", "gt", "le", "lt", "is", "is_not"]),
        st.sampled_from([1, 3, 5]),
    ),
    st.builds(
        lambda op, value: {"fact": "tax_arrears", "op": op, "value": value},
        st.sampled_from(["le", "is"]),
        st.sampled_from(["0", "10"]),
    ),
    st.builds(lambda value: {"fact": "high_tech", "op": "is", "value": value}, st.booleans()),
    st.builds(lambda value: {"fact": "industry_section", "op": "is", "value": value}, st.sampled_from(["A", "C"])),
    st.builds(
        lambda op, value: {"fact": "tax_credit_grade", "op": op, "value": value},
        st.sampled_from(["in", "not_in"]),
        st.sampled_from([["A"], ["A", "B"], ["C"]]),
    ),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda each: {"any": each}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda each: {"all": each}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda each: {"not": each}, inner),
    ),
    max_leaves=5,
)


@given(
    st.lists(TREES, min_size=1, max_size=3),
    st.fixed_dictionaries({fact: st.sampled_from(values) for fact, values in GRID.items()}),
)
@settings(max_examples=120, deadline=None)
def test_the_changes_are_the_cheapest_of_all_that_can_be_tried(trees: list[object], firm: dict[str, object]) -> None:
    # Each tree is parsed alone: that two of them contradict each other the search must find out for itself.
    try:
        nodes = [parse_conditions(tree, facts()) for tree in trees]
    except RefusedInput:  # a tree that contradicts itself is no rule
        return
    rule, case = Rule(Requirements(*nodes)), Case(facts().read_values(firm), Need(), AS_OF)
    standing = rule.standing(case)
    if standing.verdict is Verdict.MET:
        return

    def holds(changed: Mapping[str, Scalar]) -> bool:
        return rule.standing(case.changed(changed)).verdict is Verdict.MET

    found = cheapest_changes(examined(standing, parameters(), AS_OF), standing.values, BOOK, holds)
    least = tried(rule, case)
    if found is None:
        assert least is None
    else:
        assert holds(found)
        assert least == (effort(found), len(found))


def effort(changed: Mapping[str, object]) -> int:
    return sum(BOOK.changeable[fact].effort.weight for fact in changed)


def tried(rule: Rule, case: Case) -> tuple[int, int] | None:
    """The least effort over every assignment of values that could matter, moved only where and as a firm may."""
    asked = {leaf.fact for node in rule.asked.nodes for leaf in leaves(node)}
    free = {fact: values for fact, values in FULL.items() if fact in asked}
    best = None
    for values in product(*free.values()):
        changed = {fact: value for fact, value in zip(free, values, strict=True) if value != case.firm[fact]}
        if any(not allowed(fact, case.firm[fact], value) for fact, value in changed.items()):
            continue
        if rule.standing(case.changed(changed)).verdict is Verdict.MET:
            cost = (effort(changed), len(changed))
            best = cost if best is None else min(best, cost)
    return best


FULL: dict[str, list[Scalar]] = {
    "insured_staff": [2, 3, 4, 5, 6, 9, 10],
    "tax_arrears": [D(0), D("0.01"), D("9.99"), D(10), D("10.01"), D(20)],
    "high_tech": [True, False],
    "tax_credit_grade": list(facts()["tax_credit_grade"].codes),
    "key_group_jobs": [0, 1, 2, 3, 4, 5, 6],
}


def allowed(fact: str, was: object, becomes: Scalar) -> bool:
    towards = BOOK.changeable[fact].towards
    if towards is None:
        return True
    return (becomes > was) is (towards == "up")  # type: ignore[operator]


def test_the_windows_of_the_book_are_those_of_the_catalogue() -> None:
    for fact, moving in BOOK.in_time.items():
        item = catalogue().items.get(fact)
        if item is not None and moving.months:
            assert item.compute.window_months == moving.months, fact
        if item is not None and moving.most:
            assert item.compute.window_months == moving.most, fact
    assert not set(NEED_BEHIND) & set(BOOK.changeable)


@pytest.mark.parametrize(
    ("part", "entry", "field"),
    [
        ("changes", {"fact": "colour", "effort": "pay_up"}, "fact"),
        ("changes", {"fact": "loan_amount_yuan", "effort": "pay_up"}, "fact"),
        ("changes", {"fact": "tax_arrears", "effort": "pray"}, "effort"),
        ("changes", {"fact": "high_tech", "effort": "pay_up", "towards": "up"}, "towards"),
        ("changes", {"fact": "tax_arrears", "effort": "pay_up", "towards": "left"}, "towards"),
        ("time", {"fact": "firm_age_months", "kind": "age", "since": "sales_12m"}, "since"),
        ("time", {"fact": "sales_12m", "kind": "streak", "most": 36}, "fact"),
        ("time", {"fact": "dishonest_debtor", "kind": "window", "months": 36, "empty": 0}, "fact"),
        ("time", {"fact": "dishonest_debtor", "kind": "listing", "months": 3}, "months"),
        ("time", {"fact": "dishonest_debtor", "kind": "soon"}, "kind"),
        ("efforts", {"id": "x", "weight": 0, "zh": "x", "en": "x"}, "weight"),
    ],
)
def test_a_faulty_book_of_changes_is_refused(part: str, entry: dict[str, object], field: str) -> None:
    efforts = [{"id": "pay_up", "weight": 4, "zh": "缴清", "en": "Pay"}]
    document: dict[str, list[object]] = {"efforts": [*efforts], "changes": [], "time": []}
    document[part].append(entry)
    with pytest.raises(DataFileError) as refused:
        parse_changes(document, facts())
    assert refused.value.field == field


def test_a_fact_stands_in_the_book_once() -> None:
    efforts = [{"id": "pay_up", "weight": 4, "zh": "缴清", "en": "Pay"}]
    twice = [{"fact": "tax_arrears", "effort": "pay_up"}] * 2
    with pytest.raises(DataFileError, match="once"):
        parse_changes({"efforts": efforts, "changes": twice, "time": []}, facts())


def test_a_book_without_changes_claims_nothing() -> None:
    case = Case(facts().read_values({**FACTORY, "insured_staff": 2}), read_need(MILLION, facts()), AS_OF)
    rule = Rule(Requirements(parse_conditions({"fact": "insured_staff", "op": "ge", "value": 3}, facts())))
    way = near_miss(rule, rule.standing(case), case, parameters(), ChangeBook({}, {}))
    assert way is not None
    assert (way.gaps[0].by, way.changes, way.opening) == (1, (), None)
