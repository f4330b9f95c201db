"""Tickets of repair, read by the firm they are of, and by staff."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.tables import Ticket, TicketStep
from service.access.auth import Action, Caller
from service.answers.ticket import ticket_answer, ticket_line
from service.audit.journal import record
from service.books.rulebook import application_rules
from service.cases.parties import case_event, party_of
from service.cases.rows import CaseWords, check_stage, find_row, steps_where
from service.clock import day_of
from service.office import Office

_WORDS = CaseWords("ticket_id", "ticket", "/v1/tickets")


def list_tickets(office: Office, caller: Caller, now: datetime, stage: str = "") -> list[dict[str, Any]]:
    """A firm's own tickets, all for staff; newest first; in one state where given."""
    check_stage(stage, application_rules().ticket_procedure.stages, "state")
    query = _of(caller).order_by(Ticket.opened_at.desc(), Ticket.id)
    if stage:
        query = query.where(Ticket.stage == stage)
    with office.read() as session:
        return [ticket_line(row, day_of(now)) for row in session.scalars(query)]


def read_ticket(office: Office, caller: Caller, ticket_id: str, now: datetime, request_id: str) -> dict[str, Any]:
    """One ticket in full; the reading is in the journal."""
    with office.write() as session:
        row = find_ticket(session, caller, ticket_id)
        read = case_event(caller, Action.READ_TICKETS, row.firm, row.id, now, request_id, result="allowed")
        record(session, read)
        return ticket_answer(row, steps_of_ticket(session, row.id), party_of(caller), day_of(now))


def find_ticket(session: Session, caller: Caller, ticket_id: str, *, lock: bool = False) -> Ticket:
    """The ticket, locked for a change where asked; ``NotFound`` for one the caller has nothing to do with."""
    return find_row(session, _of(caller).where(Ticket.id == ticket_id), _WORDS, ticket_id, lock=lock)


def steps_of_ticket(session: Session, ticket_id: str) -> Sequence[TicketStep]:
    """The steps of a ticket in order."""
    return steps_where(session, TicketStep, TicketStep.ticket_id == ticket_id)


def _of(caller: Caller) -> Select[Ticket]:
    query = select(Ticket)
    return query if caller.is_staff else query.where(Ticket.firm == caller.tenant)
