"""Signing in with the city's identity provider, against a provider that speaks HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from models.tables import Person
from service.api.guard import COOKIE
from service.usecases.manage_people import disable_person
from tests.oidc_provider import Provider
from tests.shell import Clock, Shell, a_shell, is_problem

RETURN = "/sign-in/provider/return"


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider(lambda: Clock().moment.timestamp())
    yield made
    made.close()


@pytest.fixture
def shell(tmp_path: Path, provider: Provider) -> Shell:
    shell = a_shell(
        tmp_path,
        oidc_issuer=provider.issuer,
        oidc_client_id="office",
        oidc_client_secret="of the provider",
        public_url="https://testserver",
    )
    shell.http = TestClient(shell.http.app, base_url="https://testserver", follow_redirects=False)
    with shell.office.write() as session:
        session.add(
            Person(
                id="li", name="Li", role="office", tenant="", powers=[], issuer=provider.issuer, subject="s-1",
                password_hash="", second_factor=b"", last_step=0, failures=0,
            )
        )  # fmt: skip
    return shell


def sent(shell: Shell) -> str:
    answer = shell.http.get("/sign-in/provider")
    assert answer.status_code == 303, answer.text
    assert "SameSite=lax" in answer.headers["set-cookie"]
    return str(answer.headers["location"])


def comes_back(shell: Shell, query: str) -> Any:
    return shell.http.get(f"{RETURN}?{query}")


def test_whom_the_provider_vouches_for_is_in(shell: Shell, provider: Provider) -> None:
    assert "/sign-in/provider" in shell.http.get("/sign-in").text
    answer = comes_back(shell, provider.approve(sent(shell), "s-1"))
    assert answer.status_code == 200, answer.text
    assert "SameSite=strict" in next(c for c in answer.headers.get_list("set-cookie") if c.startswith(COOKIE + "="))
    assert shell.http.get("/v1/feeds").status_code == 200


def test_who_is_not_registered_or_was_disabled_is_not_in(shell: Shell, provider: Provider) -> None:
    is_problem(comes_back(shell, provider.approve(sent(shell), "s-2")), 401, "sign_in_refused")
    disable_person(shell.office, "li", Clock().moment)
    is_problem(comes_back(shell, provider.approve(sent(shell), "s-1")), 401, "sign_in_refused")
    is_problem(shell.http.get("/v1/feeds"), 401)


def test_nobody_signs_in_here_with_an_empty_password(shell: Shell) -> None:
    for password in ("", "nobody has this password"):
        form = {"person": "li", "password": password, "code": "000000"}
        assert shell.http.post("/sign-in", data=form).status_code == 401


@pytest.mark.parametrize(
    "spoilt",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": ["office", "another"]},
        {"iss": "https://elsewhere.example"},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": 4_000_000_000, "exp": 4_000_000_300},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
    ],
    ids=str,
)
def test_a_token_that_proves_something_else_is_refused(
    shell: Shell, provider: Provider, spoilt: dict[str, Any]
) -> None:
    provider.spoil = spoilt
    is_problem(comes_back(shell, provider.approve(sent(shell), "s-1")), 401, "provider_refused")
    is_problem(shell.http.get("/v1/feeds"), 401)


def test_an_answer_to_another_question_is_refused(shell: Shell, provider: Provider) -> None:
    answered = provider.approve(sent(shell), "s-1")
    sent(shell)
    is_problem(comes_back(shell, answered), 401, "provider_refused")
    answered = provider.approve(sent(shell), "s-1")
    shell.http.cookies.clear()
    is_problem(comes_back(shell, answered), 401, "provider_refused")
    is_problem(comes_back(shell, "error=access_denied"), 401, "provider_refused")


def test_a_code_buys_one_session(shell: Shell, provider: Provider) -> None:
    address = sent(shell)
    kept = dict(shell.http.cookies)
    answered = provider.approve(address, "s-1")
    assert comes_back(shell, answered).status_code == 200
    shell.http.cookies.update(kept)
    is_problem(comes_back(shell, answered), 401, "provider_refused")


def test_a_new_key_of_the_provider_is_fetched_and_a_foreign_one_is_not_trusted(
    shell: Shell, provider: Provider
) -> None:
    assert comes_back(shell, provider.approve(sent(shell), "s-1")).status_code == 200
    provider.key = RSAKey.generate_key(2048, {"kid": "two"})
    is_problem(comes_back(shell, provider.approve(sent(shell), "s-1")), 401, "provider_refused")
    provider.published = [provider.key]
    assert comes_back(shell, provider.approve(sent(shell), "s-1")).status_code == 200


def test_a_provider_that_cannot_be_asked_is_said_to_be_so(tmp_path: Path, provider: Provider) -> None:
    provider.named = "https://elsewhere.example"
    shell = a_shell(tmp_path, oidc_issuer=provider.issuer, oidc_client_id="office")
    is_problem(shell.http.get("/sign-in/provider"), 503, "provider_unreachable")
    closed = a_shell(tmp_path / "b", oidc_issuer="http://127.0.0.1:9", oidc_client_id="office")
    is_problem(closed.http.get("/sign-in/provider"), 503, "provider_unreachable")
    none = a_shell(tmp_path / "c")
    is_problem(none.http.get("/sign-in/provider"), 404)
    assert "/sign-in/provider" not in none.http.get("/sign-in").text
