"""The post-loan watch over two snapshots: what is told to whom, once; what revoking does; who may stand for whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from models.tables import BorrowerAlert, WatchedBorrower
from service.access.auth import Caller, Role
from service.books.rulebook import lenders
from service.cli.program import run_program
from service.clock import utc_now
from service.snapshot.shelf import Shelf
from service.usecases.consent import revoke_consent
from service.usecases.watch_borrowers import watch_borrowers
from tests.borrowers_office import (
    DAY,
    EVERYTHING,
    FALLING,
    FIRMS,
    LED_ANEW,
    LISTED,
    PENALISED,
    QUIET,
    RING_A,
    RING_B,
    RING_C,
    STRANGER,
    TAXED,
    consent,
    watched_shell,
)
from tests.shell import Shell, is_problem

BANK, OTHER, THIRD = [lender.id for lender in lenders().values() if lender.kind == "bank"][:3]
#: What the second month brings, told in words: firm, alert, severity, day.
NEWS = {
    (PENALISED, "new-penalty", "high", "2024-10-10"),
    (TAXED, "tax-grade-lost", "medium", "2024-10-08"),
    (FALLING, "invoices-falling", "medium", "2024-10-31"),
    (FALLING, "staff-falling", "medium", "2024-10-31"),
    (LISTED, "listed-dishonest-debtor", "high", "2024-10-05"),
    (RING_B, "listed-dishonest-debtor", "high", "2024-10-06"),
    (LED_ANEW, "representative-changed", "medium", "2024-10-09"),
    (RING_A, "circle-stress", "high", "2024-10-31"),
    (RING_C, "circle-stress", "medium", "2024-10-31"),
}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    shell = watched_shell(tmp_path_factory.mktemp("borrowers"), BANK, OTHER)
    yield shell
    shell.office.close()


def ask(shell: Shell, lender: str, path: str = "/v1/borrowers/alerts", **parameters: Any) -> Any:
    headers = shell.asks("bank", lender) | {"X-Purpose": "post_loan"}
    return shell.http.get(path, headers=headers, params=parameters)


def post(shell: Shell, lender: str, path: str, body: dict[str, Any] | None = None) -> Any:
    headers = shell.asks("bank", lender) | {"X-Purpose": "post_loan"}
    return shell.http.post(path, headers=headers, json=body)


def told(shell: Shell, lender: str) -> list[dict[str, Any]]:
    answer = ask(shell, lender)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def brief(items: list[dict[str, Any]]) -> set[tuple[str, str, str, str]]:
    return {(each["uscc"], each["alert"], each["severity"], each["observed_on"]) for each in items}


def test_the_build_told_everything_new_once_and_nothing_else(city: Shell) -> None:
    items = told(city, BANK)
    assert brief(items) == NEWS
    assert len(items) == len(NEWS)


def test_an_alert_names_its_source(city: Shell) -> None:
    by_alert = {(each["uscc"], each["alert"]): each for each in told(city, BANK)}
    penalty = by_alert[PENALISED, "new-penalty"]
    assert (penalty["source"]["feed"], penalty["source"]["agency"]) == ("administrative_penalty", "enforcement")
    assert len(penalty["source"]["record_id"]) == 32
    assert penalty["zh"] == "新增行政处罚"
    lost = by_alert[TAXED, "tax-grade-lost"]
    assert (lost["said"], lost["source"]["record_id"]) == ({"from": "A", "to": "C"}, None)
    assert by_alert[FALLING, "invoices-falling"]["said"]["fall"] == "0.5333", "1 − (0.65 + 0.65 + 0.10) / 3"
    assert by_alert[RING_C, "circle-stress"]["said"] == {"members": 3}, "who is in default is not said"


def test_running_again_tells_nothing_again(city: Shell) -> None:
    assert watch_borrowers(Shelf(city.office), utc_now()).alerts == 0
    with ThreadPoolExecutor(3) as pool:
        runs = [pool.submit(watch_borrowers, Shelf(city.office), utc_now()) for _ in range(3)]
    assert [run.result().alerts for run in runs] == [0, 0, 0]
    with city.office.write() as session:
        session.execute(delete(WatchedBorrower))
    assert watch_borrowers(Shelf(city.office), utc_now()).alerts == 0, "an event has one key, whoever looks again"
    assert brief(told(city, BANK)) == NEWS


def test_runs_at_once_make_each_alert_once(city: Shell) -> None:
    with city.office.write() as session:
        session.execute(delete(WatchedBorrower))
        session.execute(delete(BorrowerAlert))
    with ThreadPoolExecutor(3) as pool:
        runs = [pool.submit(watch_borrowers, Shelf(city.office), utc_now()) for _ in range(3)]
    assert sum(run.result().alerts for run in runs) == len(NEWS) + 1
    assert brief(told(city, BANK)) == NEWS


def test_a_lender_is_told_only_what_the_consent_covers(city: Shell) -> None:
    assert brief(told(city, OTHER)) == {(LISTED, "listed-dishonest-debtor", "high", "2024-10-05")}
    assert told(city, THIRD) == []


def test_what_came_before_the_consent_is_no_news(city: Shell) -> None:
    given = consent(city.office, PENALISED, THIRD)
    assert watch_borrowers(Shelf(city.office), utc_now()).alerts == 0
    assert told(city, THIRD) == []
    revoke_consent(city.office, Caller("f", Role.FIRM, PENALISED), given, utc_now(), "r")


def test_the_firm_sees_that_it_is_watched_and_what_was_told(city: Shell) -> None:
    told(city, BANK)
    log = city.http.get(f"/v1/firms/{TAXED}/access-log", headers=city.asks("firm", TAXED)).json()["items"]
    said = {(each["action"], each["house"], each["purpose"], each["reason"]) for each in log}
    assert ("watch_borrower", BANK, "post_loan", "") in said
    assert ("tell_borrower_alert", BANK, "post_loan", "tax-grade-lost") in said
    assert ("read_borrower_alerts", BANK, "post_loan", "") in said
    assert not [each for each in said if each[1] == OTHER and "borrower" in each[0]]


def test_the_change_feed_names_each_alert(city: Shell) -> None:
    changes = city.http.get("/v1/changes", headers=city.asks("bank", BANK)).json()["items"]
    named = [json.dumps(each) for each in changes]
    for alert in told(city, BANK):
        assert [each for each in named if alert["id"] in each and "borrower.alert" in each]


def test_pages_hold_every_alert_once(city: Shell) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = ask(city, BANK, limit=4, cursor=cursor).json()
        seen += [each["id"] for each in page["items"]]
        if not page["next_cursor"]:
            break
        cursor = page["next_cursor"]
    assert sorted(seen) == sorted(each["id"] for each in told(city, BANK))


def test_an_alert_is_acknowledged_then_closed_once(city: Shell) -> None:
    alert = next(each for each in told(city, BANK) if each["uscc"] == LED_ANEW)
    path = f"/v1/borrowers/alerts/{alert['id']}"
    first = post(city, BANK, f"{path}/acknowledgement").json()
    assert first["state"] == "acknowledged"
    city.clock.forward(seconds=5)
    assert post(city, BANK, f"{path}/acknowledgement").json() == first, "twice is once"
    is_problem(post(city, BANK, f"{path}/closing", {"outcome": "sold"}), 422, "unknown_outcome")
    closed = post(city, BANK, f"{path}/closing", {"outcome": "no-action", "note": "电话核实"}).json()
    assert (closed["state"], closed["outcome"], closed["note"]) == ("closed", "no-action", "电话核实")
    assert post(city, BANK, f"{path}/closing", {"outcome": "no-action"}).json() == closed
    is_problem(post(city, BANK, f"{path}/closing", {"outcome": "collection"}), 409, "alert_closed")
    assert brief(ask(city, BANK, state="closed").json()["items"]) == {
        (LED_ANEW, "representative-changed", "medium", "2024-10-09")
    }
    overview = city.http.get("/v1/borrowers/overview", headers=city.asks("office")).json()
    mine = next(each for each in overview["lenders"] if each["lender"] == BANK)
    assert (mine["watched"], mine["told"], mine["outcomes"]) == (9, len(NEWS), {"no-action": 1})
    assert not [code for code in FIRMS if code in json.dumps(overview)]


def test_another_house_and_no_such_alert_are_one_answer(city: Shell) -> None:
    alert = told(city, BANK)[0]["id"]
    for name in (alert, "ba_nothing"):
        for step, body in (("acknowledgement", None), ("closing", {"outcome": "no-action"})):
            is_problem(post(city, OTHER, f"/v1/borrowers/alerts/{name}/{step}", body), 404, "unknown_alert")


def test_the_purpose_is_said_and_is_post_loan(city: Shell) -> None:
    headers = city.asks("bank", BANK)
    is_problem(city.http.get("/v1/borrowers/alerts", headers=headers), 403, "purpose_not_yours")
    headers.pop("X-Purpose")
    is_problem(city.http.get("/v1/borrowers/alerts", headers=headers), 400, "purpose_missing")
    is_problem(city.http.get("/v1/borrowers/alerts", headers=city.asks("office")), 403, "forbidden")
    is_problem(city.http.get("/v1/borrowers/overview", headers=headers), 403, "forbidden")
    is_problem(ask(city, BANK, state="lost"), 422, "unknown_state")
    assert ask(city, BANK, cursor="bm90aGluZw").status_code == 422


def test_a_revoked_consent_stops_delivery_at_once(city: Shell) -> None:
    given = consent(city.office, LISTED, OTHER, ("law_abiding",))
    alert = next(each["id"] for each in told(city, OTHER) if each["uscc"] == LISTED)
    revoke_consent(city.office, Caller("f", Role.FIRM, LISTED), given, utc_now(), "r")
    city.clock.moment = utc_now()
    assert told(city, OTHER) == []
    is_problem(post(city, OTHER, f"/v1/borrowers/alerts/{alert}/acknowledgement"), 404, "unknown_alert")


# ── who may stand for whom ───────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("firm", "guarantor", "truth", "link"),
    [
        (RING_A, RING_C, "unmet", "circle"),
        (RING_A, RING_B, "unmet", "circle"),
        (RING_A, RING_A, "unmet", "itself"),
        (STRANGER, RING_B, "unmet", "circle"),
        (RING_B, STRANGER, "met", "none"),
        (RING_B, QUIET, "met", "none"),
    ],
)
def test_no_guarantor_from_the_firms_own_circle(city: Shell, firm: str, guarantor: str, truth: str, link: str) -> None:
    body = {"uscc": firm, "guarantor": guarantor}
    answer = city.http.post("/v1/guarantors/check", headers=city.asks("office"), json=body).json()
    assert (answer["truth"], answer["link"], answer["as_of"]) == (truth, link, DAY.isoformat())


def test_a_lender_needs_the_consent_of_both(city: Shell) -> None:
    ask_both = {"uscc": RING_A, "guarantor": RING_B}
    assert post(city, BANK, "/v1/guarantors/check", ask_both).json()["truth"] == "unmet"
    is_problem(post(city, OTHER, "/v1/guarantors/check", ask_both), 403, "consent_too_narrow")
    consent(city.office, RING_A, THIRD, EVERYTHING)
    city.clock.moment = utc_now()
    is_problem(post(city, THIRD, "/v1/guarantors/check", ask_both), 404, "unknown_firm")
    is_problem(post(city, BANK, "/v1/guarantors/check", {**ask_both, "uscc": "x"}), 422)


def test_commands(city: Shell, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RONGQIAO_HOME", str(Path(city.office.home)))

    def run(*words: str, code: int = 0) -> Any:
        assert run_program([*words, "--json"]) == code
        caught = capsys.readouterr()
        return json.loads(caught.err if code else caught.out)

    assert run("borrowers", "watch")["alerts"] == 0
    assert run("borrowers", "overview")["acknowledge_within_days"] == 3
    circles = run("borrowers", "circles")
    assert circles["circles"] == 1
    ring = circles["items"][0]
    assert (sorted(ring["firms"]), ring["defaulted"], ring["failing"]) == (sorted([RING_A, RING_B, RING_C]), 1, 1)
    assert (ring["amount_yuan"], ring["pairs"], ring["may_fail"]) == ("150000.00", 0, 2)
    assert run("borrowers", "guarantor", RING_A, RING_C)["link"] == "circle"
    assert run("borrowers", "guarantor", RING_A, "nobody", code=2)["field"] == "uscc"
    for words in (("circles",), ("overview",), ("watch",), ("guarantor", RING_A, QUIET)):
        assert run_program(["borrowers", *words]) == 0
