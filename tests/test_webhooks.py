"""Webhooks: signed, retried, given up with an alert, replayed, rotated; nothing goes where it may not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bench.webhook_receiver import HOST, Receiver, receiving
from models.tables import AuditEntry, Base, WebhookDelivery
from service.integration.addresses import AddressPolicy
from service.integration.changes import Kind, publish
from service.integration.signing import secret_of, signature
from service.integration.terms import webhook_terms
from service.usecases import deliver_webhooks as webhook_deliver
from service.usecases.deliver_webhooks import Round, deliver
from service.web.idempotency import HEADER
from tests.shell import Shell, a_shell, is_problem

TERMS = webhook_terms()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with receiving(tmp_path_factory.mktemp("receiver")) as receiver:
        yield receiver


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return a_shell(tmp_path_factory.mktemp("webhooks"))


@pytest.fixture
def hook(shell: Shell, server: Receiver, request: pytest.FixtureRequest) -> Iterator[Hook]:
    """A webhook of a lender of its own."""
    server.answers, server.came, server.slow = [], [], 0
    made = Hook(shell, server, f"house-{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}")
    yield made
    made.call("DELETE", "")


class Hook:
    def __init__(self, shell: Shell, server: Receiver, tenant: str, types: list[str] | None = None):
        self.shell, self.server, self.tenant = shell, server, tenant
        shell.http.app.state.desk.addresses = server.policy  # type: ignore[attr-defined]
        body = {"url": server.url} | ({"types": types} if types else {})
        answer = shell.http.post("/v1/webhooks", json=body, headers=self.headers)
        assert answer.status_code == 201, answer.text
        self.id = answer.json()["id"]

    @property
    def headers(self) -> dict[str, str]:
        """With a token of now: the tests move the clock by days."""
        self.shell.tokens.clear()
        return self.shell.asks("bank", self.tenant)

    def call(self, method: str, part: str, body: Any = None) -> Any:
        return self.shell.http.request(method, f"/v1/webhooks/{self.id}{part}", json=body, headers=self.headers)

    def read(self, part: str = "") -> Any:
        answer = self.call("GET", part)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def change(self, kind: Kind = Kind.APPLICATION_OFFERED, about: str = "a_1") -> int:
        with self.shell.office.write() as session:
            return publish(session, self.tenant, kind, about, self.shell.clock.moment)

    def send(self, **more: Any) -> Round:
        return send(self.shell, self.server, **more)

    @property
    def came(self) -> list[str]:
        """The ids of changes that came in, in order of arrival."""
        return [headers["webhook-id"] for headers, _ in self.server.came]


def send(shell: Shell, server: Receiver, policy: AddressPolicy | None = None, **more: Any) -> Round:
    with_terms = replace(TERMS, **more) if more else TERMS
    return deliver(shell.office, policy or server.policy, shell.clock, server.tls, lambda: 0.5, with_terms)


def feed_ids(hook: Hook) -> list[str]:
    items = hook.shell.http.get("/v1/changes?limit=500", headers=hook.headers).json()["items"]
    return [each["id"] for each in items]


# ── signed ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_signature_is_that_of_the_standards_own_example() -> None:
    """The published test vector of Standard Webhooks."""
    secret, moment = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1614265330
    body = b'{"test": 2432232314}'
    assert signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", moment, body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_a_change_arrives_thin_and_signed(hook: Hook) -> None:
    hook.change(about="a_17")
    assert hook.send() == Round(tried=1, delivered=1)
    headers, body = hook.server.came[0]
    assert json.loads(body) == {
        "type": "application.offered",
        "timestamp": "2024-11-05T02:00:00Z",
        "data": {"id": "a_17"},
    }
    (secret,) = hook.read("/secrets")["secrets"]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    assert len(key) == 32
    said = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    expected = base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-timestamp"] == str(int(hook.shell.clock.moment.timestamp()))
    assert (headers["host"], headers["content-type"]) == (f"{HOST}:{hook.server.port}", "application/json")
    assert [hook.came, hook.send()] == [feed_ids(hook), Round()], "delivered once"


def test_while_a_rotation_lasts_both_secrets_sign(hook: Hook) -> None:
    (first,) = hook.read("/secrets")["secrets"]
    assert hook.call("POST", "/rotation").status_code == 200
    second, kept = hook.read("/secrets")["secrets"]
    assert (kept, second != first) == (first, True)
    is_problem(hook.call("POST", "/rotation"), 409, "rotating")
    hook.change()
    hook.send()
    headers, body = hook.server.came[0]
    moment = int(headers["webhook-timestamp"])
    expected = " ".join(signature(each, headers["webhook-id"], moment, body) for each in (second, first))
    assert headers["webhook-signature"] == expected
    hook.shell.clock.moment += TERMS.rotation
    assert hook.read("/secrets")["secrets"] == [second]
    hook.change()
    hook.send()
    assert " " not in hook.server.came[1][0]["webhook-signature"]


def test_secrets_differ_by_endpoint_version_and_office() -> None:
    made = {secret_of(key, name, version) for key in (b"k", b"l") for name in ("a", "b") for version in (1, 2, 12)}
    assert len(made) == 12


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_only_what_was_asked_for_and_happens_from_then_on(shell: Shell, server: Receiver, hook: Hook) -> None:
    hook.call("DELETE", "")
    hook.change(about="before")
    chosen = Hook(shell, server, hook.tenant, ["consent.given"])
    chosen.change()
    chosen.change(Kind.CONSENT_GIVEN, "c_1")
    assert chosen.send() == Round(1, 1)
    assert json.loads(server.came[0][1])["data"] == {"id": "c_1"}
    assert chosen.read()["sent_through"] == 3
    chosen.call("DELETE", "")


def test_a_ping_goes_to_the_one_it_is_for(shell: Shell, server: Receiver, hook: Hook) -> None:
    assert hook.call("POST", "/pings").status_code == 202
    assert hook.send() == Round(1, 1)
    assert json.loads(server.came[0][1]) | {"timestamp": ""} == {
        "type": "webhook.ping", "timestamp": "", "data": {"id": hook.id},
    }  # fmt: skip


def test_what_changed_while_it_was_off_is_sent_when_it_is_on_again(hook: Hook) -> None:
    hook.change()
    assert hook.call("POST", "/suspension").json()["state"] == "disabled"
    hook.change()
    assert hook.send() == Round()
    assert hook.call("POST", "/activation").json()["state"] == "active"
    assert hook.send() == Round(2, 2)
    assert sorted(hook.came) == sorted(feed_ids(hook))


# ── tried again, given up, replayed ──────────────────────────────────────────────────────────────────────────────────
def test_it_is_tried_at_the_pauses_of_the_file_and_then_given_up_with_an_alert(hook: Hook) -> None:
    number = hook.change()
    hook.server.answers = [(500, {})] * 20
    for pause in TERMS.pauses:
        assert hook.send() == Round(1)
        assert hook.send() == Round(), "not before its pause is over"
        hook.shell.clock.moment += pause - timedelta(seconds=1)
        assert hook.send() == Round()
        hook.shell.clock.moment += timedelta(seconds=1)
    assert hook.send() == Round(1, dead=1)
    assert (hook.read()["waiting"], hook.read()["dead"]) == (0, 1)
    (log,) = hook.read("/deliveries")["items"]
    assert (log["number"], log["state"], log["attempts"], log["status"]) == (number, "dead", len(TERMS.pauses) + 1, 500)
    assert len(set(hook.came)) == 1, "the same id each time"
    items = hook.shell.http.get("/v1/changes", headers=hook.headers).json()["items"]
    assert [each["type"] for each in items] == ["application.offered", "webhook.dead"]
    with hook.shell.office.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.object_id == hook.id)).all()
    assert [each.reason for each in entries if each.result == "failed"] == ["dead"]
    hook.server.answers = []
    assert hook.send() == Round(), "that it died is not sent to who is down"


def test_chance_moves_a_pause_by_its_share_and_no_more(hook: Hook) -> None:
    hook.change()
    hook.server.answers = [(503, {})] * 2
    started = hook.shell.clock.moment
    deliver(hook.shell.office, hook.server.policy, hook.shell.clock, hook.server.tls, lambda: 0.0)
    with hook.shell.office.read() as session:
        row = session.scalars(select(WebhookDelivery).where(WebhookDelivery.endpoint_id == hook.id)).one()
    assert row.due_at - started == TERMS.pauses[0] * (1 - TERMS.jitter)


def test_a_replay_sends_a_range_again_under_the_same_ids(hook: Hook) -> None:
    for number in range(5):
        hook.change(about=f"a_{number}")
    hook.send()
    first = list(hook.came)
    assert hook.call("POST", "/replays", {"first": 2, "last": 4}).json() == {"queued": 3}
    assert hook.send() == Round(3, 3)
    ids = feed_ids(hook)
    assert sorted(hook.came[5:]) == sorted(ids[1:4])
    assert sorted(first) == sorted(ids)


@pytest.mark.parametrize(("first", "last"), [(0, 1), (2, 1), (1, 99), (-1, 1)])
def test_a_range_that_is_not_there_is_refused(hook: Hook, first: int, last: int) -> None:
    hook.change()
    is_problem(hook.call("POST", "/replays", {"first": first, "last": last}), 422)


def test_a_sender_that_is_killed_in_a_try_costs_a_repetition_and_nothing_else(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.change()
    with monkeypatch.context() as patched:
        patched.setattr(webhook_deliver, "_keep", killed)
        with pytest.raises(KeyboardInterrupt):
            hook.send()
    assert hook.send() == Round(), "it may still be on its way"
    hook.shell.clock.forward(minutes=10)
    assert hook.send() == Round(1, 1)
    assert hook.came == feed_ids(hook) * 2


def test_tries_that_were_cut_off_here_are_not_held_against_the_receiver(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.change()
    with monkeypatch.context() as patched:
        patched.setattr(webhook_deliver, "_keep", killed)
        for _ in range(len(TERMS.pauses) + 1):
            with pytest.raises(KeyboardInterrupt):
                hook.send()
            hook.shell.clock.forward(minutes=10)
    hook.server.answers = [(503, {})]
    assert hook.send() == Round(1), "its first refusal, and no reason to give up"
    hook.shell.clock.moment += TERMS.pauses[0]
    assert hook.send() == Round(1, 1)


def test_an_outdated_try_changes_nothing(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay, or a sender thought dead: whoever took it up last says how it ended."""
    hook.change()
    kept = webhook_deliver._keep

    def late(*said: Any) -> Any:
        assert hook.call("POST", "/replays", {"first": 1, "last": 1}).json() == {"queued": 1}
        return kept(*said)

    with monkeypatch.context() as patched:
        patched.setattr(webhook_deliver, "_keep", late)
        assert hook.send() == Round(1)
    assert hook.read()["waiting"] == 1
    assert hook.send() == Round(1, 1)


def test_one_receiver_that_is_down_does_not_take_a_whole_round(hook: Hook) -> None:
    for _ in range(5):
        hook.change()
    assert hook.send(of_one_at_once=2) == Round(2, 2)
    assert hook.send(at_once=1) == Round(1, 1)
    assert hook.send() == Round(2, 2)


def test_gone_switches_it_off(hook: Hook) -> None:
    hook.change()
    hook.server.answers = [(410, {})]
    assert hook.send() == Round(1, dead=1)
    assert hook.read()["state"] == "disabled"


# ── where nothing goes ───────────────────────────────────────────────────────────────────────────────────────────────
def test_a_redirect_is_not_followed(hook: Hook) -> None:
    hook.change()
    hook.server.answers = [(307, {"Location": hook.server.url}), (302, {"Location": "https://169.254.169.254/"})]
    assert hook.send() == Round(1)
    hook.shell.clock.moment += TERMS.pauses[0]
    assert hook.send() == Round(1)
    assert len(hook.server.came) == 2
    (log,) = hook.read("/deliveries")["items"]
    assert (log["status"], "redirect" in log["fault"]) == (302, True)


@pytest.mark.parametrize("means", ["127.0.0.1", "169.254.169.254", "10.1.2.3", "::1", "::ffff:169.254.169.254"])
def test_a_name_that_comes_to_mean_a_private_address_gets_nothing(hook: Hook, means: str) -> None:
    """It was public when it was registered; it is looked up and judged again."""
    hook.change()
    assert hook.send(policy=AddressPolicy((hook.server.port,), resolve=lambda host, port: [means])) == Round(1)
    assert hook.server.came == []
    assert "not public" in hook.read("/deliveries")["items"][0]["fault"]


def test_a_server_with_another_certificate_gets_nothing(hook: Hook, tmp_path: Path) -> None:
    hook.change()
    with receiving(tmp_path, "other.example") as other:
        policy = AddressPolicy((hook.server.port,), lambda each: True, lambda host, port: ["127.0.0.1"])
        made = deliver(hook.shell.office, policy, hook.shell.clock, other.tls, lambda: 0.5)
    assert made == Round(1)
    assert hook.server.came == []
    assert "certificate" in hook.read("/deliveries")["items"][0]["fault"]


def test_a_receiver_that_drips_is_left_in_time(hook: Hook) -> None:
    hook.change()
    hook.server.slow = 0.05
    started = time.monotonic()
    assert hook.send(answer_seconds=1) == Round(1)
    assert time.monotonic() - started < 8
    assert hook.read("/deliveries")["items"][0]["status"] is None


# ── registering ──────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("url", ["https://169.254.169.254/", "http://hooks.bank.example/", "https://localhost/", ""])
def test_a_bad_address_is_refused_at_the_door(shell: Shell, url: str) -> None:
    problem = is_problem(shell.http.post("/v1/webhooks", json={"url": url}, headers=shell.asks("bank", "b")), 422)
    assert (problem["code"], problem["field"]) == ("bad_address", "url")


def test_a_name_that_means_a_private_address_is_refused_at_the_door(shell: Shell) -> None:
    desk = shell.http.app.state.desk  # type: ignore[attr-defined]
    desk.addresses = AddressPolicy((443,), resolve=lambda host, port: ["169.254.169.254"])
    body = {"url": "https://hooks.bank.example/in"}
    problem = is_problem(shell.http.post("/v1/webhooks", json=body, headers=shell.asks("bank", "b")), 422)
    assert "not public" in problem["rule"]


def test_registered_twice_is_one_and_for_other_types_refused(hook: Hook) -> None:
    url = {"url": hook.server.url}
    again = hook.shell.http.post("/v1/webhooks", json=url, headers=hook.headers | {HEADER: "k1"})
    assert again.json()["id"] == hook.id
    body = url | {"types": ["need.ended"]}
    is_problem(hook.shell.http.post("/v1/webhooks", json=body, headers=hook.headers), 409, "known_address")
    for types in (["nothing.known"], [], ["webhook.dead"]):
        body = url | {"types": types}
        is_problem(hook.shell.http.post("/v1/webhooks", json=body, headers=hook.headers), 422, "unknown_type")


def test_a_house_has_so_many_at_most(shell: Shell, hook: Hook) -> None:
    for number in range(TERMS.most_endpoints - 1):
        body = {"url": f"{hook.server.url}&n={number}"}
        assert shell.http.post("/v1/webhooks", json=body, headers=hook.headers).status_code == 201
    body = {"url": f"{hook.server.url}&n=more"}
    is_problem(shell.http.post("/v1/webhooks", json=body, headers=hook.headers), 409, "too_many_webhooks")


def test_another_house_is_told_that_there_is_none(shell: Shell, hook: Hook) -> None:
    others = shell.asks("bank", "another house")
    for method, part in (
        ("GET", ""), ("DELETE", ""), ("GET", "/secrets"), ("GET", "/deliveries"), ("POST", "/rotation"),
        ("POST", "/pings"), ("POST", "/suspension"), ("POST", "/activation"),
    ):  # fmt: skip
        is_problem(shell.http.request(method, f"/v1/webhooks/{hook.id}{part}", headers=others), 404)
    assert shell.http.get("/v1/webhooks", headers=others).json()["items"] == []
    firm = shell.asks("firm", "91210100MA0000001X")
    is_problem(shell.http.get("/v1/webhooks", headers=firm), 403, "forbidden")


def test_deleting_drops_what_was_on_its_way_and_frees_the_address(shell: Shell, server: Receiver, hook: Hook) -> None:
    hook.change()
    hook.server.answers = [(500, {})]
    hook.send()
    assert hook.call("DELETE", "").json()["waiting"] == 0
    hook.shell.clock.forward(days=1)
    assert hook.send() == Round()
    is_problem(hook.call("GET", ""), 404)
    again = Hook(shell, server, hook.tenant)
    assert again.id != hook.id
    again.call("DELETE", "")


def test_no_secret_is_in_the_database_or_in_an_answer_that_is_kept(shell: Shell, hook: Hook) -> None:
    (secret,) = hook.read("/secrets")["secrets"]
    with shell.office.read() as session:
        rows = [str(row) for table in Base.metadata.sorted_tables for row in session.execute(select(table))]
    assert [row for row in rows if hook.id in row]
    assert not [row for row in rows if secret.removeprefix("whsec_") in row]
    key = shell.office.home / "webhook.key"
    assert key.stat().st_mode & 0o077 == 0


def killed(*said: object) -> None:
    raise KeyboardInterrupt
