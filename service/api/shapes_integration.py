"""Shapes of the change feed and of webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from service.api.inputs import Body
from service.api.shapes import Shape


class ChangeData(Shape):
    id: str = Field(description="Of the object that changed; read it where its kind says")


class ChangeShape(Shape):
    id: str = Field(description="Of the change; a webhook of it carries it as webhook-id")
    number: int = Field(description="Counts your changes from 1, without a gap")
    type: str = Field(examples=["application.offered"])
    timestamp: datetime
    data: ChangeData


class ChangePage(Shape):
    items: list[ChangeShape]
    next_cursor: str = Field(description="Always there: where to go on, also from the end of the feed")
    more: bool = Field(description="Whether more wait now")


class WebhookBody(Body):
    """An address of your house."""

    url: str = Field(max_length=500, description="https, a public name", examples=["https://hooks.bank.example/in"])
    types: list[str] | None = Field(default=None, max_length=50, description="Which changes; left out: all")


class WebhookShape(Shape):
    id: str
    url: str
    types: list[str] | None
    state: str = Field(description="active or disabled (by you, or because it answered 410 Gone)")
    previous_secret_until: datetime | None = Field(description="Until then the secret before signs too")
    sent_through: int = Field(description="Changes up to this number are on their way or passed over")
    waiting: int = Field(description="Deliveries that will be tried, or tried again")
    dead: int = Field(description="Deliveries that were given up; replay them")
    made_at: datetime


class SecretShape(Shape):
    secrets: list[str] = Field(description="whsec_…, the current one first; two while a rotation lasts")


class DeliveryShape(Shape):
    number: int
    webhook_id: str
    type: str
    state: str = Field(description="waiting, delivered, dead or dropped (its endpoint went)")
    attempts: int
    due_at: datetime | None = Field(description="When it is tried next")
    status: int | None = Field(description="HTTP status of the last answer; null: there was none")
    fault: str
    tried_at: datetime | None


class ReplayBody(Body):
    """Changes by their numbers, both included."""

    first: int = Field(ge=1)
    last: int = Field(ge=1)


class ReplayAnswer(Shape):
    queued: int


class PingAnswer(Shape):
    number: int = Field(description="Of the change that is sent")


class ExportBody(Body):
    """Which list."""

    kind: str = Field(max_length=20, examples=["applications"])
    parameters: dict[str, Any] = Field(default_factory=dict, description="Of the kind")


class ExportShape(Shape):
    id: str
    kind: str
    parameters: dict[str, Any]
    purpose: str
    job_id: str
    state: str = Field(description="waiting, ready, failed (error says why) or gone")
    error: str
    asked_at: datetime
    expires_at: datetime | None
    manifest: dict[str, Any] | None = Field(description="Once ready: for whom, and its files: rows, bytes, sha256")
