"""Who may read a firm, under which consent: the policy against an oracle, and consents over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, func, select

from models.tables import AuditEntry, Consent, LenderTerms, Token
from service.access.auth import Caller, Role, hashed
from service.access.policy import Grant, Purpose, Reason, decide
from service.books.rulebook import lenders
from service.books.seedbook import catalogue
from tests.shell import Shell, a_city, is_problem

NOON = datetime(2024, 11, 5, 4, 0, tzinfo=UTC)
TODAY = date(2024, 11, 5)
FIRM = "91210100MA0000001X"

grants = st.builds(
    Grant,
    id=st.uuids().map(str),
    firm=st.sampled_from([FIRM, "other"]),
    lender=st.sampled_from(["a", "b"]),
    purpose=st.sampled_from([Purpose.PRE_LOAN, Purpose.IN_LOAN, Purpose.POST_LOAN]),
    dimensions=st.just(frozenset({"basic"})),
    personal=st.booleans(),
    valid_from=st.integers(-3, 3).map(lambda days: TODAY + timedelta(days)),
    valid_until=st.integers(-3, 3).map(lambda days: TODAY + timedelta(days)),
    given_at=st.integers(0, 9).map(lambda days: NOON - timedelta(days)),
    revoked_at=st.none() | st.integers(-2, 2).map(lambda hours: NOON + timedelta(hours=hours)),
)


@settings(max_examples=300, deadline=None)
@given(
    role=st.sampled_from(list(Role)),
    tenant=st.sampled_from(["a", "b", FIRM, ""]),
    purpose=st.none() | st.sampled_from(list(Purpose)),
    given_grants=st.lists(grants, max_size=4),
    max_age=st.none() | st.integers(0, 9).map(lambda days: timedelta(days)),
)
def test_a_reading_is_allowed_exactly_when_the_rules_in_words_say_so(
    role: Role, tenant: str, purpose: Purpose | None, given_grants: list[Grant], max_age: timedelta | None
) -> None:
    """The oracle is one sentence per role."""
    decision = decide(Caller("c", role, tenant), FIRM, purpose, given_grants, NOON, max_age)
    if role is Role.FIRM:
        expected = tenant == FIRM and purpose in (None, Purpose.OWN)
    elif role in (Role.OFFICE, Role.APPROVER):
        expected = purpose in (None, Purpose.OFFICIAL)
    elif role in (Role.BANK, Role.GUARANTOR):
        expected = any(
            grant.firm == FIRM
            and grant.lender == tenant
            and grant.purpose == purpose
            and grant.valid_from <= TODAY <= grant.valid_until
            and (grant.revoked_at is None or grant.revoked_at > NOON)
            and (max_age is None or NOON - grant.given_at <= max_age)
            for grant in given_grants
        )
    else:
        expected = False
    assert decision.allowed == expected
    assert (decision.grant is not None) == (decision.allowed and role in (Role.BANK, Role.GUARANTOR))
    if decision.grant:
        assert (decision.grant.lender, decision.grant.firm, decision.grant.purpose) == (tenant, FIRM, purpose)


def test_the_day_of_a_consent_is_a_day_in_china() -> None:
    grant = Grant("g", FIRM, "a", Purpose.PRE_LOAN, frozenset(), False, TODAY, TODAY, NOON)
    bank = Caller("c", Role.BANK, "a")
    last = datetime(2024, 11, 5, 15, 59, 59, tzinfo=UTC)
    assert decide(bank, FIRM, Purpose.PRE_LOAN, [grant], last).allowed
    after = decide(bank, FIRM, Purpose.PRE_LOAN, [grant], last + timedelta(seconds=1))
    assert (after.allowed, after.reason) == (False, Reason.EXPIRED)
    before = decide(bank, FIRM, Purpose.PRE_LOAN, [grant], datetime(2024, 11, 4, 15, 59, 59, tzinfo=UTC))
    assert before.reason is Reason.NOT_YET


# ── over HTTP ────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_city(tmp_path_factory.mktemp("consents"))


@pytest.fixture
def bank() -> str:
    return next(lender.id for lender in lenders().values() if lender.kind == "bank")


def firms(city: Shell) -> list[str]:
    snapshot = city.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    return [snapshot.firm_at(row) for row in range(6)]


def body(bank: str, **changed: Any) -> dict[str, Any]:
    made = {
        "lender": bank,
        "purpose": "pre_loan",
        "dimensions": [catalogue().dimensions[2].id],
        "valid_from": "2024-11-05",
        "valid_until": "2024-12-05",
    }
    return made | changed


def give(city: Shell, firm: str, wanted: dict[str, Any]) -> dict[str, Any]:
    headers = city.asks("firm", firm)
    text = city.http.post(f"/v1/firms/{firm}/consents/text", json=wanted, headers=headers)
    assert text.status_code == 200, text.text
    made = wanted | {"text_sha256": text.json()["text_sha256"]}
    answer = city.http.post(f"/v1/firms/{firm}/consents", json=made, headers=headers)
    assert answer.status_code == 201, answer.text
    given: dict[str, Any] = answer.json()
    return given


def reads(city: Shell, bank: str, firm: str, purpose: str | None = "pre_loan", tail: str = "") -> Any:
    headers = city.asks("bank", bank) | {"X-Purpose": purpose or ""}
    if not purpose:
        del headers["X-Purpose"]
    return city.http.get(f"/v1/firms/{firm}{tail}", headers=headers)


def test_a_bank_reads_under_a_consent_what_it_names_and_nothing_after_its_end(city: Shell, bank: str) -> None:
    firm = firms(city)[0]
    is_problem(reads(city, bank, firm), 404, "unknown_firm")
    is_problem(reads(city, bank, firm, None), 400, "purpose_missing")
    is_problem(reads(city, bank, firm, "official"), 403, "purpose_not_yours")
    is_problem(reads(city, bank, firm, "curiosity"), 400, "unknown_purpose")
    given = give(city, firm, body(bank))
    profile = reads(city, bank, firm, tail="/profile")
    assert profile.status_code == 200
    category = {each.code: each.dimension for each in catalogue().categories}
    assert {category[item["category"]] for item in profile.json()["items"]} == {given["dimensions"][0]}
    is_problem(reads(city, bank, firm, "in_loan"), 404, "unknown_firm")
    is_problem(reads(city, "another_bank", firm), 404, "unknown_firm")
    path = f"/v1/consents/{given['id']}/revocation"
    is_problem(city.http.post(path, headers=city.asks("firm", firms(city)[1])), 404)
    assert city.http.post(path, headers=city.asks("firm", firm)).json()["state"] == "revoked"
    is_problem(reads(city, bank, firm), 404, "unknown_firm")
    assert city.http.post(path, headers=city.asks("firm", firm)).json()["state"] == "revoked"
    log = city.http.get(f"/v1/firms/{firm}/access-log", headers=city.asks("firm", firm)).json()["items"]
    told = [(entry["action"], entry["house"], entry["result"], entry["reason"]) for entry in reversed(log)]
    assert told[:4] == [
        ("read_firm", bank, "denied", "no_consent"),
        ("read_firm", bank, "denied", "purpose_missing"),
        ("read_firm", bank, "denied", "purpose_not_yours"),
        ("give_consent", firm, "done", ""),
    ]
    assert told[-2:] == [("revoke_consent", firm, "done", ""), ("read_firm", bank, "denied", "consent_revoked")]
    assert not any("actor" in entry for entry in log)
    is_problem(city.http.get(f"/v1/firms/{firm}/access-log", headers=city.asks("firm", firms(city)[1])), 404)


def test_a_consent_given_twice_is_one_and_other_words_are_refused(city: Shell, bank: str) -> None:
    firm = firms(city)[2]
    first, second = give(city, firm, body(bank)), give(city, firm, body(bank))
    assert first["id"] == second["id"]
    headers = city.asks("firm", firm)
    other = city.http.post(f"/v1/firms/{firm}/consents", json=body(bank, text_sha256="0" * 64), headers=headers)
    is_problem(other, 409, "other_words")
    again = body(bank, valid_until="2024-12-06", text_sha256=first["text_sha256"])
    is_problem(city.http.post(f"/v1/firms/{firm}/consents", json=again, headers=headers), 409, "other_words")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"lender": "no_bank"}, "lender"),
        ({"purpose": "official"}, "purpose"),
        ({"dimensions": []}, "dimensions"),
        ({"dimensions": ["weather"]}, "dimensions"),
        ({"valid_from": "2024-11-31"}, "valid_from"),
        ({"valid_until": "2024-11-04"}, "valid_until"),
        ({"valid_until": "2025-02-03"}, "valid_until"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_consent_names_its_field(city: Shell, bank: str, changed: dict[str, Any], field: str) -> None:
    firm = firms(city)[0]
    answer = city.http.post(
        f"/v1/firms/{firm}/consents/text", json=body(bank, **changed), headers=city.asks("firm", firm)
    )
    assert is_problem(answer, 422)["field"] == field


def test_the_longest_consent_is_ninety_days(city: Shell, bank: str) -> None:
    firm = firms(city)[0]
    headers = city.asks("firm", firm)
    longest = body(bank, valid_until="2025-02-02")
    assert city.http.post(f"/v1/firms/{firm}/consents/text", json=longest, headers=headers).status_code == 200


def test_a_lender_may_rely_on_young_consents_only(city: Shell, bank: str) -> None:
    firm = firms(city)[3]
    give(city, firm, body(bank))
    assert reads(city, bank, firm).status_code == 200
    with city.office.write() as session:
        session.merge(LenderTerms(lender=bank, max_consent_age_days=3))
    city.clock.forward(days=3, seconds=1)
    city.tokens.clear()
    try:
        is_problem(reads(city, bank, firm), 404, "unknown_firm")
        with city.office.read() as session:
            last = session.query(AuditEntry).order_by(AuditEntry.seq.desc()).first()
            assert last is not None
            assert last.reason == "consent_too_old"
    finally:
        city.clock.forward(days=-3, seconds=-1)
        city.tokens.clear()
        with city.office.write() as session:
            session.delete(session.get_one(LenderTerms, bank))


def test_what_cannot_be_written_down_is_not_read(tmp_path: Path, city: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("service.audit.journal.record", fails)
    answer = city.http.get(f"/v1/firms/{firms(city)[0]}", headers=city.asks("office"))
    assert answer.status_code == 500
    assert "score" not in answer.text


def test_staff_and_firms_need_not_say_their_purpose_and_the_journal_knows_it(city: Shell) -> None:
    firm = firms(city)[4]
    assert city.http.get(f"/v1/firms/{firm}", headers=city.asks("office")).status_code == 200
    assert city.http.get(f"/v1/firms/{firm}", headers=city.asks("firm", firm)).status_code == 200
    entries = city.http.get("/v1/audit", params={"firm": firm}, headers=city.asks("auditor")).json()["items"]
    assert [(entry["actor"], entry["purpose"], entry["reason"]) for entry in entries] == [
        (f"firm-{firm}", "own", "own_file"),
        ("office", "official", "official_duty"),
    ]


@pytest.mark.parametrize("tail", ["/options", "/what-if"])
def test_what_tells_of_every_dimension_tells_what_the_consent_covers(city: Shell, bank: str, tail: str) -> None:
    firm = firms(city)[5 if tail == "/options" else 1]
    everything = [each.id for each in catalogue().dimensions]

    def asks(purpose: str) -> Any:
        headers, path = city.asks("bank", bank) | {"X-Purpose": purpose}, f"/v1/firms/{firm}{tail}"
        if tail == "/options":
            return city.http.get(path, headers=headers)
        return city.http.post(path, json={"facts": {"penalty_general": 0}}, headers=headers)

    is_problem(asks("pre_loan"), 404, "unknown_firm")
    give(city, firm, body(bank))
    assert asks("pre_loan").json()["not_covered"]["dimensions"]
    give(city, firm, body(bank, purpose="in_loan", dimensions=everything))
    assert asks("in_loan").json()["not_covered"]["dimensions"] == [], "no condition asks of persons"
    give(city, firm, body(bank, purpose="post_loan", dimensions=everything, personal=True))
    assert "not_covered" not in asks("post_loan").json()


def test_an_answer_given_again_is_one_transaction_and_still_asks_for_consent_and_token(city: Shell, bank: str) -> None:
    firm, statements, commits = firms(city)[2], list[str](), list[object]()
    give(city, firm, body(bank))
    path, headers = f"/v1/firms/{firm}/options", city.asks("bank", bank)
    first = city.http.get(path, headers=headers)
    writer, readers = city.office.store._writer, city.office.store._readers

    def said(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    city.http.get(path, headers=headers)  # whatever is looked at once a second was looked at
    listened: list[tuple[Any, ...]] = [(each, "before_cursor_execute", said) for each in (writer, readers)]
    listened.append((writer, "commit", commits.append))
    for each in listened:
        event.listen(*each)
    again = city.http.get(path, headers=headers)
    for each in listened:
        event.remove(*each)
    assert again.content == first.content
    assert len(commits) == 1
    of_the_request = [each for each in statements if "FROM batch" not in each and "FROM snapshot" not in each]
    asked = ("begin immediate", "FROM client", "FROM consent", "FROM objection", "product_version", "audit_head")
    assert len([each for each in of_the_request if each != "begin"]) == len(asked) + 2, of_the_request
    with city.office.write() as session:
        session.execute(delete(Consent).where(Consent.firm == firm))
    is_problem(city.http.get(path, headers=headers), 404, "unknown_firm")
    give(city, firm, body(bank))
    assert city.http.get(path, headers=headers).status_code == 200
    with city.office.write() as session:
        session.execute(delete(Token).where(Token.sha256 == hashed(city.tokens.pop(("bank", bank)))))
    with city.office.read() as session:
        told = session.scalar(select(func.count()).select_from(AuditEntry))
    is_problem(city.http.get(path, headers=headers), 401, "not_authenticated")
    with city.office.read() as session:
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == told
