"""Policy cards: what a card says, in both languages; clocks in working days; what is counted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from matching.conditions import parse_conditions
from matching.nodes import Condition, Op, leaves
from models.errors import NotFound, RefusedInput
from service.answers.wording import in_words
from service.api.shapes_card import CardShape
from service.books.rulebook import facts, offers, parameters
from service.cli import run
from service.labels import labels
from service.usecases.count_usage import usage_by_scheme
from service.usecases.scheme_card import scheme_card
from service.web.encode import encode
from tests.shell import Shell, a_shell, is_problem

DAY = date(2024, 10, 31)
FIRST_LOAN = "sy-first-loan-subsidy-2024"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_shell(tmp_path_factory.mktemp("cards"))


def words(raw: dict[str, Any]) -> tuple[str, str]:
    node = parse_conditions(raw, facts())
    return in_words(node, labels("zh"), parameters()), in_words(node, labels("en"), parameters())


def test_every_scheme_has_a_card_in_both_languages() -> None:
    for name, scheme in offers().schemes.items():
        card = json.loads(encode(scheme_card(name, DAY, DAY)))
        CardShape.model_validate(card)
        for condition in card["conditions"]:
            assert condition["zh"]
            assert condition["en"]
            assert condition["cites"], name
        assert card["office"]["zh"]
        assert card["service_class"]["id"] == scheme.service_class
        assert card["phone"] == (scheme.card.phone or None), "a phone comes from the text or not at all"


@pytest.mark.parametrize(
    ("condition", "zh", "en"),
    [
        (
            {"fact": "loan_amount_yuan", "op": "le", "value": 10_000_000},
            "贷款金额 ≤ 10,000,000 元",
            "Loan amount ≤ 10,000,000 yuan",
        ),
        ({"fact": "loan_annual_rate", "op": "lt", "value": "0.0435"}, "贷款年利率 < 4.35 %", None),
        ({"fact": "loan_first", "op": "is", "value": True}, "首次贷款：是", "First loan of the firm: yes"),
        ({"fact": "loan_first", "op": "is_not", "value": True}, "首次贷款：否", "First loan of the firm: no"),
        ({"fact": "size_class", "op": "in", "value": ["micro", "small"]}, "企业规模 属于 微型、小型", None),
        ({"fact": "firm_age_months", "op": "ge", "value": 24}, None, "Age of the firm ≥ 24 months"),
        ({"fact": "loan_contract_on", "op": "ge", "value": "2024-01-01"}, "贷款合同签订日 ≥ 2024-01-01", None),
        (
            {"fact": "loan_term_months", "op": "between", "value": [6, 12]},
            "贷款期限 在 6 个月 与 12 个月 之间（含）",
            "Term of the loan from 6 months to 12 months",
        ),
        (
            {"fact": "loan_annual_rate", "op": "gt", "value": {"param": "lpr_1y", "times": "0.70"}},
            None,
            f"Annual rate of the loan > 0.7 × {parameters()['lpr_1y'].en}",
        ),
        ({"not": {"fact": "live", "op": "is", "value": True}}, "非（存续：是）", "not (Registered and active: yes)"),
        (
            {
                "any": [
                    {"fact": "size_class", "op": "in", "value": ["micro", "small"]},
                    {"fact": "live", "op": "known"},
                ]
            },
            None,
            "(Size class in micro or small) or Registered and active is known",
        ),
    ],
)
def test_conditions_are_said_in_words(condition: dict[str, Any], zh: str | None, en: str | None) -> None:
    said = words(condition)
    assert said[0] == (zh or said[0])
    assert said[1] == (en or said[1])


def test_the_first_loan_card_says_what_its_text_says_and_invents_nothing() -> None:
    card = scheme_card(FIRST_LOAN, DAY)
    assert card["state"] == "in_force"
    assert (card["valid_from"], card["valid_until"]) == (date(2024, 1, 1), date(2024, 12, 31))
    assert card["selected_by"]["fact"] == "loan_contract_on"
    assert card["phone"] is None
    assert {reading["id"] for reading in card["readings"]} >= {"lpr_day", "larger_loans"}
    assert scheme_card(FIRST_LOAN, date(2025, 1, 1))["state"] == "expired"
    assert scheme_card(FIRST_LOAN, date(2023, 12, 31))["state"] == "not_yet"


def test_editions_name_each_other() -> None:
    old = scheme_card("cn-government-guarantee-2019", DAY)
    new = scheme_card("cn-government-guarantee-2025", DAY)
    assert old["superseded_by"]["scheme"] == "cn-government-guarantee-2025"
    assert new["supersedes"][0]["scheme"] == "cn-government-guarantee-2019"
    assert new["supersedes"][0]["valid_until"] == date(2025, 2, 28)
    assert not old["confirmed"]


def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first-loan subsidy as if it were paid out quickly."""
    scheme = deepcopy(offers().schemes[FIRST_LOAN])
    object.__setattr__(scheme, "service_class", "fast")
    monkeypatch.setitem(offers().schemes, FIRST_LOAN, scheme)


def test_a_fast_scheme_ends_its_clock_sixty_working_days_after_the_application(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fast(monkeypatch)
    clock = scheme_card(FIRST_LOAN, DAY, DAY)["clocks"][0]
    assert (clock["working_days"], clock["started_on"], clock["due_on"]) == (60, DAY, date(2025, 1, 24))
    assert not clock["confirmed"]
    assert "another province" in clock["note"]
    open_ended = scheme_card(FIRST_LOAN, DAY)["clocks"][0]
    assert open_ended["due_on"] is None
    assert open_ended["started_on"] is None


def test_a_clock_beyond_the_calendar_has_no_end_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    fast(monkeypatch)
    clock = scheme_card(FIRST_LOAN, DAY, date(2026, 12, 1))["clocks"][0]
    assert clock["due_on"] is None
    assert not clock["confirmed"]
    assert "2026-12-31" in clock["note"]


def test_cards_and_self_tests_are_counted_and_a_refused_one_is_not(shell: Shell) -> None:
    headers = shell.asks("bank", "bank-1")
    path = f"/v1/schemes/{FIRST_LOAN}"
    card = shell.http.get(f"{path}/card", params={"applied_on": "2024-10-31"}, headers=headers)
    assert card.status_code == 200
    CardShape.model_validate_json(card.content)
    shell.http.get(f"{path}/card", headers=headers)
    shell.http.post(f"{path}/evaluate", json={"facts": {"size_class": "small"}}, headers=headers)
    is_problem(shell.http.post(f"{path}/evaluate", json={"facts": {"size": "small"}}, headers=headers), 422)
    is_problem(shell.http.get("/v1/schemes/no-such/card", headers=headers), 404, "unknown_scheme")
    is_problem(shell.http.get(f"{path}/card", params={"applied_on": "today"}, headers=headers), 422, "bad_date")
    day = date(2024, 11, 5)
    assert usage_by_scheme(shell.office, day, day) == {
        FIRST_LOAN: {"seen": 2, "self_tested": 1, "matched": 0, "applied": 0, "paid": 0}
    }


@pytest.mark.parametrize("language", ["zh_CN.UTF-8", "en_GB.UTF-8"])
def test_the_commands_show_card_and_usage(
    shell: Shell, language: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LANG", language)
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.setenv("RONGQIAO_HOME", str(shell.office.home))
    assert run(["scheme", "show", FIRST_LOAN, "--as-of", "2024-10-31", "--applied-on", "2024-10-31"]) == 0
    out = capfd.readouterr().out
    assert "000:83" in out
    assert ("首次贷款：是" if language.startswith("zh") else "First loan of the firm: yes") in out
    assert run(["scheme", "usage", "--since", "2024-11-01", "--until", "2024-11-30"]) == 0
    capfd.readouterr()
    assert run(["scheme", "show", FIRST_LOAN, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["id"] == FIRST_LOAN
    assert run(["scheme", "usage", "--since", "2024-11-01", "--until", "2024-11-30", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["since"] == "2024-11-01"
    assert run(["scheme", "show", "no-such", "--json"]) == 2
    assert run(["scheme", "show", FIRST_LOAN, "--as-of", "2024-02-30", "--json"]) == 2


def test_an_unknown_scheme_has_no_card(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        scheme_card("no-such", DAY)


CHINESE = re.compile("[\u4e00-\u9fff]")
#: Words that are written in Latin letters in Chinese texts as well.
LATIN = frozenset({"LPR", "REITs"})


def chinese_texts(part: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Every text of an answer that stands under ``zh``, with its place."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "zh" and isinstance(value, str):
                yield at, value
            else:
                yield from chinese_texts(value, f"{at}.{name}")
    elif isinstance(part, list):
        for each in part:
            yield from chinese_texts(each, at)


@pytest.mark.parametrize("scheme_id", sorted(offers().schemes))
def test_a_chinese_card_is_in_chinese(scheme_id: str) -> None:
    for at, text in chinese_texts(scheme_card(scheme_id, DAY)):
        assert CHINESE.search(text), f"{scheme_id}{at}: {text}"
        assert set(re.findall(r"[A-Za-z_]{2,}", text)) <= LATIN, f"{scheme_id}{at}: {text}"


def test_a_card_says_in_words_how_often_support_is_given() -> None:
    three_years = scheme_card("fs-technology-sme", date(2021, 6, 30))["once"]
    assert (three_years["zh"], three_years["en"]) == ("36 个月内一次", "once in 36 months")
    good = scheme_card("fs-newly-above-scale", date(2021, 6, 30))["once"]
    assert (good["zh"], good["en"]) == ("每户企业一次", "once a firm")
    assert scheme_card("sy-insurer-award-2024", DAY)["once"] is None


def test_every_fact_code_and_document_has_chinese_words() -> None:
    for spec in facts().values():
        assert CHINESE.search(spec.zh), spec.id
        assert CHINESE.search(spec.settled_by_zh), spec.id
        for code in spec.codes:
            shown = in_words(Condition(spec, Op.IS, (code,)), labels("zh"), parameters()).removeprefix(spec.zh)
            assert CHINESE.search(shown), f"{spec.id}.{code}"
    for scheme in offers().schemes.values():
        for leaf in leaves(scheme.conditions):
            assert bool(leaf.settled_by) is bool(leaf.settled_by_zh), leaf.where
    for product in offers().products.values():
        assert all(CHINESE.search(paper.zh) for paper in product.evidence), product.id


def test_a_rules_own_document_is_named_in_both_languages() -> None:
    rule = {"fact": "live", "op": "is", "value": True, "cite": "x", "settled_by": "Licence"}
    with pytest.raises(RefusedInput, match="both languages"):
        parse_conditions(rule, facts(), cited=True)
    said = parse_conditions({**rule, "settled_by_zh": "营业执照"}, facts(), cited=True)
    assert isinstance(said, Condition)
    assert (said.settled_by, said.settled_by_zh) == ("Licence", "营业执照")
