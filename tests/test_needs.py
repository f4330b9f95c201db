"""Needs over HTTP: stated once, five things asked, sent to a few lenders at a time, re-offered, withdrawn, expired."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import func, select

from models.errors import RefusedInput
from models.tables import Application, AuditEntry, Contact, ContactPreference, Need
from service.access.auth import Action, Caller, Role, check_may
from service.api.inputs_needs import consent_of_body, wanted_of_body
from service.api.shapes_needs import ConsentGiven, WantedBody
from service.audit.journal import verify
from service.books.rulebook import application_rules, market_terms
from service.needs.card import need_card
from service.usecases.state_need import state_need
from tests.cases_city import NOON, at, get, post
from tests.cases_city import snapshot as newest_of
from tests.needs_calls import (
    WANTED,
    a_firm,
    consent_text,
    current,
    need_of,
    needs_city,
    stated,
    step,
    took,
    withdrawn,
)
from tests.shell import Shell, a_code, is_problem

MOST = application_rules().at_most_lenders
Case = tuple[Shell, str]


@pytest.fixture
def case() -> Case:
    return a_firm()


def open_ones(made: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in made["applications"] if each["clock"] is not None]


def inbox(shell: Shell, lender: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = get(shell, "/v1/applications", "bank", lender)["items"]
    return items


# --- stated once


def test_at_most_five_things_are_asked_and_the_rest_is_known_with_its_source(case: Case) -> None:
    shell, firm = case
    form = get(shell, f"/v1/firms/{firm}/needs/prefill", "firm", firm)
    assert form["asked"] == ["amount", "term", "use", "security", "valid_until"]
    assert len(form["asked"]) + len(form["known"]) == 17, "the 17 fields of the form"
    name = form["known"][0]
    assert (name["fact"], name["known"], name["source"]["id"]) == ("firm_name", True, "market_regulation")
    assert name["observed"] is not None
    for each in form["known"]:
        assert each["known"] == (each["value"] is not None), "unknown is shown as unknown"


def test_a_need_goes_to_the_best_lenders_a_few_at_a_time(case: Case) -> None:
    shell, firm = case
    made = stated(shell, firm)
    places = {each["lender"]["id"]: each["place"] for each in made["matches"]}
    assert sorted(places.values()) == list(range(1, len(places) + 1))
    asked = {each["lender"]["id"] for each in made["applications"]}
    assert len(asked) == MOST
    assert {places[each] for each in asked} == set(range(1, MOST + 1))
    assert {each["state"]["id"] for each in made["applications"]} == {"recommended"}
    for each in made["applications"]:
        assert each["clock"] == {
            "id": "answer", "since": "2024-12-02", "due": "2024-12-05", "late": False, "confirmed": False, "note": "",
        }  # fmt: skip


def test_the_same_need_sent_twice_is_one_also_at_the_same_moment(case: Case) -> None:
    shell, firm = case
    first = stated(shell, firm)
    assert stated(shell, firm)["id"] == first["id"]
    other = is_problem(post(shell, f"/v1/firms/{firm}/needs", WANTED | {"security": "credit"}, "firm", firm), 409)
    assert first["id"] in other["rule"]
    again = stated(shell, firm, use="fixed_assets")
    assert again["id"] != first["id"], "one open need for each use"
    withdrawn(shell, first)
    withdrawn(shell, again)
    headers = shell.asks("firm", firm)
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda _: shell.http.post(f"/v1/firms/{firm}/needs", json=WANTED, headers=headers), range(4))
        )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    with shell.office.read() as session:
        sent = session.scalar(select(func.count()).where(Application.need_id == answers[0].json()["id"]))
    assert sent == MOST


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"amount": {"low_yuan": "5", "high_yuan": "4"}}, "amount_yuan"),
        ({"amount": {"low_yuan": "1e6", "high_yuan": "4"}}, "amount.low_yuan"),
        ({"amount": {"low_yuan": "0", "high_yuan": "4"}}, "amount_yuan"),
        ({"term": {"number": 12, "unit": "week"}}, "term_unit"),
        ({"use": "holiday"}, "use"),
        ({"security": "gold"}, "security"),
        ({"valid_until": "2024-12-01"}, "valid_until"),
        ({"valid_until": "soon"}, "valid_until"),
        ({"weights": {"luck": 3}}, "luck"),
    ],
)
def test_a_need_that_cannot_be_is_refused_by_field(changed: dict[str, Any], field: str) -> None:
    shell, firm = a_firm(0)
    problem = is_problem(post(shell, f"/v1/firms/{firm}/needs", WANTED | changed, "firm", firm), 422)
    assert problem["field"] == field
    with shell.office.read() as session:
        assert session.scalar(select(func.count()).where(Need.firm == firm)) == 0


def test_a_need_nobody_lends_for_is_kept_and_says_so() -> None:
    shell, firm = a_firm(0)
    made = stated(shell, firm, term={"number": 40, "unit": "year"})
    assert (made["matches"], made["applications"], made["state"]) == ([], [], "open")


def test_a_person_needs_the_power_to_apply_and_to_consent(case: Case) -> None:
    shell, firm = case
    for powers, action in (({"view"}, "apply"), ({"apply"}, "consent")):
        caller = Caller("p", Role.FIRM, firm, person="p", powers=frozenset(powers))
        assert (action == "apply") != may_state(shell, caller)


def may_state(shell: Shell, caller: Caller) -> bool:
    try:
        check_may(caller, Action.STATE_NEED)
    except RefusedInput:
        return False
    shelf = shell.http.app.state.desk.shelf  # type: ignore[attr-defined]
    wanted = wanted_of_body(WantedBody(**WANTED))
    given = [consent_of_body(ConsentGiven(**consent_text(shell, caller.tenant, "tieyi-bank")))]
    with pytest.raises(RefusedInput, match="power to consent"):
        state_need(shell.office, shelf, caller, wanted, given, application_rules().weights, NOON, "r")
    return True


# --- consent


def test_a_lender_sees_a_card_until_the_firm_consents(case: Case) -> None:
    shell, firm = case
    made = stated(shell, firm)
    lender = made["applications"][0]["lender"]["id"]
    (line,) = [each for each in inbox(shell, lender) if each["need_id"] == made["id"]]
    assert (line["uscc"], line["name"], line["consent_id"], line["value"]) == (None, None, None, None)
    assert firm not in str(line)
    assert set(line["card"]) == {
        *("size_class", "industry_section", "district", "age_band", "grade", "score_band", "left_out"),
    }, "no id that could be laid beside a card of a search"
    detail = get(shell, f"/v1/applications/{line['id']}", "bank", lender)
    assert firm not in str(detail)
    assert detail["plan"] is None
    withdrawn(shell, made)
    given = stated(shell, firm, use="fixed_assets", consents=[consent_text(shell, firm, lender)])
    seen = [each for each in inbox(shell, lender) if each["need_id"] == given["id"]]
    for each in seen:
        assert (each["uscc"], each["card"]) == (firm, None)
        assert each["value"]["loss_given_default"] in ("0.40", "0.20")
    with shell.office.read() as session:
        consents = session.scalar(
            select(func.count()).where(AuditEntry.action == "give_consent", AuditEntry.firm == firm)
        )
    assert consents == 1


def test_a_consent_given_along_dies_with_the_need_that_is_refused(case: Case) -> None:
    shell, firm = case
    stated(shell, firm)
    body = WANTED | {"security": "credit", "consents": [consent_text(shell, firm, "tieyi-bank")]}
    is_problem(post(shell, f"/v1/firms/{firm}/needs", body, "firm", firm), 409, "need_open")
    assert get(shell, "/v1/consents", "firm", firm)["items"] == [], "one transaction: no need, no consent"
    wrong = {**consent_text(shell, firm, "tieyi-bank"), "text_sha256": "0" * 64}
    body = WANTED | {"use": "trade", "consents": [wrong]}
    is_problem(post(shell, f"/v1/firms/{firm}/needs", body, "firm", firm), 409, "other_words")
    assert [each["use"] for each in get(shell, f"/v1/firms/{firm}/needs", "firm", firm)["items"]] == ["working_capital"]


def test_a_firm_that_left_a_lender_out_of_contact_is_not_sent_to_it(case: Case) -> None:
    shell, firm = case
    free = stated(shell, firm)
    first = free["applications"][0]["lender"]["id"]
    withdrawn(shell, free)
    others = [each["lender"]["id"] for each in free["matches"] if each["lender"]["id"] != first]
    with shell.office.write() as session:
        session.add(
            ContactPreference(
                id=f"w_{firm}", firm=firm, open_key=firm, lenders=others, at_a_time=2, per_quarter=2,
                valid_until=NOON.date() + timedelta(30), given_by="test", given_at=NOON, ended_by="",
            )
        )  # fmt: skip
    made = stated(shell, firm, use="fixed_assets")
    assert first not in {each["lender"]["id"] for each in made["applications"]}
    with shell.office.read() as session:
        assert session.scalar(select(func.count()).where(Contact.firm == firm)) == 0, "an anonymous card is no contact"


# --- clocks


def test_silence_re_offers_the_need_and_counts_against_the_lender(case: Case) -> None:
    shell, firm = case
    made = stated(shell, firm)
    spoke, *silent = made["applications"]
    took(shell, spoke, "accept")
    at(shell, NOON + timedelta(days=3))
    assert len(open_ones(need_of(shell, made))) == MOST, "the last day of the limit still counts"
    at(shell, NOON + timedelta(days=4))
    later = need_of(shell, made)
    by_id = {each["id"]: each for each in later["applications"]}
    for each in silent:
        assert (by_id[each["id"]]["state"]["id"], by_id[each["id"]]["silent"]) == ("expired", True)
    assert by_id[spoke["id"]]["state"]["id"] == "accepted"
    new = [each for each in later["applications"] if each["id"] not in {one["id"] for one in made["applications"]}]
    waiting = [each["lender"]["id"] for each in made["matches"] if each["place"] > MOST]
    assert [each["lender"]["id"] for each in new] == waiting[: MOST - 1]
    assert len(open_ones(later)) <= MOST
    figures = {each["lender"]["id"]: each for each in get(shell, "/v1/monitoring/lenders", "office")["items"]}
    for each in silent:
        assert figures[each["lender"]["id"]]["silent"] >= 1
    refused = is_problem(step(shell, silent[0], "accept", version=1), 409)
    assert "expired" in refused["rule"]


def test_a_refusal_asks_the_next_lender_at_once(case: Case) -> None:
    shell, firm = case
    made = stated(shell, firm)
    took(shell, made["applications"][1], "decline", reason="district_not_served")
    later = need_of(shell, made)
    assert len(open_ones(later)) == MOST
    assert later["applications"][-1]["lender"] == made["matches"][MOST]["lender"]


def test_a_need_past_its_day_is_over_and_whoever_works_on_it_goes_on(case: Case) -> None:
    shell, firm = case
    made = stated(shell, firm, valid_until="2024-12-03")
    took(shell, made["applications"][0], "accept")
    at(shell, NOON + timedelta(days=2))
    later = need_of(shell, made)
    assert later["state"] == "expired"
    states = [each["state"]["id"] for each in later["applications"]]
    assert states == ["accepted", *["withdrawn"] * (MOST - 1)]
    assert not any(each["silent"] for each in later["applications"]), "nobody was late"
    assert stated(shell, firm, valid_until="2024-12-20")["id"] != made["id"], "its use is free again"


def test_withdrawing_ends_everything_that_is_not_drawn_and_twice_is_once(case: Case) -> None:
    shell, firm = case
    made = stated(shell, firm)
    seen = shell.http.get(f"/v1/firms/{firm}/needs/{made['id']}", headers=shell.asks("firm", firm)).headers["etag"]
    took(shell, made["applications"][0], "accept")
    answer = withdrawn(shell, made)
    assert answer.status_code == 200
    assert answer.json()["state"] == "withdrawn"
    assert {each["state"]["id"] for each in answer.json()["applications"]} == {"withdrawn"}
    before = current(shell, made["applications"][0])["version"]
    path, own = f"/v1/firms/{firm}/needs/{made['id']}", shell.asks("firm", firm)
    is_problem(shell.http.delete(path, headers=own | {"If-Match": seen}), 412, "changed_meanwhile")
    now = shell.http.get(path, headers=own).headers["etag"]
    assert shell.http.get(path, headers=own | {"If-None-Match": now}).status_code == 304
    assert shell.http.delete(path, headers=own | {"If-Match": now}).status_code == 200
    assert withdrawn(shell, made).json()["state"] == "withdrawn"
    assert current(shell, made["applications"][0])["version"] == before
    is_problem(step(shell, made["applications"][0], "review"), 409, "step_not_open")


# --- ranking


def test_weights_of_a_request_change_the_ranking_and_every_point_is_explained(case: Case) -> None:
    shell, firm = case
    path = f"/v1/firms/{firm}/needs/ranking"
    usual = post(shell, path, WANTED, "firm", firm).json()
    assert usual["weights"] == {"cost": "40", "chance": "30", "speed": "10", "fit": "20"}
    by_fit = post(shell, path, WANTED | {"weights": {"cost": 0, "chance": 0, "speed": 0}}, "office", "").json()
    assert by_fit["weights"]["fit"] == "20"
    for each in by_fit["items"]:
        counted = sum(one["points"] * one["counts"] for one in each["criteria"] if one["points"] is not None)
        assert float(each["points"]) == pytest.approx(counted, abs=0.01)
        assert [one["id"] for one in each["criteria"] if one["counts"]] == ["fit"]
    statuses = [each["status"] for each in usual["items"]]
    assert statuses == sorted(statuses, key=["eligible", "unknown"].index)


# --- who sees what


def test_a_need_of_another_firm_is_none(case: Case) -> None:
    shell, firm = case
    made = stated(shell, firm)
    other = a_code(77)
    for path in (f"/v1/firms/{firm}/needs", f"/v1/firms/{firm}/needs/{made['id']}"):
        is_problem(shell.http.get(path, headers=shell.asks("firm", other)), 404, "unknown_firm")
        is_problem(shell.http.get(path, headers=shell.asks("bank", made["applications"][0]["lender"]["id"])), 403)
        assert shell.http.get(path, headers=shell.asks("office")).status_code == 200
    is_problem(withdrawn(shell, made, "firm", other), 404, "unknown_firm")
    is_problem(withdrawn(shell, made, "office", ""), 403)
    mine = f"/v1/firms/{other}/needs/{made['id']}"
    is_problem(shell.http.get(mine, headers=shell.asks("firm", other)), 404)
    assert need_of(shell, made)["state"] == "open"


def test_the_journal_tells_it_all_and_holds(case: Case) -> None:
    shell, firm = case
    made = stated(shell, firm)
    took(shell, made["applications"][0], "decline", reason="leverage_high")
    withdrawn(shell, made)
    with shell.office.read() as session:
        entries = session.execute(
            select(AuditEntry.action, AuditEntry.actor).where(AuditEntry.firm == firm).order_by(AuditEntry.seq)
        ).all()
    told = [action for action, _ in entries]
    assert told.count("state_need") == 2
    assert told.count("step_application") == 1 + 1 + 1, "offered, declined, offered to the next"
    assert verify(shell.office).broken is None


def test_a_card_is_shared_by_enough_firms_and_carries_no_id() -> None:
    shell, _ = needs_city()
    found = newest_of(shell)
    cards = [need_card(found, row) for row in range(found.firms)]
    least = market_terms().release.smallest_group
    for card in cards:
        told = {name: value for name, value in card.items() if name != "left_out" and name not in card["left_out"]}
        alike = sum(all(band(found, row, name) == value for name, value in told.items()) for row in range(found.firms))
        assert alike >= least, card
        assert not any("id" in name.split("_") for name in card)
    assert any(card["left_out"] for card in cards)


def band(found: Any, row: int, name: str) -> Any:
    """The band of one firm, worked out from the value a snapshot tells."""
    if name == "score_band":
        score = found.value("score", row)
        return None if score is None else [int(score // 100) * 100, int(score // 100) * 100 + 100]
    if name == "age_band":
        months = found.facts(row).get("firm_age_months")
        edges: list[int | None] = [0, 12, 36, 60, 120, None]
        if months is None:
            return None
        return next([low, high] for low, high in pairwise(edges) if high is None or months < high)
    return found.value(name, row)
