"""The example client against a running server: proof by key, lost answers, cursors, webhooks."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn
from joserfc.jwk import ECKey
from requests.adapters import HTTPAdapter
from sqlalchemy import select

from bench.webhook_receiver import receiving
from models.tables import Application, AuditEntry, Need
from service.access.auth import Role
from service.app import create_app
from service.books.rulebook import lenders, offers
from service.clock import day_of, utc_now
from service.integration.changes import Kind, publish
from service.integration.signing import headers_of
from service.office import Office
from service.settings import Settings
from service.usecases.manage_clients import add_client, add_key
from tests.shell import OFTEN, a_code

FILE = Path(__file__).parent.parent / "docs" / "client" / "rongqiao_client.py"
SPEC = importlib.util.spec_from_file_location("rongqiao_client", FILE)
assert SPEC
assert SPEC.loader
example: Any = importlib.util.module_from_spec(SPEC)
sys.modules["rongqiao_client"] = example
SPEC.loader.exec_module(example)

BANK = next(lender.id for lender in lenders().values() if lender.kind == "bank")
KEY = ECKey.generate_key("P-256")


@dataclass
class Served:
    office: Office
    url: str
    app: Any

    def client(self, **more: Any) -> Any:
        pem = KEY.as_pem(private=True).decode()
        return example.Client(self.url, "bank-system", pem, "key-1", sleep=lambda seconds: None, **more)

    def publish(self, count: int) -> None:
        with self.office.write() as session:
            for number in range(count):
                publish(session, BANK, Kind.SCREEN_ALERT, f"s_{number}", utc_now())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    office = Office.open(tmp_path_factory.mktemp("client"))
    add_client(office, "bank-system", Role.BANK, BANK, ("银行系统", "Bank's system"), utc_now())
    add_key(office, "bank-system", "key-1", KEY.as_dict(private=False), utc_now())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    app = create_app(office, Settings(**OFTEN, home=office.home, public_url=url))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Served(office, url, app)
    server.should_exit = True
    thread.join()
    office.close()


class Unreliable(HTTPAdapter):
    """A network: ``faults`` in turn are an answer that gets lost, one of a proxy, or ``""`` for none."""

    def __init__(self, faults: list[str]):
        super().__init__()
        self.faults = faults
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        fault = self.faults.pop(0) if self.faults and "/oauth/" not in str(request.url) else ""
        self.sent.append(request)
        if fault == "unreachable":
            raise requests.ConnectionError
        answer = super().send(request, *args, **more)
        if fault == "lost":
            raise requests.ConnectionError
        if fault:
            answer.status_code = int(fault)
        return answer


def over(client: Any, *faults: str) -> Unreliable:
    network = Unreliable(list(faults))
    client._http.mount("http://", network)
    return network


def test_the_example_is_short_typed_and_clean() -> None:
    assert len(FILE.read_text(encoding="utf-8").splitlines()) <= 300
    command = [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "--follow-imports=silent"]
    checked = subprocess.run([*command, str(FILE)], capture_output=True, text=True, check=False)
    complaints = [line for line in checked.stdout.splitlines() if "import-untyped" not in line and ": error:" in line]
    assert complaints == []


def test_it_proves_itself_by_key_and_keeps_its_token(served: Served) -> None:
    client = served.client()
    network = over(client)
    assert list(client.consents()) == list(client.webhooks()) == []
    paths = [str(each.path_url).partition("?")[0] for each in network.sent]
    assert paths == ["/v1/oauth/token", "/v1/consents", "/v1/webhooks"]


def test_a_token_that_ends_is_replaced(served: Served) -> None:
    client = served.client()
    list(client.consents())
    client._token = "no longer good"
    assert list(client.consents()) == []
    late = served.client(now=lambda: time.time())
    list(late.consents())
    late._token_until = 0
    network = over(late)
    list(late.consents())
    assert str(network.sent[0].path_url) == "/v1/oauth/token"


def test_another_key_is_refused_with_the_services_words(served: Served) -> None:
    other = ECKey.generate_key("P-256").as_pem(private=True).decode()
    client = example.Client(served.url, "bank-system", other, "key-1")
    with pytest.raises(example.Problem) as refused:
        list(client.consents())
    assert (refused.value.status, refused.value.code) == (401, "invalid_client")
    assert refused.value.fix


def test_cursors_are_followed_to_the_end_and_come_back_to(served: Served) -> None:
    client = served.client()
    before = [each.cursor for each in client.changes()][-1:] or [""]
    served.publish(1_203)
    seen = list(client.changes(before[0]))
    assert [each.object_id for each in seen] == [f"s_{number}" for number in range(1_203)]
    assert [each.number for each in seen] == list(range(seen[0].number, seen[0].number + 1_203))
    again = list(client.changes(seen[700].cursor))
    assert {each.id for each in seen[701:]} <= {each.id for each in again}, "who stops within a page loses nothing"
    assert list(client.changes(seen[-1].cursor)) == []


@pytest.mark.parametrize("faults", [["lost"], ["unreachable", "lost"], ["503"], ["429", "lost", "504"]])
def test_what_may_have_been_lost_is_done_once(served: Served, faults: list[str], tmp_path: Path) -> None:
    """A rotation that happened may not happen again: only the key makes sending it twice safe."""
    client = served.client()
    with receiving(tmp_path) as receiver:
        served.app.state.desk.addresses = receiver.policy
        webhook, secrets = client.register_webhook(receiver.url, ["consent.given"])
        network = over(client, *faults)
        rotated = client.post(f"/v1/webhooks/{webhook.id}/rotation")
        assert rotated["previous_secret_until"] is not None
        keys = {each.headers["Idempotency-Key"] for each in network.sent if each.method == "POST"}
        assert (len(keys), len(network.sent)) == (1, len(faults) + 1)
        now = client.get(f"/v1/webhooks/{webhook.id}/secrets")["secrets"]
        assert now[1:] == list(secrets)
        with served.office.read() as session:
            details = session.scalars(select(AuditEntry.detail).where(AuditEntry.object_id == webhook.id))
            assert sum("rotated" in each for each in details) == 1
        with pytest.raises(example.Problem) as refused:
            client.post(f"/v1/webhooks/{webhook.id}/rotation")
        assert (refused.value.status, refused.value.code) == (409, "rotating")


def test_it_gives_up_in_the_end(served: Served) -> None:
    client = served.client(attempts=3)
    network = over(client, *["unreachable"] * 9)
    with pytest.raises(requests.ConnectionError):
        client.get("/v1/webhooks")
    assert len([each for each in network.sent if "oauth" not in str(each.url)]) == 3
    over(client, *["503"] * 9)
    with pytest.raises(example.Problem) as refused:
        client.get("/v1/webhooks")
    assert refused.value.status == 503


def test_it_waits_as_long_as_it_is_told() -> None:
    assert example._pause(1, "7") == 7
    assert all(0.5 * 2**attempt <= example._pause(attempt) <= 2**attempt for attempt in range(1, 6))


# ── webhooks ─────────────────────────────────────────────────────────────────────────────────────────────────────────
SECRET, OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY = b'{"type":"consent.given","data":{"id":"c_1"}}'


def test_a_webhook_holds_with_any_live_secret() -> None:
    headers = headers_of([OTHER, SECRET], "e_1", 1_000, BODY)
    for secrets in ([SECRET], [OTHER], ["whsec_AAAA", SECRET]):
        shouted = {name.upper(): value for name, value in headers.items()}
        assert example.verify_webhook(secrets, shouted, BODY, 1_010)["data"] == {"id": "c_1"}


@pytest.mark.parametrize(
    ("changed", "body", "now"),
    [
        ({"webhook-id": "e_2"}, BODY, 1_010),
        ({"webhook-timestamp": "1001"}, BODY, 1_010),
        ({}, BODY.replace(b"c_1", b"c_2"), 1_010),
        ({}, BODY, 2_000),
        ({}, BODY, 0),
        ({"webhook-timestamp": "soon"}, BODY, 1_010),
        ({"webhook-signature": ""}, BODY, 1_010),
        ({"webhook-signature": "v2,abc v1,"}, BODY, 1_010),
        ({"webhook-signature": "v1,é"}, BODY, 1_010),
    ],
)
def test_a_webhook_that_is_not_the_services_is_refused(changed: dict[str, str], body: bytes, now: float) -> None:
    with pytest.raises(example.BadSignature):
        example.verify_webhook([SECRET], headers_of([SECRET], "e_1", 1_000, BODY) | changed, body, now)
    with pytest.raises(example.BadSignature):
        example.verify_webhook([SECRET], {}, body, now)


# ── applications ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_application_is_read_and_a_step_names_its_version(served: Served) -> None:
    firm, product = a_code(5), next(each for each in offers().products.values() if each.lender.id == BANK).id
    sent(served.office, firm, product)
    client = served.client()
    (seen,) = client.applications()
    assert (seen.id, seen.version, seen.product, seen.asked_yuan) == ("a_1", 1, product, Decimal("500000"))
    moved = client.step(seen, "accept")
    assert (moved.state, moved.version) == ("accepted", seen.version + 1)
    with pytest.raises(example.Problem) as refused:
        client.step(seen, "decline", reason=moved.raw["open_steps"][0]["id"])
    assert refused.value.status in (409, 422)
    again = client.application("a_1")
    assert {name for name in again.raw if again.raw[name] != moved.raw.get(name)} == set()
    assert [each.type for each in client.changes() if each.object_id == "a_1"] == ["application.moved"]


def sent(office: Office, firm: str, product: str) -> None:
    now = utc_now()
    today = day_of(now)
    until = today + timedelta(60)
    said = {"term": 12, "term_unit": "month", "term_months": 12, "use": "working_capital", "security": "none_stated"}
    with office.write() as session:
        session.add(
            Need(
                id="nd_1", firm=firm, low_fen=10_000_000, high_fen=90_000_000, **said, valid_until=until,
                state="open", open_key=f"{firm}|x", content_sha256="", snapshot_id="", as_of=today, size_class="",
                section="", grade="", stated_by="f", stated_at=now,
            )
        )  # fmt: skip
        session.flush()
        session.add(
            Application(
                id="a_1", need_id="nd_1", firm=firm, lender=BANK, product=product, round=1, ask_fen=50_000_000,
                eligible=True, offered_at=now, reason="", silent=False, rate="", fees=[], reference="",
                stage="recommended", stage_since=today, clock_since=today, clock_due=today + timedelta(10), version=1,
                open_key=f"nd_1|{BANK}",
            )
        )  # fmt: skip
