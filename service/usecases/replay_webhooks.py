"""The deliveries of an endpoint: listed, sent again by the numbers of their changes, and tried with a ping."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from models.errors import RefusedInput
from models.tables import Change, WebhookDelivery
from service.access.auth import Action, Caller
from service.audit.journal import record
from service.cases.parties import case_event
from service.integration.changes import Kind, changes_after, first_number, last_number, publish
from service.integration.endpoints import ACTIVE, WAITING, delivery_answer, endpoint_of
from service.integration.fanning import new_delivery, wants
from service.integration.terms import webhook_terms
from service.office import Office


def list_deliveries(
    office: Office, caller: Caller, endpoint_id: str, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Deliveries of changes before number ``before``, newest first, one more than ``limit`` where there are more."""
    with office.read() as session:
        row = endpoint_of(session, caller, endpoint_id)
        query = (
            select(WebhookDelivery, Change)
            .join(Change, (Change.tenant == row.tenant) & (Change.number == WebhookDelivery.number))
            .where(WebhookDelivery.endpoint_id == row.id)
        )
        if before is not None:
            query = query.where(WebhookDelivery.number < before)
        found = session.execute(query.order_by(WebhookDelivery.number.desc()).limit(limit + 1))
        return [delivery_answer(delivery, change) for delivery, change in found]


def replay(
    office: Office, caller: Caller, endpoint_id: str, first: int, last: int, now: datetime, request_id: str
) -> int:
    """Send the changes numbered ``first`` to ``last`` again, under the ids they had; how many there are.

    What was passed over since it is of another kind is not sent. Receivers tell a repetition by ``webhook-id``.
    """
    most = webhook_terms().replay_at_most
    with office.write() as session:
        row = endpoint_of(session, caller, endpoint_id, lock=True)
        begin, end = first_number(session, row.tenant), last_number(session, row.tenant)
        if not begin <= first <= last <= end:
            rule = f"Changes are numbered from {begin} to {end}, the first before the last."
            raise RefusedInput("bad_range", "first", first, rule, "Take numbers from GET /v1/changes.")
        if last - first >= most:
            rule = f"A replay has {most} changes at most."
            raise RefusedInput("bad_range", "last", last, rule, "Replay in parts.")
        if row.state != ACTIVE:
            rule = "The webhook is switched off."
            raise RefusedInput("not_active", "webhook_id", endpoint_id, rule, "Switch it on first.", status=409)
        query = select(WebhookDelivery).where(
            WebhookDelivery.endpoint_id == row.id, WebhookDelivery.number.between(first, last)
        )
        known = {each.number: each for each in session.scalars(query.with_for_update())}
        queued = 0
        for change in changes_after(session, row.tenant, first - 1, last - first + 1):
            if not wants(row, change):
                continue
            # What is not sent yet will be, in its turn.
            if change.number > row.sent_through:
                break
            delivery = known.get(change.number)
            if delivery is None:
                session.add(new_delivery(row, change, now))
            else:
                delivery.state, delivery.attempts, delivery.due_at = WAITING, 0, now
                delivery.fence += 1
            queued += 1
        detail = {"what": "replay", "first": first, "last": last, "queued": queued}
        record(session, case_event(caller, Action.MANAGE_WEBHOOKS, "", row.id, now, request_id, detail))
    return queued


def ping(office: Office, caller: Caller, endpoint_id: str, now: datetime, request_id: str) -> int:
    """Send this endpoint a change that says nothing; its number."""
    with office.write() as session:
        row = endpoint_of(session, caller, endpoint_id, lock=True)
        number = publish(session, row.tenant, Kind.WEBHOOK_PING, row.id, now)
        detail = {"what": "ping", "number": number}
        record(session, case_event(caller, Action.MANAGE_WEBHOOKS, "", row.id, now, request_id, detail))
    return number
