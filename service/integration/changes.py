"""The change feed: a use case says in its own transaction whose object changed; readers see each tenant's in order.

A tenant's numbers begin at 1 and have no gap. The row that counts them is held until the transaction of the change
ends: who comes second waits, and a rolled back change takes its number back. So no number shows before a lower one.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.tables import Change, ChangeHead


class Kind(StrEnum):
    """What happened to which kind of object; ``docs/integration.md`` says who is told and where to read it."""

    CONSENT_GIVEN = "consent.given"
    CONSENT_REVOKED = "consent.revoked"
    CONTACT_MADE = "contact.made"
    CONTACT_ENDED = "contact.ended"
    NEED_STATED = "need.stated"
    NEED_ENDED = "need.ended"
    APPLICATION_OFFERED = "application.offered"
    APPLICATION_MOVED = "application.moved"
    COST_LIST_DRAFTED = "cost_list.drafted"
    COST_LIST_CONFIRMED = "cost_list.confirmed"
    COST_LIST_CHARGED = "cost_list.charged"
    CAMPAIGN_PUBLISHED = "campaign.published"
    SCREEN_ALERT = "screen.alert"
    NOTICE_MADE = "notice.made"
    BORROWER_ALERT = "borrower.alert"
    PRODUCT_ACTIVATED = "product.activated"
    PRODUCT_RETIRED = "product.retired"
    WEBHOOK_PING = "webhook.ping"
    WEBHOOK_DEAD = "webhook.dead"


def publish(session: Session, tenant: str, kind: Kind, object_id: str, now: datetime) -> int:
    """Tell ``tenant`` of a change within ``session``'s transaction; its number in the tenant's feed.

    Nothing but the id is told: what is behind it is read, and decided on, when the tenant asks for it.
    """
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    counted = (
        insert(ChangeHead)
        .values(tenant=tenant, number=1)
        .on_conflict_do_update(index_elements=[ChangeHead.tenant], set_={"number": ChangeHead.number + 1})
        .returning(ChangeHead.number)
    )
    number = session.execute(counted).scalar_one()
    session.add(
        Change(tenant=tenant, number=number, id=f"e_{uuid.uuid4().hex}", kind=kind.value, object_id=object_id, at=now)
    )
    return number


def last_number(session: Session, tenant: str) -> int:
    """The number of the tenant's last change; 0 before the first."""
    return session.scalar(select(ChangeHead.number).where(ChangeHead.tenant == tenant)) or 0


def first_number(session: Session, tenant: str) -> int:
    """The number of the oldest change of the tenant that is still kept; where none is, the one that comes next.

    Older ones had their time (`seed/retention.yaml`): what is missing is a beginning, never a part in between.
    """
    kept = session.scalar(select(func.min(Change.number)).where(Change.tenant == tenant))
    return kept if kept is not None else last_number(session, tenant) + 1


def changes_after(session: Session, tenant: str, number: int, limit: int) -> Sequence[Change]:
    """At most ``limit`` changes of the tenant after ``number``, in order."""
    query = select(Change).where(Change.tenant == tenant, Change.number > number)
    return session.scalars(query.order_by(Change.number).limit(limit)).all()
