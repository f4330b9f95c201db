"""Tickets of repair over HTTP: opened by a repairable refusal, solved by the office, and the need is sent again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from service.books.rulebook import application_rules, working_days
from tests.cases_city import NOON, at, get, post
from tests.needs_calls import a_firm, need_of, stated, took, withdrawn
from tests.shell import Shell, a_code, is_problem

MOST = application_rules().at_most_lenders
Opened = tuple[Shell, str, dict[str, Any], dict[str, Any]]


@pytest.fixture
def opened() -> Opened:
    """A need that its first lender refused because taxes are owed."""
    shell, firm = a_firm()
    made = stated(shell, firm)
    took(shell, made["applications"][0], "decline", reason="tax_owed")
    (ticket,) = get(shell, "/v1/tickets", "firm", firm)["items"]
    return shell, firm, made, ticket


def step(shell: Shell, ticket: dict[str, Any], name: str, role: str = "office", tenant: str = "", **body: Any) -> Any:
    said = {"step": name, "text": "done", "version": ticket["version"]} | body
    return post(shell, f"/v1/tickets/{ticket['id']}/steps", said, role, tenant)


def test_a_repairable_refusal_opens_a_ticket_with_department_measure_and_day(opened: Opened) -> None:
    shell, firm, made, ticket = opened
    kind = application_rules().tickets["pay_taxes"]
    assert (ticket["type"]["id"], ticket["reason"]["id"], ticket["state"]["id"]) == ("pay_taxes", "tax_owed", "open")
    assert ticket["department"] == {"zh": kind.department.zh, "en": kind.department.en}
    assert ticket["measure"]["en"] == kind.measure.en
    assert ticket["due"] == str(working_days().add_working_days(NOON.date(), kind.working_days))
    assert ticket["application_id"] == made["applications"][0]["id"]
    assert not ticket["late"]
    at(shell, NOON + timedelta(days=40))
    assert get(shell, f"/v1/tickets/{ticket['id']}", "firm", firm)["late"]


def test_a_refusal_nothing_can_mend_opens_none() -> None:
    shell, firm = a_firm(1)
    took(shell, stated(shell, firm)["applications"][0], "decline", reason="leverage_high")
    assert get(shell, "/v1/tickets", "firm", firm)["items"] == []


def test_a_solved_ticket_sends_the_need_to_that_lender_again(opened: Opened) -> None:
    shell, firm, made, ticket = opened
    refused = made["applications"][0]["lender"]["id"]
    reported = step(shell, ticket, "report", "firm", firm).json()
    assert (reported["state"]["id"], reported["waits_for"]) == ("reported", "office")
    solved = step(shell, reported, "solve").json()
    assert solved["state"]["id"] == "solved"
    assert solved["closed_at"] is not None
    waiting = need_of(shell, made)
    busy = [each for each in waiting["applications"] if each["clock"]]
    assert len(busy) <= MOST
    if refused not in {each["lender"]["id"] for each in busy}:
        assert [each["lender"]["id"] for each in waiting["matches"] if each["again"]] == [refused]
        took(shell, busy[-1], "decline", reason="leverage_high")
        busy = [each for each in need_of(shell, made)["applications"] if each["clock"]]
    again = next(each for each in busy if each["lender"]["id"] == refused)
    assert (again["round"], again["state"]["id"]) == (2, "recommended")
    assert not any(each["again"] for each in need_of(shell, made)["matches"])


def test_a_ticket_solved_after_the_need_ended_asks_nobody(opened: Opened) -> None:
    shell, _, made, ticket = opened
    withdrawn(shell, made)
    assert step(shell, ticket, "solve").json()["state"]["id"] == "solved"
    assert not any(each["clock"] for each in need_of(shell, made)["applications"])


def test_the_office_may_send_back_and_the_firm_may_give_up(opened: Opened) -> None:
    shell, firm, _, ticket = opened
    reported = step(shell, ticket, "report", "firm", firm).json()
    back = step(shell, reported, "send_back").json()
    assert back["state"]["id"] == "open"
    dropped = step(shell, back, "drop", "firm", firm).json()
    assert dropped["state"]["id"] == "dropped"
    assert dropped["open_steps"] == []
    is_problem(step(shell, dropped, "report", "firm", firm), 409, "step_not_open")


def test_steps_are_taken_once_on_the_present_state_and_by_the_right_party(opened: Opened) -> None:
    shell, firm, _, ticket = opened
    is_problem(step(shell, ticket, "solve", "firm", firm), 409, "step_not_open")
    once = step(shell, ticket, "report", "firm", firm)
    assert step(shell, ticket, "report", "firm", firm).json() == once.json()
    is_problem(step(shell, ticket, "drop", "firm", firm), 409, "changed_meanwhile")
    is_problem(step(shell, once.json(), "solve", text="  "), 422, "text_missing")
    is_problem(step(shell, once.json(), "fly"), 422, "unknown_step")


def test_a_ticket_of_another_firm_is_none_and_lenders_have_none(opened: Opened) -> None:
    shell, firm, made, ticket = opened
    path = f"/v1/tickets/{ticket['id']}"
    is_problem(shell.http.get(path, headers=shell.asks("firm", a_code(78))), 404)
    is_problem(step(shell, ticket, "drop", "firm", a_code(78)), 404)
    is_problem(shell.http.get(path, headers=shell.asks("bank", made["applications"][0]["lender"]["id"])), 403)
    assert get(shell, "/v1/tickets", "firm", a_code(78))["items"] == []
    listed = get(shell, "/v1/tickets", "office", stage="open", limit=500)["items"]
    assert ticket["id"] in {each["id"] for each in listed}
    is_problem(shell.http.get("/v1/tickets", params={"stage": "x"}, headers=shell.asks("firm", firm)), 422)
