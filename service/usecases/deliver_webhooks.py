"""One round of sending: new changes become deliveries, those that are due are tried, each outcome is kept.

A try is written down before it is made, with a time after which somebody else may try: a process that is killed costs a
repetition, never a change, and not one of the tries after which a delivery is given up. Several processes may send at
once. The order of a house's changes is kept by their numbers in the feed, not by the order in which they arrive.
"""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from models.errors import RefusedInput
from models.tables import Change, WebhookDelivery, WebhookEndpoint
from service.access.auth import Action
from service.access.key_ring import office_keys
from service.answers.change import change_answer
from service.audit.chain import Event
from service.audit.journal import record
from service.integration.addresses import AddressPolicy, NotPublic
from service.integration.changes import Kind, publish
from service.integration.endpoints import ACTIVE, DEAD, DELIVERED, DISABLED, WAITING
from service.integration.fanning import fan_out
from service.integration.sending import Outcome, send
from service.integration.signing import KEY_FILE, headers_of, secrets_of
from service.integration.terms import WebhookTerms, webhook_terms
from service.office import Office
from service.web.encode import encode

#: Deliveries of one round that are under way at the same moment.
THREADS = 8
_GONE = 410


@dataclass(frozen=True)
class Round:
    """What one round did: tries, and how they ended."""

    tried: int = 0
    delivered: int = 0
    dead: int = 0


@dataclass(frozen=True)
class _Try:
    """A delivery taken up: everything needed to send it, and the fence its outcome is kept under."""

    delivery_id: int
    fence: int
    attempts: int
    endpoint_id: str
    url: str
    webhook_id: str
    body: bytes
    secrets: tuple[str, ...]


def deliver(
    office: Office,
    policy: AddressPolicy,
    now: Callable[[], datetime],
    tls: ssl.SSLContext | None = None,
    chance: Callable[[], float] = random.random,
    terms: WebhookTerms | None = None,
) -> Round:
    """Send what is due, at most ``at_once`` deliveries. ``chance`` in [0, 1) spreads the pauses."""
    terms, tls = terms or webhook_terms(), tls or ssl.create_default_context()
    fan_out(office, now())
    taken = _take_up(office, terms, now())
    if not taken:
        return Round()

    def one(each: _Try) -> Outcome:
        return _try(each, policy, tls, terms, now())

    with ThreadPoolExecutor(THREADS, "webhook") as threads:
        outcomes = list(threads.map(one, taken))
    states = [
        _keep(office, each, outcome, terms, now(), chance()) for each, outcome in zip(taken, outcomes, strict=True)
    ]
    return Round(len(taken), states.count(DELIVERED), states.count(DEAD))


def _take_up(office: Office, terms: WebhookTerms, now: datetime) -> list[_Try]:
    """Take up deliveries that are due, and put them off meanwhile."""
    # All of a round's tries fit into it: they are made a few at a time, each within `answer_seconds`.
    meanwhile = timedelta(seconds=60 + terms.answer_seconds * (2 + terms.at_once // THREADS))
    place = func.row_number().over(
        partition_by=WebhookDelivery.endpoint_id, order_by=(WebhookDelivery.due_at, WebhookDelivery.number)
    )
    waiting = (
        select(WebhookDelivery.id, place.label("place"))
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(WebhookDelivery.state == WAITING, WebhookDelivery.due_at <= now, WebhookEndpoint.state == ACTIVE)
        .subquery()
    )
    due = (
        select(WebhookDelivery, WebhookEndpoint, Change)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .join(Change, (Change.tenant == WebhookEndpoint.tenant) & (Change.number == WebhookDelivery.number))
        .join(waiting, waiting.c.id == WebhookDelivery.id)
        .where(waiting.c.place <= terms.of_one_at_once)
        .order_by(WebhookDelivery.due_at, WebhookDelivery.number, WebhookDelivery.id)
        .limit(terms.at_once)
    )
    keys, taken = office_keys(office.home, KEY_FILE), []
    # Writers take turns: what is due is nobody else's when this transaction begins.
    with office.write() as session:
        for delivery, endpoint, change in session.execute(due):
            delivery.due_at, delivery.tried_at = now + meanwhile, now
            delivery.fence += 1
            secrets = secrets_of(keys, endpoint.id, endpoint.secret_version, endpoint.previous_until, now)
            taken.append(
                _Try(
                    delivery_id=delivery.id,
                    fence=delivery.fence,
                    # Counted when its outcome is known: a try that was cut off here is not the receiver's fault.
                    attempts=delivery.attempts + 1,
                    endpoint_id=endpoint.id,
                    url=endpoint.address,
                    webhook_id=change.id,
                    body=encode(change_answer(change)),
                    secrets=secrets,
                )
            )
    return taken


def _try(each: _Try, policy: AddressPolicy, tls: ssl.SSLContext, terms: WebhookTerms, now: datetime) -> Outcome:
    try:
        target = policy.pinned(each.url)
    except NotPublic as fault:
        return Outcome(None, str(fault))
    except RefusedInput as refused:
        # What was allowed when it was registered is not any more.
        return Outcome(None, refused.rule)
    headers = headers_of(each.secrets, each.webhook_id, int(now.timestamp()), each.body)
    return send(target, headers, each.body, terms.answer_seconds, tls)


def _keep(
    office: Office, each: _Try, outcome: Outcome, terms: WebhookTerms, now: datetime, chance: float
) -> str | None:
    """Keep what came of a try; the delivery's state, or ``None`` when somebody else has it by now."""
    state, due = _next(each, outcome, terms, now, chance)
    mine = update(WebhookDelivery).where(WebhookDelivery.id == each.delivery_id, WebhookDelivery.fence == each.fence)
    with office.write() as session:
        kept = session.connection().execute(
            mine.values(state=state, attempts=each.attempts, due_at=due, status=outcome.status, fault=outcome.fault)
        )
        if kept.rowcount != 1:
            return None
        if state != DEAD:
            return state
        endpoint = session.get_one(WebhookEndpoint, each.endpoint_id, with_for_update=True)
        if outcome.status == _GONE and endpoint.state == ACTIVE:
            endpoint.state = DISABLED
        publish(session, endpoint.tenant, Kind.WEBHOOK_DEAD, endpoint.id, now)
        record(session, _died(endpoint, each, outcome, now))
    return state


def _next(each: _Try, outcome: Outcome, terms: WebhookTerms, now: datetime, chance: float) -> tuple[str, datetime]:
    """The state a try leads to, and when it is tried again."""
    if not outcome.fault:
        return DELIVERED, now
    if outcome.status == _GONE or each.attempts > len(terms.pauses):
        return DEAD, now
    return WAITING, now + terms.pauses[each.attempts - 1] * (1 + terms.jitter * (2 * chance - 1))


def _died(endpoint: WebhookEndpoint, each: _Try, outcome: Outcome, now: datetime) -> Event:
    detail = {
        "webhook_id": each.webhook_id,
        "attempts": each.attempts,
        "status": outcome.status,
        "fault": outcome.fault,
    }
    return Event(
        at=now,
        actor="webhooks",
        role="system",
        tenant=endpoint.tenant,
        action=Action.MANAGE_WEBHOOKS.value,
        object_id=endpoint.id,
        result="failed",
        reason=DEAD,
        detail=encode(detail).decode(),
    )
