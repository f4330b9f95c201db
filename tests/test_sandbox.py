"""A sandbox: every magic code does what its data says, over HTTP; an office refuses keys of the other kind."""

from __future__ import annotations

import atexit
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from bench.webhook_receiver import HOST, receiving
from models.errors import DataFileError, RefusedInput
from models.tables import AuditEntry, Client, Snapshot
from models.uscc import check_uscc
from service.access.auth import Role, hashed
from service.access.sandbox_keys import PREFIX
from service.app import create_app
from service.audit.journal import verify
from service.books.documents import read_yaml
from service.books.rulebook import lenders
from service.books.seedbook import SEED, rule_set
from service.cli import run
from service.clock import day_of
from service.jobs.shipped import KINDS
from service.jobs.worker import Worker
from service.office import Office
from service.sandbox.book import FILE, MagicFirm, parse_book, sandbox_book
from service.sandbox.mark import claim
from service.settings import SANDBOX_FILE, Settings
from service.usecases.make_sandbox import MadeSandbox, make_sandbox
from service.usecases.manage_clients import add_client, renew_secret
from tests.cases_city import NOON
from tests.postgres import keep_shared_office
from tests.shell import OFTEN, SECRET, Clock, a_shell, is_problem

BOOK = sandbox_book()
BY_ID = {each.id: each for each in BOOK.firms.values()}
LENDER = next(each.id for each in lenders().values() if each.kind == "bank")
FACTS = "amount_yuan=500000&term_months=12&purpose=working_capital"
ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "integration.md").read_text(encoding="utf-8")


@dataclass
class Sandbox:
    office: Office
    made: MadeSandbox
    http: TestClient
    clock: Clock

    @cached_property
    def token(self) -> str:
        return token(self.http, self.made.client_id, self.made.secret)

    @property
    def bank(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "X-Purpose": "pre_loan"}

    def get(self, path: str, **headers: str) -> Any:
        return self.http.get(path, headers=self.bank | headers)

    def apply(self, firm: MagicFirm | str, **headers: str) -> Any:
        code = firm if isinstance(firm, str) else firm.uscc
        return self.http.post("/v1/sandbox/applications", json={"uscc": code}, headers=self.bank | headers)


@cache
def sandbox() -> Sandbox:
    """The one sandbox of this test process."""
    folder = Path(tempfile.mkdtemp(prefix="rongqiao-sandbox-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    office, clock = Office.open(folder / "home"), Clock(NOON)
    made = make_sandbox(office, LENDER, clock())
    keep_shared_office()
    app = create_app(office, Settings(**dict[str, Any](OFTEN, home=office.home, snapshot_check_seconds=0)), clock)
    return Sandbox(office, made, TestClient(app), clock)


def token(http: TestClient, client_id: str, secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    answer = http.post("/v1/oauth/token", data=form)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


# ── the data, and what is said of it ─────────────────────────────────────────────────────────────────────────────────
def test_magic_codes_are_valid_invented_and_no_rule_of_any_answer() -> None:
    assert len(BOOK.firms) == 20
    assert all(check_uscc(code).valid and code.startswith("91210100QX0000") for code in BOOK.firms)
    assert FILE not in rule_set().files, "no receipt of a real office names them"


def test_the_page_says_what_the_data_says() -> None:
    rows = [f"| `{each.uscc}` | {each.id} | {each.en} |" for each in BOOK.firms.values()]
    assert re.findall(r"^\| `91210100QX.+$", PAGE, re.MULTILINE) == rows


@pytest.mark.parametrize(
    ("id_", "change"),
    [
        ("eligible", {"uscc": "91210100QX0000018H"}),
        ("eligible", {"uscc": "91210102QX10007T3M"}),
        ("eligible", {"uscc": BY_ID["thin"].uscc}),
        ("eligible", {"id": "thin"}),
        ("eligible", {"known": "rumours"}),
        ("eligible", {"consent": "some"}),
        ("contested", {"contested": "luck"}),
        ("offered", {"steps": ["bank accept"]}),
        ("offered", {"steps": ["firm approve"]}),
        ("offered", {"steps": ["lender decline"]}),
        ("offered", {"steps": ["lender decline internal_policy"]}),
        ("offered", {"steps": ["lender accept tax_owed"]}),
        ("slow", {"answers": {"slow_seconds": 3600}}),
        ("too-many", {"answers": {"status": 418, "retry_after_seconds": 1}}),
        ("too-many", {"answers": {"status": 429}}),
        ("eligible", {"colour": "red"}),
    ],
    ids=str,
)
def test_bad_data_is_refused_by_file_and_line(id_: str, change: dict[str, Any]) -> None:
    document = read_yaml(SEED / FILE, SEED)
    entry = next(each for each in document["firms"] if each["id"] == id_)
    for name, value in change.items():
        if isinstance(value, dict):
            entry[name].clear()
            entry[name].update(value)
        else:
            entry[name] = value
    with pytest.raises(DataFileError) as refused:
        parse_book(document)
    assert refused.value.file == FILE


# ── what each firm does ──────────────────────────────────────────────────────────────────────────────────────────────
def about(firm: MagicFirm, *parts: str) -> str:
    return "/".join((f"/v1/firms/{firm.uscc}", *parts))


def eligible(firm: MagicFirm) -> None:
    assert sandbox().get(about(firm)).json()["name"] == firm.name
    assert counts(firm)["eligible"] > 0


def counts(firm: MagicFirm) -> dict[str, int]:
    found: dict[str, int] = sandbox().get(about(firm, f"options?{FACTS}")).json()["counts"]
    return found


def thin(firm: MagicFirm) -> None:
    """Few facts: not refused for what is missing, and not scored as if it were known."""
    summary, whole = (sandbox().get(about(each)).json()["evaluation"] for each in (firm, BY_ID["eligible"]))
    assert summary["high"] - summary["low"] > 1.5 * (whole["high"] - whole["low"])
    assert summary["coverage"] < whole["coverage"]
    assert counts(firm)["eligible"] == 0
    assert counts(firm)["unknown"] == max(counts(firm).values()) > counts(BY_ID["eligible"])["unknown"]


def unknown(firm: MagicFirm) -> None:
    is_problem(sandbox().get(about(firm)), 404, "unknown_firm")


def revoked(firm: MagicFirm) -> None:
    unknown(firm)
    states = {each["firm"]: each["state"] for each in sandbox().get("/v1/consents").json()["items"]}
    assert states[firm.uscc] == "revoked"


def narrow(firm: MagicFirm) -> None:
    whole, part = (sandbox().get(about(each, "profile")).json()["items"] for each in (BY_ID["eligible"], firm))
    told = [{each["id"] for each in items if each["value"] is not None} for items in (whole, part)]
    assert told[1] < told[0]
    need = {"amount_yuan": "500000", "term_months": 12, "purpose": "working_capital"}
    body = {"facts": {"insured_staff": 20}, "need": need}
    is_problem(
        sandbox().http.post(about(firm, "what-if"), json=body, headers=sandbox().bank), 403, "consent_too_narrow"
    )


def contested(firm: MagicFirm) -> None:
    assert sandbox().get(about(firm)).json()["contested"] is True
    marks = sandbox().get(about(firm, "profile")).json()["contested"]
    assert [each["item"] for each in marks] == ["tax_credit_grade"]


def applies(stage: str, further: Callable[[dict[str, Any]], None] = lambda answer: None) -> Callable[[MagicFirm], None]:
    """The firm has an application in ``stage``, and gets another whenever it is asked to apply."""

    def check(firm: MagicFirm) -> None:
        listed = sandbox().get("/v1/applications?limit=200").json()["items"]
        before = {each["id"]: each["state"]["id"] for each in listed if each["uscc"] == firm.uscc}
        assert stage in before.values()
        made = sandbox().apply(firm)
        assert made.status_code == 201, made.text
        answer = made.json()
        assert answer["id"] not in before
        assert (answer["state"]["id"], answer["uscc"], answer["lender"]["id"]) == (stage, firm.uscc, LENDER)
        further(answer)

    return check


def steps(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["by"], each["step"]["id"]) for each in answer["steps"]]


def is_mine(answer: dict[str, Any]) -> None:
    body = {"step": "accept", "version": answer["version"]}
    taken = sandbox().http.post(f"/v1/applications/{answer['id']}/steps", json=body, headers=sandbox().bank)
    assert taken.json()["state"]["id"] == "accepted"


def is_drawn(answer: dict[str, Any]) -> None:
    assert steps(answer)[-1] == ("firm", "take_up")
    loan = {"amount_yuan": "200000", "drawn_on": str(day_of(sandbox().clock())), "reference": "L-1"}
    body = {"step": "draw", "version": answer["version"], "loan": loan}
    taken = sandbox().http.post(f"/v1/applications/{answer['id']}/steps", json=body, headers=sandbox().bank)
    assert taken.json()["state"]["id"] == "drawn", taken.text


def is_declined(reason: str, repairable: bool) -> Callable[[dict[str, Any]], None]:
    def check(answer: dict[str, Any]) -> None:
        assert answer["reason"]["id"] == reason
        assert answer["reason"]["repairable"] is repairable

    return check


def is_expired(answer: dict[str, Any]) -> None:
    assert steps(answer) == [("clock", "expire")]


def is_withdrawn(answer: dict[str, Any]) -> None:
    assert steps(answer)[-1] == ("firm", "withdraw")


def too_many(firm: MagicFirm) -> None:
    for path in ("profile", "score"):
        answer = sandbox().get(about(firm, path))
        is_problem(answer, 429, "too_many_requests")
        assert answer.headers["retry-after"] == "3"
        assert answer.headers["x-content-type-options"] == "nosniff"


def unavailable(firm: MagicFirm) -> None:
    answer = sandbox().get(about(firm))
    is_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "5"
    is_problem(sandbox().http.get(about(firm)), 401, "not_authenticated")
    is_problem(sandbox().get(about(firm), **{"X-Purpose": "post_loan"}), 404, "unknown_firm")


def slow(firm: MagicFirm) -> None:
    waited = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("service.sandbox.played.sleep", sleep)
        assert sandbox().get(about(firm)).json()["name"] == firm.name
        unknown(BY_ID["unknown"])
    assert waited == [5]


DOES: dict[str, Callable[[MagicFirm], None]] = {
    "eligible": eligible,
    "thin": thin,
    "unknown": unknown,
    "no-consent": unknown,
    "revoked": revoked,
    "narrow": narrow,
    "contested": contested,
    "offered": applies("recommended", is_mine),
    "in-review": applies("in_review"),
    "approved": applies("approved"),
    "taken-up": applies("approved", is_drawn),
    "declined": applies("declined", is_declined("district_not_served", False)),
    "repairable": applies("declined", is_declined("tax_owed", True)),
    "withdrawn": applies("withdrawn", is_withdrawn),
    "expired": applies("expired", is_expired),
    "nothing-found": applies("no_information_found"),
    "unreachable": applies("source_unreachable"),
    "too-many": too_many,
    "unavailable": unavailable,
    "slow": slow,
}


@pytest.mark.parametrize("name", list(BY_ID))
def test_each_magic_code_does_what_the_data_says(name: str) -> None:
    DOES[name](BY_ID[name])


def test_a_webhook_is_sent_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = sandbox()
    with receiving(tmp_path) as receiver:
        desk = here.http.app.state.desk  # type: ignore[attr-defined]
        monkeypatch.setattr(desk, "addresses", receiver.policy)
        monkeypatch.setattr("ssl.create_default_context", lambda: receiver.tls)
        body = {"url": receiver.url, "types": ["application.offered"]}
        hook = here.http.post("/v1/webhooks", json=body, headers=here.bank | {"Idempotency-Key": "hook-of-the-sandbox"})
        assert hook.status_code == 201, hook.text
        answer = here.apply(BY_ID["offered"]).json()
        (came,) = receiver.came
        assert json.loads(came[1])["data"] == {"id": answer["id"]}
        assert HOST in receiver.url
        ended = here.http.delete(f"/v1/webhooks/{hook.json()['id']}", headers=here.bank)
        assert ended.status_code in (200, 204), ended.text


def test_applying_twice_under_one_key_is_one_application() -> None:
    first, second = (sandbox().apply(BY_ID["offered"], **{"Idempotency-Key": "apply-once"}) for _ in range(2))
    assert first.json() == second.json()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"uscc": BY_ID["eligible"].uscc}, "no_magic_code"),
        ({"uscc": "91210100QX00000P4T"}, "no_magic_code"),
        ({"uscc": "x"}, "invalid_request"),
        ({}, "invalid_request"),
        ({"uscc": BY_ID["offered"].uscc, "amount": 1}, "invalid_request"),
    ],
    ids=str,
)
def test_who_cannot_apply_is_refused(body: dict[str, Any], code: str) -> None:
    answer = sandbox().http.post("/v1/sandbox/applications", json=body, headers=sandbox().bank)
    assert BY_ID["approved"].uscc in is_problem(answer, 422, code)["fix"] or code == "invalid_request"


# ── labelled, and apart from every other office ──────────────────────────────────────────────────────────────────────
def test_every_answer_says_that_it_is_a_sandbox(tmp_path: Path) -> None:
    here, other = sandbox(), a_shell(tmp_path)
    for path in ("/healthz", "/", "/v1/nothing", "/%00", "/v1/catalogue", "/version", about(BY_ID["too-many"])):
        assert here.http.get(path, headers=here.bank).headers["x-rongqiao-sandbox"] == "true", path
        assert "x-rongqiao-sandbox" not in other.http.get(path).headers, path
    assert here.http.get("/version").json()["demo"] is True
    first_page = here.http.get("/").text
    assert "banner" in first_page
    assert "demo-clients" not in first_page, "it has a lender's key, and no clients of a demo"
    assert here.office.invented


def test_an_export_of_a_sandbox_says_in_every_row_that_it_is_synthetic() -> None:
    here = sandbox()
    body = {"kind": "applications", "parameters": {"stage": "approved"}}
    asked = here.http.post("/v1/exports", json=body, headers=here.bank | {"Idempotency-Key": "export-of-the-sandbox"})
    assert asked.status_code == 202, asked.text
    Worker(here.office, kinds={"export": KINDS["export"]}, now=here.clock).drain()
    rows = here.get(f"/v1/exports/{asked.json()['id']}/files/applications.csv").text.splitlines()
    assert len(rows) > 1
    assert all(row.rstrip('"').endswith("synthetic") for row in rows[1:])


def test_keys_of_a_sandbox_say_so() -> None:
    here = sandbox()
    assert here.made.client_id == f"{PREFIX}{LENDER}"
    assert here.made.secret.startswith(PREFIX)
    assert token(here.http, here.made.client_id, here.made.secret).startswith(PREFIX)
    with pytest.raises(RefusedInput, match="begin with sandbox_"):
        add_client(here.office, "bank-2", Role.BANK, LENDER, ("", ""), here.clock())
    secret = add_client(here.office, "sandbox_office", Role.OFFICE, "", ("", ""), here.clock())
    assert secret.startswith(PREFIX)
    assert renew_secret(here.office, "sandbox_office", here.clock()).startswith(PREFIX)


def test_a_sandbox_key_is_refused_by_any_other_office_by_name(tmp_path: Path) -> None:
    here, other = sandbox(), a_shell(tmp_path)
    form = {"grant_type": "client_credentials", "client_id": here.made.client_id, "client_secret": here.made.secret}
    refused = is_problem(other.http.post("/v1/oauth/token", data=form), 401, "sandbox_key")
    assert refused["error"] == "invalid_client"
    assert "not a sandbox" in refused["rule"]
    assert here.made.secret not in str(refused)
    sent = here.bank
    is_problem(other.http.get("/v1/catalogue", headers=sent), 401, "sandbox_key")
    assert sent["Authorization"].split()[1] not in other.http.get("/v1/catalogue", headers=sent).text
    with pytest.raises(RefusedInput, match="no others do"):
        add_client(other.office, "sandbox_bank", Role.BANK, LENDER, ("", ""), other.clock())
    is_problem(other.http.post("/v1/sandbox/applications", json={}, headers=other.asks("bank", LENDER)), 404)


def test_a_key_of_another_office_is_refused_by_the_sandbox_by_name(tmp_path: Path) -> None:
    here, other = sandbox(), a_shell(tmp_path)
    sent = other.asks("bank", LENDER)
    form = {"grant_type": "client_credentials", "client_id": f"bank-{LENDER}", "client_secret": SECRET}
    refused = is_problem(here.http.post("/v1/oauth/token", data=form), 401, "production_key")
    assert refused["error"] == "invalid_client"
    assert "is a sandbox" in refused["rule"]
    is_problem(here.http.get("/v1/catalogue", headers=sent), 401, "production_key")
    with here.office.write() as session:
        # Even where such a client got into the database.
        session.merge(Client(id="stray", secret_sha256=hashed(SECRET), role="office", tenant=""))
    form["client_id"] = "stray"
    is_problem(here.http.post("/v1/oauth/token", data=form), 401, "production_key")


def test_another_lender_s_key_gets_no_applications_of_this_one() -> None:
    here, other = sandbox(), next(each for each in lenders() if each != LENDER)
    secret = add_client(here.office, "sandbox_other", Role.BANK, other, ("", ""), here.clock())
    headers = {"Authorization": f"Bearer {token(here.http, 'sandbox_other', secret)}"}
    body = {"uscc": BY_ID["offered"].uscc}
    is_problem(here.http.post("/v1/sandbox/applications", json=body, headers=headers), 403, "other_lender")


# ── making one ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_made_again_it_keeps_its_key_and_renews_what_runs_out() -> None:
    here = sandbox()

    def count(table: Any) -> int:
        with here.office.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    before = count(Snapshot), len(here.get("/v1/applications?limit=200").json()["items"])
    given = len(here.get("/v1/consents").json()["items"])
    again = make_sandbox(here.office, LENDER, here.clock())
    assert (again.client_id, again.secret) == (here.made.client_id, "")
    assert (count(Snapshot), len(here.get("/v1/applications?limit=200").json()["items"])) == before
    assert len(here.get("/v1/consents").json()["items"]) == given
    here.clock.forward(days=400)
    del here.token
    try:
        unknown(BY_ID["eligible"])
        make_sandbox(here.office, LENDER, here.clock())
        eligible(BY_ID["eligible"])
        revoked(BY_ID["revoked"])
    finally:
        here.clock.moment = NOON + timedelta(seconds=1)
        del here.token
    with here.office.read() as session:
        assert session.scalar(select(AuditEntry.actor).where(AuditEntry.action == "give_consent").limit(1)) == "sandbox"
    assert verify(here.office).broken is None


def test_a_folder_in_use_and_a_lender_that_is_not_there_are_refused(tmp_path: Path) -> None:
    here = sandbox()
    with pytest.raises(RefusedInput, match="sandbox of"):
        make_sandbox(here.office, next(each for each in lenders() if each != LENDER), here.clock())
    shell = a_shell(tmp_path)
    with pytest.raises(RefusedInput, match="no such lender"):
        make_sandbox(shell.office, "no-bank", shell.clock())
    (tmp_path / "demo-clients.json").write_text("{}")
    with pytest.raises(RefusedInput, match="another office"):
        claim(shell.office, LENDER)
    assert not (tmp_path / SANDBOX_FILE).exists()


def test_the_command_says_key_and_codes_as_json(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    here = sandbox()
    monkeypatch.setattr("service.cli.sandbox.make_sandbox", lambda office, lender, now, tell: here.made)
    assert run(["sandbox", "make", "--home", str(here.office.home.parent / "told"), "--json"]) == 0
    said = json.loads(capfd.readouterr().out)
    assert (said["synthetic"], said["client_id"], said["client_secret"]) == (
        True,
        here.made.client_id,
        here.made.secret,
    )
    assert [each["uscc"] for each in said["firms"]] == list(BOOK.firms)


def test_no_other_office_knows_of_firms_that_behave_by_their_code() -> None:
    """Codes stand in the data file alone, and the room is entered by its makers and by a sandbox's application."""
    importing = set()
    for path in (ROOT / "service").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not any(code in text for code in BOOK.firms), path
        if "sandbox" not in path.parts and re.search(
            r"^ *from service\.sandbox|import_module\(.service\.sandbox", text, re.M
        ):
            importing.add(path.relative_to(ROOT).as_posix())
    assert importing == {"service/app.py", "service/usecases/make_sandbox.py"}
    entered = re.findall(r"( *)from service\.sandbox.*", (ROOT / "service" / "app.py").read_text(encoding="utf-8"))
    assert entered == [" " * 8], "where the office was found to be a sandbox"
