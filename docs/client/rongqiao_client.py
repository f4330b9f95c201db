"""A client of the API in one file: copy it and change what you need. Python 3.11, ``requests`` and ``joserfc``.

    bank = Client("https://credit.city.example", "bank-a", key_pem, "key-1")
    for change in bank.changes(cursor=kept):
        if change.type.startswith("application."):
            mirror(bank.application(change.object_id))
        kept = change.cursor

It proves itself with ``private_key_jwt``, sends what may have been lost again under one ``Idempotency-Key``, follows
cursors to their end, and checks the signatures of webhooks. Amounts are ``Decimal`` yuan; ``None`` is unknown.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import requests
from joserfc import jwt
from joserfc.jwk import ECKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: Answers after which the same request may be sent again: it changed nothing, or its key tells.
PASSING = frozenset({429, 502, 503, 504})
#: How far a webhook's moment may be from ours, seconds: older ones may be recorded and played again.
TOLERANCE = 300


class Problem(Exception):
    """What the service refused (RFC 9457): ``code`` and ``field`` for programs, ``rule`` and ``fix`` for people."""

    def __init__(self, status: int, said: Mapping[str, Any]):
        self.status = status
        self.code = str(said.get("code", "unreadable"))
        self.field = str(said.get("field", ""))
        self.rule = str(said.get("rule", ""))
        self.fix = str(said.get("fix", ""))
        self.request_id = str(said.get("request_id", ""))
        super().__init__(f"{status} {self.code} ({self.field}): {self.rule} {self.fix} [request {self.request_id}]")


class BadSignature(Exception):
    """A webhook that was not sent by the service, was changed on its way, or is too old."""


@dataclass(frozen=True)
class Change:
    """``cursor`` is where to go on after this change: keep it in the transaction that keeps what you read."""

    id: str
    number: int
    type: str
    timestamp: datetime
    object_id: str
    cursor: str


@dataclass(frozen=True)
class Application:
    """What most systems need of an application; ``raw`` is the whole answer."""

    id: str
    version: int
    state: str
    product: str
    asked_yuan: Decimal
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Webhook:
    """A registered address."""

    id: str
    url: str
    state: str
    waiting: int
    dead: int


class Client:
    """One system of one house. Not shared between threads: make one each."""

    def __init__(
        self,
        base_url: str,
        client_id: str,
        key_pem: str,
        kid: str,
        purpose: str = "pre_loan",
        attempts: int = 5,
        timeout: float = 30,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self._base = base_url.rstrip("/")
        self._client_id = client_id
        self._key = ECKey.import_key(key_pem)
        self._kid = kid
        self._purpose = purpose
        self._attempts = attempts
        self._timeout = timeout
        self._now = now
        self._sleep = sleep
        self._http = requests.Session()
        self._token = ""
        self._token_until = 0.0

    # ── what a bank asks ─────────────────────────────────────────────────────────────────────────────────────────────
    def changes(self, cursor: str = "") -> Iterator[Change]:
        """Everything that changed since ``cursor``, in order, to the end of the feed as it is now.

        Within a page a change's ``cursor`` is that of the page before: a program that stops there reads the page again
        and loses nothing.
        """
        while True:
            page = self.get("/v1/changes", {"cursor": cursor, "limit": 500})
            last = len(page["items"]) - 1
            for place, each in enumerate(page["items"]):
                yield Change(
                    id=each["id"],
                    number=each["number"],
                    type=each["type"],
                    timestamp=_moment(each["timestamp"]),
                    object_id=each["data"]["id"],
                    cursor=page["next_cursor"] if place == last else cursor,
                )
            cursor = page["next_cursor"]
            if not page["more"]:
                return

    def applications(self) -> Iterator[Application]:
        """Every application sent to the house."""
        return (_application(each) for each in self.pages("/v1/applications"))

    def application(self, application_id: str) -> Application:
        """One application as it is now."""
        return _application(self.get(f"/v1/applications/{application_id}"))

    def step(self, application: Application, step: str, **said: Any) -> Application:
        """Take a step on the version that was seen; ``Problem`` 409 ``changed_meanwhile`` when it is not current."""
        body = {"step": step, "version": application.version, **said}
        return _application(self.post(f"/v1/applications/{application.id}/steps", body))

    def consents(self) -> Iterator[Mapping[str, Any]]:
        """Consents given to the house, with the state each is in now."""
        return self.pages("/v1/consents")

    def register_webhook(self, url: str, types: Sequence[str] | None = None) -> tuple[Webhook, tuple[str, ...]]:
        """The webhook and the secrets to check it with. Registering the same again gives the same."""
        made = self.post("/v1/webhooks", {"url": url, **({"types": list(types)} if types else {})})
        secrets = self.get(f"/v1/webhooks/{made['id']}/secrets")["secrets"]
        return _webhook(made), tuple(secrets)

    def webhooks(self) -> Iterator[Webhook]:
        """Those of the house."""
        return (_webhook(each) for each in self.pages("/v1/webhooks"))

    # ── how it asks ──────────────────────────────────────────────────────────────────────────────────────────────────
    def pages(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[Mapping[str, Any]]:
        """Every item of a list, page by page."""
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(path, {**(params or {}), "cursor": cursor})
            yield from page["items"]
            cursor = page["next_cursor"]

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer of a reading."""
        return self._send("GET", path, params=params)

    def post(self, path: str, body: Mapping[str, Any] | None = None, key: str = "") -> dict[str, Any]:
        """The answer of a change. ``key``: give one of your own, kept before you send, to survive your own crash."""
        return self._send("POST", path, body=body, headers={"Idempotency-Key": key or str(uuid.uuid4())})

    def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        renewed = False
        for attempt in range(1, self._attempts + 1):
            sent = {"Authorization": f"Bearer {self._bearer()}", "X-Purpose": self._purpose, **(headers or {})}
            try:
                answer = self._http.request(
                    method, self._base + path, params=params, json=body, headers=sent, timeout=self._timeout
                )
            except (requests.ConnectionError, requests.Timeout):
                # Nobody knows whether it arrived: the key makes sending it again safe.
                if attempt == self._attempts:
                    raise
                self._sleep(_pause(attempt))
                continue
            if answer.status_code == 401 and not renewed:
                renewed, self._token = True, ""
                continue
            if answer.status_code in PASSING and attempt < self._attempts:
                self._sleep(_pause(attempt, answer.headers.get("Retry-After", "")))
                continue
            return _read(answer)
        raise Problem(401, {"code": "not_authenticated", "rule": "The service takes no token of this client."})

    def _bearer(self) -> str:
        """The token in hand, or a new one half a minute before it ends."""
        if self._token and self._now() < self._token_until - 30:
            return self._token
        address, at = f"{self._base}/v1/oauth/token", int(self._now())
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": address,
            "iat": at,
            "exp": at + 120,
            "jti": uuid.uuid4().hex,
        }
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": jwt.encode({"alg": "ES256", "kid": self._kid}, claims, self._key),
        }
        said = _read(self._http.post(address, data=form, timeout=self._timeout))
        self._token, self._token_until = str(said["access_token"]), self._now() + float(said["expires_in"])
        return self._token


def verify_webhook(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: float | None = None
) -> Mapping[str, Any]:
    """The change a webhook tells of, once its signature holds for one of ``secrets``; ``BadSignature`` otherwise.

    ``body`` is what came in, byte for byte. Keep each ``webhook-id`` for some days and pass over what you know: a
    delivery may be repeated. What it says is an id; read the object before you act.
    """
    named = {name.lower(): value for name, value in headers.items()}
    try:
        webhook_id, moment = named["webhook-id"], named["webhook-timestamp"]
        offered = [each.removeprefix("v1,") for each in named["webhook-signature"].split(" ") if each.startswith("v1,")]
        age = abs((time.time() if now is None else now) - int(moment))
    except (KeyError, ValueError):
        raise BadSignature("The three headers of Standard Webhooks are not there.") from None
    if age > TOLERANCE:
        raise BadSignature("It is too old, or the clocks differ.")
    signed = f"{webhook_id}.{moment}.".encode() + body
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        if any(hmac.compare_digest(expected, each.encode()) for each in offered):
            found: dict[str, Any] = json.loads(body)
            return found
    raise BadSignature("The signature is not the service's.")


def _read(answer: requests.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except requests.JSONDecodeError:
        said = {}
    if answer.ok and isinstance(said, dict):
        return said
    raise Problem(answer.status_code, said if isinstance(said, dict) else {})


def _pause(attempt: int, retry_after: str = "") -> float:
    """Seconds to wait: what the service says, else twice as long each time, spread by chance."""
    if retry_after.isdecimal():
        return float(retry_after)
    return min(2.0**attempt, 60) * random.uniform(0.5, 1)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _application(said: Mapping[str, Any]) -> Application:
    return Application(
        id=said["id"],
        version=said["version"],
        state=said["state"]["id"],
        product=said["product"]["id"],
        asked_yuan=Decimal(said["ask_yuan"]),
        raw=said,
    )


def _webhook(said: Mapping[str, Any]) -> Webhook:
    return Webhook(said["id"], said["url"], said["state"], said["waiting"], said["dead"])
