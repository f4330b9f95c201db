"""Registered models and their history as answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from models.errors import RefusedInput
from models.tables import ActiveModel, ModelEvent, ModelRow
from service.office import Office
from service.registry.events import checked_events, status_of
from service.registry.keys import public_keys
from service.registry.store import load, row_of
from service.usecases.approve_model import gate_answer, gate_results


def models_answer(office: Office) -> dict[str, Any]:
    """Every registered model, the newest first."""
    with office.read() as session:
        rows = list(session.scalars(select(ModelRow).order_by(ModelRow.registered_at.desc(), ModelRow.id)))
        active = {each.model_id for each in session.scalars(select(ActiveModel))}
        events = list(session.scalars(select(ModelEvent).order_by(ModelEvent.seq)))
    items = [_row(row, [event for event in events if event.model_id == row.id], row.id in active) for row in rows]
    return {"items": items, "next_cursor": None}


def model_answer(office: Office, model_id: str) -> dict[str, Any]:
    """One model: status, history, gates and card. ``fault`` says why it cannot be trusted, then card and gates are left
    out: what is in a changed file is not shown as the model's. ``NotFound`` for an id that is none.
    """
    with office.read() as session:
        row = row_of(session, model_id)
        active = session.get(ActiveModel, row.name)
        query = select(ModelEvent).where(ModelEvent.model_id == model_id).order_by(ModelEvent.seq)
        events = list(session.scalars(query))
        fault: RefusedInput | None = None
        try:
            checked_events(session, [model_id], public_keys(session))
        except RefusedInput as refused:
            fault = refused
    card: Any = None
    gates: list[dict[str, Any]] = []
    if fault is None:
        try:
            model = load(office, model_id)
            card, gates = model.card, [gate_answer(each) for each in gate_results(office, model)]
        except RefusedInput as refused:
            fault = refused
    return {
        **_row(row, events, active is not None and active.model_id == model_id),
        "fault": str(fault) if fault else None,
        "gates": gates,
        "history": [
            {"kind": event.kind, "by": event.by, "at": event.at, "why": event.why, "key_id": event.key_id}
            for event in events
        ],
        "card": card,
    }


def _row(row: ModelRow, events: Sequence[ModelEvent], is_active: bool) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "status": status_of(events, is_active),
        "catalogue_version": row.catalogue_version,
        "manifest_sha256": row.manifest_sha256,
        "registered_by": row.registered_by,
        "registered_at": row.registered_at,
    }
