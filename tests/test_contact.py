"""Being contacted: the firm's word, its caps counted against a simple model, withdrawal at once, bad input."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import RefusedInput
from models.tables import Contact
from service.access.auth import Caller, Role
from service.books.rulebook import lenders, market_terms
from service.usecases.contact import contact_cap, contact_firm, held_contact, open_to_contact
from tests.shell import Shell, a_code, a_shell, is_problem

LENDERS = list(lenders())
TODAY = date(2024, 11, 5)
WORD = {"at_a_time": 2, "per_quarter": 3, "valid_until": "2025-03-31"}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_shell(tmp_path_factory.mktemp("contact"))


def says(shell: Shell, firm: str, **changed: Any) -> Any:
    return shell.http.post(f"/v1/firms/{firm}/contact", json=WORD | changed, headers=shell.asks("firm", firm))


def contacts(shell: Shell, firm: str, lender: str) -> str:
    """Contact the firm; ``""`` or the code of the refusal."""
    try:
        with shell.office.write() as session:
            contact_firm(session, Caller(f"c-{lender}"[:60], Role.BANK, lender), firm, shell.clock.moment, "r")
    except RefusedInput as refused:
        return refused.code
    return ""


def cap(shell: Shell, firm: str, day: date = TODAY) -> int:
    with shell.office.read() as session:
        return contact_cap(session, firm, day)


def is_open(shell: Shell, firm: str, lender: str, day: date = TODAY) -> bool:
    with shell.office.read() as session:
        return open_to_contact(session, [firm, a_code(77)], lender, day) == {firm}


def test_nobody_contacts_a_firm_that_said_nothing(office: Shell) -> None:
    assert contacts(office, a_code(1), LENDERS[0]) == "unknown_prospect"
    assert (cap(office, a_code(1)), is_open(office, a_code(1), LENDERS[0])) == (0, False)


def test_a_contact_is_counted_once_and_the_caps_hold(office: Shell) -> None:
    firm = a_code(2)
    assert says(office, firm).status_code == 201
    assert (cap(office, firm), is_open(office, firm, LENDERS[0])) == (2, True)
    assert [contacts(office, firm, each) for each in (LENDERS[0], LENDERS[0], LENDERS[1])] == ["", "", ""]
    assert contacts(office, firm, LENDERS[2]) == "contact_cap"
    assert (cap(office, firm), is_open(office, firm, LENDERS[2]), is_open(office, firm, LENDERS[0])) == (0, False, True)
    seen = office.http.get(f"/v1/firms/{firm}/contact", headers=office.asks("firm", firm)).json()
    assert {each["lender"]: each["open"] for each in seen["contacts"]} == dict.fromkeys(LENDERS[:2], True)
    log = office.http.get(f"/v1/firms/{firm}/access-log", headers=office.asks("firm", firm)).json()["items"]
    changes = [entry["action"] for entry in reversed(log) if entry["result"] == "done"]
    assert changes == ["open_to_contact", "contact_firm", "contact_firm"]


def test_withdrawal_ends_every_contact_at_once_and_a_new_word_starts_afresh(office: Shell) -> None:
    firm = a_code(3)
    says(office, firm)
    contacts(office, firm, LENDERS[0])
    with office.office.read() as session:
        assert held_contact(session, firm, LENDERS[0], TODAY)
    path = f"/v1/firms/{firm}/contact"
    closed = office.http.delete(path, headers=office.asks("firm", firm))
    assert closed.status_code == 200
    assert closed.json()["open"] is False
    assert office.http.delete(path, headers=office.asks("firm", firm)).json() == closed.json()
    with office.office.read() as session:
        assert not held_contact(session, firm, LENDERS[0], TODAY)
    assert contacts(office, firm, LENDERS[0]) == "unknown_prospect"
    office.clock.forward(seconds=1)
    says(office, firm)
    assert contacts(office, firm, LENDERS[0]) == ""


def test_ending_one_contact_shuts_that_lender_out_until_the_firm_says_otherwise(office: Shell) -> None:
    firm = a_code(4)
    says(office, firm)
    contacts(office, firm, LENDERS[0])
    headers = office.asks("firm", firm)
    assert office.http.delete(f"/v1/firms/{firm}/contact/{LENDERS[0]}", headers=headers).status_code == 200
    assert contacts(office, firm, LENDERS[0]) == "unknown_prospect"
    assert contacts(office, firm, LENDERS[1]) == ""
    is_problem(office.http.delete(f"/v1/firms/{firm}/contact/{LENDERS[5]}", headers=headers), 404)
    office.clock.forward(seconds=1)
    says(office, firm, valid_until="2025-04-30")
    assert is_open(office, firm, LENDERS[0])


def test_a_word_for_named_lenders_is_for_them_alone_and_the_same_word_twice_is_one(office: Shell) -> None:
    firm = a_code(5)
    first = says(office, firm, lenders=LENDERS[:1]).json()
    assert says(office, firm, lenders=LENDERS[:1]).json() == first
    assert contacts(office, firm, LENDERS[1]) == "unknown_prospect"
    assert contacts(office, firm, LENDERS[0]) == ""
    says(office, firm, lenders=LENDERS[1:2])
    with office.office.read() as session:
        assert not held_contact(session, firm, LENDERS[0], TODAY), "the new word does not name it"


def test_a_word_ends_with_its_last_day_and_a_contact_with_its_own(office: Shell) -> None:
    firm, days = a_code(6), market_terms().contact.days
    says(office, firm)
    contacts(office, firm, LENDERS[0])
    last = TODAY + timedelta(days=days - 1)
    with office.office.read() as session:
        assert held_contact(session, firm, LENDERS[0], last)
        assert not held_contact(session, firm, LENDERS[0], last + timedelta(days=1))
    assert cap(office, firm, last) == 1
    assert cap(office, firm, last + timedelta(days=1)) == 2
    assert cap(office, firm, date(2025, 3, 31)) == 2
    assert cap(office, firm, date(2025, 4, 1)) == 0


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"lenders": []}, "lenders"),
        ({"lenders": ["no_bank"]}, "lenders"),
        ({"lenders": LENDERS[:1] * 2}, "lenders"),
        ({"at_a_time": 0}, "at_a_time"),
        ({"at_a_time": -1}, "at_a_time"),
        ({"at_a_time": 10_000}, "at_a_time"),
        ({"per_quarter": 1}, "per_quarter"),
        ({"valid_until": "2024-11-04"}, "valid_until"),
        ({"valid_until": "2026-11-05"}, "valid_until"),
        ({"valid_until": "soon"}, "valid_until"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_word_names_its_field(office: Shell, changed: dict[str, Any], field: str) -> None:
    assert is_problem(says(office, a_code(7), **changed), 422)["field"] == field
    assert cap(office, a_code(7)) == 0


def test_only_the_firm_itself_says_it(office: Shell) -> None:
    firm = a_code(8)
    path = f"/v1/firms/{firm}/contact"
    is_problem(office.http.post(path, json=WORD, headers=office.asks("firm", a_code(9))), 404, "unknown_firm")
    for role, tenant in (("bank", LENDERS[0]), ("office", "")):
        is_problem(office.http.post(path, json=WORD, headers=office.asks(role, tenant)), 403)
        is_problem(office.http.get(path, headers=office.asks(role, tenant)), 403)
        is_problem(office.http.delete(path, headers=office.asks(role, tenant)), 403)


@settings(max_examples=30, deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 25)), max_size=12),
    at_a_time=st.integers(1, 3),
    more=st.integers(0, 3),
)
def test_the_caps_agree_with_a_list_of_contacts(
    office: Shell, steps: list[tuple[int, int]], at_a_time: int, more: int
) -> None:
    """The oracle keeps (lender, day) pairs and counts them anew each time."""
    firm, start = a_code(uuid.uuid4().int % 9_000_000 + 100), office.clock.moment
    says(office, firm, at_a_time=at_a_time, per_quarter=at_a_time + more, valid_until="2025-10-31")
    made: list[tuple[str, date]] = []
    day = TODAY
    try:
        for which, later in steps:
            office.clock.forward(days=later)
            day += timedelta(days=later)
            lender = LENDERS[which]
            now_open = {each for each, on in made if (day - on).days < market_terms().contact.days}
            this_quarter = {
                each for each, on in made if (on.year, (on.month - 1) // 3) == (day.year, (day.month - 1) // 3)
            }
            room = lender in now_open or (
                len(now_open) < at_a_time and (lender in this_quarter or len(this_quarter) < at_a_time + more)
            )
            assert is_open(office, firm, lender, day) is room
            assert (contacts(office, firm, lender) == "") is room
            if room and lender not in now_open:
                made.append((lender, day))
    finally:
        office.clock.moment = start


def test_two_processes_cannot_both_take_the_last_place(tmp_path: Path) -> None:
    shell = a_shell(tmp_path)
    firm = a_code(10)
    says(shell, firm, at_a_time=1, per_quarter=1)
    assert [contacts(shell, firm, each) for each in LENDERS[:2]] == ["", "contact_cap"]
    with shell.office.read() as session:
        assert session.query(Contact).count() == 1
