"""The story of requests under ``Idempotency-Key``: sent through the application, and again until they are answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.story import NOW, Story, code_of, empty, rows_of
from models.tables import AuditEntry, Change, Client, Consent, KeptAnswer, WebhookEndpoint
from service.access.auth import Caller, Role, hashed
from service.access.policy import Purpose
from service.app import create_app
from service.books.rulebook import lenders
from service.books.seedbook import catalogue
from service.integration.addresses import AddressPolicy
from service.office import Office, opened
from service.settings import Settings
from service.usecases.consent import Wanted, consent_text
from service.usecases.issue_token import issue_token
from service.usecases.manage_webhooks import register_endpoint
from service.web.idempotency import HEADER

#: Without a key, sent twice: two pings; one consent, but another answer; a refusal of the second rotation.
_KINDS = ("pings", "consents", "rotation")
_ASKED, _SECRET = "asked.json", "a secret of a story"
_OFTEN = ("requests_per_minute", "look_ups_per_minute", "tokens_per_minute", "sign_ins_per_minute")


def _now(step: int) -> datetime:
    """A rotation lasts for a day, and a second one is refused meanwhile."""
    return NOW + timedelta(hours=9 * step)


def _prepare(home: Path, folder: Path) -> None:
    """An office with two clients that have their tokens, and a webhook; nothing is sent to it."""
    empty(home, folder)
    lender, firm = sorted(lenders())[0], code_of(1)
    with opened(home) as office:
        tokens = {}
        for name, role, tenant in (("lender", Role.BANK, lender), ("firm", Role.FIRM, firm)):
            with office.write() as session:
                session.add(Client(id=name, secret_sha256=hashed(_SECRET), role=role.value, tenant=tenant))
            tokens[name] = issue_token(office, name, _SECRET, NOW, 10**7).access_token
        anywhere = AddressPolicy((443,), lambda address: True, lambda host, port: ["192.0.2.1"])
        caller = Caller("lender", Role.BANK, lender)
        hook = register_endpoint(office, caller, "https://hooks.example/", None, anywhere, NOW, "register")["id"]
    asked = {"tokens": tokens, "lender": lender, "firm": firm, "hook": hook}
    home.with_name(_ASKED).write_text(json.dumps(asked), encoding="utf-8")


class _Clock:
    """Stands at the moment of a step."""

    moment = NOW

    def __call__(self) -> datetime:
        return self.moment


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes

    @property
    def digest(self) -> str:
        return f"{self.status} {sha256(self.body).hexdigest()}"


@lru_cache(maxsize=1)
def _served(office: Office) -> tuple[Any, _Clock]:
    clock = _Clock()
    often: dict[str, Any] = dict.fromkeys(_OFTEN, 1_000_000)
    settings = Settings(home=office.home, **often)
    return create_app(office, settings, clock), clock


def _act(office: Office, step: int, folder: Path) -> str:
    asked = json.loads(office.home.with_name(_ASKED).read_text(encoding="utf-8"))
    app, clock = _served(office)
    clock.moment = _now(step)
    kind, body = _KINDS[step % len(_KINDS)], {}
    path = f"/v1/webhooks/{asked['hook']}/{kind}"
    if kind == "consents":
        path, body = f"/v1/firms/{asked['firm']}/consents", _consent(asked["lender"], clock.moment, step)
    who = "firm" if kind == "consents" else "lender"
    headers = {"authorization": f"Bearer {asked['tokens'][who]}", HEADER.lower(): f"story-{step}"}
    answer = asyncio.run(_posted(app, path, json.dumps(body).encode() if body else b"", headers))
    if not 200 <= answer.status < 300:
        raise RuntimeError(f"{path} was answered {answer.status}: {answer.body[:500]!r}")
    return answer.digest


def _consent(lender: str, now: datetime, step: int) -> dict[str, Any]:
    day, dimensions = now.date(), tuple(each.id for each in catalogue().dimensions)
    wanted = Wanted(lender, Purpose.PRE_LOAN, dimensions, False, day, day + timedelta(10 + step))
    digest = consent_text(wanted, day)["text_sha256"]
    said = {"lender": lender, "purpose": Purpose.PRE_LOAN.value, "dimensions": dimensions, "personal": False}
    return {**said, "valid_from": str(day), "valid_until": str(wanted.valid_until), "text_sha256": digest}


async def _posted(app: Any, path: str, body: bytes, headers: Mapping[str, str]) -> _Answer:
    """One POST to the application, as a server hands it over."""
    said = {"host": "story", "content-type": "application/json", "content-length": str(len(body)), **headers}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80), "headers": [(name.encode(), value.encode()) for name, value in said.items()],
    }  # fmt: skip
    sent: list[dict[str, Any]] = []
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return left.pop() if left else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return _Answer(sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:]))


def _seen(office: Office) -> dict[str, Any]:
    return {
        "changes": rows_of(office, Change.tenant, Change.number, Change.kind, Change.at),
        "consents": rows_of(office, Consent.firm, Consent.lender, Consent.given_at),
        "secrets": rows_of(office, WebhookEndpoint.secret_version, WebhookEndpoint.previous_until),
        "answers": rows_of(office, KeptAnswer.asker, KeptAnswer.status, KeptAnswer.made_at),
        "journal": rows_of(office, AuditEntry.action, AuditEntry.firm, AuditEntry.at, AuditEntry.result),
    }


def _missing(office: Office, acked: Mapping[int, str]) -> list[str]:
    """Answers that were given and are not those that are kept: a client that asks again would be told another."""
    kept = {_Answer(status, body).digest for status, body in rows_of(office, KeptAnswer.status, KeptAnswer.body)}
    return sorted(set(acked.values()) - kept)


KEYED = Story("keyed", 18, _prepare, _act, _seen, _missing)
