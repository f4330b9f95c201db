"""Credit repair: what of a firm can be repaired and from when, and its requests."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from matching.repair_check import CheckLine, first_check
from matching.repair_rules import MaterialSet
from models.errors import NotFound, RefusedInput
from models.tables import PublicityLift, Repair, RepairStep
from models.truth import Truth
from service.access.auth import Action, Caller
from service.answers.repair import (
    dates_of,
    document_of,
    materials_answer,
    promise_of,
    repair_answer,
    repair_line,
    repairable_answer,
)
from service.answers.rules import named
from service.audit.journal import record
from service.books.rulebook import repair_rules
from service.books.seedbook import feeds
from service.cases.parties import actor_of, case_event, content_digest, party_of, said_text
from service.cases.rows import CaseWords, check_stage, find_row, of_firm_and_agency, steps_where
from service.clock import day_of
from service.office import Office
from service.records.firm_records import FirmRecord, firm_records, record_of
from service.snapshot.snapshots import OpenSnapshot

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOST_MATERIALS = 20
_WORDS = CaseWords("repair_id", "request", "/v1/repairs")


@dataclass(frozen=True)
class RepairAsked:
    """A request. ``materials``: id, name, and the ``sha256`` of a file or a ``text``; the promise is agreed to by
    ``promise_sha256``. ``duty_done`` is what the firm says; ``matter`` the field of law, where the record does not."""

    record_id: str
    materials: tuple[Mapping[str, str], ...]
    promise_sha256: str
    duty_done: bool | None
    matter: str | None = None


def firm_repairs(office: Office, snapshot: OpenSnapshot, uscc: str, now: datetime) -> dict[str, Any]:
    """Every repairable record of the firm from the day it arrived, with its dates and letters, newest first."""
    name, today = _name(snapshot, uscc), day_of(now)
    materials = repair_rules().materials_on(today)
    records = [each for feed in repair_rules().records for each in firm_records(office, feeds()[feed], uscc)]
    with office.read() as session:
        requests = {
            (row.feed, row.document): row
            for row in session.scalars(select(Repair).where(Repair.firm == uscc, Repair.open_key.is_not(None)))
        }
        lifts = {
            (row.feed, row.document): row
            for row in session.scalars(
                select(PublicityLift).where(PublicityLift.firm == uscc, PublicityLift.ends_on >= today)
            )
        }
    return {
        "uscc": uscc,
        "name": name,
        "on": today,
        "regime": {"id": repair_rules().regime_on(today).id, **named(repair_rules().regime_on(today).name)},
        "materials": materials_answer(materials),
        "records": [
            repairable_answer(
                each,
                name,
                materials,
                requests.get((each.feed.id, document_of(each))),
                lifts.get((each.feed.id, document_of(each))),
                today,
            )
            for each in records
        ],
    }


def request_repair(
    office: Office, snapshot: OpenSnapshot, caller: Caller, asked: RepairAsked, now: datetime, request_id: str
) -> dict[str, Any]:
    """Check a request at once and keep it for the office; the same request sent twice is one.

    ``RefusedInput`` names the first thing that is missing, and from what day it is not too early; the refusal is in the
    journal too.
    """
    found = find_repairable(office, caller.tenant, asked.record_id)
    today = day_of(now)
    dates, materials = dates_of(found, today, asked.matter), repair_rules().materials_on(today)
    promise = promise_of(found, _name(snapshot, caller.tenant))
    brought = _brought(asked, materials, promise["sha256"])
    checks = first_check(dates, materials, brought, asked.duty_done, today)
    row = _row(caller, found, asked, promise, checks, dates.regime.id, now)
    try:
        _refuse_unmet(checks, materials)
        return _kept(office, caller, row, now, request_id)
    except IntegrityError:
        # Another process took the same request at the same moment; now it is there to be compared with.
        return _kept(office, caller, row, now, request_id)
    except RefusedInput as refused:
        with office.write() as session:
            detail = {"record_id": asked.record_id, "code": refused.code, "field": refused.field}
            refusal = case_event(
                caller, Action.REQUEST_REPAIR, caller.tenant, "", now, request_id, detail, result="refused"
            )
            record(session, refusal)
        raise


def find_repairable(office: Office, uscc: str, record_id: str) -> FirmRecord:
    """The firm's record with this id in one of the feeds that can be repaired; ``NotFound`` otherwise."""
    for feed in repair_rules().records:
        try:
            return record_of(office, feeds()[feed], uscc, record_id)
        except NotFound:
            continue
    raise NotFound(
        "record_id",
        record_id,
        "The firm has no such record that can be repaired here.",
        "Take the id from GET /v1/firms/{uscc}/repair.",
        "unknown_record",
    )


def _name(snapshot: OpenSnapshot, uscc: str) -> str:
    name = snapshot.value("firm_name", snapshot.row_of(uscc))
    return uscc if name is None else str(name)


def _brought(asked: RepairAsked, materials: MaterialSet, promise_sha256: str) -> dict[str, str]:
    """What came with the request by material id, named by digest; refused where one cannot be what it says."""
    known = [each.id for each in materials.asks]
    if len(asked.materials) > _MOST_MATERIALS:
        raise _bad_material(len(asked.materials), f"At most {_MOST_MATERIALS} materials come with a request.")
    brought: dict[str, str] = {}
    for each in asked.materials:
        if each["id"] not in known or each["id"] == "promise" or each["id"] in brought:
            rule = f"Materials of a request of today: {', '.join(known)}, each once; the promise by its digest."
            raise _bad_material(each["id"], rule)
        digest, text = each.get("sha256", ""), each.get("text", "")
        if bool(digest) == bool(text.strip()) or (digest and not _SHA256.fullmatch(digest)):
            raise _bad_material(
                digest, "A material is the SHA-256 (64 hex digits) of a file, or a text; one of the two."
            )
        brought[each["id"]] = digest or content_digest({"text": said_text(text, "materials")})
    if asked.promise_sha256 == promise_sha256:
        brought["promise"] = promise_sha256
    elif asked.promise_sha256:
        raise RefusedInput(
            "other_words",
            "promise_sha256",
            asked.promise_sha256,
            "These are not the words of the promise for this record.",
            "Fetch GET /v1/firms/{uscc}/repair, show the promise to the firm, and send the sha256 that came with it.",
            status=409,
        )
    return brought


def _bad_material(value: object, rule: str) -> RefusedInput:
    return RefusedInput("bad_material", "materials", value, rule, "See `materials` of GET /v1/firms/{uscc}/repair.")


def _refuse_unmet(checks: Sequence[CheckLine], materials: MaterialSet) -> None:
    names = {each.id: each.name.en for each in materials.asks}
    for line in checks:
        if line.truth is not Truth.UNMET:
            continue
        if line.check == "minimum_reached":
            rule = f"The record has to be shown until {line.found} at least ({line.cite})."
            raise RefusedInput("too_early", "record_id", line.found, rule, f"Ask again from {line.found}.")
        if line.check == "duty_done":
            rule = f"What the decision demands has to be done first ({line.cite})."
            raise RefusedInput("duty_not_done", "duty_done", False, rule, "Do it, then ask.")
        missing = line.check.partition(":")[2]
        raise RefusedInput(
            "material_missing", "materials", missing, f"A request brings this ({line.cite}).", f"Add: {names[missing]}."
        )


def _row(
    caller: Caller,
    found: FirmRecord,
    asked: RepairAsked,
    promise: dict[str, str],
    checks: Sequence[CheckLine],
    regime: str,
    now: datetime,
) -> Repair:
    document, stage = document_of(found), repair_rules().procedure.first
    materials = [dict(each) for each in asked.materials]
    said = {"feed": found.feed.id, "document": document, "materials": materials, "duty_done": asked.duty_done}
    return Repair(
        id=f"p_{uuid.uuid4().hex}",
        firm=caller.tenant,
        feed=found.feed.id,
        document=document,
        agency=found.feed.agency,
        record_id=found.record_id,
        regime=regime,
        materials=materials,
        promise=promise,
        checks=[
            {"check": each.check, "truth": each.truth.value, "found": each.found, "cite": each.cite} for each in checks
        ],
        content_sha256=content_digest(said | {"promise": asked.promise_sha256, "matter": asked.matter}),
        open_key=f"{caller.tenant}|{found.feed.id}|{document}",
        requested_by=actor_of(caller),
        requested_at=now,
        stage=stage,
        stage_since=day_of(now),
        batch_id="",
    )


def _kept(office: Office, caller: Caller, row: Repair, now: datetime, request_id: str) -> dict[str, Any]:
    with office.write() as session:
        before = session.scalars(select(Repair).where(Repair.open_key == row.open_key)).one_or_none()
        if before is not None and before.content_sha256 != row.content_sha256:
            raise RefusedInput(
                "repair_open",
                "record_id",
                row.record_id,
                f"Request {before.id} for this record is {before.stage}.",
                "Wait for its decision, or take it back first.",
                status=409,
            )
        if before is None:
            session.add(row)
            detail = {"feed": row.feed, "document": row.document}
            record(session, case_event(caller, Action.REQUEST_REPAIR, row.firm, row.id, now, request_id, detail))
            before = row
        return repair_answer(before, steps_of(session, before.id), party_of(caller), day_of(now))


def list_repairs(office: Office, caller: Caller, stage: str = "") -> list[dict[str, Any]]:
    """The requests the caller has to do with, newest first: a firm its own, an agency those about its records, staff
    all; in one stage where given."""
    check_stage(stage, repair_rules().procedure.stages)
    query = of_firm_and_agency(Repair, caller).order_by(Repair.requested_at.desc(), Repair.id)
    with office.read() as session:
        return [repair_line(row) for row in session.scalars(query.where(Repair.stage == stage) if stage else query)]


def read_repair(office: Office, caller: Caller, repair_id: str, now: datetime, request_id: str) -> dict[str, Any]:
    """One request in full; the reading is in the journal. ``NotFound`` for one the caller has nothing to do with."""
    with office.write() as session:
        row = find_repair(session, caller, repair_id)
        read = case_event(caller, Action.READ_REPAIR, row.firm, row.id, now, request_id, result="allowed")
        record(session, read)
        return repair_answer(row, steps_of(session, row.id), party_of(caller), day_of(now))


def find_repair(session: Session, caller: Caller, repair_id: str, *, lock: bool = False) -> Repair:
    """The request, locked for a change where asked; ``NotFound`` for one the caller has nothing to do with."""
    query = of_firm_and_agency(Repair, caller).where(Repair.id == repair_id)
    return find_row(session, query, _WORDS, repair_id, lock=lock)


def steps_of(session: Session, repair_id: str) -> Sequence[RepairStep]:
    """The steps of a request in order."""
    return steps_where(session, RepairStep, RepairStep.repair_id == repair_id)
