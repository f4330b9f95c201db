"""Objections end to end: marked at once for every reader, in stages with clocks, three outcomes, banks told."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import event, func, select

from models.tables import AuditEntry, Objection
from service.access.auth import Caller, Role
from service.audit.journal import verify
from service.books.rulebook import lenders
from service.books.seedbook import catalogue
from service.cli import run
from service.office import Office
from service.usecases.objection import Filing, file_objection
from service.usecases.replay_receipt import replay_receipt
from service.web.encode import encode
from tests.cases_city import (
    GREEN,
    NOON,
    CasesCity,
    at,
    build,
    consent,
    contested_city,
    deliver,
    get,
    penalty,
    post,
    snapshot,
)
from tests.deliveries import PENALTY
from tests.shell import Shell, is_problem

BANK, OTHER_BANK = sorted(lender.id for lender in lenders().values() if lender.kind == "bank")[:2]
EVERYTHING = sorted({item.dimension for item in catalogue().items.values()})
ITEM = "penalty_serious"
WRONG = {"item": ITEM, "reason": "wrong", "evidence": "The fine was annulled by judgment (2024) No 5."}
Case = tuple[Shell, str]


@pytest.fixture
def cases() -> CasesCity:
    found = contested_city()
    at(found.shell, NOON)
    return found


@pytest.fixture
def city(cases: CasesCity) -> Case:
    return cases.shell, cases.next_firm()


def objects(shell: Shell, firm: str, **changed: Any) -> Any:
    return post(shell, f"/v1/firms/{firm}/objections", WRONG | changed, "firm", firm)


def step(shell: Shell, objection: str, role: str = "office", tenant: str = "", **body: Any) -> Any:
    return post(shell, f"/v1/objections/{objection}/steps", body, role, tenant)


def filed(shell: Shell, firm: str, **changed: Any) -> str:
    answer = objects(shell, firm, **changed)
    assert answer.status_code == 201, answer.text
    objection: str = answer.json()["id"]
    return objection


def go(shell: Shell, objection: str, *steps: str) -> dict[str, Any]:
    """Take steps of the office in a row; the last answer."""
    answer: dict[str, Any] = {}
    for each in steps:
        taken = step(shell, objection, step=each, text="" if each in ("accept", "inquire") else "checked")
        assert taken.status_code == 200, taken.text
        answer = taken.json()
    return answer


def a_record(shell: Shell, firm: str) -> str:
    records = get(shell, f"/v1/firms/{firm}/records", "firm", firm, item=ITEM)["items"]
    record: str = records[0]["record_id"]
    assert records[0]["content"]["amount_yuan"] == "50000.00"
    return record


def marks(shell: Shell, firm: str, role: str = "office", tenant: str = "", **on: str) -> dict[str, Any]:
    """What each answer says of the contested item to one reader."""
    profile = get(shell, f"/v1/firms/{firm}/profile", role, tenant, **on)
    score = get(shell, f"/v1/firms/{firm}/score", role, tenant, **on)
    answers = [profile, score]
    if tenant != OTHER_BANK:  # its consent is too narrow for an answer that tells of every dimension
        answers.append(get(shell, f"/v1/firms/{firm}/options", role, tenant, **on, **GREEN))
    return {
        "summary": get(shell, f"/v1/firms/{firm}", role, tenant, **on)["contested"],
        "items": [each["id"] for each in profile["items"] if each["contested"]],
        "lines": sorted({each["item"] for each in score["lines"] if each["contested"]}),
        "states": [answer["contested"][0]["state"] for answer in answers if answer["contested"]],
        "statements": [answer["contested"][0]["statement"] for answer in answers if answer["contested"]],
    }


NOTHING: dict[str, Any] = {"summary": False, "items": [], "lines": [], "states": [], "statements": []}


def test_every_reader_is_told_at_once_and_without_a_build(city: Case) -> None:
    shell, firm = city
    consent(shell, firm, BANK, EVERYTHING, personal=True)
    consent(shell, firm, OTHER_BANK, ["social_responsibility"])
    readers = (("office", ""), ("approver", ""), ("firm", firm), ("bank", BANK))
    for reader in readers:
        assert marks(shell, firm, *reader) == NOTHING
    known = snapshot(shell).id
    objection = filed(shell, firm)
    for reader in readers:
        told = marks(shell, firm, *reader)
        assert (told["summary"], told["items"], told["lines"]) == (True, [ITEM], [ITEM])
        assert told["states"] == ["received"] * 3
    narrow = marks(shell, firm, "bank", OTHER_BANK)
    assert narrow["items"] == [], "its consent does not show the item"
    assert narrow["summary"], "that what it reads is contested it is told all the same"
    assert snapshot(shell).id == known
    go(shell, objection, "accept", "inquire")
    assert marks(shell, firm, "bank", BANK)["states"] == ["inquiry"] * 3


def test_one_query_finds_the_marks_of_a_firm_by_an_index(city: Case) -> None:
    shell, firm = city
    filed(shell, firm)
    asked: list[str] = []
    engine = shell.office.store._writer

    def seen(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", seen)
    try:
        get(shell, f"/v1/firms/{firm}/profile", "firm", firm)
    finally:
        event.remove(engine, "before_cursor_execute", seen)
    found = [statement for statement in asked if "FROM objection" in statement]
    assert len(found) == 1
    if shell.office.store.is_sqlite:
        with engine.connect() as connection:
            plan = connection.exec_driver_sql(
                "explain query plan select * from objection where firm = 'x' and marked"
            ).fetchall()
        assert "ix_objection_firm_marked" in str(plan)


def test_a_receipt_holds_the_objections_that_stood_and_replays_after_they_are_gone(city: Case) -> None:
    shell, firm = city
    before = get(shell, f"/v1/firms/{firm}/options", "firm", firm)["receipt_id"]
    objection = filed(shell, firm)
    told = get(shell, f"/v1/firms/{firm}/options", "firm", firm)
    assert told["receipt_id"] != before
    assert step(shell, objection, "firm", firm, step="take_back").json()["state"]["id"] == "withdrawn"
    assert get(shell, f"/v1/firms/{firm}/options", "firm", firm)["receipt_id"] == before
    again = replay_receipt(shell.office, told["receipt_id"])
    assert again.broken is None
    assert orjson.loads(encode(again.answer)) == told


def test_upheld_and_corrected_by_the_agency_the_score_rises_and_the_bank_is_told(city: Case) -> None:
    shell, firm = city
    consent(shell, firm, BANK, EVERYTHING, personal=True)
    day = {"as_of": "2024-12-02"}
    before = get(shell, f"/v1/firms/{firm}/score", "bank", BANK, **day)["score"]
    objection = filed(shell, firm, record_id=a_record(shell, firm))
    inquiry = go(shell, objection, "accept", "inquire")
    letter = inquiry["steps"][1]["letter"]
    # Ten working days after Monday 2024-12-02.
    assert "2024-12-16" in letter["zh"]
    assert WRONG["evidence"] in letter["en"]
    assert inquiry["stage"]["due"] == "2024-12-16"
    assert inquiry["whole"]["due"] == "2024-12-22"
    assert step(shell, objection, "agency", "enforcement", step="answer", text="The judgment holds.").status_code == 200
    go(shell, objection, "uphold")
    is_problem(step(shell, objection, "agency", "enforcement", step="correct"), 422, "bad_correction")
    foreign = deliver(
        shell, PENALTY, [penalty(get_other(shell, firm), "融罚〔2024〕77号")], NOON + timedelta(minutes=1)
    )
    wrong = step(shell, objection, "agency", "enforcement", step="correct", batch_id=foreign.batch_id)
    is_problem(wrong, 422, "bad_correction")
    lowered = [penalty(firm, severity="minor", amount_yuan="0", revision="2")]
    batch = deliver(shell, PENALTY, lowered, NOON + timedelta(minutes=2))
    done = step(shell, objection, "agency", "enforcement", step="correct", batch_id=batch.batch_id)
    assert done.json()["state"]["id"] == "corrected"
    still = marks(shell, firm, **day)
    assert still["states"] == ["corrected"] * 3, "the snapshot in use does not know it yet"
    told = [each for each in get(shell, "/v1/notices", "bank", BANK)["items"] if each["uscc"] == firm]
    assert [(notice["kind"], notice["item"]) for notice in told] == [("correction", ITEM)]
    at(shell, NOON + timedelta(days=1))
    build(shell)
    new = {"as_of": "2024-12-03"}
    assert marks(shell, firm, **new) == NOTHING
    assert marks(shell, firm, **day)["states"] == ["corrected"] * 3, "who reads the old one is told still"
    # −60 for a grave one becomes −1 for a minor one (seed/evaluations/financing.yaml).
    assert get(shell, f"/v1/firms/{firm}/score", "office", **new)["score"] == pytest.approx(before + 59)


def get_other(shell: Shell, firm: str) -> str:
    found = snapshot(shell)
    return next(found.firm_at(row) for row in range(found.firms) if found.firm_at(row) != firm)


def test_the_office_can_take_a_wrong_record_out_itself(city: Case) -> None:
    shell, firm = city
    objection = filed(shell, firm, record_id=a_record(shell, firm), reason="not_ours")
    go(shell, objection, "accept", "uphold")
    is_problem(step(shell, objection, "agency", "enforcement", step="correct", withdraw=True), 422, "bad_correction")
    first, second = (step(shell, objection, step="correct", withdraw=True, text="another firm's") for _ in range(2))
    assert first.status_code == 200, first.text
    assert first.json() == second.json()
    at(shell, NOON + timedelta(days=1))
    build(shell)
    items = {e["id"]: e for e in get(shell, f"/v1/firms/{firm}/profile", "office", as_of="2024-12-03")["items"]}
    assert (items[ITEM]["value"], items[ITEM]["contested"]) == (0, False)
    whole = filed(shell, firm)
    go(shell, whole, "accept", "uphold")
    is_problem(step(shell, whole, step="correct", withdraw=True), 422, "bad_correction")


def test_a_rejected_objection_lifts_the_mark_and_is_not_taken_again_without_anything_new(city: Case) -> None:
    shell, firm = city
    objection = filed(shell, firm)
    go(shell, objection, "accept")
    is_problem(step(shell, objection, step="reject", text="no"), 409, "step_not_open")
    go(shell, objection, "inquire", "answer")
    is_problem(step(shell, objection, step="reject", text=" "), 422, "text_missing")
    answer = go(shell, objection, "reject")
    assert answer["state"]["id"] == "rejected"
    assert answer["steps"][-1]["text"] == "checked"
    assert marks(shell, firm) == NOTHING
    is_problem(objects(shell, firm), 409, "objection_decided")
    assert filed(shell, firm, evidence="New: the judgment itself.") != objection


def test_what_cannot_be_verified_is_recorded_with_the_firms_own_words(city: Case) -> None:
    shell, firm = city
    consent(shell, firm, BANK, EVERYTHING, personal=True)
    consent(shell, firm, OTHER_BANK, ["social_responsibility"])
    objection = filed(shell, firm)
    go(shell, objection, "accept", "inquire")
    is_problem(step(shell, objection, step="annotate", text="no answer"), 409, "step_not_open")
    late = "/v1/monitoring/late-agencies"
    at(shell, datetime(2024, 12, 16, 4, 0, tzinfo=UTC))
    assert objection not in str(get(shell, late, "office"))
    at(shell, datetime(2024, 12, 16, 16, 0, tzinfo=UTC))  # the 17th has begun in China
    named = next(each for each in get(shell, late, "office")["items"] if each["agency"]["id"] == "enforcement")
    assert objection in [each["objection_id"] for each in named["inquiries"]]
    assert step(shell, objection, step="annotate", text="the agency did not answer").status_code == 200
    words = "We paid on 2024-09-01 and hold the slip."
    assert step(shell, objection, "firm", firm, step="state", text=words).json()["statement"] == words
    told = marks(shell, firm, "bank", BANK)
    assert (told["states"], told["statements"]) == (["annotated"] * 3, [words] * 3)
    assert marks(shell, firm, "bank", OTHER_BANK)["statements"] == [None], "its consent does not show the item"


def test_an_answer_after_the_limit_is_counted_against_the_agency(city: Case) -> None:
    shell, firm = city

    def counted() -> int:
        items = get(shell, "/v1/monitoring/late-agencies", "office")["items"]
        return sum(each["answered_late"] for each in items if each["agency"]["id"] == "enforcement")

    objection = filed(shell, firm)
    go(shell, objection, "accept", "inquire")
    before = counted()
    at(shell, datetime(2024, 12, 17, 4, 0, tzinfo=UTC))
    answer = step(shell, objection, "agency", "enforcement", step="answer", text="late but here").json()
    assert answer["steps"][-1]["late"]
    assert counted() == before + 1
    assert objection not in str(get(shell, "/v1/monitoring/late-agencies", "office"))


def test_the_same_objection_and_the_same_step_twice_are_one(city: Case) -> None:
    shell, firm = city
    first, second = (objects(shell, firm).json() for _ in range(2))
    assert first == second
    is_problem(objects(shell, firm, reason="outdated"), 409, "objection_open")
    assert filed(shell, firm, item="penalty_amount") != first["id"]
    for _ in range(2):
        assert len(step(shell, first["id"], step="accept").json()["steps"]) == 1
    is_problem(step(shell, first["id"], step="accept", text="again"), 409, "step_not_open")
    with shell.office.read() as session:
        rows = session.scalar(select(func.count()).where(Objection.firm == firm))
        told = [AuditEntry.action == "file_objection", AuditEntry.firm == firm]
        assert (rows, session.scalar(select(func.count()).where(*told))) == (2, 2)
    assert verify(shell.office).broken is None


def test_processes_that_file_the_same_at_once_keep_one(city: Case) -> None:
    shell, firm = city
    offices = [Office.open(shell.office.home) for _ in range(4)]
    found, now = snapshot(shell), shell.clock()
    filing = Filing(ITEM, "", "wrong", "at the same moment")
    try:
        with ThreadPoolExecutor(len(offices)) as pool:
            made = pool.map(
                lambda office: file_objection(office, found, Caller("system", Role.FIRM, firm), filing, now, ""),
                offices,
            )
            assert len({each["id"] for each in made}) == 1
    finally:
        for office in offices:
            office.close()
    assert len(get(shell, "/v1/objections", "firm", firm)["items"]) == 1


def test_objections_of_others_are_not_there(city: Case) -> None:
    shell, firm = city
    objection = filed(shell, firm)
    other = get_other(shell, firm)
    is_problem(post(shell, f"/v1/firms/{firm}/objections", WRONG, "firm", other), 404, "unknown_firm")
    is_problem(post(shell, f"/v1/firms/{firm}/objections", WRONG, "office"), 403, "forbidden")
    for role, tenant in (("firm", other), ("agency", "tax")):
        is_problem(shell.http.get(f"/v1/objections/{objection}", headers=shell.asks(role, tenant)), 404)
        is_problem(step(shell, objection, role, tenant, step="accept"), 404)
        assert get(shell, "/v1/objections", role, tenant, uscc=firm)["items"] == []
    for role in ("bank", "guarantor", "auditor"):
        is_problem(shell.http.get(f"/v1/objections/{objection}", headers=shell.asks(role, "x")), 403)
    is_problem(shell.http.get(f"/v1/firms/{firm}/records?item={ITEM}", headers=shell.asks("firm", other)), 404)
    assert [e["id"] for e in get(shell, "/v1/objections", "agency", "enforcement", uscc=firm)["items"]] == [objection]
    is_problem(step(shell, objection, "firm", firm, step="accept"), 409, "step_not_open")
    is_problem(step(shell, objection, "agency", "enforcement", step="accept"), 409, "step_not_open")
    one = get(shell, f"/v1/objections/{objection}", "agency", "enforcement")
    assert (one["evidence"], one["open_steps"]) == (WRONG["evidence"], [])
    log = get(shell, f"/v1/firms/{firm}/access-log", "firm", firm)["items"]
    assert ("read_objections", "enforcement") in [(entry["action"], entry["house"]) for entry in log]


@pytest.mark.parametrize(
    ("changed", "status", "code", "field"),
    [
        ({"item": "weather"}, 422, "bad_objection", "item"),
        ({"reason": "unfair"}, 422, "bad_objection", "reason"),
        ({"evidence": "  "}, 422, "text_missing", "evidence"),
        ({"evidence": "x" * 4001}, 422, "invalid_request", "evidence"),
        ({"record_id": "0" * 32}, 404, "unknown_record", "record_id"),
        ({"record_id": 7}, 422, "invalid_request", "record_id"),
        ({"until": "tomorrow"}, 422, "invalid_request", "until"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_objection_names_its_field(
    cases: CasesCity, changed: dict[str, Any], status: int, code: str, field: str
) -> None:
    firm = cases.firms[0]
    assert is_problem(objects(cases.shell, firm, **changed), status, code)["field"] == field
    assert get(cases.shell, "/v1/objections", "firm", firm)["items"] == []


def test_bad_steps_and_lists_name_their_field(city: Case) -> None:
    shell, firm = city
    objection = filed(shell, firm)
    assert is_problem(step(shell, objection, step="dance"), 422, "unknown_step")["field"] == "step"
    assert is_problem(step(shell, objection, step="accept", batch_id="b"), 422, "bad_step")["field"] == "batch_id"
    answer = shell.http.get("/v1/objections?stage=dreaming", headers=shell.asks("office"))
    assert is_problem(answer, 422, "bad_stage")["field"] == "stage"
    is_problem(step(shell, "o_none", step="accept"), 404)


def test_the_terminal_lists_shows_and_steps(
    city: Case, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shell, firm = city
    objection = filed(shell, firm)
    monkeypatch.setenv("RONGQIAO_HOME", str(shell.office.home))
    monkeypatch.setattr("service.cli.cases.utc_now", shell.clock)

    def told(*arguments: str, code: int = 0) -> str:
        capfd.readouterr()
        assert run([*arguments]) == code
        out, err = capfd.readouterr()
        return err if code else out

    listed = json.loads(told("objection", "list", "--firm", firm, "--json"))["items"]
    assert [each["id"] for each in listed] == [objection]
    moved = json.loads(told("objection", "step", objection, "accept", "--json"))
    assert moved["state"]["id"] == "checking"
    assert step(shell, objection, step="inquire").status_code == 200
    for language, words in (("en_GB.UTF-8", ("With the source agency", "2024-12-16")), ("zh_CN.UTF-8", ("核查函",))):
        monkeypatch.setenv("LANG", language)
        shown = told("objection", "show", objection).replace("\n", "")
        assert all(word in shown for word in words)
        assert objection in told("objection", "list", "--firm", firm)
        assert told("objection", "late")
        assert "901" in told("repair", "list", firm)
    assert "step_not_open" in told("objection", "step", objection, "reject", "--text", "no", "--json", code=2)
    assert json.loads(told("repair", "list", firm, "--json"))["records"][0]["state"] == "open"
    assert "bad_uscc" in told("repair", "list", "nonsense", "--json", code=2)
