"""Objections: filed by a firm about its own profile, listed and read by those who deal with them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.errors import RefusedInput
from models.tables import Objection, ObjectionStep
from service.access.auth import Action, Caller
from service.answers.objection import objection_answer, objection_line
from service.audit.journal import record
from service.books.rulebook import objection_rules
from service.books.seedbook import catalogue, feeds
from service.cases.parties import actor_of, case_event, content_digest, party_of, said_text
from service.cases.rows import CaseWords, check_stage, find_row, of_firm_and_agency, steps_where
from service.clock import day_of
from service.office import Office
from service.records.firm_records import record_of
from service.snapshot.snapshots import OpenSnapshot

_WORDS = CaseWords("objection_id", "objection", "/v1/objections")


@dataclass(frozen=True)
class Filing:
    """What the firm contests and why. ``record_id`` is empty for the whole item."""

    item: str
    record_id: str
    reason: str
    evidence: str


def file_objection(
    office: Office, snapshot: OpenSnapshot, caller: Caller, filing: Filing, now: datetime, request_id: str
) -> dict[str, Any]:
    """Keep the objection of the caller's firm; from this transaction on every reader of the item is told.

    The same objection sent twice is one. Another one to the same item or record is refused (409) while one is open, and
    so is one that was rejected and brings nothing new.
    """
    snapshot.row_of(caller.tenant)
    item = catalogue().items.get(filing.item)
    if item is None:
        raise RefusedInput("bad_objection", "item", filing.item, "There is no such item.", "See GET /v1/catalogue.")
    objection_rules().reason(filing.reason)
    evidence = said_text(filing.evidence, "evidence")
    about = ""
    if filing.record_id:
        found = record_of(office, feeds()[item.feed], caller.tenant, filing.record_id)
        about = sha256(repr(found.key).encode()).hexdigest()[:32]
    said = {"item": item.id, "about": about, "reason": filing.reason, "evidence": evidence}
    stage = objection_rules().procedure.stages[objection_rules().procedure.first]
    row = Objection(
        id=f"o_{uuid.uuid4().hex}",
        firm=caller.tenant,
        item=item.id,
        record_id=filing.record_id,
        feed=item.feed,
        agency=item.agency,
        reason=filing.reason,
        evidence=evidence,
        content_sha256=content_digest(said),
        open_key=f"{caller.tenant}|{item.id}|{about}",
        filed_by=actor_of(caller),
        filed_at=now,
        stage=stage.id,
        stage_since=day_of(now),
        marked=stage.marked,
        statement="",
    )
    try:
        return _kept(office, caller, row, now, request_id)
    except IntegrityError:
        # Another process filed for the same item at the same moment; now it is there to be compared with.
        return _kept(office, caller, row, now, request_id)


def _kept(office: Office, caller: Caller, row: Objection, now: datetime, request_id: str) -> dict[str, Any]:
    with office.write() as session:
        mine = select(Objection).where(Objection.firm == row.firm)
        before = session.scalars(mine.where(Objection.open_key == row.open_key)).one_or_none()
        if before is not None and before.content_sha256 != row.content_sha256:
            raise RefusedInput(
                "objection_open",
                "item",
                row.item,
                f"Objection {before.id} to the same is open.",
                "Wait for its answer, or take it back first.",
                status=409,
            )
        same = mine.where(Objection.content_sha256 == row.content_sha256, Objection.stage == "rejected")
        if before is None and session.scalars(same.limit(1)).first() is not None:
            raise RefusedInput(
                "objection_decided",
                "evidence",
                row.evidence,
                "This very objection was rejected.",
                "Bring something new, or complain to the supervising authority.",
                status=409,
            )
        if before is None:
            session.add(row)
            detail = {"item": row.item, "record_id": row.record_id, "reason": row.reason}
            record(session, case_event(caller, Action.FILE_OBJECTION, row.firm, row.id, now, request_id, detail))
            before = row
        return objection_answer(before, steps_of(session, before.id), party_of(caller), day_of(now))


def list_objections(
    office: Office, caller: Caller, now: datetime, uscc: str = "", stage: str = ""
) -> list[dict[str, Any]]:
    """The objections the caller has to do with, newest first: a firm its own, an agency those about what it delivers,
    staff all; of one firm and in one stage where given."""
    check_stage(stage, objection_rules().procedure.stages)
    query = of_firm_and_agency(Objection, caller).order_by(Objection.filed_at.desc(), Objection.id)
    if uscc:
        query = query.where(Objection.firm == uscc)
    if stage:
        query = query.where(Objection.stage == stage)
    with office.read() as session:
        return [objection_line(row, day_of(now)) for row in session.scalars(query)]


def read_objection(office: Office, caller: Caller, objection_id: str, now: datetime, request_id: str) -> dict[str, Any]:
    """One objection in full; the reading is in the journal. ``NotFound`` for one the caller has nothing to do with."""
    with office.write() as session:
        row = find_objection(session, caller, objection_id)
        read = case_event(caller, Action.READ_OBJECTIONS, row.firm, row.id, now, request_id, result="allowed")
        record(session, read)
        return objection_answer(row, steps_of(session, row.id), party_of(caller), day_of(now))


def find_objection(session: Session, caller: Caller, objection_id: str, *, lock: bool = False) -> Objection:
    """The objection, locked for a change where asked; ``NotFound`` for one the caller has nothing to do with."""
    query = of_firm_and_agency(Objection, caller).where(Objection.id == objection_id)
    return find_row(session, query, _WORDS, objection_id, lock=lock)


def steps_of(session: Session, objection_id: str) -> Sequence[ObjectionStep]:
    """The steps of a case in order."""
    return steps_where(session, ObjectionStep, ObjectionStep.objection_id == objection_id)
