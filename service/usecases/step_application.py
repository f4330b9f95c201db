"""Takes one step of an application: for the lender or the firm, with everything that follows from it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from matching.applications.rules import CLOCK, FIRM, LENDER
from matching.applications.support import LOAN, support_of
from matching.loans import Loan
from matching.procedure import Limit, Step, clock_of
from models.errors import NotFound, RefusedInput
from models.money import from_fen, to_fen
from models.tables import Application, LoanEntry, Need, Ticket
from service.access.auth import Action, Caller
from service.answers.application import application_answer
from service.audit.journal import record
from service.books.rulebook import Rules, application_rules, lenders, working_days
from service.cases.parties import actor_of, case_event, content_digest, said_text
from service.cases.rows import check_version, is_taken_last
from service.clock import day_of
from service.market.published import rules_of
from service.needs.finding import find_application, seen_by, steps_of
from service.needs.identity import consent_in_force
from service.needs.lapsing import run_out
from service.needs.moves import MET, PLATFORM, end_need, move, offer_next, withdraw_open
from service.needs.platform_facts import platform_facts, with_platform
from service.needs.stated import wanted_of
from service.office import Office
from service.snapshot.shelf import Shelf
from service.usecases.list_options import firm_facts


@dataclass(frozen=True)
class Fee:
    """A sum beside interest that the lender's terms name."""

    name: str
    yuan: Decimal


@dataclass(frozen=True)
class Terms:
    """What a lender offers: yuan, a fraction a year, months, and every fee."""

    amount_yuan: Decimal
    annual_rate: Decimal
    term_months: int
    fees: tuple[Fee, ...] = ()


@dataclass(frozen=True)
class Drawn:
    """The loan as it was drawn, under the lender's own ``reference``."""

    amount_yuan: Decimal
    drawn_on: date
    reference: str


@dataclass(frozen=True)
class StepAsked:
    """A step, the ``version`` of the application it was decided on, and what goes with it."""

    step: str
    version: int
    text: str = ""
    reason: str = ""
    terms: Terms | None = None
    loan: Drawn | None = None

    @property
    def digest(self) -> str:
        """Names what was said."""
        said: dict[str, Any] = {"step": self.step, "version": self.version, "text": self.text, "reason": self.reason}
        if self.terms:
            fees = [[each.name, each.yuan.normalize()] for each in self.terms.fees]
            numbers = (self.terms.amount_yuan.normalize(), self.terms.annual_rate.normalize(), self.terms.term_months)
            said["terms"] = [*numbers, fees]
        if self.loan:
            said["loan"] = [self.loan.amount_yuan.normalize(), self.loan.drawn_on, self.loan.reference]
        return content_digest(said)


def step_application(
    office: Office, shelf: Shelf, caller: Caller, application_id: str, asked: StepAsked, now: datetime, request_id: str
) -> dict[str, Any]:
    """Take a step and answer with where the application stands.

    One transaction with everything that follows: ticket, ledgers, the next lenders asked, the journal. The step that
    was taken last, sent again by the same party, changes nothing. ``RefusedInput`` (409) for a step that is not open,
    and for one decided on a state that is no longer the present one.
    """
    asked = replace(asked, text=said_text(asked.text, "text", required=False))
    with office.read() as session:
        need_id = find_application(session, caller, application_id).need_id
    run_out(office, now, need_id=need_id)
    used = rules_of(office, day_of(now))
    with office.write() as session:
        row = find_application(session, caller, application_id, lock=True)
        need = session.get_one(Need, row.need_id)
        party = LENDER if caller.is_lender else FIRM
        if not is_taken_last(steps_of(session, row.id), party, asked.digest):
            check_version(row, "application", asked.version)
            _take(session, shelf, used, row, need, caller, party, asked, now, request_id)
        seen = seen_by(session, shelf, caller, row, need, now)
        return application_answer(row, need, steps_of(session, row.id), seen, day_of(now))


def _take(
    session: Session,
    shelf: Shelf,
    used: Rules,
    row: Application,
    need: Need,
    caller: Caller,
    party: str,
    asked: StepAsked,
    now: datetime,
    request_id: str,
) -> None:
    step = application_rules().procedure.take(asked.step, row.stage, party, late=False)
    _check_said(session, row, step, asked, now)
    before = row.stage
    move(session, row, asked.step, party, actor_of(caller), now, asked.text, asked.digest)
    detail: dict[str, Any] = {"step": asked.step, "from": before, "to": row.stage, "version": row.version}
    match asked.step:
        case "decline":
            row.reason = detail["reason"] = asked.reason
            if ticket := _ticket(session, row, now):
                detail["ticket"] = ticket
        case "approve":
            _approve(row, need, asked)
        case "take_up":
            row.taken_up_at = now
        case "draw":
            detail["withdrawn"] = _draw(session, shelf, used, row, need, asked, now)
    record(session, case_event(caller, Action.STEP_APPLICATION, row.firm, row.id, now, request_id, detail))
    session.flush()
    offer_next(session, need, now)


def _check_said(session: Session, row: Application, step: Step, asked: StepAsked, now: datetime) -> None:
    """Refuse a step without what it needs, and with what it does not."""
    if "text" in step.needs:
        said_text(asked.text, "text")
    if "reason" in step.needs:
        application_rules().reason(asked.reason)
    for name, value in (("reason", asked.reason), ("terms", asked.terms), ("loan", asked.loan)):
        if (name in step.needs) != bool(value):
            rule = f"`{step.id}` {'needs' if name in step.needs else 'takes no'} {name}."
            raise RefusedInput("bad_step", name, None, rule, "Send what belongs to the step, nothing else.")
    if "consent" in step.needs and consent_in_force(session, row.firm, row.lender, now) is None:
        raise RefusedInput(
            "no_consent",
            "step",
            step.id,
            "Nothing of a firm is looked at without its consent, and none to you is in force.",
            "Wait for the firm's consent, or decline with a reason.",
            status=409,
        )
    if step.id == "take_up" and row.taken_up_at is not None:
        raise RefusedInput("step_not_open", "step", step.id, "The terms are taken up already.", "Wait.", status=409)


def _ticket(session: Session, row: Application, now: datetime) -> str | None:
    """Open the ticket of a repairable reason; its id."""
    reason, today = application_rules().reason(row.reason), day_of(now)
    if not reason.repairable:
        return None
    limit = Limit(application_rules().tickets[reason.ticket].working_days, None, "", False)
    ticket = Ticket(
        id=f"tk_{uuid.uuid4().hex}",
        application_id=row.id,
        need_id=row.need_id,
        firm=row.firm,
        lender=row.lender,
        product=row.product,
        reason=reason.id,
        type=reason.ticket,
        stage=application_rules().ticket_procedure.first,
        due=clock_of(limit, today, working_days()).due,
        version=1,
        opened_at=now,
    )
    session.add(ticket)
    session.flush()
    return ticket.id


def _approve(row: Application, need: Need, asked: StepAsked) -> None:
    terms = asked.terms
    assert terms is not None
    # A loan that cannot be is refused here, by the rule that reckons it later.
    Loan(terms.amount_yuan, terms.annual_rate, terms.term_months, day_of(row.offered_at))
    if terms.amount_yuan > need.high:
        rule = f"The firm wants {need.high} yuan at most."
        raise RefusedInput("bad_terms", "terms.amount_yuan", terms.amount_yuan, rule, "Approve no more than that.")
    for fee in terms.fees:
        if fee.yuan <= 0:
            rule = "A fee is above zero, in whole fen."
            raise RefusedInput("bad_terms", "terms.fees", fee.yuan, rule, "Leave out what is not charged.")
    row.approved_fen, row.rate = to_fen(terms.amount_yuan), format(terms.annual_rate.normalize(), "f")
    row.term_months = terms.term_months
    row.fees = [{"name": each.name, "fen": to_fen(each.yuan)} for each in terms.fees]


def _draw(
    session: Session, shelf: Shelf, used: Rules, row: Application, need: Need, asked: StepAsked, now: datetime
) -> list[str]:
    """Enter the loan and what it takes up into the ledgers; the applications that ended because the need is met."""
    loan, decided = asked.loan, row.decided_at
    assert loan is not None
    assert decided is not None
    approved = from_fen(row.approved_fen or 0)
    if not 0 < loan.amount_yuan <= approved:
        rule = f"Drawn is above zero and at most what was approved, {approved} yuan."
        raise RefusedInput("bad_loan", "loan.amount_yuan", loan.amount_yuan, rule, "Give the amount of the voucher.")
    if not day_of(decided) <= loan.drawn_on <= day_of(now):
        rule = f"A loan is drawn from the day of its approval, {day_of(decided)}, to today."
        raise RefusedInput("bad_loan", "loan.drawn_on", loan.drawn_on.isoformat(), rule, "Give the day of the voucher.")
    row.drawn_fen, row.drawn_on, row.reference = to_fen(loan.amount_yuan), loan.drawn_on, loan.reference
    for kind, scheme, yuan in _taken_up(session, shelf, used, row, need, loan):
        session.add(
            LoanEntry(
                application_id=row.id,
                kind=kind,
                scheme=scheme,
                firm=row.firm,
                lender=row.lender,
                lender_kind=lenders()[row.lender].kind if row.lender in lenders() else "",
                fen=None if yuan is None else to_fen(yuan),
                drawn_on=loan.drawn_on,
                entered_at=now,
            )
        )
    if row.drawn_fen < need.low_fen:
        return []
    end_need(session, need, MET, now)
    return withdraw_open(session, need, CLOCK, PLATFORM, "need_met", now)


def _taken_up(
    session: Session, shelf: Shelf, used: Rules, row: Application, need: Need, loan: Drawn
) -> list[tuple[str, str, Decimal | None]]:
    """Lines of the ledgers: the loan itself, then guarantees and subsidies by the rules of the day."""
    entries: list[tuple[str, str, Decimal | None]] = [(LOAN, "", loan.amount_yuan)]
    product = used.offers.products.get(row.product)
    try:
        snapshot = shelf.current()
        facts = firm_facts(snapshot, snapshot.row_of(row.firm))
    except NotFound:
        facts = None
    if product is None or product.terms is None or facts is None:
        return entries
    firm = with_platform(facts, platform_facts(session, row.firm, loan.drawn_on, facts))
    found = support_of(
        *(product, firm, wanted_of(need), loan.amount_yuan, Decimal(row.rate), row.term_months or 1, loan.drawn_on),
        *(used.local_offers, used.parameters),
    )
    return entries + [(each.kind, each.scheme, each.yuan) for each in found]
