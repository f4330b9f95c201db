"""What applications come to: refusals shown, first loan, ledgers, figures, chances."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select

from models.tables import Application, LoanEntry
from service.books.rulebook import application_rules, offers
from service.usecases.replay_receipt import replay_receipt
from service.web.encode import encode
from tests.cases_city import NOON, at, get, post
from tests.needs_calls import (
    a_firm,
    approved,
    drawn,
    need_of,
    stated,
    took,
)
from tests.shell import Shell, is_problem

MOST = application_rules().at_most_lenders
Case = tuple[Shell, str]


SUBSIDY = "sy-first-loan-subsidy-2024"


@pytest.fixture
def case() -> Case:
    return a_firm()


# --- what outcomes feed back


def test_a_refusal_is_shown_to_the_firm_with_what_the_stated_rules_would_ask(case: Case) -> None:
    shell, firm = case
    made = stated(shell, firm)
    first = made["applications"][0]
    took(shell, first, "decline", reason="leverage_high", text="Debt is 80 % of assets.")
    mine = get(shell, f"/v1/applications/{first['id']}", "firm", firm)
    assert (mine["reason"]["id"], mine["reason"]["repairable"]) == ("leverage_high", False)
    assert mine["steps"][-1]["text"] == "Debt is 80 % of assets."
    assert mine["plan"] == {"stated_rules_met": first["met_stated_rules"], "near_miss": None}


def test_a_drawn_loan_ends_the_first_loan_until_the_feed_says_so_itself() -> None:
    shell, firm, made, first = a_first_time_borrower()
    before = get(shell, f"/v1/firms/{firm}/options", "firm", firm)
    assert {each["scheme"]: each["first"] for each in before["first_loan"]}[SUBSIDY] is True
    assert "platform" not in before
    drawn(shell, approved(shell, made, first))
    after = get(shell, f"/v1/firms/{firm}/options", "firm", firm)
    assert {each["scheme"]: each["first"] for each in after["first_loan"]}[SUBSIDY] is False
    assert after["platform"] == [
        {"fact": "ever_borrowed", "value": True, "since": "2024-12-02", "source": "platform"}
    ]  # fmt: skip
    assert after["snapshot_id"] == before["snapshot_id"]
    for answer in (before, after):
        replayed = replay_receipt(shell.office, answer["receipt_id"])
        assert replayed.broken is None
        again = orjson.loads(encode(replayed.answer))
        assert again == {name: answer[name] for name in again}
    entries = entries_of(shell, firm)
    principal = entries["loan", ""]
    assert principal == 50_000_000
    assert entries[("subsidy", SUBSIDY)] is not None, "the first loan earned its subsidy, and the next will not"
    past = get(shell, f"/v1/firms/{firm}/options", "firm", firm, as_of=after["as_of"])
    assert ("platform" in past) == (after["as_of"] >= "2024-12-02"), "as of a day, what was drawn by then"


def a_first_time_borrower() -> tuple[Shell, str, dict[str, Any], int]:
    """A firm that never borrowed and meets the rules of the subsidy, and the place of a bank among those asked."""
    while True:
        shell, firm = a_firm(1)
        facts = {each["id"]: each["value"] for each in get(shell, f"/v1/firms/{firm}/profile", "firm", firm)["items"]}
        offered = get(shell, f"/v1/firms/{firm}/options", "firm", firm)["options"]
        if (
            facts["ever_borrowed"] is not False
            or {each["id"]: each["status"] for each in offered}[SUBSIDY] != "eligible"
        ):
            continue
        made = stated(shell, firm)
        for place, each in enumerate(made["applications"]):
            if offers().products[each["product"]["id"]].lender.kind == "bank":
                return shell, firm, made, place


def entries_of(shell: Shell, firm: str) -> dict[tuple[str, str], int | None]:
    with shell.office.read() as session:
        rows = session.scalars(select(LoanEntry).where(LoanEntry.firm == firm)).all()
    return {(row.kind, row.scheme): row.fen for row in rows}


def test_the_ledgers_sum_to_the_drawn_loans(case: Case) -> None:
    shell, firm = case
    drawn(shell, approved(shell, stated(shell, firm)), amount="345678.90")
    with shell.office.read() as session:
        total = int(session.scalar(select(func.sum(Application.drawn_fen))) or 0)
        loans = session.scalar(select(func.sum(LoanEntry.fen)).where(LoanEntry.kind == "loan"))
        joined = select(LoanEntry.fen, Application.drawn_fen).join(Application)
        guaranteed = session.execute(joined.where(LoanEntry.kind == "guarantee")).all()
    assert total == loans
    assert all(used == lent for used, lent in guaranteed)
    told = get(shell, "/v1/monitoring/ledgers", "office")
    assert told["drawn"]["yuan"] == f"{total // 100}.{total % 100:02d}"
    lines = {(each["kind"], each["scheme"]["id"]) for each in told["items"]}
    assert all(kind in ("guarantee", "subsidy") for kind, _ in lines)


def test_a_loan_below_the_range_leaves_the_need_open(case: Case) -> None:
    shell, firm = case
    made = stated(shell, firm)
    drawn(shell, approved(shell, made), amount="1000")
    assert need_of(shell, made)["state"] == "open"
    assert sum(each["clock"] is not None for each in need_of(shell, made)["applications"]) <= MOST


def test_figures_of_lenders_and_products_count_what_happened(case: Case) -> None:
    shell, firm = case
    made = stated(shell, firm)
    lender, product = (made["applications"][0][name]["id"] for name in ("lender", "product"))
    before = figure(shell, lender)
    at(shell, NOON + timedelta(days=2))
    took(shell, made["applications"][0], "decline", reason="leverage_high")
    after = figure(shell, lender)
    assert after["decided"] - before["decided"] == 1
    assert after["answered"] - before["answered"] == 1
    assert after["waiting"] - before["waiting"] == -1
    assert after["approved"] == before["approved"]
    assert after["longest_days_to_decision"] >= 2
    reasons = {each["id"]: each["count"] for each in after["reasons"]}
    assert reasons["leverage_high"] >= 1
    products = {each["product"]["id"]: each for each in get(shell, "/v1/monitoring/stated-rules", "office")["items"]}
    assert products[product]["decisions"] >= 1
    assert products[product]["tested"] == (products[product]["met_stated_rules"] >= 20)
    is_problem(shell.http.get("/v1/monitoring/lenders", headers=shell.asks("bank", lender)), 403)


def figure(shell: Shell, lender: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        each for each in get(shell, "/v1/monitoring/lenders", "office")["items"] if each["lender"]["id"] == lender
    )
    return found


def test_decisions_move_the_chance_in_the_ranking(case: Case) -> None:
    shell, firm = case
    made = stated(shell, firm)
    first = made["applications"][0]
    took(shell, first, "decline", reason="leverage_high")
    path = f"/v1/firms/{firm}/needs/ranking"
    body = {name: made[name] for name in ("use", "security", "valid_until")}
    body |= {"amount": {"low_yuan": "200000", "high_yuan": "3000000"}, "term": {"number": 12, "unit": "month"}}
    ranked = post(shell, path, body, "firm", firm).json()["items"]
    chance = next(each["chance"] for each in ranked if each["product"]["id"] == first["product"]["id"])
    assert chance["decisions"] >= 1, "a like firm, itself, was refused"
    assert 0 <= chance["low"] <= chance["share"] <= chance["high"] <= 1
