"""The change feed: told in the transaction of the change, to whom it concerns, in order and without a gap."""

from __future__ import annotations

import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.tables import Change
from service.access.auth import Caller, Role
from service.api.paging import write
from service.audit.chain import Event
from service.audit.journal import record
from service.books.rulebook import lenders
from service.books.seedbook import catalogue
from service.cases.notices import Correction, make_notices
from service.integration.changes import Kind, changes_after, last_number, publish
from service.office import Office, opened
from service.usecases.contact import contact_firm
from tests.shell import Shell, a_code, a_shell, is_problem

NOW = datetime(2024, 11, 5, 2, 0, tzinfo=UTC)
BANKS = [lender.id for lender in lenders().values() if lender.kind == "bank"]
DIMENSIONS = sorted({item.dimension for item in catalogue().items.values()})


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_shell(tmp_path_factory.mktemp("changes"))


def feed(shell: Shell, role: str, tenant: str, cursor: str = "", limit: int = 500) -> dict[str, Any]:
    answer = shell.http.get("/v1/changes", params={"cursor": cursor, "limit": limit}, headers=shell.asks(role, tenant))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def told(shell: Shell, role: str, tenant: str, cursor: str = "") -> list[tuple[str, str]]:
    return [(each["type"], each["data"]["id"]) for each in feed(shell, role, tenant, cursor)["items"]]


def consent(shell: Shell, firm: str, lender: str) -> str:
    today = shell.clock.moment.date()
    days = {"valid_from": f"{today}", "valid_until": f"{today + timedelta(30)}"}
    body = {"lender": lender, "purpose": "pre_loan", "dimensions": DIMENSIONS, "personal": False, **days}
    headers = shell.asks("firm", firm)
    text = shell.http.post(f"/v1/firms/{firm}/consents/text", json=body, headers=headers).json()
    body["text_sha256"] = text["text_sha256"]
    given = shell.http.post(f"/v1/firms/{firm}/consents", json=body, headers=headers)
    assert given.status_code == 201, given.text
    return str(given.json()["id"])


# ── told to whom it concerns ─────────────────────────────────────────────────────────────────────────────────────────
def test_a_consent_is_told_to_both_sides_and_to_nobody_else(shell: Shell) -> None:
    firm, bank, other = a_code(1), BANKS[0], BANKS[1]
    before = feed(shell, "bank", bank)["next_cursor"], feed(shell, "bank", other)["next_cursor"]
    made = consent(shell, firm, bank)
    assert shell.http.post(f"/v1/consents/{made}/revocation", headers=shell.asks("firm", firm)).status_code == 200
    assert shell.http.post(f"/v1/consents/{made}/revocation", headers=shell.asks("firm", firm)).status_code == 200
    expected = [("consent.given", made), ("consent.revoked", made)]
    assert told(shell, "firm", firm) == expected, "revoking twice is told once"
    assert told(shell, "bank", bank, before[0]) == expected
    assert told(shell, "bank", other, before[1]) == []


def test_a_change_holds_ids_only(shell: Shell) -> None:
    firm, bank = a_code(2), BANKS[2]
    made = consent(shell, firm, bank)
    entry = feed(shell, "bank", bank)["items"][-1]
    assert set(entry) == {"id", "number", "type", "timestamp", "data"}
    assert entry["data"] == {"id": made}
    assert firm not in str(entry)


def test_contacts_are_told_to_firm_and_lender(shell: Shell) -> None:
    firm, bank = a_code(3), BANKS[3]
    word = {"at_a_time": 2, "per_quarter": 3, "valid_until": "2025-03-31"}
    assert shell.http.post(f"/v1/firms/{firm}/contact", json=word, headers=shell.asks("firm", firm)).status_code == 201
    with shell.office.write() as session:
        made = contact_firm(session, Caller("c", Role.BANK, bank), firm, shell.clock.moment, "r").id
    for _ in range(2):
        assert shell.http.delete(f"/v1/firms/{firm}/contact", headers=shell.asks("firm", firm)).status_code == 200
    expected = [("contact.made", made), ("contact.ended", made)]
    assert told(shell, "bank", bank) == told(shell, "firm", firm) == expected


def test_a_notice_is_told_to_the_lender_that_read(shell: Shell) -> None:
    firm, bank = a_code(4), BANKS[0]
    consent(shell, firm, bank)
    with shell.office.write() as session:
        record(session, Event(NOW, "c", "bank", "read_firm", "allowed", tenant=bank, firm=firm))
    before = feed(shell, "bank", bank)["next_cursor"]
    with shell.office.write() as session:
        assert make_notices(session, Correction(firm, "lift", "x", "tax_credit_rating"), NOW) == [bank]
    assert [kind for kind, _ in told(shell, "bank", bank, before)] == ["notice.made"]


def test_whoever_has_no_feed_is_refused_and_no_token_no_feed(shell: Shell) -> None:
    for role, tenant in (("office", ""), ("agency", "tax"), ("auditor", "a")):
        is_problem(shell.http.get("/v1/changes", headers=shell.asks(role, tenant)), 403, "forbidden")
    is_problem(shell.http.get("/v1/changes"), 401, "not_authenticated")


# ── read page by page ────────────────────────────────────────────────────────────────────────────────────────────────
def test_pages_are_the_whole_feed_once_and_the_end_can_be_come_back_to(shell: Shell) -> None:
    tenant = "a-lender"
    with shell.office.write() as session:
        numbers = [publish(session, tenant, Kind.SCREEN_ALERT, f"s_{each}", NOW) for each in range(23)]
    assert numbers == list(range(1, 24))
    cursor, seen, pages = "", [], 0
    while True:
        page = feed(shell, "bank", tenant, cursor, limit=5)
        seen += [each["number"] for each in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
        if not page["more"]:
            break
    assert (seen, pages) == (numbers, 5)
    assert feed(shell, "bank", tenant, cursor) == {"items": [], "next_cursor": cursor, "more": False}
    with shell.office.write() as session:
        publish(session, tenant, Kind.SCREEN_ALERT, "s_new", NOW)
    assert told(shell, "bank", tenant, cursor) == [("screen.alert", "s_new")]


@pytest.mark.parametrize("cursor", ["x", "-1", "MTI", write("12x"), write("-1"), write("9" * 30), "é"])
def test_a_cursor_that_was_not_given_is_refused(shell: Shell, cursor: str) -> None:
    headers = shell.asks("bank", "another-lender")
    answer = shell.http.get("/v1/changes", params={"cursor": cursor}, headers=headers)
    is_problem(answer, answer.status_code)
    assert answer.status_code in (409, 422)


def test_a_cursor_beyond_the_end_says_that_the_copy_is_not_of_this_office(shell: Shell) -> None:
    """As after the office came back from a backup: going on silently would leave the copy wrong for ever."""
    answer = shell.http.get("/v1/changes", params={"cursor": write("99")}, headers=shell.asks("bank", "another-lender"))
    assert "begin without a cursor" in is_problem(answer, 409, "cursor_beyond_end")["fix"]


# ── in order, without a gap ──────────────────────────────────────────────────────────────────────────────────────────
def test_what_is_rolled_back_is_told_to_nobody_and_leaves_no_gap(tmp_path: Path) -> None:
    with opened(tmp_path) as office:
        add(office, "a")
        with pytest.raises(ZeroDivisionError):
            add_and_fail(office, "a")
        add(office, "a")
        assert numbers(office, "a") == [1, 2]


def test_writers_at_once_leave_no_gap_and_readers_see_beginnings_only(tmp_path: Path) -> None:
    """A reader who saw number n has seen all before it: at any moment the feed is 1 … n."""
    with opened(tmp_path) as office:
        over, wrong = threading.Event(), []

        def look() -> None:
            while not over.is_set():
                found = numbers(office, "a")
                if found != list(range(1, len(found) + 1)):
                    wrong.append(found)

        reader = threading.Thread(target=look)
        reader.start()
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda _: add(office, "a"), range(40)))
        over.set()
        reader.join()
        assert wrong == []
        assert numbers(office, "a") == list(range(1, 41))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=4), max_size=8))
def test_each_feed_counts_what_was_committed_for_it(transactions: list[list[tuple[str, bool]]]) -> None:
    """Against a list for each tenant that is added to when a transaction holds no failing step."""
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as office:
        expected: dict[str, int] = {}
        for transaction in transactions:
            try:
                with office.write() as session:
                    for tenant, fails in transaction:
                        publish(session, tenant, Kind.NEED_STATED, "n", NOW)
                        if fails:
                            raise RuntimeError
            except RuntimeError:
                continue
            for tenant, _ in transaction:
                expected[tenant] = expected.get(tenant, 0) + 1
        for tenant in "abc":
            assert numbers(office, tenant) == list(range(1, expected.get(tenant, 0) + 1))
            with office.read() as session:
                assert last_number(session, tenant) == expected.get(tenant, 0)


def add(office: Office, tenant: str) -> None:
    with office.write() as session:
        publish(session, tenant, Kind.NEED_STATED, "n", NOW)


def add_and_fail(office: Office, tenant: str) -> None:
    with office.write() as session:
        publish(session, tenant, Kind.NEED_STATED, "n", NOW)
        raise ZeroDivisionError


def numbers(office: Office, tenant: str) -> list[int]:
    with office.read() as session:
        return [each.number for each in changes_after(session, tenant, 0, 1_000)]


def test_a_change_is_named_once_for_ever(shell: Shell) -> None:
    with shell.office.read() as session:
        ids = [each.id for each in session.query(Change)]
    assert len(ids) == len(set(ids)) > 30
