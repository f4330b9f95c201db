"""Takes one step of a ticket of repair; a solved one sends the need to the lender again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.tables import Need, NeedMatch, Ticket, TicketStep
from service.access.auth import Action, Caller
from service.answers.ticket import ticket_answer
from service.audit.journal import record
from service.books.rulebook import application_rules
from service.cases.parties import actor_of, case_event, content_digest, party_of, said_text
from service.cases.rows import check_version, is_taken_last
from service.clock import day_of
from service.needs.lapsing import run_out
from service.needs.moves import OPEN, offer_next
from service.office import Office
from service.usecases.read_tickets import find_ticket, steps_of_ticket

SOLVED = "solved"


@dataclass(frozen=True)
class TicketStepAsked:
    """A step, the ``version`` of the ticket it was decided on, and what is said with it."""

    step: str
    version: int
    text: str

    @property
    def digest(self) -> str:
        """Names what was said."""
        return content_digest({"step": self.step, "version": self.version, "text": self.text.strip()})


def step_ticket(
    office: Office, caller: Caller, ticket_id: str, asked: TicketStepAsked, now: datetime, request_id: str
) -> dict[str, Any]:
    """Take a step; where it solves the ticket, the lender that refused is asked once more, before those still waiting.

    The step that was taken last, sent again by the same party, changes nothing. ``RefusedInput`` (409) for a step that
    is not open, or decided on a state that is no longer the present one.
    """
    text = said_text(asked.text, "text")
    with office.read() as session:
        need_id = find_ticket(session, caller, ticket_id).need_id
    run_out(office, now, need_id=need_id)
    with office.write() as session:
        row = find_ticket(session, caller, ticket_id, lock=True)
        if not is_taken_last(steps_of_ticket(session, row.id), party_of(caller), asked.digest):
            _take(session, row, caller, asked, text, now, request_id)
        return ticket_answer(row, steps_of_ticket(session, row.id), party_of(caller), day_of(now))


def _take(
    session: Session, row: Ticket, caller: Caller, asked: TicketStepAsked, text: str, now: datetime, request_id: str
) -> None:
    check_version(row, "ticket", asked.version)
    procedure = application_rules().ticket_procedure
    step = procedure.take(asked.step, row.stage, party_of(caller), late=False)
    session.add(
        TicketStep(
            ticket_id=row.id,
            number=row.version,
            step=step.id,
            from_stage=row.stage,
            to_stage=step.to,
            at=now,
            actor=actor_of(caller),
            party=party_of(caller),
            text=text,
            content_sha256=asked.digest,
        )
    )
    row.stage, row.version = step.to, row.version + 1
    if procedure.stages[step.to].closed:
        row.closed_at = now
    detail = {"step": step.id, "to": step.to}
    record(session, case_event(caller, Action.STEP_TICKET, row.firm, row.id, now, request_id, detail))
    session.flush()
    if step.to == SOLVED:
        _ask_again(session, row, now)


def _ask_again(session: Session, row: Ticket, now: datetime) -> None:
    """Put the lender first in the need's turn; it is asked as soon as one of the need's places is free."""
    need = session.get(Need, row.need_id, with_for_update=True)
    match = session.get(NeedMatch, (row.need_id, row.lender))
    if need is None or match is None or need.state != OPEN:
        return
    match.again = True
    session.flush()
    offer_next(session, need, now)
