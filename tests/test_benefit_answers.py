"""The answer of a benefit, kind by kind: nothing the arithmetic says is lost, and every kind has its words."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Any

import pytest

from matching.benefit_terms import KINDS
from matching.benefits import Benefit
from matching.benefits.guarantee import BEARERS
from matching.once import OnceAnswer
from matching.scheme_parts import BEFORE, LAST_ON, ONCE_PER, PAID, Once
from models.dates import parse_date
from models.truth import Truth
from service.answers.rules import benefit_answer, once_answer
from service.api.shapes_rules import BenefitShape, OnceShape
from service.books.rulebook import facts, offers
from service.cli.benefits import gives_words, show_benefit
from service.cli.output import Out
from service.labels import LANGUAGES, labels
from service.usecases.ask_scheme import ask_scheme
from tests.benefit_terms_said import AS_OF, ask, terms
from tests.test_benefit_faults import worked_examples

EXAMPLES = worked_examples()
#: Parts of a benefit that an answer names otherwise.
OTHERWISE = {"flows": "payments"}
RATES = ("annual_rate", "fee_annual_rate")


def worked_out(example: dict[str, Any]) -> Benefit:
    return ask(terms(**example["benefit"]), **example["given"])


def kinds(example: dict[str, Any]) -> str:
    return str(example["benefit"]["kind"])


@pytest.mark.parametrize("example", EXAMPLES, ids=kinds)
def test_an_answer_holds_everything_the_benefit_says(example: dict[str, Any]) -> None:
    benefit = worked_out(example)
    answer = benefit_answer(benefit)
    BenefitShape.model_validate(answer)
    assert set(answer) == {OTHERWISE.get(field.name, field.name) for field in fields(Benefit)} | {"zh", "en"}
    for name, value in vars(benefit).items():
        said = answer[OTHERWISE.get(name, name)]
        if name.endswith("_yuan"):
            assert said == (None if value is None else f"{value:.2f}"), name
        elif name in RATES:
            assert said == (None if value is None else float(value)), name
        elif isinstance(value, tuple):
            assert len(said) == len(value), name
    assert [each["amount_yuan"] for each in answer["parts"]] == [
        None if each.amount_yuan is None else f"{each.amount_yuan:.2f}" for each in benefit.parts
    ]
    assert [each["truth"] for each in answer["parts"]] == [each.truth.value for each in benefit.parts]


def test_every_kind_has_an_example_and_its_words_in_both_languages() -> None:
    assert {kinds(example) for example in EXAMPLES} == set(KINDS)
    for language in LANGUAGES:
        said = {kind: labels(language)(f"benefit_kind.{kind}") for kind in KINDS}
        assert len(set(said.values())) == len(KINDS), "no two kinds share a name"
        assert {f"bearer.{bearer}" for bearer in BEARERS} <= labels(language).texts.keys()
        assert {f"once.{per}" for per in ONCE_PER} <= labels(language).texts.keys()


def of_kind(kind: str) -> dict[str, Any]:
    return benefit_answer(worked_out(next(example for example in EXAMPLES if kinds(example) == kind)))


def test_bounds_stand_where_the_amount_is_unknown() -> None:
    answer = benefit_answer(ask(terms(kind="share_of_amount", of="sales_12m", share="0.01", cap_yuan=5000)))
    assert (answer["amount_yuan"], answer["at_least_yuan"], answer["at_most_yuan"]) == (None, "0.00", "5000.00")
    assert answer["missing"] == ["sales_12m"]


def test_money_that_is_given_back_and_paid_in_is_told_apart_from_what_is_kept() -> None:
    pool, equity = of_kind("pool"), of_kind("equity")
    assert Decimal(pool["contribution_low_yuan"]) <= Decimal(pool["contribution_high_yuan"])
    assert pool["amount_yuan"] is None
    assert pool["funding_yuan"] is not None
    assert equity["funding_yuan"] is not None
    assert sum(pool["shares"].values()) == pytest.approx(1) or not pool["shares"]


@pytest.mark.parametrize("kind", ["tiers", "staged", "split_years"])
def test_tiers_stages_and_years_each_say_whether_they_are_reached(kind: str) -> None:
    parts = of_kind(kind)["parts"]
    assert len(parts) > 1
    assert {part["truth"] for part in parts} <= {"met", "unmet", "unknown"}
    assert all(part["zh"] and part["en"] and part["cite"] for part in parts)


def test_what_is_no_money_is_named() -> None:
    answer = of_kind("in_kind")
    assert answer["given"]["zh"]
    assert answer["amount_yuan"] is None


@pytest.mark.parametrize("per", ONCE_PER)
def test_once_only_support_says_how_often_in_words(per: str) -> None:
    book = facts()
    rule = Once(per, None, "text:1", book[BEFORE], book[LAST_ON], book[PAID])
    answer = once_answer(OnceAnswer(rule, Truth.UNMET, {}, opens_on=parse_date("2027-01-01", "on")))
    assert answer is not None
    OnceShape.model_validate(answer)
    assert (answer["per"], answer["truth"], str(answer["opens_on"])) == (per, "unmet", "2027-01-01")
    assert answer["zh"]
    assert answer["en"]
    assert once_answer(None) is None


def test_the_answer_of_a_scheme_given_once_says_so() -> None:
    given_once = next(scheme.id for scheme in offers().schemes.values() if scheme.once)
    assert ask_scheme(given_once, {}, AS_OF)["once"]["per"] in ONCE_PER
    other = next(scheme.id for scheme in offers().schemes.values() if not scheme.once)
    assert ask_scheme(other, {}, AS_OF)["once"] is None


@pytest.mark.parametrize("example", EXAMPLES, ids=kinds)
@pytest.mark.parametrize("locale", ["zh_CN.UTF-8", "en_GB.UTF-8"])
def test_the_terminal_shows_every_kind(
    example: dict[str, Any], locale: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LANG", locale)
    monkeypatch.delenv("LC_ALL", raising=False)
    out, answer = Out(as_json=False), benefit_answer(worked_out(example))
    show_benefit(out, answer, None)
    shown = capsys.readouterr().out
    assert out.t.name(answer) in shown
    for name in ("amount_yuan", "fee_yuan", "funding_yuan", "contribution_high_yuan"):
        if answer[name] is not None:
            assert f"{int(Decimal(answer[name])):,}" in shown, name
    for part in answer["parts"]:
        assert out.t.name(part) in shown
    words = gives_words(out, answer)
    if answer["amount_yuan"] is not None and not answer["given"]:
        assert f"{int(Decimal(answer['amount_yuan'])):,}" in words


def test_nothing_known_is_no_promise() -> None:
    out = Out(as_json=False)
    assert gives_words(out, None) == ""
    assert gives_words(out, benefit_answer(Benefit("fixed"))) == ""
    assert "5,000" in gives_words(out, benefit_answer(Benefit("fixed", at_most_yuan=Decimal(5000))))
