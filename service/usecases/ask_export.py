"""An export asked for, read, and its files handed to whoever asked, as long as what they rest on stands."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import NotFound, RefusedInput
from models.tables import Client, Consent, Export, Job
from service.access.auth import Action, Caller, Role, check_may
from service.access.policy import Purpose, Reason, standing
from service.access.reading import grant_of, stated_purpose
from service.audit.journal import record
from service.cases.parties import actor_of, case_event
from service.clock import day_of
from service.integration.export_rows import kind_of
from service.jobs.queue import Asked, enqueue
from service.market.contacts import open_to_contact
from service.office import Office

WAITING, READY, GONE = "waiting", "ready", "gone"
#: The kind of the job, as :mod:`service.integration.exporting` registers it.
JOB = "export"


def ask_export(
    office: Office,
    caller: Caller,
    kind: str,
    parameters: Mapping[str, Any],
    purpose: str | None,
    now: datetime,
    request_id: str,
) -> dict[str, Any]:
    """Keep what is asked and put the job into the queue, in one transaction with the journal."""
    check_may(caller, kind_of(kind, parameters).action)
    said = stated_purpose(caller, purpose)
    made = f"x_{uuid.uuid4().hex}"
    with office.write() as session:
        asked = Asked(JOB, f"{JOB} {made}", {"export": made}, caller.client_id, caller.role.value, caller.tenant)
        job = enqueue(session, asked, now)
        row = Export(
            id=made,
            tenant=caller.tenant,
            asked_by=actor_of(caller),
            caller=kept_caller(caller),
            kind=kind,
            parameters=dict(parameters),
            purpose=said.value,
            job_id=job.id,
            state=WAITING,
            manifest={},
            grounds={},
            asked_at=now,
            expires_at=None,
        )
        session.add(row)
        session.flush()
        detail = {"kind": kind, "parameters": dict(parameters), "purpose": said.value}
        record(session, case_event(caller, Action.ASK_EXPORT, "", row.id, now, request_id, detail))
        return _answer(session, row)


def read_export(office: Office, caller: Caller, export_id: str) -> dict[str, Any]:
    """How far it is; with its manifest once it is ready."""
    with office.read() as session:
        return _answer(session, _mine(session, caller, export_id))


def open_file(office: Office, caller: Caller, export_id: str, name: str, now: datetime) -> Path:
    """The file, for whoever asked, until it expires or a consent or contact it rests on has ended.

    ``RefusedInput``: 409 before it is ready, 410 once it is gone; what must not be read any more is deleted.
    """
    with office.read() as session:
        row = _mine(session, caller, export_id)
        if row.state == WAITING:
            raise RefusedInput("not_ready", "export_id", export_id, "It is not ready.", "Ask again.", status=409)
        if row.state == READY and name not in row.manifest["files"]:
            fix = f"One of: {', '.join(row.manifest['files'])}."
            raise NotFound("name", name, "There is no such file.", fix)
        stands = row.state == READY and not _has_expired(row, now) and _stands(session, row, now)
    if not stands:
        remove_files(office, export_id)
        raise RefusedInput(
            "export_gone",
            "export_id",
            export_id,
            "It has expired, or a firm has withdrawn what it rested on.",
            "Ask for a new one: it holds what you may read now.",
            status=410,
        )
    return folder_of(office, export_id) / name


def folder_of(office: Office, export_id: str) -> Path:
    """Where an export's files are."""
    return office.home / "exports" / export_id


def remove_files(office: Office, export_id: str) -> None:
    """Delete an export's files; what was asked and made stays on record."""
    with office.write() as session:
        session.get_one(Export, export_id, with_for_update=True).state = GONE
    shutil.rmtree(folder_of(office, export_id), ignore_errors=True)


def kept_caller(caller: Caller) -> dict[str, Any]:
    """Whoever asks, as JSON, for the job that does it later; :func:`stored_caller` reads it."""
    return {
        "client_id": caller.client_id,
        "role": caller.role.value,
        "tenant": caller.tenant,
        "person": caller.person,
        "powers": sorted(caller.powers),
    }


def stored_caller(session: Session, said: Mapping[str, Any]) -> Caller:
    """Whoever asked; refused once its system was disabled."""
    client = session.get(Client, said["client_id"])
    if client is not None and client.disabled_at is not None:
        raise RefusedInput("client_disabled", "client_id", client.id, "The client is not in use.", "Ask the office.")
    return Caller(said["client_id"], Role(said["role"]), said["tenant"], said["person"], frozenset(said["powers"]))


def _mine(session: Session, caller: Caller, export_id: str) -> Export:
    row = session.get(Export, export_id)
    if row is None or (row.tenant, row.asked_by) != (caller.tenant, actor_of(caller)):
        raise NotFound("export_id", export_id, "You have no such export.", "Use the id it was answered with.")
    return row


def _has_expired(row: Export, now: datetime) -> bool:
    return row.expires_at is not None and now >= row.expires_at


def _stands(session: Session, row: Export, now: datetime) -> bool:
    """Whether every consent the files rest on is in force, and every firm named by contact still open."""
    consents = session.scalars(select(Consent).where(Consent.id.in_(row.grounds["consents"])))
    in_force = [each for each in consents if standing(grant_of(each), Purpose(each.purpose), now) is Reason.CONSENT]
    firms = row.grounds["contacts"]
    return len(in_force) == len(row.grounds["consents"]) and open_to_contact(
        session, firms, row.tenant, day_of(now)
    ) >= set(firms)


def _answer(session: Session, row: Export) -> dict[str, Any]:
    job = session.scalars(select(Job).where(Job.id == row.job_id)).one()
    failed = row.state == WAITING and job.state in ("dead", "cancelled")
    return {
        "id": row.id,
        "kind": row.kind,
        "parameters": row.parameters,
        "purpose": row.purpose,
        "job_id": row.job_id,
        "state": "failed" if failed else row.state,
        "error": job.error if failed else "",
        "asked_at": row.asked_at,
        "expires_at": row.expires_at,
        "manifest": row.manifest or None,
    }
