"""Every route by every caller: whoever may not know a firm learns nothing of it, in answers, errors, pages or logs.

The matrix is made from the routes themselves, so that a new route is in it on the day it is written.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy import select

from models.tables import Batch, Consent, Receipt
from service.access.auth import MAY, Action, Role
from service.access.disclosure import Consent as Scope
from service.access.disclosure import Shown, Viewer
from service.api.guard import FirmGuard, Guard
from service.app import guard_of
from service.books.rulebook import lenders
from service.books.seedbook import catalogue
from service.web.logs import configure_logs
from tests.shell import Shell, a_city, a_code

BANKS = [lender.id for lender in lenders().values() if lender.kind == "bank"]
GUARANTOR = next(lender.id for lender in lenders().values() if lender.kind == "guarantor")
CONSENTED, REVOKED, EXPIRED, STRANGER = BANKS[:4]
#: A code that is well-formed and of no firm the office knows.
NOBODY = a_code(9_999_999)

CONSENT = {
    "lender": STRANGER, "purpose": "pre_loan", "dimensions": ["basic"], "valid_from": "2024-11-05",
    "valid_until": "2024-12-05",
}  # fmt: skip
#: Bodies that are right, where an empty one would be refused before anybody asks who sends it.
WELL_FORMED: dict[str, dict[str, Any]] = {
    "/v1/firms/{uscc}/consents": CONSENT,
    "/v1/firms/{uscc}/consents/text": CONSENT,
    "/v1/prospects/search": {"conditions": {"fact": "size_class", "op": "in", "value": ["micro", "small"]}},
    "/v1/schemes/{scheme_id}/evaluate": {"facts": {"size_class": "small"}},
}


#: Lists what a bank wrote itself, so it is an empty list for a firm it has written nothing about, known or not.
OWN_ONLY = frozenset({"/v1/firms/{uscc}/cost-lists"})


@dataclass
class City:
    """One firm (``mine``) among others, with consents of every state, and what only those entitled may see of it."""

    shell: Shell
    mine: str
    other: str
    ids: dict[str, str]
    markers: frozenset[str]

    def callers(self) -> dict[str, dict[str, str]]:
        asks = self.shell.asks
        return {
            "firm itself": asks("firm", self.mine),
            "other firm": asks("firm", self.other),
            "bank consented": asks("bank", CONSENTED),
            "bank revoked": asks("bank", REVOKED),
            "bank expired": asks("bank", EXPIRED),
            "bank none": asks("bank", STRANGER),
            "guarantor none": asks("guarantor", GUARANTOR),
            "office": asks("office"),
            "approver": asks("approver"),
            "auditor": asks("auditor"),
            "agency": asks("agency", "tax"),
            "other agency": asks("agency", "court"),
        }


STRANGERS = ("other firm", "bank none", "guarantor none", "bank revoked", "bank expired")
NO_READERS = (*STRANGERS, "auditor", "agency", "other agency")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    shell = a_city(tmp_path_factory.mktemp("matrix"), firms=50)
    snapshot = shell.http.app.state.desk.shelf.current()  # type: ignore[attr-defined]
    # The first page of a demo office shows the codes of its two demo firms on purpose.
    shown = (shell.office.home / "demo-clients.json").read_text(encoding="utf-8")
    mine, other = [code for row in range(snapshot.firms) if (code := snapshot.firm_at(row)) not in shown][3:5]
    today = shell.clock.moment.date()
    for lender, first, last in (
        (CONSENTED, today, today + timedelta(days=30)),
        (REVOKED, today, today + timedelta(days=30)),
        (EXPIRED, today - timedelta(days=20), today - timedelta(days=10)),
    ):
        grant(shell, mine, lender, first, last)
    ids = {"uscc": mine, "feed_id": "tax_credit_rating", "product_id": "contract-loan", "parameter_id": "lpr_1y"}
    ids["scheme_id"] = "sy-first-loan-subsidy-2024"
    headers = shell.asks("firm", mine)
    assert shell.http.get(f"/v1/firms/{mine}/options", headers=headers).status_code == 200
    with shell.office.read() as session:
        consent = session.scalars(select(Consent).where(Consent.lender == CONSENTED)).one()
        revoked = session.scalars(select(Consent).where(Consent.lender == REVOKED)).one()
        ids["consent_id"] = consent.id
        ids["receipt_id"] = session.scalars(select(Receipt.id).where(Receipt.subject == mine)).first() or ""
        ids["batch_id"] = session.scalars(select(Batch.id).where(Batch.feed == "tax_credit_rating")).first() or ""
    assert shell.http.post(f"/v1/consents/{revoked.id}/revocation", headers=headers).status_code == 200
    return City(shell, mine, other, ids, own_values(snapshot, mine) | {mine})


def grant(shell: Shell, firm: str, lender: str, first: date, last: date) -> None:
    """A consent as the table holds it; giving one that has expired is not possible over the API."""
    with shell.office.write() as session:
        session.add(
            Consent(
                id=f"c_{lender}"[:40], firm=firm, lender=lender, purpose="pre_loan",
                dimensions=sorted({item.dimension for item in catalogue().items.values()}), personal=True,
                valid_from=first, valid_until=last, text_sha256="0" * 64, given_by="test",
                given_at=shell.clock.moment - timedelta(days=20),
            )
        )  # fmt: skip


def own_values(snapshot: Any, uscc: str) -> frozenset[str]:
    """What no other firm of the city has: names, people, amounts of five digits and more."""

    def texts(row: int) -> set[str]:
        values = (reading.value for reading in snapshot.readings(row).values())
        return {str(value) for value in values if value is not None and len(str(value)) >= 5}

    row = snapshot.row_of(uscc)
    others: set[str] = set().union(*(texts(each) for each in range(snapshot.firms) if each != row))
    found = {text for text in texts(row) - others if not re.fullmatch(r"\d{4}-\d\d-\d\d|[\d.]{1,6}", text)}
    assert len(found) >= 3, "a firm of its own kind"
    return frozenset(found)


def guarded(city: City) -> Iterator[tuple[str, APIRoute, Guard]]:
    for route in city.shell.http.app.routes:  # type: ignore[attr-defined]
        if isinstance(route, APIRoute) and (guard := guard_of(route)):
            for method in sorted(route.methods):
                yield method, route, guard


def ask(city: City, method: str, route: APIRoute, headers: dict[str, str], **changed: str) -> Any:
    ids = {**city.ids, **changed}
    path = re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], "x"), route.path)
    purpose = {"X-Purpose": "pre_loan"} if headers["Authorization"] in lender_tokens(city) else {}
    body: dict[str, Any] = {"json": WELL_FORMED.get(route.path, {})} if method == "POST" and route.body_field else {}
    return city.shell.http.request(method, path, headers=headers | purpose, **body)


def lender_tokens(city: City) -> set[str]:
    tokens = city.shell.tokens.items()
    return {f"Bearer {token}" for (role, _), token in tokens if role in ("bank", "guarantor")}


def without_the_question(answer: Any) -> str:
    """The text of an answer less what the caller sent itself: the path, and the value a problem gives back."""
    if answer.headers.get("content-type") == "application/problem+json":
        problem = answer.json()
        return str({name: said for name, said in problem.items() if name not in ("instance", "value", "request_id")})
    return str(answer.text)


@pytest.mark.parametrize("caller", NO_READERS)
def test_who_may_not_know_the_firm_learns_nothing_on_any_route(city: City, caller: str) -> None:
    headers, asked = city.callers()[caller], 0
    for method, route, guard in guarded(city):
        if guard.action in (Action.READ_AUDIT, Action.READ_RECEIPT) and caller == "auditor":
            continue
        if caller in ("bank revoked", "bank expired") and guard.action in (Action.READ_CONSENTS, Action.READ_NOTICES):
            # A house lists the consents it was given, and corrections of what it read, with the firm's code.
            continue
        if "batch_id" in route.path and caller == "agency":
            continue
        answer = ask(city, method, route, headers)
        said = without_the_question(answer)
        assert answer.status_code < 500, (method, route.path, said)
        assert not [marker for marker in city.markers if marker in said], (caller, method, route.path)
        if "{uscc}" in route.path and method == "GET" and not (route.path in OWN_ONLY and caller.startswith("bank")):
            assert answer.status_code == (404 if Role(role_of(caller)) in MAY[guard.action] else 403), route.path
        asked += 1
    assert asked > 35


def role_of(caller: str) -> str:
    return caller.removeprefix("other ").split()[0]


@pytest.mark.parametrize("caller", STRANGERS)
def test_a_firm_one_may_not_know_and_a_firm_that_is_not_there_are_one_answer(city: City, caller: str) -> None:
    headers = city.callers()[caller]
    for method, route, _ in guarded(city):
        if "{uscc}" in route.path:
            there, nowhere = ask(city, method, route, headers), ask(city, method, route, headers, uscc=NOBODY)
            assert there.status_code == nowhere.status_code, route.path
            assert without_the_question(there) == without_the_question(nowhere), (caller, method, route.path)
            assert set(there.headers) == set(nowhere.headers)


@pytest.mark.parametrize("caller", STRANGERS)
def test_an_id_one_may_not_know_and_one_that_is_not_there_are_one_answer(city: City, caller: str) -> None:
    headers = city.callers()[caller]
    for method, route, _ in guarded(city):
        for name in ("consent_id", "receipt_id"):
            if f"{{{name}}}" in route.path:
                there = ask(city, method, route, headers)
                nowhere = ask(city, method, route, headers, **{name: "no_such_id"})
                if caller in ("bank revoked", "bank expired") and there.status_code == 200:
                    continue
                assert there.status_code == nowhere.status_code, route.path
                assert without_the_question(there) == without_the_question(nowhere), (caller, route.path)


@pytest.mark.parametrize("caller", ["firm itself", "bank consented", "office", "approver"])
def test_who_may_know_the_firm_is_answered(city: City, caller: str) -> None:
    headers, asked = city.callers()[caller], 0
    for method, route, guard in guarded(city):
        if isinstance(guard_dependency(route), FirmGuard) and method == "GET" and "records" not in route.path:
            allowed = Role(role_of(caller)) in MAY[guard.action]
            answer = ask(city, method, route, headers)
            assert answer.status_code == (200 if allowed else 403), (route.path, answer.text[:300])
            asked += 1
    assert asked >= 4


def guard_dependency(route: APIRoute) -> object:
    return next((each.call for each in route.dependant.dependencies if isinstance(each.call, Guard)), None)


@pytest.mark.parametrize("caller", ["bank consented", "office", "approver", "firm itself"])
def test_each_field_of_a_profile_is_shown_as_the_table_says(city: City, caller: str) -> None:
    answer = city.shell.http.get(
        f"/v1/firms/{city.mine}/profile",
        headers=city.callers()[caller] | ({"X-Purpose": "pre_loan"} if "bank" in caller else {}),
    ).json()
    role, shown = Role(role_of(caller)), {item["id"]: item for item in answer["items"]}
    everything = Scope(frozenset(item.dimension for item in catalogue().items.values()), personal=True)
    consent = everything if role is Role.BANK else None
    for name, item in catalogue().items.items():
        expected = Viewer(role, consent).shown(item)
        if expected is Shown.HIDDEN:
            assert name not in shown or shown[name]["value"] is None
        elif expected is Shown.MASKED:
            assert shown[name]["value"] is None, name


def test_the_public_pages_name_no_firm_to_anybody(city: City) -> None:
    for path in ("/", "/docs", "/sign-in", "/openapi.json", "/version", "/readyz", "/healthz", f"/{city.mine}"):
        for headers in city.callers().values():
            said = without_the_question(city.shell.http.get(path, headers=headers))
            assert not [marker for marker in city.markers if marker in said], path


def test_the_log_of_the_whole_matrix_names_no_firm(city: City) -> None:
    root, stream = logging.getLogger(), io.StringIO()
    before, level = root.handlers[:], root.level
    configure_logs(stream)
    try:
        for caller in ("firm itself", "office", "bank none"):
            for method, route, _ in guarded(city):
                if method == "GET":
                    ask(city, method, route, city.callers()[caller])
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    said = stream.getvalue()
    assert len(said.splitlines()) > 60
    assert not [marker for marker in city.markers if marker in said]


READ_ONLY = (
    "id", "status", "state", "uscc", "firm", "bank_id", "tenant", "role", "score", "grade", "given_by", "given_at",
    "revoked_at", "decided_by", "created_at", "entry_hash", "receipt_id", "is_admin", "powers", "result", "__proto__",
)  # fmt: skip


def body_routes(city: City) -> list[tuple[APIRoute, Guard, type[BaseModel]]]:
    found = []
    for method, route, guard in guarded(city):
        if method == "POST" and route.body_field is not None:
            found.append((route, guard, route.body_field.field_info.annotation))
    return found


def caller_for(city: City, guard: Guard) -> dict[str, str]:
    """Somebody the action is open to, so that the body is what is refused."""
    for name, role in (("firm itself", Role.FIRM), ("office", Role.OFFICE), ("approver", Role.APPROVER)):
        if role in MAY[guard.action]:
            return city.callers()[name]
    return city.callers()["bank consented"]


def test_no_body_takes_a_member_it_does_not_declare(city: City) -> None:
    tried = 0
    for route, guard, model in body_routes(city):
        declared = {field.alias or name for name, field in model.model_fields.items()}
        undeclared = sorted(set(READ_ONLY) - declared)
        for start in range(0, len(undeclared), 10):
            names = undeclared[start : start + 10]
            answer = refused_body(city, route, guard, dict.fromkeys(names, "x"))
            assert {("extra_forbidden", f"/{name}") for name in names} <= answer, route.path
            tried += len(names)
    assert tried > 100


#: NUL and half characters are refused before anybody looks at members.
_TEXT = st.characters(exclude_categories=("Cs",), exclude_characters="\0")


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    name=st.text(_TEXT, min_size=1, max_size=12),
    value=st.none() | st.booleans() | st.integers(0, 9) | st.text(_TEXT, max_size=5),
)
def test_no_body_takes_a_member_nobody_thought_of(city: City, name: str, value: Any) -> None:
    for route, guard, model in body_routes(city):
        if name not in {field.alias or each for each, field in model.model_fields.items()}:
            answer = refused_body(city, route, guard, {name: value})
            assert "extra_forbidden" in {code for code, _ in answer}, (route.path, name)


def refused_body(city: City, route: APIRoute, guard: Guard, body: dict[str, Any]) -> set[tuple[str, str]]:
    """Kind and place of every fault of a refused body."""
    path = re.sub(r"\{(\w+)\}", lambda found: city.ids.get(found[1], "x"), route.path)
    answer = city.shell.http.post(path, json=body, headers=caller_for(city, guard))
    assert answer.status_code == 422, (route.path, answer.text)
    problem = answer.json()
    assert problem["code"] == "invalid_request", (route.path, problem)
    return {(fault["code"], fault["pointer"]) for fault in problem["errors"]}
