"""Withdraws the model in force and returns to the last good one; retires models for good."""

from __future__ import annotations

from datetime import datetime

from models.errors import NotFound, RefusedInput
from models.tables import ActiveModel
from service.office import Office
from service.registry.events import EventKind, add_event
from service.registry.keys import signer_of
from service.registry.store import STAFF, active_id, check_person, check_reason, last_good, row_of
from service.usecases.activate_model import changed_meanwhile


def rollback_model(office: Office, name: str, by: str, reason: str, now: datetime) -> str:
    """Withdraw the model of that name in force; the id of the model that scores from the next build on.

    It returns to the model in force last before that can still be trusted. What is withdrawn needs a new approval
    before it may be activated again. ``NotFound`` when none is in force; ``RefusedInput`` (409) when there is no good
    model to return to.
    """
    said = check_reason(reason)
    with office.read() as session:
        check_person(session, "by", by, STAFF)
    active = active_id(office, name)
    if active is None:
        raise NotFound("name", name, "No model of this name is in force.", "List them: `rongqiao model list`.")
    good, signer = last_good(office, name, active), signer_of(office)
    if good is None:
        raise RefusedInput(
            "no_good_model", "name", name, "No earlier model of this name can be trusted.",
            "Register, approve and activate another.", status=409,
        )  # fmt: skip
    with office.write() as session:
        row = session.get_one(ActiveModel, name)
        if row.model_id != active:
            raise changed_meanwhile(name)
        row.model_id, row.since = good.id, now
        add_event(session, signer, active, EventKind.ROLLED_BACK, by, now, said, {"to": good.id})
        add_event(session, signer, good.id, EventKind.ACTIVATED, by, now, said, {"instead_of": active})
    return good.id


def retire_model(office: Office, model_id: str, by: str, reason: str, now: datetime) -> None:
    """Take a model out of use: nothing returns to it without a new approval. Refused (409) while it is in force."""
    said = check_reason(reason)
    signer = signer_of(office)
    with office.write() as session:
        check_person(session, "by", by, STAFF)
        row = row_of(session, model_id)
        active = session.get(ActiveModel, row.name)
        if active is not None and active.model_id == model_id:
            raise RefusedInput(
                "model_in_force", "model", model_id, "The model in force cannot be retired.",
                "Activate another or roll back first.", status=409,
            )  # fmt: skip
        add_event(session, signer, model_id, EventKind.RETIRED, by, now, said, {})
