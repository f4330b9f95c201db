"""What a scheme's file says beside conditions: plans, cards, once-only rules, claims, and what is not confirmed."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from typing import Any

import pytest
import yaml

from matching.evaluate_scheme import SchemeResult, evaluate_scheme
from matching.facts import FactBook, Source, parse_facts
from matching.schemes import Scheme, parse_scheme
from matching.verdicts import Verdict
from models.errors import DataFileError
from service.books.rulebook import facts, offers, parameters, rules, rules_digest
from service.books.seedbook import rule_set

AWARD = """
id: an-award
kind: scheme
city: shenyang
zh: 奖励
en: Award
offers: award
office: {zh: 办, en: Office}
cite: "000:98"
confirmed: true
valid: {from: 2024-01-01, until: {reading: last_day}, selected_by: claim_on}
readings:
  - {id: last_day, zh: 最后一日, en: Last day, value: "2024-12-31", note: source silent; the year of the plan}
service_class: instant
card: {beneficiaries: {zh: 建筑业企业, en: Builders}, phone: ""}
once: {per: firm, window_months: 12, cite: "000:98 同一年度"}
stacking: {group: building, group_rule: highest_only, cite: "000:98 按最高项"}
conditions:
  all:
    - {fact: private_owned, op: is, value: true, cite: "000:98"}
benefit: {kind: fixed, yuan: 100000, cite: "000:98 10万元"}
documents: []
"""


def award(**changed: Any) -> Scheme:
    return parse_scheme({**deepcopy(yaml.safe_load(AWARD)), **changed}, facts(), parameters())


def ask(scheme: Scheme, on: date = date(2024, 6, 3), **values: Any) -> SchemeResult:
    stated = {"private_owned": True, "claim_on": "2024-06-03", **values}
    return evaluate_scheme(scheme, facts().read_values(stated), parameters(), on)


def test_every_part_is_read() -> None:
    scheme = award()
    assert scheme.service_class == "instant"
    assert scheme.card.beneficiaries is not None
    assert scheme.card.beneficiaries.en == "Builders"
    assert (scheme.card.redeemed, scheme.card.place, scheme.card.phone) == (None, None, "")
    assert scheme.once is not None
    assert (scheme.once.per, scheme.once.window_months) == ("firm", 12)
    assert scheme.stacking.group == "building"
    assert scheme.validity.until == date(2024, 12, 31), "a day may be a reading"
    silent = award(service_class=None, card=None, once=None, stacking=None)
    assert (silent.service_class, silent.once, silent.stacking.group) == ("ordinary", None, "")


def test_the_day_of_the_claim_decides() -> None:
    assert ask(award()).verdict is Verdict.MET
    assert ask(award(), claim_on="2025-01-01").verdict is Verdict.EXPIRED
    assert ask(award(), claim_on="2023-12-31").verdict is Verdict.NOT_YET
    assert ask(award(), claim_on=None).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("changed", "awaited"),
    [
        ({"planned": True}, "The office brings the plan into force"),
        ({"terms_published": False}, "The office publishes the terms"),
        ({"terms_published": False, "planned": True}, "The office brings the plan into force"),
    ],
)
def test_what_is_planned_or_unpublished_is_never_met(changed: dict[str, Any], awaited: str) -> None:
    for benefit in (None, yaml.safe_load(AWARD)["benefit"]):
        result = ask(award(**changed, benefit=benefit))
        assert result.verdict is Verdict.UNKNOWN
        assert result.settled_by[0] == awaited
        assert ask(award(**changed, benefit=benefit), private_owned=False).verdict is Verdict.UNMET


def test_an_answer_says_what_is_not_confirmed() -> None:
    assert ask(award()).confirmed
    unread = ask(award(confirmed=False))
    assert (unread.confirmed, unread.unconfirmed) == (False, ("an-award: all its terms (000:98)",))
    named = ask(award(confirmed=False, unconfirmed=[{"zh": "10万元", "en": "the 100,000 yuan"}]))
    assert named.unconfirmed == ("an-award: the 100,000 yuan",)
    with pytest.raises(DataFileError, match="not confirmed"):
        award(unconfirmed=[{"zh": "10万元", "en": "the 100,000 yuan"}])


def test_a_dated_number_without_confirmation_is_named_wherever_it_is_used() -> None:
    late = date(2030, 1, 1)
    condition = {"fact": "loan_annual_rate", "op": "le", "value": {"param": "lpr_1y"}, "cite": "x"}
    asked = award(valid=None, readings=[], conditions={"all": [condition]})
    equity = {"kind": "equity", "cap_yuan": 5, "months_at_most": 36, "return_cap": {"parameter": "lpr_1y"}, "cite": "x"}
    paid = award(valid=None, readings=[], benefit=equity)
    for scheme in (asked, paid):
        result = ask(scheme, late, loan_annual_rate="0.01")
        assert not result.confirmed
        assert result.unconfirmed[0].startswith("lpr_1y on 2030-01-01: Last confirmed on")
        assert ask(scheme, date(2024, 10, 31), loan_annual_rate="0.01").confirmed


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"service_class": "slow"}, "service_class"),
        ({"card": {"fax": "1"}}, "fax"),
        ({"card": {"place": {"zh": "窗口"}}}, "en"),
        ({"once": {"per": "month", "cite": "x"}}, "per"),
        ({"once": {"per": "year"}}, "cite"),
        ({"once": {"per": "year", "window_months": 0, "cite": "x"}}, "window_months"),
        ({"planned": "soon"}, "planned"),
        ({"stacking": {"group": "x"}}, "cite"),
        ({"defines": [{"fact": "claim_on"}]}, "defines"),
        ({"limit": {"yuan": 5, "larger_loans": "capped", "cite": "x"}}, "larger_loans"),
        ({"valid": {"selected_by": "claim_year"}}, "selected_by"),
    ],
)
def test_a_faulty_part_is_refused(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(DataFileError) as refused:
        award(**{"readings": [], "valid": None, **changed})
    assert refused.value.field == field


# --- facts of a claim


def test_claims_are_facts_of_their_own_from_every_citys_file() -> None:
    claims = facts().of_source(Source.CLAIM)
    assert {"claim_on", "claim_enjoyed_yuan", "claim_pool_yuan"} <= {spec.id for spec in claims}
    assert all(spec.id.startswith("claim_") and spec.settled_by and spec.settled_by_zh for spec in claims)
    files = [name for name in rule_set().files if name.startswith("claim_facts/")]
    listed = {entry["id"] for name in files for entry in rule_set().document(name)}
    assert listed <= {spec.id for spec in claims}


@pytest.mark.parametrize(
    ("section", "claims", "field"),
    [
        ([], [[{"id": "output", "kind": "money"}]], "id"),
        ([{"id": "claim_x", "kind": "money"}], [[{"id": "claim_x", "kind": "money"}]], "id"),
        ([], [[{"id": "claim_x", "kind": "colour"}]], "kind"),
    ],
)
def test_a_faulty_claim_is_refused(section: list[Any], claims: list[list[Any]], field: str) -> None:
    said = {"zh": "甲", "en": "a", "settled_by": "a paper", "settled_by_zh": "文件"}
    filled = [[{**said, **entry} for entry in entries] for entries in claims]
    with pytest.raises(DataFileError) as refused:
        parse_facts({"claim": [{**said, **entry} for entry in section]}, (), filled)
    assert refused.value.field == field


def test_only_facts_of_a_claim_are_called_so() -> None:
    said = {"zh": "甲", "en": "a", "settled_by": "a paper", "settled_by_zh": "文件", "kind": "flag"}
    with pytest.raises(DataFileError, match="begin with claim_"):
        parse_facts({"loan": [{**said, "id": "claim_x"}]})
    assert isinstance(parse_facts({"claim": [{**said, "id": "claim_x"}]}), FactBook)


def test_the_digest_names_every_file_that_facts_and_sizes_rest_on() -> None:
    held = rule_set().files
    assert {"facts.yaml", "sizes.yaml", "industries.yaml", "agencies.yaml"} <= set(held)
    assert any(name.startswith("claim_facts/") for name in held)
    assert rules_digest() == rule_set().digest
    assert rules().files is rule_set()


def test_no_scheme_of_the_seed_that_is_planned_or_without_terms_is_ever_met() -> None:
    waiting = [scheme for scheme in offers().schemes.values() if not scheme.grantable]
    for scheme in waiting:
        everything = evaluate_scheme(scheme, {}, parameters(), date(2024, 6, 3))
        assert everything.verdict is not Verdict.MET
