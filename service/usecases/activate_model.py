"""Puts an approved model in force in place of the one before."""

from __future__ import annotations

from datetime import datetime

from models.errors import RefusedInput
from models.tables import ActiveModel
from service.office import Office
from service.registry.events import EventKind, add_event
from service.registry.keys import signer_of
from service.registry.store import STAFF, active_id, check_person, check_reason, load_approved
from service.usecases.approve_model import check_gates, gate_answer


def activate_model(office: Office, model_id: str, by: str, reason: str, now: datetime) -> None:
    """Make this the one model of its name that scores, from the next build on.

    ``RefusedInput`` (409): not approved, files changed, another catalogue, a gate that fails against the model in
    force, or in force already.
    """
    said = check_reason(reason)
    with office.read() as session:
        check_person(session, "by", by, STAFF)
    model, signer = load_approved(office, model_id), signer_of(office)
    before = active_id(office, model.name)
    if before == model_id:
        raise RefusedInput(
            "already_active", "model", model_id, "This model is in force already.", "Nothing to do.", status=409
        )
    passed = [gate_answer(each) for each in check_gates(office, model)]
    with office.write() as session:
        row = session.get(ActiveModel, model.name)
        if (None if row is None else row.model_id) != before:
            raise changed_meanwhile(model.name)
        session.merge(ActiveModel(name=model.name, model_id=model_id, since=now))
        detail = {"instead_of": before, "gates": passed}
        add_event(session, signer, model_id, EventKind.ACTIVATED, by, now, said, detail)


def changed_meanwhile(name: str) -> RefusedInput:
    """The refusal of a change that was decided on while another model came into force."""
    return RefusedInput(
        "changed_meanwhile", "model", name, "Another model came into force meanwhile.", "Look again, then decide.",
        status=409,
    )  # fmt: skip
