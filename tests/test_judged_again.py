"""A rule asked again: what it kept of an earlier question never shows in the answer to another."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.conditions import parse_conditions
from matching.verdicts import Requirements
from models.errors import RefusedInput
from models.kinds import Scalar
from service.books.rulebook import facts, parameters

AS_OF = date(2024, 10, 31)
ASKED = {
    "all": [
        {"fact": "loan_lender_kind", "op": "in", "value": ["bank", "branchless_bank"]},
        {"fact": "insured_staff", "op": "ge", "value": 3},
        {"fact": "loan_amount_yuan", "op": "le", "value": "3000000"},
        {
            "any": [
                {"fact": "high_tech", "op": "is", "value": True},
                {"fact": "loan_term_months", "op": "le", "value": 12},
            ]
        },
    ]
}
CASES = st.fixed_dictionaries(
    {
        "loan_lender_kind": st.sampled_from(["bank", "leasing", None]),
        "insured_staff": st.sampled_from([2, 3, None]),
        "loan_amount_yuan": st.sampled_from([3_000_000, Decimal("3000000"), Decimal("3000000.00"), Decimal(4_000_000)]),
        "high_tech": st.sampled_from([True, False, None]),
        "loan_term_months": st.sampled_from([12, 13, None]),
    }
)


def rule(asked: object = ASKED) -> Requirements:
    return Requirements(parse_conditions(asked, facts()))


def shown(asked: Requirements, values: dict[str, Scalar | None]) -> str:
    """The answer written out, so that 3000000 and 3000000.00 differ as they do in a calculation."""
    return repr(asked.judge(values, parameters(), AS_OF))


@settings(max_examples=40, deadline=None)
@given(st.lists(CASES, min_size=2, max_size=8))
def test_an_answer_is_that_of_a_rule_never_asked_before(cases: list[dict[str, Scalar | None]]) -> None:
    asked = rule()
    assert [shown(asked, values) for values in cases] == [shown(rule(), values) for values in cases]


def test_requirements_stand_in_the_order_written_whoever_states_them() -> None:
    judged = rule().judge({}, parameters(), AS_OF)
    assert [[finding.fact for finding in each.findings] for each in judged] == [
        ["loan_lender_kind"],
        ["insured_staff"],
        ["loan_amount_yuan"],
        ["high_tech", "loan_term_months"],
    ]


@pytest.mark.parametrize("fact", ["loan_term_months", "insured_staff"])
def test_a_value_of_the_wrong_type_is_refused_even_after_an_equal_one(fact: str) -> None:
    asked = rule({"fact": fact, "op": "ge", "value": 1})
    asked.judge({fact: 1}, parameters(), AS_OF)
    for wrong in (True, Decimal(1), "1"):
        with pytest.raises(RefusedInput):
            asked.judge({fact: wrong}, parameters(), AS_OF)


def test_more_questions_than_are_kept_are_answered_alike() -> None:
    asked, fresh = rule(), rule()
    amounts = [Decimal(2_999_900 + 10 * place) for place in range(100)]
    first = [shown(asked, {"loan_amount_yuan": amount}) for amount in amounts]
    assert [shown(asked, {"loan_amount_yuan": amount}) for amount in amounts] == first
    assert shown(fresh, {"loan_amount_yuan": amounts[-1]}) == first[-1]


def test_a_dated_number_is_that_of_each_day_asked_about() -> None:
    asked = rule({"fact": "loan_annual_rate", "op": "le", "value": {"param": "lpr_1y", "times": "1"}})
    days = (date(2023, 1, 31), date(2024, 10, 31), date(2023, 1, 31))
    first, second, again = (asked.judge({"loan_annual_rate": 0.034}, parameters(), day) for day in days)
    assert first == again
    assert first[0].findings[0].expected != second[0].findings[0].expected
