"""People sign in with password and second factor; what ends a session; what tells nothing about who exists."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from models.errors import RefusedInput
from models.tables import AuditEntry, Person, SignIn
from service.access.auth import Role
from service.access.second_factor import hash_password, new_second_factor, password_fits, step_of, wait_after
from service.api.guard import COOKIE
from service.pages.sign_in import CSRF_COOKIE
from service.usecases.manage_people import add_person, change_password, disable_person
from tests.shell import Shell, a_code, a_shell, is_problem

NOW = datetime(2024, 11, 5, 2, 0, tzinfo=UTC)
WORDS = "correct horse battery staple"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = a_shell(tmp_path)
    # Secure cookies travel over https only, and the client keeps them as a browser does.
    shell.http = TestClient(shell.http.app, base_url="https://testserver", follow_redirects=False)
    return shell


@pytest.fixture
def secret(shell: Shell) -> str:
    return add_person(shell.office, "li", "Li", Role.OFFICE, "", (), WORDS, NOW).secret


def code(shell: Shell, secret: str) -> str:
    return pyotp.TOTP(secret).at(shell.clock.moment)


def sign(shell: Shell, person: str, password: str, given: str) -> Any:
    form = {"person": person, "password": password, "code": given}
    return shell.http.post("/sign-in?lang=en", data=form)


def entered(shell: Shell, secret: str) -> Any:
    answer = sign(shell, "li", WORDS, code(shell, secret))
    assert answer.status_code == 303, answer.text
    return answer


def test_the_right_three_begin_a_session_that_reads(shell: Shell, secret: str) -> None:
    is_problem(shell.http.get("/v1/feeds"), 401)
    answer = entered(shell, secret)
    for cookie in answer.headers.get_list("set-cookie"):
        assert cookie.startswith("__Host-")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
    assert shell.http.get("/v1/feeds").status_code == 200
    with shell.office.read() as session:
        entry = session.query(AuditEntry).order_by(AuditEntry.seq.desc()).first()
        assert entry is not None
        assert (entry.action, entry.person, entry.result) == ("sign_in", "li", "allowed")


def test_secrets_are_kept_as_hashes_or_sealed(shell: Shell, secret: str) -> None:
    answer = entered(shell, secret)
    token = answer.cookies[COOKIE]
    with shell.office.read() as session:
        person = session.get_one(Person, "li")
        kept = f"{person.password_hash} {person.second_factor!r} {[each.sha256 for each in session.query(SignIn)]}"
    assert person.password_hash.startswith("$argon2id$")
    assert not [each for each in (WORDS, secret, token) if each in kept]


@pytest.mark.parametrize(
    ("person", "password", "offset"),
    [("li", "wrong horse battery staple", 0), ("li", WORDS, 3600), ("nobody", WORDS, 0), ("li", "", 0), ("", "", 0)],
    ids=["password", "code", "person", "empty", "all empty"],
)
def test_one_answer_for_every_wrong_attempt(shell: Shell, secret: str, person: str, password: str, offset: int) -> None:
    given = pyotp.TOTP(secret).at(shell.clock.moment + timedelta(seconds=offset))
    answer = sign(shell, person, password, given)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert answer.text == sign(shell, "someone", "else", "000000").text
    is_problem(shell.http.get("/v1/feeds"), 401)


def test_a_code_works_once_and_for_a_minute_and_a_half(shell: Shell, secret: str) -> None:
    given = code(shell, secret)
    assert sign(shell, "li", WORDS, given).status_code == 303
    assert sign(shell, "li", WORDS, given).status_code == 401, "the same code again"
    shell.clock.forward(seconds=30)
    assert sign(shell, "li", WORDS, code(shell, secret)).status_code == 303
    old = code(shell, secret)
    shell.clock.forward(seconds=61)
    assert sign(shell, "li", WORDS, old).status_code == 401


def test_five_failures_make_the_person_wait_and_the_wait_doubles(shell: Shell, secret: str) -> None:
    for _ in range(5):
        assert sign(shell, "li", "wrong wrong wrong", "000000").status_code == 401
    assert sign(shell, "li", WORDS, code(shell, secret)).status_code == 401, "the right ones wait too"
    shell.clock.forward(seconds=59)
    assert sign(shell, "li", WORDS, code(shell, secret)).status_code == 401
    shell.clock.forward(seconds=1)
    assert sign(shell, "li", "wrong wrong wrong", "000000").status_code == 401
    shell.clock.forward(seconds=119)
    assert sign(shell, "li", WORDS, code(shell, secret)).status_code == 401
    shell.clock.forward(seconds=1)
    assert sign(shell, "li", WORDS, code(shell, secret)).status_code == 303
    with shell.office.read() as session:
        reasons = [row.reason for row in session.query(AuditEntry).filter_by(action="sign_in").order_by("seq")]
    assert reasons == ["password"] * 5 + ["locked"] * 2 + ["password", "locked", ""]


def test_who_does_not_exist_takes_as_long_as_a_wrong_password(shell: Shell, secret: str) -> None:
    def spent(person: str) -> float:
        times = []
        for _ in range(5):
            start = time.thread_time()
            password_fits("wrong wrong wrong", hashed if person == "li" else "")
            times.append(time.thread_time() - start)
        return statistics.median(times)

    with shell.office.read() as session:
        hashed = session.get_one(Person, "li").password_hash
    assert abs(spent("li") - spent("nobody")) < 0.02


def test_a_session_ends_by_idleness_by_its_length_and_by_signing_out(shell: Shell, secret: str) -> None:
    entered(shell, secret)
    shell.clock.forward(minutes=14, seconds=59)
    assert shell.http.get("/v1/feeds").status_code == 200
    shell.clock.forward(minutes=15)
    is_problem(shell.http.get("/v1/feeds"), 401)
    entered(shell, secret)
    for _ in range(47):
        shell.clock.forward(minutes=10)
        assert shell.http.get("/v1/feeds").status_code == 200
    shell.clock.forward(minutes=10)
    is_problem(shell.http.get("/v1/feeds"), 401)
    answer = entered(shell, secret)
    token = answer.cookies[COOKIE]
    is_problem(shell.http.post("/sign-out", data={"csrf": "guessed"}), 400)
    assert shell.http.post("/sign-out", data={"csrf": answer.cookies[CSRF_COOKIE]}).status_code == 303
    shell.http.cookies.set(COOKIE, token)
    is_problem(shell.http.get("/v1/feeds"), 401)


def test_the_session_is_new_whatever_the_browser_sent(shell: Shell, secret: str) -> None:
    shell.http.cookies.set(COOKIE, "fixed-by-somebody-else")
    assert entered(shell, secret).cookies[COOKIE] != "fixed-by-somebody-else"


def test_a_change_in_a_session_needs_its_csrf_token(shell: Shell, secret: str) -> None:
    csrf = entered(shell, secret).cookies[CSRF_COOKIE]
    search = {"conditions": {"all": [{"fact": "size_class", "op": "in", "value": ["small"]}]}}
    is_problem(shell.http.post("/v1/prospects/search", json=search), 403, "csrf")
    is_problem(shell.http.post("/v1/prospects/search", json=search, headers={"X-CSRF-Token": "x"}), 403, "csrf")
    allowed = shell.http.post("/v1/prospects/search", json=search, headers={"X-CSRF-Token": csrf})
    is_problem(allowed, 503, "no_snapshot")
    foreign = shell.http.post("/sign-in", data={}, headers={"Sec-Fetch-Site": "cross-site"})
    is_problem(foreign, 403, "csrf")


def test_a_disabled_person_and_a_changed_password_end_open_sessions_at_once(shell: Shell, secret: str) -> None:
    entered(shell, secret)
    change_password(shell.office, "li", "another horse battery staple", NOW)
    is_problem(shell.http.get("/v1/feeds"), 401)
    shell.clock.forward(seconds=30)
    assert sign(shell, "li", "another horse battery staple", code(shell, secret)).status_code == 303
    disable_person(shell.office, "li", NOW)
    is_problem(shell.http.get("/v1/feeds"), 401)
    shell.clock.forward(seconds=30)
    assert sign(shell, "li", "another horse battery staple", code(shell, secret)).status_code == 401


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"password": "short words"}, "12 to 128"),
        ({"password": "x" * 129}, "12 to 128"),
        ({"password": "my name is wang ok"}, "person's id"),
        ({"password": "abababababab"}, "five different"),
        ({"powers": ("fly",), "role": Role.FIRM}, "no such power"),
        ({"powers": ("view",)}, "have powers"),
        ({"powers": (), "role": Role.FIRM}, "have powers"),
    ],
)
def test_a_person_is_made_with_care(shell: Shell, changed: dict[str, Any], said: str) -> None:
    wanted = {"role": Role.OFFICE, "tenant": "", "powers": (), "password": WORDS} | changed
    with pytest.raises(RefusedInput, match=said) as refused:
        add_person(shell.office, "wang", "Wang", now=NOW, **wanted)
    assert str(wanted["password"]) not in str(refused.value)


def test_the_form_is_in_both_languages(shell: Shell) -> None:
    assert "Six-digit code" in shell.http.get("/sign-in?lang=en").text
    assert "验证码" in shell.http.get("/sign-in?lang=zh").text


@settings(max_examples=50, deadline=None)
@given(failures=st.integers(0, 10_000))
def test_the_wait_never_shrinks_and_never_passes_a_day(failures: int) -> None:
    wait, longer = wait_after(failures), wait_after(failures + 1)
    assert (wait is None) == (failures < 5)
    assert (wait or timedelta(0)) <= (longer or timedelta(0)) <= timedelta(days=1)


@settings(max_examples=100, deadline=None)
@given(at=st.integers(1_600_000_000, 1_900_000_000), drift=st.integers(-95, 95))
def test_a_code_holds_for_its_step_and_one_to_each_side(at: int, drift: int) -> None:
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    given = pyotp.TOTP(secret).at(at + drift)
    steps_apart = abs((at + drift) // 30 - at // 30)
    found = step_of(given, secret, datetime.fromtimestamp(at, UTC), 0)
    if steps_apart <= 1:
        assert found == (at + drift) // 30
        assert step_of(given, secret, datetime.fromtimestamp(at, UTC), found) is None
    elif found is not None:
        assert pyotp.TOTP(secret).at(found * 30) == given, "two steps may share a code by chance"


@pytest.mark.parametrize("text", ["", "12345", "1234567", "abcdef", "１２３４５６", "12 456", "-12345"])
def test_what_is_no_code_fits_nothing(text: str) -> None:
    assert step_of(text, new_second_factor(), NOW, 0) is None


def test_two_hashes_of_one_password_differ_and_both_fit() -> None:
    first, second = hash_password(WORDS, "li"), hash_password(WORDS, "li")
    assert first != second
    assert password_fits(WORDS, first)
    assert password_fits(WORDS, second)
    assert not password_fits(WORDS + " ", first)


def test_a_firms_people_do_for_it_what_their_powers_say(shell: Shell) -> None:
    firm = a_code(1)
    consent = {
        "lender": "x",
        "purpose": "pre_loan",
        "dimensions": ["x"],
        "valid_from": "2024-11-05",
        "valid_until": "2024-11-06",
    }
    for number, powers in enumerate((("view",), ("consent",), ("apply",))):
        person = f"person-{number}"
        secret = add_person(shell.office, person, "P", Role.FIRM, firm, powers, WORDS, NOW).secret
        csrf = sign(shell, person, WORDS, code(shell, secret)).cookies[CSRF_COOKIE]
        headers = {"X-CSRF-Token": csrf}
        log = shell.http.get(f"/v1/firms/{firm}/access-log")
        given = shell.http.post(f"/v1/firms/{firm}/consents/text", json=consent, headers=headers)
        assert (log.status_code == 200) == ("view" in powers), log.text
        assert (given.status_code == 422) == ("consent" in powers), given.text
        assert {log.status_code, given.status_code} <= {200, 422, 403}
        assert shell.http.get("/v1/schemes").status_code == 200, "public to whoever is signed in"
        is_problem(shell.http.get(f"/v1/firms/{a_code(2)}/access-log"), 404 if "view" in powers else 403)
