"""Cost lists over HTTP: drafted, confirmed by both, printed; who may see and confirm which."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import func, select

from models.tables import CostListConfirmation
from service.api.shapes import Page
from service.api.shapes_cost_list import CostListSummary
from service.books.rulebook import offers
from service.usecases.create_demo_clients import create_demo_clients
from tests.cost_list_calls import (
    BANK,
    DRAFT,
    FIRM,
    OTHER_BANK,
    OTHER_FIRM,
    SUBSIDY,
    agreed,
    charged,
    confirmed,
    drafted,
    read,
)
from tests.shell import Shell, a_shell, is_problem


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_shell(tmp_path_factory.mktemp("lists"))


# --- the form


def test_a_draft_comes_back_added_up_and_annualised(shell: Shell) -> None:
    made = drafted(shell, reference="sum")
    assert [(each["id"], each["charged_by"], each["when"], each["yuan"]) for each in made["items"]] == [
        ("interest", "bank", "instalments", "38500.00"),
        ("fee-1", "appraiser", "drawdown", "3000.00"),
        ("guarantee_fee-2", "guarantor", "yearly", "10000.00"),
    ]
    (subsidy,) = made["preferences"]
    assert (subsidy["id"], subsidy["zh"], subsidy["yuan"]) == (SUBSIDY, offers().schemes[SUBSIDY].name.zh, "16800.00")
    assert made["total_yuan"] == "34700.00"
    # 987,000 received; 1,038,500 − 16,800 due 366 days later
    assert made["all_in_annual_rate"] == pytest.approx((1_021_700 / 987_000) ** (365 / 366) - 1, abs=1e-6)
    assert made["reductions_open"][0]["yuan"] is None
    assert (made["state"], made["version"], made["comparison"]) == ("draft", 1, None)
    assert sha256(made["content"].encode()).hexdigest() == made["content_sha256"]
    first, last = made["all_in_steps"]
    assert (first["yuan"], last["yuan"], last["days"]) == ("987000.00", "-1021700.00", 366)
    assert abs(float(first["present_yuan"]) + float(last["present_yuan"])) < 1


def test_the_same_draft_again_changes_nothing_however_its_amounts_are_written(shell: Shell) -> None:
    first = drafted(shell, reference="again")
    again = drafted(shell, reference="again", principal_yuan="1000000.00", annual_rate="0.03850", status=200)
    assert again == first


def test_a_changed_draft_voids_earlier_confirmations(shell: Shell) -> None:
    first = drafted(shell, reference="changed")
    assert confirmed(shell, first, "firm", FIRM).json()["state"] == "firm_confirmed"
    second = drafted(shell, reference="changed", annual_rate="0.04")
    assert (second["id"], second["version"], second["state"]) == (first["id"], 2, "draft")
    assert second["confirmations"] == []
    (earlier,) = second["earlier"]
    assert earlier["content_sha256"] == first["content_sha256"]
    assert [each["side"] for each in earlier["void_confirmations"]] == ["firm"]
    problem = is_problem(confirmed(shell, first, "bank", BANK), 409, "other_list")
    assert second["content_sha256"] in problem["fix"]
    back = drafted(shell, reference="changed")
    assert (back["version"], back["state"]) == (3, "draft"), "the old words do not come back with the old content"


def test_a_list_of_the_banks_own_product_only(shell: Shell) -> None:
    own, other = (next(p.id for p in offers().products.values() if p.lender.id == bank) for bank in (BANK, OTHER_BANK))
    made = drafted(shell, reference="own", product=own)
    assert made["product"]["id"] == own
    answer = shell.http.post(
        f"/v1/firms/{FIRM}/cost-lists",
        json={**DRAFT, "product": other},
        headers=shell.asks("bank", BANK),
    )
    is_problem(answer, 422, "other_lender")


# --- confirmations


def test_both_confirm_with_time_and_name_and_then_it_stays(shell: Shell) -> None:
    made = drafted(shell, reference="both")
    confirmed(shell, made, "bank", BANK, "李某（虚构）")
    shell.clock.forward(minutes=5)
    confirmed(shell, made, "firm", FIRM, "王某（虚构）")
    shown = read(shell, made, "firm", FIRM).json()
    assert shown["state"] == "agreed"
    assert [(each["side"], each["name"], each["content_sha256"]) for each in shown["confirmations"]] == [
        ("bank", "李某（虚构）", made["content_sha256"]),
        ("firm", "王某（虚构）", made["content_sha256"]),
    ]
    first, second = (each["at"] for each in shown["confirmations"])
    assert first < second
    answer = shell.http.post(
        f"/v1/firms/{FIRM}/cost-lists",
        json={**DRAFT, "reference": "both", "annual_rate": "0.05"},
        headers=shell.asks("bank", BANK),
    )
    is_problem(answer, 409, "agreed")
    assert drafted(shell, reference="both", status=200)["state"] == "agreed"


def test_the_same_confirmation_again_changes_nothing(shell: Shell) -> None:
    made = drafted(shell, reference="repeat")
    first = confirmed(shell, made, "bank", BANK)
    shell.clock.forward(minutes=1)
    again = confirmed(shell, made, "bank", BANK)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json(), "the first moment stands"
    is_problem(confirmed(shell, made, "bank", BANK, "赵某（虚构）"), 409, "confirmed_before")
    with shell.office.read() as session:
        count = select(func.count()).where(CostListConfirmation.list_id == made["id"])
        assert session.scalar(count) == 1


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"name": " "}, 422, "name"),
        ({"name": ""}, 422, "name"),
        ({"name": "a\nb"}, 422, "name"),
        ({"content_sha256": "0" * 63}, 422, "content_sha256"),
        ({"content_sha256": "0" * 64}, 409, "content_sha256"),
        ({"side": "bank"}, 422, "side"),
    ],
)
def test_a_confirmation_that_is_none_is_refused(shell: Shell, body: dict[str, str], status: int, field: str) -> None:
    made = drafted(shell, reference=f"none-{field}-{status}-{len(str(body))}")
    assert is_problem(confirmed(shell, made, "firm", FIRM, **body), status)["field"] == field


# --- who may


def test_another_bank_and_another_firm_are_told_that_there_is_no_such_list(shell: Shell) -> None:
    made = agreed(shell, "private")
    for role, tenant in (("bank", OTHER_BANK), ("firm", OTHER_FIRM)):
        for answer in (
            read(shell, made, role, tenant),
            confirmed(shell, made, role, tenant),
            charged(shell, made, role, tenant, {"item": "fee-1", "on": "2023-11-06", "yuan": "1"}),
            shell.http.get(f"/v1/cost-lists/{made['id']}/form", headers=shell.asks(role, tenant)),
        ):
            is_problem(answer, 404, "unknown_cost_list")
    # a firm's code as a bank's tenant, and the reverse, open nothing
    is_problem(read(shell, made, "bank", FIRM), 404, "unknown_cost_list")
    is_problem(read(shell, made, "firm", BANK), 404, "unknown_cost_list")
    for role in ("office", "approver"):
        assert read(shell, made, role).status_code == 200
        is_problem(confirmed(shell, made, role, ""), 403, "forbidden")
    for role in ("auditor", "agency", "guarantor"):
        is_problem(read(shell, made, role, "x"), 403, "forbidden")
    is_problem(read(shell, {"id": "cl_0"}, "office"), 404, "unknown_cost_list")


def test_two_banks_with_one_reference_have_two_lists_and_each_sees_its_own(shell: Shell) -> None:
    ours, theirs = (
        drafted(shell, reference="shared", firm=OTHER_FIRM),
        drafted(shell, OTHER_BANK, reference="shared", firm=OTHER_FIRM),
    )
    assert ours["id"] != theirs["id"]
    seen = {}
    for role, tenant in (("bank", BANK), ("bank", OTHER_BANK), ("firm", OTHER_FIRM), ("office", "")):
        answer = shell.http.get(f"/v1/firms/{OTHER_FIRM}/cost-lists", headers=shell.asks(role, tenant))
        page = Page[CostListSummary].model_validate_json(answer.content)
        seen[role, tenant] = {each.id for each in page.items}
    both = {ours["id"], theirs["id"]}
    assert seen == {
        ("bank", BANK): {ours["id"]},
        ("bank", OTHER_BANK): {theirs["id"]},
        ("firm", OTHER_FIRM): both,
        ("office", ""): both,
    }
    answer = shell.http.get(f"/v1/firms/{OTHER_FIRM}/cost-lists", headers=shell.asks("firm", FIRM))
    is_problem(answer, 404, "unknown_firm")


# --- the page


def test_the_form_prints_in_both_languages_and_escapes_what_people_wrote(shell: Shell) -> None:
    made = drafted(shell, reference="<b>x</b>", firm_name="<script>甲</script>（虚构）")
    confirmed(shell, made, "bank", BANK, "李<i>某（虚构）")
    path = f"/v1/cost-lists/{made['id']}/form"
    zh, en = (shell.http.get(path, params={"lang": lang}, headers=shell.asks("firm", FIRM)) for lang in ("zh", "en"))
    assert zh.headers["content-type"] == "text/html; charset=utf-8"
    assert zh.headers["content-language"] == "zh"
    for words in ("企业贷款综合融资成本清单", "评估费", "评估机构", "38,500", "综合年化成本", made["content_sha256"]):
        assert words in zh.text, words
    for words in ("Cost list of a business loan", "Appraisal", "appraiser", "38,500", "All-in annual rate"):
        assert words in en.text, words
    for text in (zh.text, en.text):
        assert "<script" not in text
        assert "<b>x" not in text
        assert "李&lt;i&gt;某" in text
        assert "2024-11-0" in text, "the moment of the confirmation, in the city's time"
        assert "+0800" in text
    assert "虚构数据：" not in zh.text, "this office is no demo"


def test_an_agreed_form_shows_the_comparison(shell: Shell) -> None:
    made = agreed(shell, "form")
    charged(shell, made, "firm", FIRM, {"name": "咨询费", "charged_by": "bank", "on": "2023-11-07", "yuan": "5000"})
    path = f"/v1/cost-lists/{made['id']}/form"
    text = shell.http.get(path, params={"lang": "zh"}, headers=shell.asks("bank", BANK)).text
    assert "清单外收费" in text
    assert "咨询费（银行）" in text
    is_problem(shell.http.get(path, params={"until": "yesterday"}, headers=shell.asks("bank", BANK)), 422, "bad_date")


def test_the_form_of_a_demo_office_says_that_it_is_invented(tmp_path: Path) -> None:
    shell = a_shell(tmp_path)
    create_demo_clients(shell.office, [FIRM, OTHER_FIRM])
    made = drafted(shell)
    text = shell.http.get(f"/v1/cost-lists/{made['id']}/form?lang=en", headers=shell.asks("bank", BANK)).text
    assert "Synthetic data" in text
