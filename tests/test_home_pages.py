"""Pages of who signed in: who sees what, forms with their secret, and what the journal says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
import pytest
from starlette.testclient import TestClient

from models.tables import AuditEntry, SignIn
from service.access.auth import Role
from service.api.guard import COOKIE
from service.pages.queues import QUEUES
from service.pages.session import CSRF_COOKIE
from service.usecases.manage_people import add_person
from tests.needs_calls import a_firm, stated
from tests.shell import Shell, a_shell, is_problem

WORDS = "correct horse battery staple"
BROWSER = {"Accept": "text/html,application/xhtml+xml"}
ALL = ("view", "apply", "consent")


@dataclass
class Visit:
    """Somebody in a browser, signed in."""

    shell: Shell
    http: TestClient

    def get(self, path: str, status: int = 200, lang: str = "en") -> str:
        answer = self.http.get(f"{path}?lang={lang}", headers=BROWSER)
        assert answer.status_code == status, answer.text[:300]
        return str(answer.text)

    def post(self, path: str, form: dict[str, str], **headers: str) -> Any:
        return self.http.post(f"{path}?lang=en", data={"csrf": self.csrf} | form, headers=BROWSER | headers)

    @property
    def csrf(self) -> str:
        return str(self.http.cookies[CSRF_COOKIE])


def visit(shell: Shell, role: Role, tenant: str = "", powers: tuple[str, ...] = ()) -> Visit:
    person = f"p{len(shell.tokens)}-{role.value}-{tenant[-6:]}-{len(powers)}"
    shell.tokens["person", person] = ""
    secret = add_person(shell.office, person, "P", role, tenant, powers, WORDS, shell.clock()).secret
    http = TestClient(shell.http.app, base_url="https://testserver", follow_redirects=False)
    form = {"person": person, "password": WORDS, "code": pyotp.TOTP(secret).at(shell.clock())}
    answer = http.post("/sign-in?lang=en", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/home?lang=en")
    return Visit(shell, http)


@pytest.fixture(scope="module")
def city() -> tuple[Shell, str, str]:
    """A city, a firm with a stated need, and a lender the need was sent to."""
    shell, firm = a_firm()
    stated(shell, firm)
    sent = shell.http.get("/v1/applications", headers=shell.asks("firm", firm)).json()["items"]
    return shell, firm, sent[0]["lender"]["id"]


def tiles(html: str) -> list[str]:
    return re.findall(r'href="/home/([a-z-]+)\?', html)


def entries(shell: Shell) -> int:
    with shell.office.read() as session:
        return session.query(AuditEntry).count()


def test_each_role_lands_on_its_own_matters(city: tuple[Shell, str, str]) -> None:
    shell, firm, lender = city
    staff = ["applications", "objections", "repairs", "tickets", "reviews", "late-agencies"]
    own = ["card", "consents", "needs", "applications", "objections", "repairs", "tickets", "access-log"]
    for role, tenant, powers, expected in (
        (Role.OFFICE, "", (), staff),
        (Role.APPROVER, "", (), staff),
        (Role.AUDITOR, "", (), ["alarms"]),
        (Role.AGENCY, "tax", (), ["objections", "repairs"]),
        (Role.BANK, lender, (), ["consents", "applications", "notices"]),
        (Role.FIRM, firm, ALL, own),
        (Role.FIRM, firm, ("consent",), []),
    ):
        here = visit(shell, role, tenant, powers)
        assert tiles(here.get("/home")) == expected, role
        for name in expected:
            assert firm not in here.get("/home"), "counts name nobody"
            for lang in ("en", "zh"):
                assert "<h1>" in here.get(f"/home/{name}", lang=lang)
        for name in set(QUEUES) - set(expected):
            assert here.http.get(f"/home/{name}", headers=BROWSER).status_code in (403, 404), (role, name)


def test_a_list_shows_what_the_api_lists(city: tuple[Shell, str, str]) -> None:
    shell, firm, lender = city
    html = visit(shell, Role.BANK, lender).get("/home/applications")
    asked = shell.http.get("/v1/applications", params={"limit": 100}, headers=shell.asks("bank", lender))
    inbox = asked.json()["items"]
    assert html.count("<tr>") == len(inbox) + 1
    assert firm not in html, "not named before its consent"
    assert html.count("not named before its consent") == sum(each["uscc"] is None for each in inbox) > 0


def test_a_consent_is_given_after_its_words_were_shown_and_taken_back(city: tuple[Shell, str, str]) -> None:
    shell, firm, lender = city
    here = visit(shell, Role.FIRM, firm, ALL)
    today = shell.clock().date()
    wanted = {"lender": lender, "purpose": "in_loan", "dimension.basic_situation": "yes", "valid_from": str(today),
              "valid_until": str(today.replace(day=28))}  # fmt: skip
    text = here.post("/home/consents/text", wanted)
    assert text.status_code == 200
    digest = re.findall(r'name="text_sha256" value="(\w{64})"', text.text)
    assert len(digest) == 1
    assert here.post("/home/consents", wanted | {"text_sha256": "0" * 64}).status_code == 409
    before = entries(shell)
    assert here.post("/home/consents", wanted | {"text_sha256": digest[0]}).status_code == 303
    assert entries(shell) == before + 1
    mine = shell.http.get("/v1/consents", headers=shell.asks("firm", firm)).json()["items"]
    given = next(each for each in mine if each["purpose"] == "in_loan")
    assert (given["dimensions"], given["personal"], given["lender"]) == (["basic_situation"], False, lender)
    assert f"/home/consents/{given['id']}/revocation" in here.get("/home/consents")
    assert here.post(f"/home/consents/{given['id']}/revocation", {}).status_code == 303
    assert f"/home/consents/{given['id']}/revocation" not in here.get("/home/consents")
    other = visit(shell, Role.FIRM, "91210100MA0000001Y", ALL)
    is_problem(other.post(f"/home/consents/{given['id']}/revocation", {}), 404)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"valid_until": "2020-01-01"}, "last day"),
        ({"valid_from": "today"}, "from which day"),
        ({"dimension.basic_situation": None}, "at least one dimension"),
        ({"purpose": "gossip"}, "purpose"),
        ({"lender": "nobody"}, "lender"),
    ],
    ids=["until", "from", "dimensions", "purpose", "lender"],
)
def test_a_form_with_a_fault_comes_back_filled_in(
    city: tuple[Shell, str, str], changed: dict[str, str | None], said: str
) -> None:
    shell, firm, lender = city
    here = visit(shell, Role.FIRM, firm, ALL)
    form = {"lender": lender, "purpose": "pre_loan", "dimension.basic_situation": "yes",
            "valid_from": "2024-12-02", "valid_until": "2024-12-28"} | changed  # fmt: skip
    answer = here.post("/home/consents/text", {name: value for name, value in form.items() if value is not None})
    assert answer.status_code == 422
    alert = re.search(r'role="alert">([^<]+)<', answer.text)
    assert alert
    assert said in alert[1]
    assert 'value="2024-12-28"' in answer.text or "valid_until" in changed


def test_who_may_only_look_gives_nothing(city: tuple[Shell, str, str]) -> None:
    shell, firm, _ = city
    here = visit(shell, Role.FIRM, firm, ("view",))
    assert "<form" not in here.get("/home/consents").partition("<main")[2]
    for path in ("/home/consents/text", "/home/consents", "/home/consents/c_1/revocation"):
        is_problem(here.post(path, {}), 403)


def test_reading_a_page_is_in_the_journal_as_reading_over_the_api(city: tuple[Shell, str, str]) -> None:
    shell, firm, _ = city
    here = visit(shell, Role.FIRM, firm, ALL)
    before = entries(shell)
    here.get("/home")
    assert entries(shell) == before, "counts are no reading"
    html = here.get("/home/card")
    with shell.office.read() as session:
        last = session.query(AuditEntry).order_by(AuditEntry.seq.desc()).first()
        assert last is not None
        assert (last.seq, last.action, last.firm, last.result) == (before + 1, "read_firm", firm, "allowed")
    score = shell.http.get(f"/v1/firms/{firm}/score", headers=shell.asks("firm", firm)).json()
    assert [each["points"] for each in score["lines"]] == re.findall(r'<td class="number">(-?[\d.]+)</td>', html)


@pytest.fixture
def bare(tmp_path: Path) -> Shell:
    return a_shell(tmp_path)


def test_without_a_session_a_browser_is_sent_to_sign_in_and_a_machine_told_401(bare: Shell) -> None:
    http = TestClient(bare.http.app, base_url="https://testserver", follow_redirects=False)
    for path in ("/home", "/home/consents", "/home/reviews"):
        answer = http.get(f"{path}?lang=en", headers=BROWSER)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?lang=en")
        is_problem(http.get(path), 401)
    is_problem(http.post("/home/consents", data={"csrf": "x"}, headers=BROWSER), 401)


@pytest.mark.parametrize("path", ["/home/consents/text", "/home/consents", "/home/consents/x/revocation", "/sign-out"])
def test_a_form_needs_the_secret_of_its_own_session_and_its_own_site(bare: Shell, path: str) -> None:
    here, other = visit(bare, Role.FIRM, "91210100MA0000001Y", ALL), visit(bare, Role.OFFICE)
    is_problem(here.http.post(path, data={"other": "x"}), 400)
    is_problem(here.http.post(path, data={"csrf": other.csrf}), 400)
    is_problem(here.post(path, {}, **{"Sec-Fetch-Site": "cross-site"}), 403)
    # A form is of a session: a bearer token opens none.
    headers = bare.asks("firm", "91210100MA0000001Y")
    here.http.cookies.clear()
    if path != "/sign-out":
        is_problem(here.http.post(path, data={"csrf": "x"}, headers=headers), 401)


def test_signing_out_by_the_form_of_the_page_ends_the_session(bare: Shell) -> None:
    here = visit(bare, Role.OFFICE)
    html = here.get("/home")
    form = re.search(r'action="/sign-out\?lang=en".*?name="csrf" value="([^"]+)"', html, re.DOTALL)
    assert form
    assert form[1] == here.csrf
    token = here.http.cookies[COOKIE]
    answer = here.http.post("/sign-out?lang=en", data={"csrf": form[1]})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?lang=en")
    with bare.office.read() as session:
        assert session.query(SignIn).count() == 0
    here.http.cookies.set(COOKIE, token, domain="testserver.local")
    assert here.http.get("/home", headers=BROWSER).status_code == 303, "a session that has ended opens nothing"


def test_leaving_after_the_session_has_ended_is_no_error(bare: Shell) -> None:
    here = visit(bare, Role.OFFICE)
    bare.clock.forward(minutes=16)
    assert here.post("/sign-out", {}).status_code == 303
