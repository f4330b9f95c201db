"""``Idempotency-Key``: one effect and one answer for a change that is sent again, whatever happened in between."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from models.tables import AuditEntry, Consent, KeptAnswer
from service.api.route import StrictRoute
from service.books.rulebook import lenders
from service.books.seedbook import catalogue
from service.web import held
from service.web.idempotency import HEADER, REPLAYED, why_unkeyed
from tests.cost_list_calls import DRAFT
from tests.shell import Shell, a_code, a_shell, is_problem

BANK = next(lender.id for lender in lenders().values() if lender.kind == "bank")
DIMENSIONS = sorted({item.dimension for item in catalogue().items.values()})


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_shell(tmp_path_factory.mktemp("idempotency"))


def key() -> dict[str, str]:
    return {HEADER: uuid4().hex}


def wanted(shell: Shell, firm: str, days: int = 30) -> dict[str, Any]:
    """The body of a consent that would be given."""
    today = shell.clock.moment.date()
    body: dict[str, Any] = {
        "lender": BANK, "purpose": "pre_loan", "dimensions": DIMENSIONS, "personal": False,
        "valid_from": today.isoformat(), "valid_until": (today + timedelta(days=days)).isoformat(),
    }  # fmt: skip
    told = shell.http.post(f"/v1/firms/{firm}/consents/text", json=body, headers=shell.asks("firm", firm))
    return body | {"text_sha256": told.json()["text_sha256"]}


def give(shell: Shell, firm: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
    return shell.http.post(f"/v1/firms/{firm}/consents", json=body, headers=shell.asks("firm", firm) | headers)


def count(shell: Shell, table: Any, *where: Any) -> int:
    with shell.office.read() as session:
        return session.scalar(select(func.count()).select_from(table).where(*where)) or 0


# ── declared everywhere ──────────────────────────────────────────────────────────────────────────────────────────────
def test_every_change_of_the_api_takes_a_key_or_says_why_not(shell: Shell) -> None:
    document = shell.http.get("/openapi.json").json()
    changes = [
        route
        for route in shell.http.app.routes  # type: ignore[attr-defined]
        if isinstance(route, APIRoute) and route.include_in_schema and route.methods - {"GET", "HEAD", "OPTIONS"}
    ]
    assert len(changes) > 15
    for route in changes:
        if route.path == "/v1/oauth/token":
            continue  # a token is meant to be new each time, and an assertion buys one
        assert isinstance(route, StrictRoute), route.path
        for method in route.methods:
            operation = document["paths"][route.path_format][method.lower()]
            documented = any(each["name"] == HEADER for each in operation.get("parameters", []))
            assert documented == route.takes_key != bool(why_unkeyed(route.openapi_extra)), route.path
    unkeyed = {route.path for route in changes if why_unkeyed(route.openapi_extra)}
    assert len(unkeyed) < len(changes) / 2


# ── sent again ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_sent_again_it_happens_once_and_is_answered_byte_for_byte(shell: Shell) -> None:
    firm, named = a_code(1), key()
    body = wanted(shell, firm)
    first = give(shell, firm, body, named)
    shell.clock.forward(minutes=5)
    again = give(shell, firm, body, named)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert count(shell, Consent, Consent.firm == firm) == 1
    assert count(shell, AuditEntry, AuditEntry.firm == firm, AuditEntry.action == "give_consent") == 1


def test_an_answer_made_of_several_steps_is_kept_whole(shell: Shell) -> None:
    firm, named, bank = a_code(2), key(), shell.asks("bank", BANK)
    path, body = f"/v1/firms/{firm}/cost-lists", DRAFT | {"reference": "K-1"}
    first = shell.http.post(path, json=body, headers=bank | named)
    assert first.status_code == 201, first.text
    again = shell.http.post(path, json=body, headers=bank | named)
    assert (again.status_code, again.content) == (201, first.content), "without the key it would be 200: known already"
    assert shell.http.post(path, json=body, headers=bank).status_code == 200


def test_a_key_is_for_one_body_one_path_and_one_asker(shell: Shell) -> None:
    firm, other, named = a_code(3), a_code(4), key()
    body = wanted(shell, firm)
    assert give(shell, firm, body, named).status_code == 201
    is_problem(give(shell, firm, wanted(shell, firm, 31), named), 422, "idempotency_key_reused")
    path = f"/v1/firms/{firm}/objections"
    elsewhere = shell.http.post(path, json={"item": "x", "reason": "y"}, headers=shell.asks("firm", firm) | named)
    assert elsewhere.status_code == 422
    assert give(shell, other, wanted(shell, other), named).status_code == 201, "another client's key is another key"
    assert count(shell, Consent, Consent.firm.in_([firm, other])) == 2


def test_who_may_not_ask_is_refused_before_the_key_is_looked_at(shell: Shell) -> None:
    firm, named = a_code(5), key()
    body = wanted(shell, firm)
    assert give(shell, firm, body, named).status_code == 201
    path = f"/v1/firms/{firm}/consents"
    is_problem(shell.http.post(path, json=body, headers=named), 401)
    is_problem(shell.http.post(path, json=body, headers=named | shell.asks("bank", BANK)), 403)


def test_refused_input_is_not_kept(shell: Shell) -> None:
    firm, named = a_code(6), key()
    body = wanted(shell, firm)
    is_problem(give(shell, firm, body | {"text_sha256": "0" * 64}, named), 409)
    assert count(shell, KeptAnswer, KeptAnswer.status == 0) == 0
    assert give(shell, firm, body, named).status_code == 201


@pytest.mark.parametrize("bad", ["", " ", "a b", "x" * 256, "ключ"])
def test_a_key_is_a_word(shell: Shell, bad: str) -> None:
    firm = a_code(7)
    answer = give(shell, firm, wanted(shell, firm), {HEADER: bad.encode()})  # type: ignore[dict-item]
    is_problem(answer, 400, "bad_idempotency_key")


def test_a_key_ends_with_its_time(shell: Shell) -> None:
    firm, named = a_code(8), key()
    body = wanted(shell, firm)
    first = give(shell, firm, body, named)
    shell.clock.forward(hours=25)
    shell.tokens.clear()
    later = give(shell, firm, body, named)
    assert REPLAYED not in later.headers
    assert later.json()["id"] == first.json()["id"], "the consent itself is one, with a key or without"


# ── at once, and cut off ─────────────────────────────────────────────────────────────────────────────────────────────
def test_of_many_at_once_one_is_done_and_all_are_answered_with_it(shell: Shell) -> None:
    firm, named = a_code(9), key()
    body, start = wanted(shell, firm), threading.Barrier(8)

    def send(_: int) -> Any:
        start.wait()
        return give(shell, firm, body, named)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(send, range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum(REPLAYED not in answer.headers for answer in answers) == 1
    assert count(shell, AuditEntry, AuditEntry.firm == firm, AuditEntry.action == "give_consent") == 1


def test_readers_that_fill_every_thread_do_not_stop_a_change_that_holds_the_writer(shell: Shell) -> None:
    """Each reading waits for the writer in a thread of the server; the change needs a thread for each of its steps."""
    bank = shell.asks("bank", BANK)
    office = shell.asks("office")
    body = DRAFT | {"reference": "K-2"}

    def read(number: int) -> int:
        return shell.http.get(f"/v1/firms/{a_code(number)}/repair", headers=office).status_code

    def change(number: int) -> int:
        path = f"/v1/firms/{a_code(number)}/cost-lists"
        return shell.http.post(path, json=body, headers=bank | key()).status_code

    with shell.http, ThreadPoolExecutor(70) as threads:
        reading = [threads.submit(read, 100 + number) for number in range(60)]
        changing = [threads.submit(change, 200 + number) for number in range(10)]
        assert {each.result(timeout=30) for each in changing} == {201}
        assert not [each.result(timeout=30) for each in reading if each.result() == 500]


def test_cut_off_before_the_commit_nothing_is_there_and_after_it_the_answer_is(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm, named = a_code(11), key()
    body, end = wanted(shell, firm), held.Held.end

    class PulledCord(BaseException):
        pass

    def cut_before(self: held.Held) -> None:
        opened = self._open
        if opened is not None:
            self._open = self._session = None
            opened.__exit__(PulledCord, PulledCord(), None)
        raise RuntimeError("pulled before the commit")

    def cut_after(self: held.Held) -> None:
        end(self)
        raise RuntimeError("pulled after the commit")

    monkeypatch.setattr(held.Held, "end", cut_before)
    assert give(shell, firm, body, named).status_code == 500
    assert count(shell, Consent, Consent.firm == firm) == 0
    assert count(shell, AuditEntry, AuditEntry.firm == firm) == 0
    monkeypatch.setattr(held.Held, "end", cut_after)
    assert give(shell, firm, body, named).status_code == 500
    assert count(shell, Consent, Consent.firm == firm) == 1
    monkeypatch.setattr(held.Held, "end", end)
    answer = give(shell, firm, body, named)
    assert answer.status_code == 201
    assert answer.headers[REPLAYED] == "true"
    assert answer.json()["firm"] == firm
    assert count(shell, Consent, Consent.firm == firm) == 1


# ── the transaction itself ───────────────────────────────────────────────────────────────────────────────────────────
def test_blocks_of_a_held_transaction_are_seen_inside_alone_and_undone_one_by_one(tmp_path: Path) -> None:
    shell = a_shell(tmp_path)
    office, now, begun = shell.office, shell.clock.moment, []

    def row(name: str) -> KeptAnswer:
        return KeptAnswer(asker=name, key_sha256="k", fingerprint="f", made_at=now, expires_at=now)

    def names() -> list[str]:
        with office.read() as session:
            return sorted(session.scalars(select(KeptAnswer.asker)))

    with held.holding(office.write, lambda session: begun.append(session)) as transaction:
        with office.write() as session:
            session.add(row("before it is armed"))
        transaction.armed = True
        with office.write() as session:
            session.add(row("a"))
        with pytest.raises(IntegrityError), office.write() as session:
            session.add_all([row("b"), row("a")])
        with office.write() as session:
            session.add(row("c"))
        assert names() == ["a", "before it is armed", "c"]
        with ThreadPoolExecutor(1) as elsewhere:
            assert elsewhere.submit(names).result() == ["before it is armed"]
    assert names() == ["a", "before it is armed", "c"]
    assert len(begun) == 1
    assert held.held_now() is None
