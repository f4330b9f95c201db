"""Needs read by the firm they are of, and by staff."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables import Need
from service.access.auth import Action, Caller
from service.answers.application import application_line
from service.answers.need import need_answer, need_line
from service.audit.journal import record
from service.cases.parties import case_event
from service.clock import day_of
from service.needs.finding import find_need, seen_by
from service.needs.lapsing import run_out
from service.needs.moves import applications_of, matches_of
from service.office import Office
from service.snapshot.shelf import Shelf


def list_needs(office: Office, uscc: str, now: datetime) -> list[dict[str, Any]]:
    """The needs of a firm, newest first."""
    run_out(office, now, firm=uscc)
    with office.read() as session:
        query = select(Need).where(Need.firm == uscc).order_by(Need.stated_at.desc(), Need.id)
        return [need_line(row) for row in session.scalars(query)]


def read_need(
    office: Office, shelf: Shelf, caller: Caller, uscc: str, need_id: str, now: datetime, request_id: str
) -> dict[str, Any]:
    """One need of a firm with its matches and applications; the reading is in the journal."""
    run_out(office, now, need_id=need_id)
    with office.write() as session:
        need = find_need(session, uscc, need_id)
        read = case_event(caller, Action.READ_NEEDS, need.firm, need.id, now, request_id, result="allowed")
        record(session, read)
        return whole_need(session, shelf, caller, need, now)


def whole_need(session: Session, shelf: Shelf, caller: Caller, need: Need, now: datetime) -> dict[str, Any]:
    """The need as its firm and staff see it."""
    matches = matches_of(session, need.id)
    place = {each.lender: each.place for each in matches}
    rows = sorted(applications_of(session, need.id), key=lambda row: (row.offered_at, place[row.lender]))
    lines = [application_line(row, need, seen_by(session, shelf, caller, row, need, now), day_of(now)) for row in rows]
    return need_answer(need, matches, lines, sum(row.drawn_fen or 0 for row in rows))
