"""Applications over HTTP: steps with what they need, two officers at once, whose they are, what must always hold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from models.tables import Application, AuditEntry, LoanEntry, Need
from service.access.auth import Caller, Role
from service.audit.journal import verify
from service.books.rulebook import application_rules, lenders
from service.usecases import step_application as application_step
from tests.cases_city import NOON, at, get
from tests.needs_calls import (
    TERMS,
    a_firm,
    approved,
    consented,
    current,
    drawn,
    need_of,
    stated,
    step,
    took,
    withdrawn,
)
from tests.shell import Shell, is_problem

MOST = application_rules().at_most_lenders
Case = tuple[Shell, str]


@pytest.fixture
def case() -> Case:
    return a_firm()


# --- steps


def test_a_loan_from_need_to_closing(case: Case) -> None:
    shell, firm = case
    made = stated(shell, firm)
    first = approved(shell, made)
    assert first["terms"] == {
        "amount_yuan": "500000.00", "annual_rate": "0.0435", "term_months": 12,
        "fees": [{"name": "评估费", "yuan": "800.00"}], "taken_up_at": None,
    }  # fmt: skip
    assert (first["waits_for"], first["clock"]["id"]) == ("firm", "drawing")
    taken = step(shell, first, "take_up", "firm").json()
    assert (taken["waits_for"], taken["state"]["id"]) == ("lender", "approved")
    is_problem(step(shell, first, "take_up", "firm"), 409, "step_not_open")
    lent = drawn(shell, first)
    assert lent["drawn"] == {"amount_yuan": "500000.00", "drawn_on": "2024-12-02", "reference": "L-1"}
    assert lent["clock"] is None
    whole = need_of(shell, made)
    assert (whole["state"], whole["drawn_yuan"]) == ("met", "500000.00")
    assert {each["state"]["id"] for each in whole["applications"]} == {"drawn", "withdrawn"}
    assert took(shell, first, "close")["state"]["id"] == "closed"
    assert [each["step"]["id"] for each in current(shell, first)["steps"]] == [
        "accept", "review", "approve", "take_up", "draw", "close",
    ]  # fmt: skip
    is_problem(withdrawn(shell, made), 409, "need_over")


def test_nothing_is_looked_at_without_consent(case: Case) -> None:
    shell, firm = case
    first = stated(shell, firm)["applications"][0]
    took(shell, first, "accept")
    is_problem(step(shell, first, "review"), 409, "no_consent")
    consent = consented(shell, firm, first["lender"]["id"])
    took(shell, first, "review")
    assert shell.http.post(f"/v1/consents/{consent}/revocation", headers=shell.asks("firm", firm)).status_code == 200
    is_problem(step(shell, first, "approve", terms=TERMS), 409, "no_consent")
    line = get(shell, f"/v1/applications/{first['id']}", "bank", first["lender"]["id"])
    assert (line["uscc"], line["value"]) == (None, None), "a card again, from this moment on"
    took(shell, first, "decline", reason="leverage_high")


def test_a_reading_under_consent_is_in_the_journal_with_it(case: Case) -> None:
    shell, firm = case
    first = stated(shell, firm)["applications"][0]
    consent = consented(shell, firm, first["lender"]["id"])
    detail = get(shell, f"/v1/applications/{first['id']}", "bank", first["lender"]["id"])
    assert (detail["uscc"], detail["consent_id"]) == (firm, consent)
    with shell.office.read() as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.firm == firm).order_by(AuditEntry.seq.desc()).limit(1)
        ).one()
    assert (entry.action, entry.purpose, entry.consent_id) == ("read_applications", "pre_loan", consent)


def test_finding_nothing_and_not_reaching_a_source_are_no_refusals(case: Case) -> None:
    shell, firm = case
    first = stated(shell, firm)["applications"][0]
    consented(shell, firm, first["lender"]["id"])
    took(shell, first, "accept")
    at(shell, NOON + timedelta(days=1))
    took(shell, first, "review")
    nothing = took(shell, first, "find_nothing", text="No record in the credit register.")
    assert (nothing["state"]["id"], nothing["reason"]) == ("no_information_found", None)
    assert (nothing["clock"]["id"], nothing["clock"]["since"]) == ("decision", "2024-12-02")
    again = took(shell, first, "resume")
    assert again["clock"] == nothing["clock"]
    unreached = took(shell, first, "not_reach", text="The register did not answer.")
    assert (unreached["state"]["id"], unreached["clock"]) == ("source_unreachable", nothing["clock"])
    is_problem(step(shell, again, "not_reach", text="x"), 409, "step_not_open")
    at(shell, NOON + timedelta(days=40))
    assert current(shell, first)["state"]["id"] == "expired"


@pytest.mark.parametrize("word", ["could_not_score", "score_too_low", "other", "bad_luck", ""])
def test_a_refusal_has_a_named_reason(word: str) -> None:
    shell, firm = a_firm(1)
    first = stated(shell, firm)["applications"][0]
    problem = is_problem(step(shell, first, "decline", reason=word), 422, "bad_reason")
    assert "tax_owed" in problem["fix"]
    assert current(shell, first)["state"]["id"] == "recommended"


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("approve", {}, "terms"),
        ("approve", {"terms": TERMS | {"amount_yuan": "3000000.01"}}, "terms.amount_yuan"),
        ("approve", {"terms": TERMS | {"amount_yuan": "0"}}, "principal"),
        ("approve", {"terms": TERMS | {"annual_rate": "4.35"}}, "terms.annual_rate"),
        ("approve", {"terms": TERMS | {"term_months": 0}}, "months"),
        ("approve", {"terms": TERMS | {"fees": [{"name": "x", "yuan": "-1"}]}}, "terms.fees"),
        ("approve", {"terms": TERMS, "reason": "tax_owed"}, "reason"),
        ("find_nothing", {}, "text"),
        ("no_such_step", {}, "step"),
    ],
)
def test_a_step_needs_what_belongs_to_it_and_nothing_else(name: str, body: dict[str, Any], field: str) -> None:
    shell, first = reviewed()
    assert is_problem(step(shell, first, name, **body), 422)["field"] == field
    assert current(shell, first)["state"]["id"] == "in_review"


_REVIEWED: list[tuple[Shell, dict[str, Any]]] = []


def reviewed() -> tuple[Shell, dict[str, Any]]:
    """One application in review, made once: what is refused leaves it where it is."""
    if not _REVIEWED:
        shell, firm = a_firm(1)
        first = stated(shell, firm)["applications"][0]
        consented(shell, firm, first["lender"]["id"])
        took(shell, first, "accept", "review")
        _REVIEWED.append((shell, first))
    at(_REVIEWED[0][0], NOON)
    return _REVIEWED[0]


def test_drawing_stays_within_what_was_approved(case: Case) -> None:
    shell, firm = case
    first = approved(shell, stated(shell, firm))
    for loan in (
        {"amount_yuan": "500000.01", "drawn_on": "2024-12-02"},
        {"amount_yuan": "0", "drawn_on": "2024-12-02"},
        {"amount_yuan": "5", "drawn_on": "2024-12-01"},
        {"amount_yuan": "5", "drawn_on": "2024-12-03"},
    ):
        is_problem(step(shell, first, "draw", loan=loan), 422, "bad_loan")
    assert current(shell, first)["state"]["id"] == "approved"


# --- two at once, and twice


def test_of_two_officers_who_decide_at_once_one_wins_and_the_other_is_told(case: Case) -> None:
    shell, firm = case
    first = stated(shell, firm)["applications"][0]
    lender = first["lender"]["id"]
    consented(shell, firm, lender)
    version = took(shell, first, "accept", "review")["version"]
    bodies = [
        {"step": "approve", "version": version, "terms": TERMS},
        {"step": "decline", "version": version, "reason": "leverage_high"},
        {"step": "approve", "version": version, "terms": TERMS | {"annual_rate": "0.05"}},
    ]
    headers, path = shell.asks("bank", lender), f"/v1/applications/{first['id']}/steps"
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda body: shell.http.post(path, json=body, headers=headers), bodies))
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    state = won[0].json()["state"]["id"]
    for answer in answers:
        if answer.status_code != 200:
            problem = is_problem(answer, 409, "changed_meanwhile")
            assert f"`{state}`, version {version + 1}" in problem["rule"]
    assert len(current(shell, first)["steps"]) == 3


def test_a_step_sent_twice_is_taken_once(case: Case) -> None:
    shell, firm = case
    first = stated(shell, firm)["applications"][0]
    once = step(shell, first, "decline", version=1, reason="tax_owed", text="See the tax record.")
    assert once.status_code == 200
    assert (
        step(shell, first, "decline", version=1, reason="tax_owed", text="See the tax record. ").json() == once.json()
    )
    is_problem(step(shell, first, "decline", version=1, reason="leverage_high"), 409, "changed_meanwhile")
    assert len(get(shell, "/v1/tickets", "firm", firm)["items"]) == 1


def test_the_same_key_gives_the_same_answer(case: Case) -> None:
    shell, firm = case
    first = stated(shell, firm)["applications"][0]
    headers = shell.asks("bank", first["lender"]["id"]) | {"Idempotency-Key": f"k-{first['id']}"}
    path, body = f"/v1/applications/{first['id']}/steps", {"step": "accept", "version": 1}
    once = shell.http.post(path, json=body, headers=headers)
    again = shell.http.post(path, json=body, headers=headers)
    assert (once.status_code, again.content) == (200, once.content)


# --- whose it is


def test_an_application_of_others_is_none(case: Case) -> None:
    shell, firm = case
    first = stated(shell, firm)["applications"][0]
    other = next(each for each in lenders() if each != first["lender"]["id"])
    path = f"/v1/applications/{first['id']}"
    for role, tenant in (("bank", other), ("firm", "x"), ("guarantor", "somebody")):
        there = shell.http.get(path, headers=shell.asks(role, tenant))
        nowhere = shell.http.get("/v1/applications/no_such_id", headers=shell.asks(role, tenant))
        is_problem(there, 404)
        assert there.json()["rule"] == nowhere.json()["rule"]
        sent = shell.http.post(f"{path}/steps", json={"step": "accept", "version": 1}, headers=shell.asks(role, tenant))
        is_problem(sent, 404)
        assert shell.http.get(f"{path}/certificate", headers=shell.asks(role, tenant)).status_code in (404, 409)
    for role in ("auditor", "agency"):
        is_problem(shell.http.get(path, headers=shell.asks(role, "x")), 403)
    is_problem(step(shell, first, "accept", "office", "office"), 403)
    is_problem(step(shell, first, "accept", "firm"), 409, "step_not_open")


def test_an_inbox_is_paged_and_sorted_by_value_and_lists_no_others(case: Case) -> None:
    shell, firm = case
    made = stated(shell, firm)
    lender = made["applications"][0]["lender"]["id"]
    whole = get(shell, "/v1/applications", "bank", lender, limit=500)["items"]
    assert made["applications"][0]["id"] in {each["id"] for each in whole}
    assert {each["lender"]["id"] for each in whole} == {lender}
    paged: list[str] = []
    cursor = ""
    while True:
        page = get(shell, "/v1/applications", "bank", lender, limit=2, cursor=cursor)
        paged += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"] or ""
        if not cursor:
            break
    assert paged == [each["id"] for each in whole]
    valued = get(shell, "/v1/applications", "bank", lender, sort="value")["items"]
    known = [float(each["value"]["annual_rate"]) for each in valued if each["value"] and each["value"]["annual_rate"]]
    assert known == sorted(known, reverse=True)
    assert {each["id"] for each in valued} == {each["id"] for each in whole if each["clock"]}
    for query, status in (({"cursor": "AAAA"}, 422), ({"stage": "x"}, 422), ({"uscc": firm}, 403)):
        is_problem(shell.http.get("/v1/applications", params=query, headers=shell.asks("bank", lender)), status)
    of_firm = get(shell, "/v1/applications", "firm", firm)["items"]
    assert {each["need_id"] for each in of_firm} == {made["id"]}
    assert get(shell, "/v1/applications", "office", uscc=firm)["items"] == of_firm


# --- whatever is done in whatever order


ACTS = st.lists(
    st.tuples(st.sampled_from([*application_rules().procedure.steps, "days"]), st.integers(0, 5), st.booleans()),
    max_size=14,
)


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(acts=ACTS)
def test_no_order_of_acts_breaks_what_must_hold(acts: list[tuple[str, int, bool]]) -> None:
    shell, firm = a_firm(4)
    made = stated(shell, firm)
    now = NOON
    for act, which, as_lender in acts:
        if act == "days":
            now += timedelta(days=which)
            at(shell, now)
            continue
        rows = need_of(shell, made)["applications"]
        chosen = rows[which % len(rows)]
        if act == "review":
            consented(shell, firm, chosen["lender"]["id"])
        body: dict[str, Any] = {"text": "said"}
        if act == "approve":
            body["terms"] = TERMS
        if act == "decline":
            body["reason"] = "tax_owed"
        if act == "draw":
            body["loan"] = {"amount_yuan": "250000", "drawn_on": str(now.date())}
        answer = step(shell, chosen, act, "bank" if as_lender else "firm", **body)
        assert answer.status_code in (200, 409, 422), answer.text
    with shell.office.read() as session:
        need = session.get_one(Need, made["id"])
        rows = session.scalars(select(Application).where(Application.need_id == need.id)).all()
        drawn_sum = sum(row.drawn_fen or 0 for row in rows)
        loans = session.scalar(
            select(func.coalesce(func.sum(LoanEntry.fen), 0)).where(LoanEntry.firm == firm, LoanEntry.kind == "loan")
        )
    held = [row for row in rows if row.open_key]
    assert len(held) <= MOST
    assert {row.stage for row in rows} <= {*application_rules().procedure.stages}
    assert loans == drawn_sum
    assert (need.open_key is not None) == (need.state == "open")
    if need.state in ("met", "withdrawn"):
        assert not held


@pytest.mark.parametrize("where", ["offer_next", "record", "_ticket"])
def test_a_step_that_breaks_off_anywhere_leaves_nothing(
    case: Case, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell, firm = case
    made = stated(shell, firm)
    first, before = made["applications"][0], need_of(shell, made)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(application_step, where, killed)
        asked = application_step.StepAsked("decline", 1, reason="tax_owed")
        caller = Caller("b", Role.BANK, first["lender"]["id"])
        shelf = shell.http.app.state.desk.shelf  # type: ignore[attr-defined]
        with pytest.raises(KeyboardInterrupt):
            application_step.step_application(shell.office, shelf, caller, first["id"], asked, NOON, "r")
    assert need_of(shell, made) == before
    assert get(shell, "/v1/tickets", "firm", firm)["items"] == []
    assert step(shell, first, "decline", version=1, reason="tax_owed").status_code == 200
    assert len(get(shell, "/v1/tickets", "firm", firm)["items"]) == 1
    assert verify(shell.office).broken is None
