"""Who may call what: tokens, roles, tenants, and what a viewer sees of a profile."""

from __future__ import annotations

import re
import stat
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import select
from starlette.routing import Mount, Route

from models.tables import Base, Client, Token
from service.access.auth import MAY, Action, Role, hashed
from service.access.disclosure import Consent, Shown, Viewer
from service.access.opaque import office_key, prospect_id
from service.app import guard_of
from service.books.seedbook import catalogue
from tests.shell import SECRET, Shell, a_code, a_shell, is_problem

PUBLIC = {
    "/",
    "/healthz",
    "/readyz",
    "/version",
    "/.well-known/jwks.json",
    "/docs",
    "/openapi.json",
    "/static",
    "/v1/oauth/token",
    "/sign-in",
    "/sign-in/provider",
    "/sign-in/provider/return",
    "/sign-out",
}
FORM = {"grant_type": "client_credentials"}


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_shell(tmp_path_factory.mktemp("auth"))


def test_every_route_declares_who_may_call_it(shell: Shell) -> None:
    undeclared = set()
    for route in shell.http.app.routes:  # type: ignore[attr-defined]
        assert isinstance(route, (Route, Mount)), route
        if not (isinstance(route, APIRoute) and guard_of(route)):
            undeclared.add(route.path)
    assert undeclared == PUBLIC


def test_without_a_token_every_guarded_route_answers_401(shell: Shell) -> None:
    for route in shell.http.app.routes:  # type: ignore[attr-defined]
        if isinstance(route, APIRoute) and guard_of(route):
            path = re.sub(r"\{uscc\}", a_code(1), route.path)
            path = re.sub(r"\{\w+\}", "x", path)
            for method in route.methods:
                answer = shell.http.request(method, path, json={} if method in ("POST", "PUT", "PATCH") else None)
                assert is_problem(answer, 401)["fix"]
                assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("role", list(Role))
def test_each_role_is_refused_what_the_policy_does_not_list(shell: Shell, role: Role) -> None:
    headers = shell.asks(role.value, "x")
    if role in (Role.BANK, Role.GUARANTOR):
        headers["X-Purpose"] = "post_loan"  # lenders say what they read for; without it that is what is refused
    for route in shell.http.app.routes:  # type: ignore[attr-defined]
        if not (isinstance(route, APIRoute) and (guard := guard_of(route))) or "POST" in route.methods:
            continue
        path = re.sub(r"\{\w+\}", "x", re.sub(r"\{uscc\}", a_code(1), route.path))
        (method,) = route.methods
        body = {} if method in ("PUT", "PATCH") else None
        refused = shell.http.request(method, path, headers=headers, json=body).status_code == 403
        assert refused == (role not in MAY[guard.action]), path


def test_every_action_names_a_role_and_is_used_by_a_route(shell: Shell) -> None:
    used = {guard.action for r in shell.http.app.routes if isinstance(r, APIRoute) and (guard := guard_of(r))}  # type: ignore[attr-defined]
    assert used == set(Action) == set(MAY)
    assert all(MAY.values())


def test_secret_in_the_form_and_by_basic_both_give_a_token(shell: Shell) -> None:
    shell.asks("auditor")
    by_form = shell.http.post("/v1/oauth/token", data=FORM | {"client_id": "auditor", "client_secret": SECRET})
    by_basic = shell.http.post("/v1/oauth/token", data=FORM, auth=("auditor", SECRET))
    for answer in (by_form, by_basic):
        assert answer.status_code == 200
        assert answer.json()["token_type"] == "Bearer"
        assert answer.json()["expires_in"] == 600
        assert answer.headers["cache-control"] == "no-store"
        assert len(answer.json()["access_token"]) >= 43


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        (FORM | {"client_id": "auditor", "client_secret": "wrong"}, 401, "invalid_client"),
        (FORM | {"client_id": "nobody", "client_secret": SECRET}, 401, "invalid_client"),
        (FORM | {"client_id": "auditor", "client_secret": ""}, 400, "invalid_request"),
        (FORM, 400, "invalid_request"),
        ({"grant_type": "password", "username": "a", "password": "b"}, 400, "unsupported_grant_type"),
        ({}, 415, "invalid_request"),
    ],
)
def test_bad_credentials_say_what_is_wrong(shell: Shell, form: dict[str, str], status: int, error: str) -> None:
    shell.asks("auditor")
    answer = shell.http.post("/v1/oauth/token", data=form)
    assert is_problem(answer, status)["error"] == error
    assert SECRET not in answer.text


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", f"Basic {b64encode(b'no colon').decode()}", "Basic \xff"])
def test_malformed_basic_credentials_are_a_bad_request(shell: Shell, header: str) -> None:
    answer = shell.http.post("/v1/oauth/token", data=FORM, headers={"Authorization": header.encode("latin-1")})
    assert is_problem(answer, 400)["error"] == "invalid_request"


def test_a_token_ends_with_its_time_and_with_its_client(tmp_path: Path) -> None:
    shell = a_shell(tmp_path)
    headers = shell.asks("office")
    assert shell.http.get("/v1/feeds", headers=headers).status_code == 200
    shell.clock.forward(seconds=599)
    assert shell.http.get("/v1/feeds", headers=headers).status_code == 200
    shell.clock.forward(seconds=1)
    is_problem(shell.http.get("/v1/feeds", headers=headers), 401, "not_authenticated")
    shell.tokens.clear()
    headers = shell.asks("office")
    with shell.office.write() as session:
        session.get_one(Client, "office").disabled_at = datetime(2024, 11, 5, tzinfo=UTC)
    is_problem(shell.http.get("/v1/feeds", headers=headers), 401)
    with shell.office.read() as session:
        assert len(session.scalars(select(Token)).all()) == 1, "the expired token was swept out"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer not-a-token", "Bearer a b c"])
def test_a_token_that_is_none_is_refused(shell: Shell, header: str) -> None:
    is_problem(shell.http.get("/v1/feeds", headers={"Authorization": header}), 401, "not_authenticated")


def test_neither_secrets_nor_tokens_are_kept(tmp_path: Path) -> None:
    shell = a_shell(tmp_path)
    token = shell.asks("bank", "x")["Authorization"].removeprefix("Bearer ")
    # The rows too: the database need not be among the files.
    with shell.office.read() as session:
        rows = [session.execute(table.select()).all() for table in Base.metadata.sorted_tables]
    shell.office.close()
    kept = repr(rows).encode() + b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert token.encode() not in kept
    assert SECRET.encode() not in kept
    assert hashed(SECRET).encode() in kept


def test_an_agency_sees_its_own_feeds_and_batches_only(shell: Shell) -> None:
    answer = shell.http.post(
        "/v1/feeds/tax_credit_rating/batches", content=b"uscc\n", headers=shell.asks("agency", "court")
    )
    is_problem(answer, 404, "not_found")


def test_who_sees_what_of_a_profile() -> None:
    items = catalogue().items.values()
    plain = next(item for item in items if not item.personal and item.share == "authorised")
    personal = next(item for item in items if item.personal)
    everything = Consent(frozenset(item.dimension for item in items))
    assert Viewer(Role.FIRM).shown(personal) is Shown.FULL
    assert Viewer(Role.OFFICE).shown(plain) is Shown.FULL
    assert Viewer(Role.APPROVER).shown(personal) is Shown.MASKED
    for lender in (Role.BANK, Role.GUARANTOR):
        assert all(Viewer(lender).shown(item) is Shown.HIDDEN for item in items)
        assert Viewer(lender, everything).shown(plain) is Shown.FULL
        assert Viewer(lender, everything).shown(personal) is Shown.MASKED
        assert Viewer(lender, Consent(everything.dimensions, personal=True)).shown(personal) is Shown.FULL
        assert Viewer(lender, Consent(frozenset({"another"}))).shown(plain) is Shown.HIDDEN
    for stranger in (Role.AGENCY, Role.AUDITOR):
        assert all(Viewer(stranger, everything).shown(item) is Shown.HIDDEN for item in items)


def test_a_prospect_id_differs_by_lender_and_office_and_stays(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    key = office_key(tmp_path / "a")
    assert key == office_key(tmp_path / "a")
    assert stat.S_IMODE((tmp_path / "a" / "prospect.key").stat().st_mode) == 0o600
    ids = {
        prospect_id(key, "bank-1", a_code(1)),
        prospect_id(key, "bank-2", a_code(1)),
        prospect_id(key, "bank-1", a_code(2)),
        prospect_id(office_key(tmp_path / "b"), "bank-1", a_code(1)),
    }
    assert len(ids) == 4
    assert all(re.fullmatch(r"p_[0-9a-f]{32}", each) for each in ids)
