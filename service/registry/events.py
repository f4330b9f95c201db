"""What happened to models: events that are signed when they are written and checked when they are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import RefusedInput
from models.tables import ModelEvent, ModelRow
from service.access.auth import Action
from service.audit.journal import record
from service.audit.told import told
from service.registry.keys import PublicKey, Signer
from service.snapshot.folder import json_bytes

_SIGNED = b"rongqiao model event\n"
#: What the journal calls the step.
_TOLD_AS = {
    "registered": "register_model",
    "documented": "document_model",
    "approved": Action.APPROVE_MODEL,
    "activated": "activate_model",
    "rolled_back": "roll_back_model",
    "retired": "retire_model",
}


class EventKind(StrEnum):
    REGISTERED = "registered"
    DOCUMENTED = "documented"
    APPROVED = "approved"
    ACTIVATED = "activated"
    ROLLED_BACK = "rolled_back"
    RETIRED = "retired"


def add_event(
    session: Session,
    signer: Signer,
    model_id: str,
    kind: EventKind,
    by: str,
    at: datetime,
    why: str,
    detail: Mapping[str, Any],
) -> None:
    """Add a signed event to a write transaction, and tell it in the journal."""
    event = ModelEvent(
        model_id=model_id, kind=kind.value, by=by, at=at, why=why, detail=dict(detail), key_id=signer.key_id
    )
    event.signature = signer.sign(_message(event))
    session.add(event)
    session.flush()
    record(session, told(_TOLD_AS[kind], at, object_id=model_id, detail={"by": by, "why": why}))


def checked_events(session: Session, model_ids: Iterable[str], keys: Mapping[str, PublicKey]) -> list[ModelEvent]:
    """The events of these models in order. ``RefusedInput`` (409) for one the office did not sign as it stands."""
    query = select(ModelEvent).where(ModelEvent.model_id.in_(list(model_ids))).order_by(ModelEvent.seq)
    events = list(session.scalars(query))
    for event in events:
        key = keys.get(event.key_id)
        if key is None or not key.verifies(_message(event), event.signature):
            raise RefusedInput(
                "changed_event", f"model_event/{event.seq}", event.model_id,
                "This step in the model's history is not what the office signed.",
                "Restore the database from a backup.", status=409,
            )  # fmt: skip
    return events


def approval(row: ModelRow, events: Sequence[ModelEvent]) -> ModelEvent | None:
    """The approval in force: by another person than the registrar, of these files, not followed by a withdrawal."""
    found: ModelEvent | None = None
    for event in events:
        if event.model_id != row.id:
            continue
        if event.kind in (EventKind.ROLLED_BACK, EventKind.RETIRED):
            found = None
        elif event.kind == EventKind.APPROVED and event.by != row.registered_by:
            found = event if event.detail.get("manifest_sha256") == row.manifest_sha256 else found
    return found


def line_of_champions(events: Sequence[ModelEvent]) -> list[str]:
    """Ids of the models that were in force and not withdrawn since, the latest last."""
    line: list[str] = []
    for event in events:
        if event.kind in (EventKind.ACTIVATED, EventKind.ROLLED_BACK, EventKind.RETIRED):
            line = [each for each in line if each != event.model_id]
        if event.kind == EventKind.ACTIVATED:
            line.append(event.model_id)
    return line


def status_of(events: Sequence[ModelEvent], is_active: bool) -> str:
    """``active``, or what happened last that still counts: retired, rolled_back, approved, registered; a model that was
    in force before is ``approved`` again.
    """
    if is_active:
        return "active"
    kinds = [event.kind for event in events if event.kind not in (EventKind.DOCUMENTED, EventKind.ACTIVATED)]
    return kinds[-1] if kinds else EventKind.REGISTERED.value


def _message(event: ModelEvent) -> bytes:
    said = [event.model_id, event.kind, event.by, event.at.astimezone(UTC).isoformat(), event.why, event.detail]
    return _SIGNED + json_bytes(said, sort_keys=True)
