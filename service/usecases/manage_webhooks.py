"""Webhook endpoints of a lender: registered, listed, switched off and on, their secrets shown and rotated, deleted."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from models.errors import RefusedInput
from models.tables import WebhookDelivery, WebhookEndpoint
from service.access.auth import Action, Caller
from service.access.key_ring import office_keys
from service.audit.journal import record
from service.cases.parties import actor_of, case_event
from service.integration.addresses import AddressPolicy, NotPublic, bad_address
from service.integration.changes import Kind, last_number
from service.integration.endpoints import (
    ACTIVE,
    DELETED,
    DISABLED,
    DROPPED,
    WAITING,
    endpoint_answer,
    endpoint_of,
    endpoints_of,
)
from service.integration.signing import KEY_FILE, secrets_of
from service.integration.terms import webhook_terms
from service.office import Office


def register_endpoint(
    office: Office,
    caller: Caller,
    url: str,
    kinds: Sequence[str] | None,
    policy: AddressPolicy,
    now: datetime,
    request_id: str,
) -> dict[str, Any]:
    """Send the caller's changes from now on to ``url``; the same address with the same kinds twice is one endpoint.

    ``RefusedInput`` for an address that is not public, an unknown kind, and (409) one endpoint too many or the same
    address for other kinds.
    """
    wanted = _kinds(kinds)
    try:
        policy.pinned(url)
    except NotPublic as fault:
        raise bad_address(url, str(fault)) from None
    try:
        return _registered(office, caller, url, wanted, now, request_id)
    except IntegrityError:
        # It was registered at the same moment; now it is there to be compared with.
        return _registered(office, caller, url, wanted, now, request_id)


def _registered(
    office: Office, caller: Caller, url: str, kinds: list[str] | None, now: datetime, request_id: str
) -> dict[str, Any]:
    key, most = f"{caller.tenant}\n{url}", webhook_terms().most_endpoints
    with office.write() as session:
        row = session.scalars(select(WebhookEndpoint).where(WebhookEndpoint.address_key == key)).one_or_none()
        if row is not None and row.kinds != kinds:
            rule = "This address is registered for other types."
            raise RefusedInput("known_address", "url", url, rule, "Delete it first, or take another.", status=409)
        if row is None:
            if len(endpoints_of(session, caller.tenant)) >= most:
                rule = f"A house has {most} webhooks at most."
                raise RefusedInput("too_many_webhooks", "url", url, rule, "Delete one.", status=409)
            row = WebhookEndpoint(
                id=f"wh_{uuid.uuid4().hex}",
                tenant=caller.tenant,
                address=url,
                address_key=key,
                kinds=kinds,
                state=ACTIVE,
                secret_version=1,
                previous_until=None,
                sent_through=last_number(session, caller.tenant),
                made_by=actor_of(caller),
                made_at=now,
            )
            session.add(row)
            session.flush()
            record(session, _event(caller, row, now, request_id, "registered"))
        return endpoint_answer(session, row)


def list_endpoints(office: Office, caller: Caller) -> list[dict[str, Any]]:
    """Those of the caller's house, oldest first."""
    with office.read() as session:
        return [endpoint_answer(session, row) for row in endpoints_of(session, caller.tenant)]


def read_endpoint(office: Office, caller: Caller, endpoint_id: str) -> dict[str, Any]:
    """One of them."""
    with office.read() as session:
        return endpoint_answer(session, endpoint_of(session, caller, endpoint_id))


def switch_endpoint(
    office: Office, caller: Caller, endpoint_id: str, on: bool, now: datetime, request_id: str
) -> dict[str, Any]:
    """Stop sending to it, or begin again; what changed meanwhile is sent then. Twice changes nothing."""
    wanted = ACTIVE if on else DISABLED
    with office.write() as session:
        row = endpoint_of(session, caller, endpoint_id, lock=True)
        if row.state != wanted:
            row.state = wanted
            record(session, _event(caller, row, now, request_id, wanted))
        return endpoint_answer(session, row)


def delete_endpoint(office: Office, caller: Caller, endpoint_id: str, now: datetime, request_id: str) -> dict[str, Any]:
    """Send nothing to it any more, and drop what was on its way; its address is free again."""
    with office.write() as session:
        row = endpoint_of(session, caller, endpoint_id, lock=True)
        row.state, row.address_key = DELETED, None
        waiting = update(WebhookDelivery).where(WebhookDelivery.endpoint_id == row.id, WebhookDelivery.state == WAITING)
        session.execute(waiting.values(state=DROPPED, fence=WebhookDelivery.fence + 1))
        record(session, _event(caller, row, now, request_id, DELETED))
        return endpoint_answer(session, row)


def endpoint_secrets(office: Office, caller: Caller, endpoint_id: str, now: datetime) -> dict[str, Any]:
    """What its receiver checks signatures with, the current one first."""
    with office.read() as session:
        row = endpoint_of(session, caller, endpoint_id)
        keys = office_keys(office.home, KEY_FILE)
        return {"secrets": list(secrets_of(keys, row.id, row.secret_version, row.previous_until, now))}


def rotate_secret(office: Office, caller: Caller, endpoint_id: str, now: datetime, request_id: str) -> dict[str, Any]:
    """Sign with a new secret, and for a while with the one before too. ``RefusedInput`` (409) while one lasts: a
    receiver that has not taken the last one up would be left behind.
    """
    with office.write() as session:
        row = endpoint_of(session, caller, endpoint_id, lock=True)
        if row.previous_until is not None and now < row.previous_until:
            raise RefusedInput(
                "rotating",
                "webhook_id",
                endpoint_id,
                f"The last rotation lasts until {row.previous_until:%Y-%m-%d %H:%M} UTC.",
                "Wait until then.",
                status=409,
            )
        row.secret_version, row.previous_until = row.secret_version + 1, now + webhook_terms().rotation
        record(session, _event(caller, row, now, request_id, "rotated"))
        return endpoint_answer(session, row)


def _kinds(said: Sequence[str] | None) -> list[str] | None:
    if said is None:
        return None
    known = sorted(kind.value for kind in Kind if kind is not Kind.WEBHOOK_DEAD)
    if not said or (strange := [each for each in said if each not in known]):
        value = strange[0] if said else []
        rule = "These are no types of changes."
        raise RefusedInput("unknown_type", "types", value, rule, f"Leave it out, or some of: {', '.join(known)}.")
    return sorted(set(said))


def _event(caller: Caller, row: WebhookEndpoint, now: datetime, request_id: str, what: str) -> Any:
    detail = {"what": what, "url": row.address}
    return case_event(caller, Action.MANAGE_WEBHOOKS, "", row.id, now, request_id, detail)
