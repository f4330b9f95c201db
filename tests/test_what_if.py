"""What if: the score, the options and their cost before and after; and input that cannot be meant is asked back."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from matching.needs import Need, read_need
from matching.plausible import check_plausible
from matching.question import Case, Facts
from matching.status import Status
from matching.what_if import WhatIf, read_changed, what_if, with_years
from models.errors import RefusedInput
from service.books.rulebook import facts, parameters
from tests.test_near_miss import BOOK
from tests.test_options import AS_OF, CITY, FACTORY, MILLION

D = Decimal
FIRM = facts().read_values({**FACTORY, "score": 500.0})


def rescore(known: Facts) -> Facts:
    """A stand-in for the evaluation: a point a month insured."""
    months = known.get("insurance_months")
    return {"score": None if months is None else 500.0 + int(str(months)), "size_class": "medium"}


def suppose(raw: Mapping[str, object], need: Need | None = None) -> WhatIf:
    case = Case(FIRM, need or read_need(MILLION, facts()), AS_OF)
    changed = read_changed(raw, {**FIRM, **case.need.facts()}, facts(), AS_OF)
    return what_if(case, changed, rescore({**FIRM, **changed}), CITY, parameters(), facts(), BOOK)


def test_changed_facts_bring_new_score_new_options_and_new_cost() -> None:
    found = suppose({"insurance_months": 6, "need_amount_yuan": "2000000"})
    moved = {each.fact: each for each in found.moved}
    assert (moved["insurance_months"].was, moved["insurance_months"].becomes) == (24, 6)
    assert moved["insurance_months"].stated
    assert (moved["score"].was, moved["score"].becomes, moved["score"].stated) == (500.0, 506.0, False)
    assert ("social-insurance-cloud-loan", Status.ELIGIBLE, Status.NEAR_MISS) in found.changed_status
    costs = {}
    for when, answered in (("before", found.before), ("after", found.after)):
        (option,) = [option for option in answered.options if option.id == "social-insurance-cloud-loan"]
        assert option.cost is not None
        costs[when] = option.cost.principal_yuan
    assert costs == {"before": D(1_000_000), "after": D(2_000_000)}


def test_what_is_stated_is_not_overruled_by_what_follows() -> None:
    case = Case(FIRM, read_need(MILLION, facts()), AS_OF)
    follows: Facts = {"sales_24m": D(1), "size_class": "medium"}
    stated = what_if(case, {"sales_24m": D(9)}, follows, CITY, parameters(), facts(), BOOK).facts
    assert (stated["sales_24m"], stated["size_class"]) == (D(9), "medium")
    assert suppose({"insured_staff": 21}).facts["size_class"] == "medium"


def test_a_fact_can_be_made_unknown_and_the_firm_itself_stays_as_it_was() -> None:
    before = dict(FIRM)
    found = suppose({"insurance_months": None})
    assert found.facts["score"] is None
    assert ("social-insurance-cloud-loan", Status.ELIGIBLE, Status.UNKNOWN) in found.changed_status
    assert before == FIRM


def test_nothing_changed_changes_nothing() -> None:
    case = Case(FIRM, read_need(MILLION, facts()), AS_OF)
    found = what_if(case, {}, {}, CITY, parameters(), facts(), BOOK)
    assert (found.moved, found.changed_status, found.before) == ((), (), found.after)


@pytest.mark.parametrize(
    ("raw", "code", "says"),
    [
        ([("colour", "red")], "unknown_fact", "Did you mean"),
        ([("insured_staff", "many")], "bad_value", "persons"),
        ([("insured_staff", 2.5)], "bad_value", "persons"),
        ([("insured_staff", -1)], "negative", "persons"),
        ([("high_tech", "yes")], "bad_value", "true or false"),
        ([("tax_credit_grade", "Z")], "bad_value", "tax_credit_grade is a code: A or B"),
        ([("sales_12m", 1.5)], "bad_value", "yuan"),
        ([("sales_12m", "1e6")], "bad_amount", "yuan"),
        ([("established_on", "2024-02-30")], "bad_date", "2024-10-31"),
        ([("established_on", "2025-01-01")], "impossible_date", "2024-10-31"),
        ([("established_on", "0001-01-01")], "impossible_date", "1900"),
        ([("loan_annual_rate", "-0.01")], "bad_rate", "0.0435"),
        ([("loan_annual_rate", "4.35")], "suspicious_unit", "per cent"),
        ([("need_amount_yuan", "100")], "suspicious_unit", "万元"),
        ([("need_amount_yuan", "999.99")], "suspicious_unit", "万元"),
        ([("need_amount_yuan", "0")], "bad_amount", "yuan"),
        ([("need_amount_yuan", "-5")], "bad_amount", "yuan"),
        ([("sales_12m", "800")], "suspicious_unit", "8000000"),
        ([("sales_12m", "9000000"), ("sales_12m", "8000000")], "two_values", "Keep one"),
        ([("score", 900)], "worked_out", "facts it is made of"),
        ([("size_class", "micro")], "worked_out", "facts it is made of"),
        ([("sales_growth", "0.2")], "worked_out", "facts it is made of"),
    ],
)
def test_what_cannot_be_meant_is_refused_naming_fact_unit_and_example(
    raw: list[tuple[str, object]], code: str, says: str
) -> None:
    with pytest.raises(RefusedInput) as refused:
        read_changed(raw, FIRM, facts(), AS_OF)
    problem = refused.value
    assert (problem.code, problem.field) == (code, f"facts.{raw[-1][0]}")
    assert says in f"{problem.rule} {problem.fix}"
    assert problem.fix


@pytest.mark.parametrize(
    "raw",
    [
        {"need_amount_yuan": "1000"},
        {"sales_12m": "1600.01"},
        {"sales_12m": "0"},
        {"loan_annual_rate": "1"},
        {"loan_annual_rate": "0"},
        {"established_on": "2024-10-31"},
        {"net_profit": "-500000"},
        {"insured_staff_growth": "1.5"},
    ],
)
def test_values_just_inside_are_taken(raw: dict[str, object]) -> None:
    assert set(read_changed(raw, FIRM, facts(), AS_OF)) == set(raw)


def test_the_same_value_twice_is_no_contradiction() -> None:
    twice = [("insured_staff", 5), ("insured_staff", "5")]
    assert read_changed(twice, FIRM, facts(), AS_OF) == {"insured_staff": 5}


def test_an_asker_who_confirms_the_unit_is_believed() -> None:
    raw = {"sales_12m": "800", "need_amount_yuan": "500"}
    assert read_changed(raw, FIRM, facts(), AS_OF, confirmed=raw)["sales_12m"] == D(800)


def test_a_need_is_checked_for_its_unit_as_well() -> None:
    need = read_need({"amount_yuan": "300"}, facts())
    with pytest.raises(RefusedInput) as refused:
        check_plausible(need.facts(), {}, facts(), AS_OF, field="need")
    assert (refused.value.code, refused.value.field) == ("suspicious_unit", "need.need_amount_yuan")


def test_a_worked_out_fact_is_refused_with_what_it_is_made_of() -> None:
    with pytest.raises(RefusedInput) as refused:
        read_changed(
            {"size_class": "small"}, FIRM, facts(), AS_OF, made_of={"size_class": ("insured_staff", "revenue")}
        )
    assert refused.value.fix == "Change the facts it is made of: insured_staff, revenue."
    with pytest.raises(RefusedInput) as refused:
        read_changed({"score": 1}, FIRM, facts(), AS_OF, made_of={"score": [f"item_{place}" for place in range(10)]})
    assert refused.value.fix.endswith("item_7 and 2 more.")


def test_a_count_may_be_stated_year_by_year() -> None:
    book = with_years(facts(), {"penalty_general": 3})
    assert read_changed({"penalty_general.y1": 0, "penalty_general.y3": "2"}, {}, book, AS_OF) == {
        "penalty_general.y1": 0,
        "penalty_general.y3": 2,
    }
    assert book["penalty_general.y2"].en.endswith("months 13 to 24 back")
    for wrong, code in (({"penalty_general.y4": 0}, "unknown_fact"), ({"penalty_general.y1": -1}, "negative")):
        with pytest.raises(RefusedInput) as refused:
            read_changed(wrong, {}, book, AS_OF)
        assert refused.value.code == code
