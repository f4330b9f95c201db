"""From the change feed to deliveries: each endpoint goes through its tenant's feed once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, select

from models.tables import Change, ChangeHead, WebhookDelivery, WebhookEndpoint
from service.integration.changes import Kind, changes_after
from service.integration.endpoints import ACTIVE, WAITING
from service.office import Office

#: Changes that one transaction turns into deliveries.
_PART = 1_000


def fan_out(office: Office, now: datetime) -> int:
    """Make the deliveries of every change since each active endpoint's last; how many."""
    with office.read() as session:
        waiting = list(session.scalars(_behind().order_by(WebhookEndpoint.id)))
    made = 0
    for endpoint_id in waiting:
        while (part := _fan_out_part(office, endpoint_id, now)) is not None:
            made += part
    return made


def is_anything_due(office: Office, now: datetime) -> bool:
    """Whether a round of sending would find something; a look that locks nothing."""
    due = (
        select(WebhookDelivery.id)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(WebhookDelivery.state == WAITING, WebhookDelivery.due_at <= now, WebhookEndpoint.state == ACTIVE)
    )
    with office.read() as session:
        return any(session.scalar(each.limit(1)) is not None for each in (_behind(), due))


def _behind() -> Select[str]:
    """Active endpoints whose house's feed has gone on."""
    return (
        select(WebhookEndpoint.id)
        .join(ChangeHead, ChangeHead.tenant == WebhookEndpoint.tenant)
        .where(WebhookEndpoint.state == ACTIVE, WebhookEndpoint.sent_through < ChangeHead.number)
    )


def _fan_out_part(office: Office, endpoint_id: str, now: datetime) -> int | None:
    """The deliveries made of the next changes; ``None`` when there are none."""
    with office.write() as session:
        endpoint = session.get(WebhookEndpoint, endpoint_id, with_for_update=True)
        if endpoint is None or endpoint.state != ACTIVE:
            return None
        changes = changes_after(session, endpoint.tenant, endpoint.sent_through, _PART)
        if not changes:
            return None
        made = [new_delivery(endpoint, change, now) for change in changes if wants(endpoint, change)]
        session.add_all(made)
        endpoint.sent_through = changes[-1].number
        return len(made)


def wants(endpoint: WebhookEndpoint, change: Change) -> bool:
    """Whether a change is sent to the endpoint: a ping to the one it is for, of the others those it asked for.

    That a delivery died is told in the feed alone: told to an endpoint that is down, it would die too, for ever.
    """
    if change.kind == Kind.WEBHOOK_PING:
        return change.object_id == endpoint.id
    return change.kind != Kind.WEBHOOK_DEAD and (endpoint.kinds is None or change.kind in endpoint.kinds)


def new_delivery(endpoint: WebhookEndpoint, change: Change, now: datetime) -> WebhookDelivery:
    """A delivery that is due at once."""
    return WebhookDelivery(
        endpoint_id=endpoint.id,
        number=change.number,
        state=WAITING,
        attempts=0,
        fence=0,
        due_at=now,
        status=None,
        fault="",
        tried_at=None,
    )
