"""Applications that move by themselves: the firm states its need, and the other side does at once what it always does.

Every move is the use case of whoever makes it; of the clock alone the time is set back, since nobody waits for days.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from matching.applications.rules import CLOCK, LENDER
from matching.applications.wanted import Wanted
from models.errors import RefusedInput
from models.tables import Application, Need
from service.access.auth import Caller, Role
from service.books.rulebook import application_rules, lenders, working_days
from service.clock import day_of
from service.needs.lapsing import run_out
from service.needs.moves import OPEN
from service.office import Office
from service.sandbox.book import MagicFirm, Move, SandboxBook
from service.sandbox.firms import ACTOR, consent, firm_caller
from service.snapshot.shelf import Shelf
from service.usecases.contact import ContactWanted, give_word
from service.usecases.state_need import state_need
from service.usecases.step_application import StepAsked, Terms, step_application
from service.usecases.withdraw_need import withdraw_need

_TEXT = "A text of the sandbox."
_WORD = timedelta(days=90)


def lender_caller(lender: str) -> Caller:
    """The sandbox, speaking for the lender it was made for."""
    return Caller(ACTOR, lender_role(lender), lender)


def lender_role(lender: str) -> Role:
    """The role of a lender's systems: whoever lends has that of a bank."""
    return Role.GUARANTOR if lenders()[lender].kind == Role.GUARANTOR else Role.BANK


def apply(office: Office, shelf: Shelf, book: SandboxBook, firm: MagicFirm, lender: str, now: datetime) -> str:
    """A new application of the firm to ``lender``, taken as far as it always goes; its id. An open one is withdrawn.

    ``RefusedInput`` where no product of the lender fits the firm.
    """
    caller = firm_caller(firm)
    consent(office, firm, lender, now)
    for need_id in _open_needs(office, firm):
        withdraw_need(office, shelf, caller, firm.uscc, need_id, now, "")
    # Nobody but this lender is asked.
    give_word(office, caller, ContactWanted((lender,), 1, 1, day_of(now) + _WORD), now, "")
    asked = book.need
    until = day_of(now) + timedelta(days=asked["days"])
    span = (asked["low"], asked["high"], asked["months"], "month")
    wanted = Wanted(*span, asked["use"], asked["security"], until)
    need = state_need(office, shelf, caller, wanted, (), application_rules().weights, now, "")
    with office.read() as session:
        made = session.scalar(select(Application.id).where(Application.need_id == need["id"]))
    if made is None:
        rule = "No product of this lender fits the firms of the sandbox."
        raise RefusedInput("no_fit", "lender", lender, rule, "Name a lender with a loan for small firms.")
    for move in firm.moves or ():
        _take(office, shelf, book, firm, made, move, lender, now)
    return made


def _open_needs(office: Office, firm: MagicFirm) -> list[str]:
    with office.read() as session:
        return list(session.scalars(select(Need.id).where(Need.firm == firm.uscc, Need.state == OPEN)))


def _take(
    office: Office,
    shelf: Shelf,
    book: SandboxBook,
    firm: MagicFirm,
    application_id: str,
    move: Move,
    lender: str,
    now: datetime,
) -> None:
    if move.by == CLOCK:
        _let_pass(office, book, application_id, now)
        return
    with office.read() as session:
        version = session.get_one(Application, application_id).version
    needs = application_rules().procedure.steps[move.step].needs
    said: dict[str, Any] = {"text": _TEXT if "text" in needs else "", "reason": move.reason}
    if "terms" in needs:
        said["terms"] = Terms(book.terms["amount"], book.terms["rate"], book.terms["months"])
    caller = lender_caller(lender) if move.by == LENDER else firm_caller(firm)
    step_application(office, shelf, caller, application_id, StepAsked(move.step, version, **said), now, "")


def _let_pass(office: Office, book: SandboxBook, application_id: str, now: datetime) -> None:
    """Set the clock of the application back to days whose end the calendar knows, and let it run out."""
    with office.write() as session:
        row = session.get_one(Application, application_id, with_for_update=True)
        row.clock_since = book.as_of - timedelta(days=60)
        clock = application_rules().due(row.stage, row.clock_since, working_days())
        row.clock_due = clock.due if clock else None
        need_id = row.need_id
    run_out(office, now, need_id=need_id)
