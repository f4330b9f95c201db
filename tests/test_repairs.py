"""Credit repair end to end: the letters, the request, four eyes, and what it changes for score, options and banks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from models.tables import AuditEntry, Batch, CorrectionNotice, Repair
from service.audit.journal import verify
from service.books.rulebook import lenders
from service.clock import day_of
from tests.cases_city import (
    DOCUMENT,
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

BANKS = sorted(lender.id for lender in lenders().values() if lender.kind == "bank")
REVIEW = {"step": "review", "text": "fine paid, act corrected", "duty_done": True}
GRANT = {"step": "grant", "text": "conditions met"}


@pytest.fixture
def cases() -> CasesCity:
    found = contested_city()
    at(found.shell, NOON)
    return found


@pytest.fixture
def city(cases: CasesCity) -> tuple[Shell, str]:
    return cases.shell, cases.next_firm()


def repairable(shell: Shell, firm: str, document: str = DOCUMENT) -> dict[str, Any]:
    answer = get(shell, f"/v1/firms/{firm}/repair", "firm", firm)
    found: dict[str, Any] = next(each for each in answer["records"] if each["document"] == document)
    return found


def request_for(shell: Shell, firm: str, **changed: Any) -> dict[str, Any]:
    """A request with everything the rule of the clock's day asks for."""
    answer = get(shell, f"/v1/firms/{firm}/repair", "firm", firm)
    record = next(each for each in answer["records"] if each["document"] == DOCUMENT)
    papers = [each["id"] for each in answer["materials"]["asks"] if each["id"] != "promise"]
    body = {
        "record_id": record["record_id"],
        "materials": [{"id": paper, "name": f"{paper}.pdf", "sha256": "ab" * 32} for paper in papers],
        "promise_sha256": record["promise"]["sha256"],
        "duty_done": True,
    }
    return body | changed


def ask(shell: Shell, firm: str, **changed: Any) -> Any:
    return post(shell, f"/v1/firms/{firm}/repairs", request_for(shell, firm, **changed), "firm", firm)


def step(shell: Shell, repair: str, body: dict[str, Any], role: str = "office", tenant: str = "") -> Any:
    return post(shell, f"/v1/repairs/{repair}/steps", body, role, tenant)


def score_and_option(shell: Shell, firm: str) -> tuple[float, str, dict[str, Any]]:
    on = {"as_of": str(day_of(shell.clock()))}
    score = get(shell, f"/v1/firms/{firm}/score", "office", **on)["score"]
    options = get(shell, f"/v1/firms/{firm}/options", "office", **on, **GREEN)["options"]
    items = {each["id"]: each for each in get(shell, f"/v1/firms/{firm}/profile", "office", **on)["items"]}
    return score, next(each["status"] for each in options if each["id"] == "green-loan"), items


def test_a_repair_raises_the_score_opens_an_option_and_tells_the_banks_that_read(city: tuple[Shell, str]) -> None:
    shell, firm = city
    consent(shell, firm, BANKS[0], ["law_abiding"])
    consent(shell, firm, BANKS[1], ["social_responsibility"])
    consent(shell, firm, BANKS[2], ["law_abiding"])  # never reads
    for bank in BANKS[:2]:
        get(shell, f"/v1/firms/{firm}/score", "bank", bank)
    before, shut, items = score_and_option(shell, firm)
    assert shut != "eligible"
    assert items["penalty_serious"]["value"] == 1
    assert items["penalty_amount"]["value"] == "50000.00"

    asked = ask(shell, firm)
    assert asked.status_code == 201, asked.text
    repair = asked.json()["id"]
    assert {each["truth"] for each in asked.json()["checks"]} == {"met"}
    assert repairable(shell, firm)["state"] == "requested"
    is_problem(step(shell, repair, GRANT), 409, "step_not_open")
    assert step(shell, repair, REVIEW).json()["state"]["id"] == "reviewed"
    is_problem(step(shell, repair, GRANT), 403, "same_person")
    granted = step(shell, repair, GRANT, "approver")
    assert granted.status_code == 200, granted.text
    assert granted.json()["state"]["id"] == "granted"
    assert repairable(shell, firm)["state"] == "granted"

    at(shell, NOON + timedelta(days=1))
    build(shell)
    after, opened, items = score_and_option(shell, firm)
    # −60 a grave penalty within its first year (seed/evaluations/financing.yaml).
    assert after == pytest.approx(before + 60)
    assert opened == "eligible"
    assert (items["penalty_serious"]["value"], items["penalty_amount"]["value"]) == (0, "0.00")

    notices = notices_about(shell, firm, "office")
    assert {(each["lender"], each["kind"]) for each in notices} == {(BANKS[0], "repair"), (BANKS[1], "repair")}
    mine = notices_about(shell, firm, "bank", BANKS[0])[0]
    assert mine["feed"] == PENALTY
    other = notices_about(shell, firm, "bank", BANKS[1])[0]
    assert (other["feed"], other["about"]) == (None, None), "its consent did not open penalties"
    path = f"/v1/notices/{mine['id']}/receipt"
    is_problem(post(shell, path, None, "bank", BANKS[1]), 404)
    first = post(shell, path, None, "bank", BANKS[0]).json()["received_at"]
    at(shell, NOON + timedelta(days=1, hours=1))
    assert first
    assert post(shell, path, None, "bank", BANKS[0]).json()["received_at"] == first
    assert notices_about(shell, firm, "bank", BANKS[0], open_only=True) == []
    assert notices_about(shell, firm, "bank", BANKS[2]) == []


def notices_about(shell: Shell, firm: str, role: str, tenant: str = "", **query: Any) -> list[dict[str, Any]]:
    return [each for each in get(shell, "/v1/notices", role, tenant, **query)["items"] if each["uscc"] == firm]


def test_the_two_letters_are_there_from_the_day_the_penalty_lands(city: tuple[Shell, str]) -> None:
    shell, firm = city
    found = repairable(shell, firm)
    # Order 58: three months after 2024-08-20; the rules of 2026 would end it three years after at the latest.
    assert (found["earliest"], found["latest"], found["state"]) == ("2024-11-20", "2027-08-20", "open")
    assert found["received_at"].startswith("2024-11-29")
    assert not found["confirmed"]
    assert found["notes"]
    for words in (DOCUMENT, firm, "2024-08-20", "融州市行政执法局"):
        assert words in found["letters"]["decision"]["zh"]
        assert words in found["promise"]["zh"] or words == "融州市行政执法局"
    for words in ("2024-11-20", "2027-08-20", "培训证明"):
        assert words in found["letters"]["repair"]["zh"]
    assert "2024-11-20" in found["letters"]["repair"]["en"]
    assert get(shell, f"/v1/firms/{firm}/repair", "office")["records"] == [found]
    at(shell, datetime(2026, 5, 11, 4, 0, tzinfo=UTC))
    later = repairable(shell, firm)
    assert (later["regime"]["id"], later["earliest"], later["latest"]) == ("measures-2026", "2025-08-20", "2027-08-20")
    assert later["class"]["id"] == "serious"


@pytest.mark.parametrize(
    ("changed", "status", "code", "field"),
    [
        ({"materials": []}, 422, "material_missing", "materials"),
        ({"promise_sha256": ""}, 422, "material_missing", "materials"),
        ({"promise_sha256": "0" * 64}, 409, "other_words", "promise_sha256"),
        ({"duty_done": False}, 422, "duty_not_done", "duty_done"),
        ({"record_id": "0" * 32}, 404, "unknown_record", "record_id"),
        ({"materials": [{"id": "gift", "name": "g", "sha256": "ab" * 32}]}, 422, "bad_material", "materials"),
        ({"materials": [{"id": "licence", "name": "l", "sha256": "AB" * 32}]}, 422, "bad_material", "materials"),
        ({"materials": [{"id": "licence", "name": "l"}]}, 422, "bad_material", "materials"),
        ({"materials": [{"id": "licence", "name": "l", "text": "x", "sha256": "ab" * 32}]}, 422, "bad_material", None),
        ({"materials": [{"id": "licence", "name": "l", "sha256": "ab" * 32}] * 2}, 422, "bad_material", "materials"),
        ({"matter": "food"}, 422, "too_early", "record_id"),
        ({"duty_done": "yes"}, 422, "invalid_request", None),
    ],
    ids=lambda value: str(value)[:60],
)
def test_the_first_check_says_at_once_what_is_missing(
    cases: CasesCity, changed: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    shell, firm = cases.shell, cases.firms[0]
    before = refused(shell, firm)
    problem = is_problem(ask(shell, firm, **changed), status, code)
    assert field is None or problem["field"] == field
    with shell.office.read() as session:
        assert session.scalar(select(func.count()).where(Repair.firm == firm)) == 0
    checked = code in ("material_missing", "duty_not_done", "too_early")
    assert refused(shell, firm) == before + checked


def refused(shell: Shell, firm: str) -> int:
    """How many refusals of a first check the journal holds."""
    told = (AuditEntry.action == "request_repair", AuditEntry.firm == firm, AuditEntry.result == "refused")
    with shell.office.read() as session:
        return session.scalar(select(func.count()).where(*told)) or 0


def test_a_day_too_early_is_refused_and_the_day_itself_is_not(city: tuple[Shell, str]) -> None:
    shell, firm = city
    # Under the rules of 2026 a grave one waits a year: decided 2024-08-20; move the decision instead of the law.
    deliver(shell, PENALTY, [penalty(firm, decided_on="2026-04-10", revision="2")], NOON + timedelta(days=600))
    at(shell, datetime(2026, 8, 10, 2, 0, tzinfo=UTC))
    assert repairable(shell, firm)["earliest"] == "2027-04-10"
    assert is_problem(ask(shell, firm), 422, "too_early")["value"] == "2027-04-10"
    at(shell, datetime(2027, 4, 9, 15, 59, tzinfo=UTC))  # the last minute of the 9th in China
    is_problem(ask(shell, firm), 422, "too_early")
    at(shell, datetime(2027, 4, 9, 16, 0, tzinfo=UTC))
    assert ask(shell, firm).status_code == 201


def test_under_the_rules_of_2025_two_papers_do_and_the_office_may_fetch_one(city: tuple[Shell, str]) -> None:
    shell, firm = city
    at(shell, datetime(2025, 7, 1, 4, 0, tzinfo=UTC))
    answer = get(shell, f"/v1/firms/{firm}/repair", "firm", firm)
    assert [each["id"] for each in answer["materials"]["asks"]] == ["promise", "performance"]
    asked = ask(shell, firm, materials=[])
    assert asked.status_code == 201, asked.text
    checks = {each["check"]: each["truth"] for each in asked.json()["checks"]}
    assert checks["material:performance"] == checks["duty_done"] == "unknown"
    repair = asked.json()["id"]
    found_wanting = {"step": "review", "text": "the fine is not paid", "duty_done": False}
    assert step(shell, repair, found_wanting).json()["duty_done"] is False
    is_problem(step(shell, repair, GRANT, "approver"), 409, "duty_not_done")
    assert step(shell, repair, {"step": "reject", "text": "unpaid"}, "approver").json()["state"]["id"] == "rejected"
    assert repairable(shell, firm)["state"] == "open", "it may be asked for anew"
    again = ask(shell, firm, materials=[])
    assert again.status_code == 201
    assert again.json()["id"] != repair


def test_the_same_request_and_the_same_step_twice_are_one(city: tuple[Shell, str]) -> None:
    shell, firm = city
    body = request_for(shell, firm)
    path = f"/v1/firms/{firm}/repairs"
    first, second = (post(shell, path, body, "firm", firm).json() for _ in range(2))
    assert first == second
    is_problem(post(shell, path, body | {"duty_done": None}, "firm", firm), 409, "repair_open")
    for _ in range(2):
        assert len(step(shell, first["id"], REVIEW).json()["steps"]) == 1
    granted = [step(shell, first["id"], GRANT, "approver").json() for _ in range(2)]
    assert granted[0] == granted[1]
    is_problem(step(shell, first["id"], {"step": "take_back"}, "firm", firm), 409, "step_not_open")
    with shell.office.read() as session:
        batches = session.scalars(select(Batch).where(Batch.file_name == f"office/repair-{first['id']}")).all()
        assert [batch.id for batch in batches] == [granted[0]["batch_id"]]
        told = select(func.count()).where(
            AuditEntry.action.in_(["request_repair", "step_repair"]),
            AuditEntry.firm == firm,
            AuditEntry.result == "done",
        )
        assert session.scalar(told) == 3
    assert verify(shell.office).broken is None


def test_cases_of_others_are_not_there(cases: CasesCity, city: tuple[Shell, str]) -> None:
    shell, firm = city
    other = cases.firms[0]
    repair = ask(shell, firm).json()["id"]
    is_problem(post(shell, f"/v1/firms/{firm}/repairs", request_for(shell, firm), "firm", other), 404, "unknown_firm")
    for role, tenant in (("firm", other), ("agency", "tax")):
        is_problem(shell.http.get(f"/v1/repairs/{repair}", headers=shell.asks(role, tenant)), 404)
        is_problem(step(shell, repair, REVIEW, role, tenant), 404)
        assert get(shell, "/v1/repairs", role, tenant)["items"] == []
    for role in ("bank", "auditor"):
        is_problem(shell.http.get(f"/v1/repairs/{repair}", headers=shell.asks(role, "x")), 403)
    is_problem(shell.http.get(f"/v1/firms/{firm}/repair", headers=shell.asks("firm", other)), 404, "unknown_firm")
    theirs = get(shell, "/v1/repairs", "agency", "enforcement", stage="requested")["items"]
    assert repair in [each["id"] for each in theirs]
    is_problem(step(shell, repair, REVIEW, "agency", "enforcement"), 409, "step_not_open")


def test_a_restructuring_lifts_a_record_until_its_end_and_no_longer(city: tuple[Shell, str]) -> None:
    shell, firm = city
    before, shut, _ = score_and_option(shell, firm)
    ruling = {"ruling": "（2024）融01破3号", "court": "融州市中级人民法院", "ends_on": "2024-12-10"}
    body = ruling | {"record_id": repairable(shell, firm)["record_id"]}
    path = f"/v1/firms/{firm}/lifts"
    is_problem(post(shell, path, body, "office"), 403, "forbidden")
    is_problem(post(shell, path, body | {"ends_on": "2024-12-02"}, "approver"), 422, "bad_lift")
    first, second = (post(shell, path, body, "approver") for _ in range(2))
    assert first.status_code == 201, first.text
    assert first.json() == second.json()
    assert repairable(shell, firm)["state"] == "lifted"
    at(shell, NOON + timedelta(days=1))
    build(shell)
    lifted, opened, _ = score_and_option(shell, firm)
    assert lifted == pytest.approx(before + 60)
    assert opened == "eligible"
    at(shell, datetime(2024, 12, 10, 15, 59, tzinfo=UTC))
    build(shell)
    assert score_and_option(shell, firm)[0] == pytest.approx(lifted), "the last day is part of the lift"
    at(shell, datetime(2024, 12, 10, 16, 1, tzinfo=UTC))  # the 11th has begun in China
    build(shell)
    again, shut_again, items = score_and_option(shell, firm)
    assert again == pytest.approx(before)
    assert (shut_again, items["penalty_serious"]["value"]) == (shut, 1)
    assert repairable(shell, firm)["state"] == "open"
    known = snapshot(shell).id
    assert build(shell).id == known, "ending it again brings nothing new"


def test_past_its_lawful_publicity_a_record_is_no_longer_used(city: tuple[Shell, str]) -> None:
    shell, firm = city
    with_it = score_and_option(shell, firm)[0]
    deliver(shell, PENALTY, [penalty(firm, revision="2", public_until="2024-12-05")], NOON)
    for moment, used in (("2024-12-05", True), ("2024-12-06", False)):
        at(shell, datetime.combine(date.fromisoformat(moment), NOON.timetz()))
        build(shell)
        score, _, items = score_and_option(shell, firm)
        assert (items["penalty_serious"]["value"] == 1) is used
        assert score == pytest.approx(with_it if used else with_it + 60)
        assert (repairable(shell, firm)["state"] == "ended") is not used


def late_repairs(shell: Shell, agency: str = "enforcement") -> list[str]:
    late = get(shell, "/v1/monitoring/late-agencies", "office")["items"]
    return [one["repair_id"] for each in late if each["agency"]["id"] == agency for one in each["repairs"]]


def granted(shell: Shell, firm: str) -> str:
    repair: str = ask(shell, firm).json()["id"]
    step(shell, repair, REVIEW)
    assert step(shell, repair, GRANT, "approver").status_code == 200
    return repair


def test_an_agency_that_does_not_take_a_repair_over_is_named(city: tuple[Shell, str]) -> None:
    shell, firm = city
    repair = granted(shell, firm)
    # Seven working days after Monday 2024-12-02: Wednesday the 11th.
    at(shell, datetime(2024, 12, 11, 4, 0, tzinfo=UTC))
    assert repair not in late_repairs(shell)
    at(shell, datetime(2024, 12, 12, 4, 0, tzinfo=UTC))
    assert repair in late_repairs(shell)
    deliver(shell, PENALTY, [penalty(firm, revision="3", withdrawn_on="2024-12-09")], shell.clock())
    assert repair not in late_repairs(shell)


def test_an_agency_may_say_that_its_data_are_up_to_date(city: tuple[Shell, str]) -> None:
    shell, firm = city
    repair = granted(shell, firm)
    at(shell, datetime(2024, 12, 12, 4, 0, tzinfo=UTC))
    assert repair in late_repairs(shell)
    assert step(shell, repair, {"step": "updated"}, "agency", "enforcement").json()["agency_update"] is None
    assert repair not in late_repairs(shell)


def test_a_repair_that_cannot_be_written_down_does_not_happen(
    city: tuple[Shell, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell, firm = city
    repair = ask(shell, firm).json()["id"]
    step(shell, repair, REVIEW)

    def fails(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("service.usecases.step_repair.record", fails)
        assert step(shell, repair, GRANT, "approver").status_code == 500
    with shell.office.read() as session:
        assert session.get_one(Repair, repair).stage == "reviewed"
        assert not session.scalars(select(Batch).where(Batch.file_name == f"office/repair-{repair}")).all()
        assert not session.scalars(select(CorrectionNotice).where(CorrectionNotice.firm == firm)).all()
    assert not list((shell.office.lake / PENALTY).glob("*.draft"))
    assert step(shell, repair, GRANT, "approver").json()["state"]["id"] == "granted"
