"""The story of webhooks: changes are told to a lender's server, which refuses some the first time, until it has all."""

from __future__ import annotations

import json
import ssl
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import select

from bench.story import NOW, Story, empty, rows_of
from bench.webhook_receiver import Receiver, receiving
from models.tables import Change, ChangeHead, WebhookDelivery, WebhookEndpoint
from service.access.auth import Caller, Role
from service.integration.changes import Kind, publish
from service.integration.endpoints import DELIVERED, WAITING
from service.office import Office, opened
from service.usecases.deliver_webhooks import deliver
from service.usecases.manage_webhooks import register_endpoint

_LENDER = "bank-a"
#: Changes of one step; the first of them is refused once.
_CHANGES = 3
#: Rounds of sending after which something is wrong.
_ROUNDS = 50
_PORT, _ANSWERED = "port", "answered"


@contextmanager
def _beside(base: Path) -> Iterator[None]:
    """The lender's server. It writes down what it answers with 204 before it does, and outlives who is killed."""
    refused: set[str] = set()
    lock = Lock()

    def answer(headers: Mapping[str, str], body: bytes) -> int:
        change = headers["webhook-id"]
        with lock:
            if json.loads(body)["data"]["id"].endswith(".0") and change not in refused:
                refused.add(change)
                return 503
            with (base / _ANSWERED).open("a", encoding="utf-8") as kept:
                kept.write(f"{change}\n")
        return 204

    (base / _ANSWERED).touch()
    with receiving(base) as receiver:
        receiver.otherwise = answer
        (base / _PORT).write_text(str(receiver.port), encoding="utf-8")
        yield


@lru_cache(maxsize=1)
def _receiver(base: Path) -> Receiver:
    """The lender's server as whoever sends to it knows it."""
    trusted = ssl.create_default_context(cafile=str(base / "certificate.pem"))
    return Receiver(int((base / _PORT).read_text(encoding="utf-8")), trusted)


def _prepare(home: Path, folder: Path) -> None:
    empty(home, folder)
    server = _receiver(home.parent)
    with opened(home) as office:
        register_endpoint(office, Caller(_LENDER, Role.BANK, _LENDER), server.url, None, server.policy, NOW, "register")


def _act(office: Office, step: int, folder: Path) -> str:
    """Publish some changes, unless they are there, and send until nothing waits. Returns what the changes are of."""
    server, now = _receiver(office.home.parent), NOW + timedelta(days=step)
    with office.write() as session:
        if (session.scalar(select(ChangeHead.number).where(ChangeHead.tenant == _LENDER)) or 0) <= step * _CHANGES:
            for number in range(_CHANGES):
                publish(session, _LENDER, Kind.CONSENT_GIVEN, f"{step}.{number}", now)
    waiting = select(WebhookDelivery.id).where(WebhookDelivery.state == WAITING).limit(1)
    # Beyond the pause after a refusal, and after a try of which nothing came.
    for moment in (now + timedelta(minutes=10 * each) for each in range(_ROUNDS)):
        deliver(office, server.policy, partial(_stands, moment), server.tls, lambda: 0.5)
        with office.read() as session:
            if session.scalar(waiting) is None:
                return str(step)
    raise RuntimeError(f"step {step} is not delivered after {_ROUNDS} rounds")


def _stands(moment: datetime) -> datetime:
    return moment


def _sent(office: Office) -> list[tuple[str, str, str | None, int | None]]:
    """Every change: id, what it is of, where its delivery stands."""
    mine = (WebhookDelivery.number == Change.number) & (Change.tenant == _LENDER)
    query = select(Change.id, Change.object_id, WebhookDelivery.state, WebhookDelivery.status)
    with office.read() as session:
        return [(*row,) for row in session.execute(query.outerjoin(WebhookDelivery, mine).order_by(Change.number))]


def _answered(office: Office) -> Counter[str]:
    """How often each change was answered with 204."""
    return Counter((office.home.with_name(_ANSWERED)).read_text(encoding="utf-8").split())


def _seen(office: Office) -> dict[str, Any]:
    """The changes, where their deliveries stand, and which of them the server never answered."""
    answered, sent = _answered(office), _sent(office)
    return {
        "deliveries": [(of, state, status) for _, of, state, status in sent],
        "never answered": [of for change, of, _, _ in sent if change not in answered],
        "endpoints": rows_of(office, WebhookEndpoint.state, WebhookEndpoint.sent_through),
    }


def _missing(office: Office, acked: Mapping[int, str]) -> list[str]:
    """Acknowledged steps of which the server does not have all, and what counts as sent though it was not answered."""
    answered, sent = _answered(office), _sent(office)
    had = Counter(of.partition(".")[0] for change, of, state, _ in sent if state == DELIVERED and change in answered)
    unsent = [step for step in acked.values() if had[step] != _CHANGES]
    return unsent + [of for change, of, state, _ in sent if state == DELIVERED and change not in answered]


def _again(office: Office) -> int:
    """Steps of which the server was told something twice: of each kill at most one."""
    answered = _answered(office)
    return len({of.partition(".")[0] for change, of, _, _ in _sent(office) if answered[change] > 1})


WEBHOOKS = Story("webhooks", 10, _prepare, _act, _seen, _missing, _again, _beside)
