"""Tickets of repair, read by the firm they are of, and by staff."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.errors import NotFound, RefusedInput
from models.tables import Ticket, TicketStep
from service.access.auth import Action, Caller
from service.answers.ticket import ticket_answer, ticket_line
from service.audit.journal import record
from service.books.rulebook import application_rules
from service.cases.parties import case_event, party_of
from service.clock import day_of
from service.office import Office


def list_tickets(office: Office, caller: Caller, now: datetime, stage: str = "") -> list[dict[str, Any]]:
    """A firm's own tickets, all for staff; newest first; in one state where given."""
    stages = application_rules().ticket_procedure.stages
    if stage and stage not in stages:
        listed = f"One of {', '.join(stages)}."
        raise RefusedInput("bad_stage", "stage", stage, "There is no such state.", listed)
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
    query = _of(caller).where(Ticket.id == ticket_id)
    row = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound("ticket_id", ticket_id, "There is no such ticket for you.", "List them: GET /v1/tickets.")
    return row


def steps_of_ticket(session: Session, ticket_id: str) -> Sequence[TicketStep]:
    """The steps of a ticket in order."""
    query = select(TicketStep).where(TicketStep.ticket_id == ticket_id)
    return session.scalars(query.order_by(TicketStep.number)).all()


def _of(caller: Caller) -> Select[tuple[Ticket]]:
    query = select(Ticket)
    return query if caller.is_staff else query.where(Ticket.firm == caller.tenant)
