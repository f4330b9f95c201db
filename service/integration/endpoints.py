"""Rows of webhook endpoints and their deliveries: found for their house, and told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.errors import NotFound
from models.tables import Change, WebhookDelivery, WebhookEndpoint
from service.access.auth import Caller

ACTIVE, DISABLED, DELETED = "active", "disabled", "deleted"
WAITING, DELIVERED, DEAD, DROPPED = "waiting", "delivered", "dead", "dropped"


def endpoint_of(session: Session, caller: Caller, endpoint_id: str, *, lock: bool = False) -> WebhookEndpoint:
    """An endpoint of the caller's house that is not deleted; ``NotFound`` for any other."""
    row = session.get(WebhookEndpoint, endpoint_id, with_for_update=lock or None)
    if row is None or row.tenant != caller.tenant or row.state == DELETED:
        raise NotFound("webhook_id", endpoint_id, "You have no such webhook.", "List yours: GET /v1/webhooks.")
    return row


def endpoints_of(session: Session, tenant: str) -> Sequence[WebhookEndpoint]:
    """Those of a house that are not deleted, oldest first."""
    query = select(WebhookEndpoint).where(WebhookEndpoint.tenant == tenant, WebhookEndpoint.state != DELETED)
    return session.scalars(query.order_by(WebhookEndpoint.made_at, WebhookEndpoint.id)).all()


def endpoint_answer(session: Session, row: WebhookEndpoint) -> dict[str, Any]:
    """An endpoint with how its deliveries stand."""
    counted = (
        select(WebhookDelivery.state, func.count().label("number"))
        .where(WebhookDelivery.endpoint_id == row.id, WebhookDelivery.state.in_((WAITING, DEAD)))
        .group_by(WebhookDelivery.state)
    )
    standing = {each.state: each.number for each in session.execute(counted)}
    return {
        "id": row.id,
        "url": row.address,
        "types": row.kinds,
        "state": row.state,
        "previous_secret_until": row.previous_until,
        "sent_through": row.sent_through,
        "waiting": standing.get(WAITING, 0),
        "dead": standing.get(DEAD, 0),
        "made_at": row.made_at,
    }


def delivery_answer(row: WebhookDelivery, change: Change) -> dict[str, Any]:
    """A delivery with the change it carries."""
    return {
        "number": row.number,
        "webhook_id": change.id,
        "type": change.kind,
        "state": row.state,
        "attempts": row.attempts,
        "due_at": row.due_at if row.state == WAITING else None,
        "status": row.status,
        "fault": row.fault,
        "tried_at": row.tried_at,
    }
