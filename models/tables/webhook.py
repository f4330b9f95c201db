"""Addresses to which a tenant's changes are sent, and every delivery to them. Secrets are derived, not kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.tables.base import Base, UtcTime


class WebhookEndpoint(Base):
    """``state``: ``active``, ``disabled`` (by its owner, or because it answered 410) or ``deleted``.

    ``sent_through`` is the number of the last change that was turned into a delivery or passed over. ``kinds``: which
    changes are sent, ``None`` for all. Until ``previous_until`` the secret before ``secret_version`` signs as well.
    ``address_key`` is tenant and address until it is deleted: one endpoint for each.
    """

    __tablename__ = "webhook_endpoint"
    __table_args__ = (Index(None, "tenant"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(500))
    address_key: Mapped[str | None] = mapped_column(String(600), unique=True)
    kinds: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    state: Mapped[str] = mapped_column(String(12))
    secret_version: Mapped[int]
    previous_until: Mapped[datetime | None] = mapped_column(UtcTime)
    sent_through: Mapped[int]
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime] = mapped_column(UtcTime)


class WebhookDelivery(Base):
    """One change on its way to one endpoint. ``state``: ``waiting``, ``delivered``, ``dead`` or ``dropped``.

    ``due_at`` is when it is tried next; while somebody tries, when somebody else may. ``fence`` grows with every try
    and with a replay, so that an outdated try changes nothing.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (UniqueConstraint("endpoint_id", "number"), Index(None, "state", "due_at"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("webhook_endpoint.id"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))
    attempts: Mapped[int]
    fence: Mapped[int]
    due_at: Mapped[datetime] = mapped_column(UtcTime)
    status: Mapped[int | None]
    fault: Mapped[str] = mapped_column(Text)
    tried_at: Mapped[datetime | None] = mapped_column(UtcTime)
