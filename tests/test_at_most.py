"""Sums the text calls 最高 or 不超过: a ceiling is shown as a ceiling, whoever sums, splits, caps or stacks it."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.benefit_terms import benefit_of, parse_benefit
from matching.benefits import Benefit
from matching.option import Option
from matching.rulefile import RuleFile
from matching.stacked import claimed_together
from matching.stacking import Candidate, Ruling, resolve
from matching.stacking_rules import Stacking
from matching.status import Status
from models.errors import DataFileError
from models.marked import MarkedDict
from service.books.documents import read_yaml
from service.books.rulebook import facts, offers, parameters, rule_files
from service.books.seedbook import SEED
from tests.test_liaocheng_policies import ask as liaocheng

D = Decimal
AS_OF = date(2025, 6, 30)
SET = "claim_award_set_yuan"
#: Where the texts call a sum 最高 or 不超过 and leave what is paid below it to the office: the clause of each scheme.
CEILINGS = {
    "fs-trade-promotion-costs": "003:39 最高不超过70%-100%",
    "lc-innovation-platform": "004:13 最高200万元、50万元",
    "lc-newly-above-scale": "004:5 最高10万元",
    "lc-strong-town": "004:6 最高50万元",
    "sy-building-awards-2025": "沈政发〔2025〕3号 最高40万元、最高300万元",
    "sy-industry-growth-quarter-2025": "沈政发〔2025〕3号 最高150万元",
    "sy-industry-growth-year-2025": "沈政发〔2025〕3号 最高750万元",
    "sy-science-service-award-2024": "000:94 不超过当年营业收入额的2‰、3‰",
    "sy-software-growth-quarter-2025": "沈政发〔2025〕3号 最高30万元",
    "sy-software-growth-year-2025": "沈政发〔2025〕3号 最高100万元",
}


def ask(benefit: dict[str, Any], **stated: object) -> Benefit:
    whole = RuleFile(MarkedDict({"benefit": MarkedDict({"cite": "x", **benefit})}))
    return benefit_of(parse_benefit(whole, facts()), facts().read_values(stated), parameters(), AS_OF)


def bounds(benefit: Benefit) -> tuple[Decimal | None, ...]:
    return benefit.amount_yuan, benefit.at_least_yuan, benefit.at_most_yuan


FIXED = {"kind": "fixed", "yuan": 400_000, "up_to": True}


def test_until_the_office_sets_it_nothing_is_promised_and_the_ceiling_is_shown() -> None:
    benefit = ask(FIXED)
    assert bounds(benefit) == (None, 0, 400_000)
    assert benefit.missing == (SET,)
    assert [(step.zh, step.value) for step in benefit.steps][-1] == ("最高，由主管部门核定", 400_000)


@pytest.mark.parametrize(
    ("decided", "paid"), [("0", 0), ("399999.99", "399999.99"), (400_000, 400_000), ("400000.01", 400_000)]
)
def test_what_the_office_sets_is_paid_up_to_the_ceiling(decided: object, paid: object) -> None:
    benefit = ask(FIXED, claim_award_set_yuan=decided)
    assert bounds(benefit) == (D(str(paid)),) * 3
    assert benefit.missing == ()


def test_a_share_that_is_a_ceiling_names_both_what_is_shared_and_what_is_set() -> None:
    share = {"kind": "share_of_amount", "of": "revenue", "share": "0.002", "cap_yuan": 200_000, "up_to": True}
    assert bounds(ask(share, revenue=50_000_000)) == (None, 0, 100_000)
    unknown = ask(share)
    assert (bounds(unknown), unknown.missing) == ((None, 0, 200_000), ("revenue", SET))
    half = ask(share, claim_award_set_yuan=80_000)
    assert (bounds(half), half.missing) == ((None, 0, 80_000), ("revenue",)), "no more than was set"
    assert bounds(ask(share, revenue=0)) == (0, 0, 0), "of nothing there is nothing to set"
    open_share = {**share, "cap_yuan": None}
    assert bounds(ask(open_share)) == (None, 0, None)


def test_of_a_certain_and_an_open_tier_the_certain_one_is_the_least() -> None:
    tiers = [
        {"when": {"fact": "live", "op": "is", "value": True}, "give": FIXED, "zh": "甲", "en": "A"},
        {"when": {"fact": "high_tech", "op": "is", "value": True}, "zh": "乙", "en": "B"}
        | {"give": {"kind": "fixed", "yuan": 100_000}},
    ]
    whole = {"kind": "tiers", "counting": "highest", "tiers": tiers}
    assert bounds(ask(whole, live=True, high_tech=True)) == (None, 100_000, 400_000)
    assert bounds(ask(whole, live=True, high_tech=True, claim_award_set_yuan=50_000)) == (100_000,) * 3
    assert bounds(ask(whole, live=False, high_tech=True)) == (100_000,) * 3
    both = {**whole, "counting": "cumulative", "cap_yuan": 450_000}
    assert bounds(ask(both, live=True, high_tech=True)) == (None, 100_000, 450_000)


@pytest.mark.parametrize(
    ("benefit", "field"),
    [
        ({"kind": "in_kind", "zh": "证", "en": "Label", "up_to": True}, "up_to"),
        ({"kind": "fixed", "yuan": 1_000, "up_to": "yes"}, "up_to"),
    ],
)
def test_only_a_sum_has_a_ceiling(benefit: dict[str, Any], field: str) -> None:
    with pytest.raises(DataFileError) as refused:
        ask(benefit)
    assert refused.value.field == field


@settings(max_examples=60, deadline=None)
@given(
    ceiling=st.integers(1, 10**9),
    decided=st.integers(0, 2 * 10**9),
    more=st.integers(0, 10**6),
)
def test_a_decision_lies_between_the_bounds_and_a_higher_ceiling_never_pays_less(
    ceiling: int, decided: int, more: int
) -> None:
    def of(fen: int, **stated: object) -> Benefit:
        return ask({"kind": "fixed", "yuan": str(D(fen) / 100), "up_to": True}, **stated)

    before, set_to = of(ceiling), str(D(decided) / 100)
    after = of(ceiling, claim_award_set_yuan=set_to).amount_yuan
    higher = of(ceiling + more, claim_award_set_yuan=set_to).amount_yuan
    assert after is not None
    assert higher is not None
    assert before.at_least_yuan is not None
    assert before.at_most_yuan is not None
    assert before.at_least_yuan <= after <= before.at_most_yuan
    assert after <= higher


def marked_as_ceilings(part: Any) -> int:
    if isinstance(part, dict):
        return (part.get("up_to") is True) + sum(marked_as_ceilings(each) for each in part.values())
    return sum(marked_as_ceilings(each) for each in part) if isinstance(part, list) else 0


def test_every_sum_the_texts_leave_below_a_ceiling_is_marked_so_and_no_other() -> None:
    documents = {path.stem: read_yaml(path, SEED) for path in rule_files("schemes")}
    assert {name for name, document in documents.items() if marked_as_ceilings(document)} == set(CEILINGS)
    for name, words in CEILINGS.items():
        numbers = re.findall(r"\d+(?:万元|‰)", words)
        assert marked_as_ceilings(documents[name]) == max(len(numbers), 1), words


def test_no_scheme_hides_a_ceiling_in_a_reading_or_in_the_fact_that_sets_it() -> None:
    for scheme in offers().schemes.values():
        for reading in scheme.readings:
            assert "最高" not in reading.note or scheme.id in CEILINGS, scheme.id
    for path in rule_files("schemes"):
        assert f"of: {SET}" not in path.read_text(encoding="utf-8"), path.name


def test_stacking_lists_a_ceiling_and_counts_none_of_it() -> None:
    sure = Candidate("a-sure", D(100_000), stacking=Stacking(group="g", cite="x"))
    bounded = Candidate("b-bounded", None, stacking=Stacking(group="g", cite="x"), at_most_yuan=D(400_000))
    found = resolve([sure, bounded])
    assert found.best.paid == (("a-sure", D(100_000)),), "what is sure is not given up for what may be"
    (left,) = found.left_out
    assert (left.ruling, left.at_most_yuan, left.yuan_with) == (Ruling.AMOUNT_UNKNOWN, 400_000, None)
    assert [pair.second for pair in left.barred_by] == ["a-sure"]
    assert "最高 400000 元" in left.words.zh
    assert "at most 400000 yuan" in left.words.en


def test_an_answer_carries_the_bound_into_the_resolver() -> None:

    result = liaocheng("lc-strong-town", claim_strong_town=True)
    option = Option("lc-strong-town", "award", Status.ELIGIBLE, result.requirements, benefit=result.benefit)
    (left,) = claimed_together(offers().schemes, [option]).left_out
    assert left.at_most_yuan == 500_000
