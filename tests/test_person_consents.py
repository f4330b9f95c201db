"""A person is evaluated only while their consent stands: recorded from paper, withdrawn at once, ended by a change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from models.dates import days
from models.errors import RefusedInput
from models.kinds import UNKNOWN_INT32
from models.tables import AuditEntry
from scoring.columns import Columns
from scoring.evaluation.beside import CONSENT
from scoring.evaluation.person_consent import CHANGED_ON, with_consents
from service.access.person_consents import standing_consents
from service.access.person_words import person_text
from service.books import rulebook
from service.cli.program import run_program
from service.snapshot.office_stages import office_stages, stages_in_force
from service.snapshot.snapshots import open_snapshot
from service.usecases.build_snapshot import build_snapshot
from tests.shell import Shell, a_shell, is_problem
from tests.watched_office import DAY, DAY_LATER, LEFT, RECEIVED, SCHOOL, deliver

NAME = "示例甲"


@pytest.fixture(autouse=True, scope="module")
def switched_on() -> Iterator[None]:
    """The person model as an office switches it on."""
    usual = rulebook.evaluations()
    sides = tuple(replace(side, card=replace(side.card, enabled=True)) for side in usual.sides)
    with pytest.MonkeyPatch.context() as patched:
        for name in ("service.books.rulebook", "service.answers.other_evaluations"):
            patched.setattr(f"{name}.evaluations", lambda: replace(usual, sides=sides))
        yield


@pytest.fixture(scope="module")
def shell(switched_on: None, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Nine firms, built without any consent. Each test uses firms of its own."""
    made = a_shell(tmp_path_factory.mktemp("persons"))
    deliver(made.office)
    build_snapshot(made.office, DAY, RECEIVED, stages=office_stages())
    return made


def words(shell: Shell, code: str, person: str = NAME, given_on: str = "2024-10-01") -> Any:
    query = {"person": person, "given_on": given_on}
    return shell.http.get(f"/v1/firms/{code}/person-consents/text", params=query, headers=shell.asks("office"))


def body(shell: Shell, code: str, **changes: Any) -> dict[str, Any]:
    text = words(shell, code).json()["text_sha256"]
    return {"person": NAME, "given_on": "2024-10-01", "text_sha256": text, "document": "box 7", **changes}


def post(shell: Shell, path: str, content: dict[str, Any], role: str = "office", tenant: str = "") -> Any:
    return shell.http.post(path, json=content, headers=shell.asks(role, tenant))


def person_state(shell: Shell, code: str) -> dict[str, Any]:
    answer = shell.http.get(f"/v1/firms/{code}/score", headers=shell.asks("office")).json()
    found: dict[str, Any] = next(each for each in answer["other_evaluations"] if each["id"] == "person_health")
    return found


def test_a_person_is_evaluated_from_the_build_after_the_consent_until_it_is_withdrawn(shell: Shell) -> None:
    assert person_state(shell, SCHOOL)["state"] == "no_consent"
    text = words(shell, SCHOOL).json()
    assert NAME in text["zh"]
    assert NAME in text["en"]
    made = post(shell, f"/v1/firms/{SCHOOL}/person-consents", body(shell, SCHOOL))
    assert made.status_code == 201, made.text
    consent = made.json()["id"]
    again = post(shell, f"/v1/firms/{SCHOOL}/person-consents", body(shell, SCHOOL))
    assert (again.status_code, again.json()["id"]) == (201, consent)
    assert person_state(shell, SCHOOL)["state"] == "no_consent", "nothing is computed before the next build"

    built = build_snapshot(shell.office, DAY, RECEIVED, stages=stages_in_force(shell.office))
    assert built.is_new
    assert person_state(shell, SCHOOL)["state"] == "evaluated"
    assert "person_consent" not in open_snapshot(shell.office, built.snapshot_id).columns.values
    assert SCHOOL not in json.dumps(open_snapshot(shell.office, built.snapshot_id).manifest)

    # The firm withdraws for its leader; another firm cannot.
    path = f"/v1/person-consents/{consent}/withdrawal"
    is_problem(post(shell, path, {}, "firm", LEFT), 404, "not_found")
    for _ in range(2):
        gone = post(shell, path, {}, "firm", SCHOOL)
        assert (gone.status_code, gone.json()["stands"]) == (200, False)
    told = person_state(shell, SCHOOL)
    assert (told["state"], told["score"], told["grade"], told["coverage"], told["lines"]) == (
        "no_consent", None, None, None, [],
    )  # fmt: skip
    listed = shell.http.get(f"/v1/firms/{SCHOOL}/person-consents", headers=shell.asks("firm", SCHOOL)).json()["items"]
    assert [each["id"] for each in listed] == [consent]
    assert listed[0]["withdrawn_at"] is not None
    with shell.office.read() as session:
        query = select(AuditEntry.action).where(AuditEntry.object_id == consent).order_by(AuditEntry.seq)
        assert list(session.scalars(query)) == ["record_person_consent", "withdraw_person_consent"]


def test_a_consent_ends_when_somebody_else_leads_the_firm(shell: Shell) -> None:
    # The representative changed on 2023-11-01.
    for signed, state in (("2023-10-31", "no_consent"), ("2023-11-01", "evaluated")):
        text = words(shell, DAY_LATER, given_on=signed)
        content = body(shell, DAY_LATER, given_on=signed, text_sha256=text.json()["text_sha256"])
        made = post(shell, f"/v1/firms/{DAY_LATER}/person-consents", content)
        assert made.status_code == 201, made.text
        build_snapshot(shell.office, DAY, RECEIVED, stages=stages_in_force(shell.office))
        assert person_state(shell, DAY_LATER)["state"] == state
        assert standing_consents(shell.office)[DAY_LATER] == days(date.fromisoformat(signed))
        other = body(shell, DAY_LATER)
        is_problem(post(shell, f"/v1/firms/{DAY_LATER}/person-consents", other), 409, "consent_stands")
        post(shell, f"/v1/person-consents/{made.json()['id']}/withdrawal", {})


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"person": " "}, 422, "no_name", "person"),
        ({"document": ""}, 422, "no_document", "document"),
        ({"given_on": "2024-11-06"}, 422, "day_to_come", "given_on"),
        ({"given_on": "2022-12-31"}, 422, "no_consent_text", "given_on"),
        ({"given_on": "soon"}, 422, "bad_date", "given_on"),
        ({"text_sha256": "0" * 64}, 409, "other_words", "text_sha256"),
        ({"person": "别人"}, 409, "other_words", "text_sha256"),
    ],
    ids=["no name", "no paper", "day to come", "before the words", "no day", "other words", "words of another"],
)
def test_what_is_no_consent_is_refused(
    shell: Shell, changes: dict[str, Any], status: int, code: str, field: str
) -> None:
    answer = post(shell, f"/v1/firms/{LEFT}/person-consents", body(shell, LEFT, **changes))
    assert is_problem(answer, status, code)["field"] == field
    assert LEFT not in standing_consents(shell.office)


def test_only_the_registered_representative_consents(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = open_snapshot(shell.office)
    usual = type(snapshot).value

    def value(self: Any, name: str, row: int) -> Any:
        return "示例乙" if name == "legal_representative" else usual(self, name, row)

    content = body(shell, LEFT)
    monkeypatch.setattr(type(snapshot), "value", value)
    refused = is_problem(post(shell, f"/v1/firms/{LEFT}/person-consents", content), 409, "not_the_representative")
    assert "示例乙" not in json.dumps(refused, ensure_ascii=False), "who leads the firm is not told"


def test_nobody_else_records_reads_or_withdraws(shell: Shell) -> None:
    for role, tenant in (("bank", "b"), ("guarantor", "g"), ("agency", "tax"), ("auditor", ""), ("firm", LEFT)):
        assert post(shell, f"/v1/firms/{LEFT}/person-consents", {}, role, tenant).status_code == 403, role
    for role, tenant in (("bank", "b"), ("agency", "tax"), ("auditor", "")):
        assert post(shell, "/v1/person-consents/x/withdrawal", {}, role, tenant).status_code == 403, role
        headers = shell.asks(role, tenant)
        assert shell.http.get(f"/v1/firms/{LEFT}/person-consents", headers=headers).status_code == 403, role
    headers = shell.asks("firm", SCHOOL)
    assert shell.http.get(f"/v1/firms/{LEFT}/person-consents", headers=headers).status_code == 404


def test_the_flag_by_hand() -> None:
    uscc = np.array([b"A", b"B", b"C", b"D"])
    changed = np.array([UNKNOWN_INT32, 10, 11, 5], np.int32)
    made = with_consents(Columns(4, {CHANGED_ON: changed}), uscc, {"A": 10, "B": 10, "C": 10, "Z": 1})
    assert made.values[CONSENT].tolist() == [1, 1, 0, -1]
    assert with_consents(Columns(4, {}), uscc, {}).values[CONSENT].tolist() == [-1] * 4


def test_without_a_model_of_persons_no_consent_enters_a_snapshot(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = rulebook.evaluations()
    off = tuple(replace(side, card=replace(side.card, enabled=not side.personal)) for side in usual.sides)
    monkeypatch.setattr("service.books.rulebook.evaluations", lambda: replace(usual, sides=off))
    assert not stages_in_force(shell.office).person_consents


def test_words_name_person_and_firm_and_change_with_them() -> None:
    day = date(2024, 10, 1)
    digests = {person_text(person, firm, day)["text_sha256"] for person in "甲乙" for firm in "丙丁"}
    assert len(digests) == 4
    with pytest.raises(RefusedInput) as refused:
        person_text("甲", "丙", date(2022, 1, 1))
    assert refused.value.field == "given_on"


def test_on_the_command_line(shell: Shell, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> None:
    monkeypatch.setenv("RONGQIAO_HOME", str(shell.office.home))
    shell.asks("office")

    def said(*arguments: str, code: int = 0) -> Any:
        assert run_program(["person-consent", *arguments, "--json"]) == code
        out, err = capfdbinary.readouterr()
        return json.loads(err if code else out)

    asked = (LEFT, "--person", NAME, "--given-on", "2024-10-01")
    text = said("text", *asked)["text_sha256"]
    record = ("record", *asked, "--text", text, "--document", "box 9", "--by")
    assert said(*record, "nobody", code=2)["code"] == "person_may_not"
    made = said(*record, "office")
    assert made["stands"]
    assert [each["id"] for each in said("list", LEFT)["items"]] == [made["id"]]
    assert not said("withdraw", made["id"], "--by", "office")["stands"]
    assert run_program(["person-consent", "list", LEFT]) == 0
    assert NAME in capfdbinary.readouterr()[0].decode()
