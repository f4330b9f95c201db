"""Matching certificates: only of a match, signed, verifiable by file and key alone, and they follow the loan."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from models.errors import RefusedInput
from models.tables import SigningKey
from service.cli import run
from service.registry.keys import rotate_key
from service.snapshot.shelf import Shelf
from service.usecases.issue_certificate import verify_certificate
from tests.cases_city import NOON, get
from tests.needs_calls import a_firm, approved, consented, drawn, stated, step, took
from tests.shell import Shell, is_problem

Certified = tuple[Shell, str, dict[str, Any], dict[str, Any]]
KEYED: list[str] = []


@pytest.fixture
def case() -> tuple[Shell, str]:
    shell, firm = a_firm()
    if not KEYED:
        KEYED.append(rotate_key(shell.office, NOON))
    return shell, firm


def certificate(shell: Shell, application: dict[str, Any], role: str = "firm", tenant: str = "") -> Any:
    path = f"/v1/applications/{application['id']}/certificate"
    return shell.http.get(path, headers=shell.asks(role, tenant))


def checked(shell: Shell, text: str, key: str = "") -> Any:
    return verify_certificate(shell.office, Shelf(shell.office), text, key)


def test_there_is_none_before_a_match_and_none_of_a_refusal(case: tuple[Shell, str]) -> None:
    shell, firm = case
    first, second, *_ = stated(shell, firm)["applications"]
    is_problem(certificate(shell, first, "firm", firm), 409, "not_matched")
    took(shell, second, "accept")
    assert certificate(shell, second, "firm", firm).status_code == 200
    took(shell, second, "decline", reason="leverage_high")
    is_problem(certificate(shell, second, "firm", firm), 409, "not_matched")


def test_it_follows_the_loan_and_says_what_a_subsidy_office_needs_and_no_more(case: tuple[Shell, str]) -> None:
    shell, firm = case
    made = stated(shell, firm)
    application = drawn(shell, approved(shell, made))
    answer = get(shell, f"/v1/applications/{application['id']}/certificate", "firm", firm)
    said = answer["certificate"]
    assert [each["state"] for each in said["states"]] == ["recommended", "accepted", "in_review", "approved", "drawn"]
    assert said["need"]["id"] == made["id"]
    assert said["firm"]["uscc"] == firm
    assert said["lender"] == application["lender"]
    assert said["product"] == application["product"]
    assert said["approved"] == {"amount_yuan": "500000.00", "annual_rate": "0.0435", "term_months": 12}
    assert said["drawn"] == {"amount_yuan": "500000.00", "on": "2024-12-02"}
    assert set(said) == {
        *("type", "form", "id", "city", "need", "firm", "lender", "product", "state", "states", "approved", "drawn"),
        "as_of",
    }
    assert set(said["need"]) == {"id", "stated_on", "low_yuan", "high_yuan", "term_months", "use"}
    assert certificate(shell, application, "office").json() == answer, "the same state, the same bytes"


def test_anybody_with_the_file_and_the_key_can_verify_it(case: tuple[Shell, str], tmp_path: Path) -> None:
    shell, firm = case
    first = stated(shell, firm)["applications"][0]
    took(shell, first, "accept")
    text = certificate(shell, first, "firm", firm).text
    found = checked(shell, text)
    assert (found.valid, found.current, found.key_retired) == (True, True, False)
    assert checked(shell, json.loads(text)["jws"]).valid, "the signed part alone is enough"
    with shell.office.read() as session:
        key = session.get_one(SigningKey, found.key_id).public_key
    assert checked(shell, text, key).valid
    consented(shell, firm, first["lender"]["id"])
    took(shell, first, "review")
    later = checked(shell, text)
    assert (later.valid, later.current) == (True, False), "still true of its day; a newer one says more"


@pytest.mark.parametrize("where", ["amount", "signature", "payload", "other key", "unknown key"])
def test_a_changed_certificate_is_found_out(case: tuple[Shell, str], where: str) -> None:
    shell, firm = case
    first = stated(shell, firm)["applications"][0]
    took(shell, first, "accept")
    file = certificate(shell, first, "firm", firm).json()
    header, payload, signature = file["jws"].split(".")
    key = ""
    match where:
        case "amount":
            file["certificate"]["need"]["high_yuan"] = "9999999.00"
        case "signature":
            file["jws"] = f"{header}.{payload}.{'A' * len(signature)}"
        case "payload":
            file["jws"] = f"{header}.{payload[:-2]}AA.{signature}"
        case "other key":
            key = "11" * 32
        case "unknown key":
            fake = base64.urlsafe_b64encode(b'{"alg":"Ed25519","kid":"ffff","typ":"rq-match+jws"}').decode().rstrip("=")
            file["jws"] = f"{fake}.{payload}.{signature}"
    found = checked(shell, json.dumps(file), key)
    assert not found.valid
    assert found.reason


@pytest.mark.parametrize("text", ["", "{}", '{"jws": 1, "certificate": {}}', "not a certificate", "a.b.c", "{", "[1]"])
def test_what_is_no_certificate_is_refused(case: tuple[Shell, str], text: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        checked(case[0], text)
    assert refused.value.code == "bad_certificate"


def test_a_lender_gets_it_under_the_firms_consent(case: tuple[Shell, str]) -> None:
    shell, firm = case
    first = stated(shell, firm)["applications"][0]
    lender = first["lender"]["id"]
    took(shell, first, "accept")
    is_problem(certificate(shell, first, "bank", lender), 409, "no_consent")
    consented(shell, firm, lender)
    assert certificate(shell, first, "bank", lender).json()["certificate"]["firm"]["uscc"] == firm
    is_problem(certificate(shell, first, "auditor", ""), 403)


def test_a_retired_key_still_vouches_for_what_it_signed(case: tuple[Shell, str]) -> None:
    shell, firm = case
    first = stated(shell, firm)["applications"][0]
    took(shell, first, "accept")
    text = certificate(shell, first, "firm", firm).text
    rotate_key(shell.office, NOON)
    found = checked(shell, text)
    assert (found.valid, found.key_retired) == (True, True)
    assert certificate(shell, first, "firm", firm).json()["key_id"] != found.key_id


def test_the_command_verifies_a_file_and_prints_a_page(
    case: tuple[Shell, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shell, firm = case
    first = stated(shell, firm)["applications"][0]
    took(shell, first, "accept")
    path = tmp_path / "certificate.json"
    path.write_text(certificate(shell, first, "firm", firm).text, encoding="utf-8")
    monkeypatch.setenv("RONGQIAO_HOME", str(shell.office.home))
    assert run(["certificate", "verify", str(path), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["valid"] is True
    assert run(["certificate", "verify", str(path)]) == 0
    assert firm in capfd.readouterr().out
    path.write_text(path.read_text(encoding="utf-8").replace('"accepted"', '"drawn"', 1), encoding="utf-8")
    assert run(["certificate", "verify", str(path)]) == 2
    path.write_text("nothing", encoding="utf-8")
    assert run(["certificate", "verify", str(path)]) == 2
    page = shell.http.get(f"/v1/applications/{first['id']}/certificate/page?lang=en", headers=shell.asks("firm", firm))
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    for words in ("Matching certificate", firm, first["lender"]["en"], "<code>"):
        assert words in page.text
    assert "<script" not in page.text
    assert step(shell, first, "decline", reason="leverage_high").status_code == 200
    gone = shell.http.get(f"/v1/applications/{first['id']}/certificate/page", headers=shell.asks("firm", firm))
    is_problem(gone, 409, "not_matched")
