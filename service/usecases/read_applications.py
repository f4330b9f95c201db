"""Applications read by those they concern: a lender's inbox, a firm's own, all for staff."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_
from sqlalchemy.orm import Session

from matching.near_miss import near_miss
from matching.question import Case, ProductQuestion
from matching.status import Status
from models.errors import RefusedInput
from models.tables import Application, Need
from service.access.auth import Action, Caller, Role
from service.access.policy import Purpose
from service.answers.application import application_answer, application_line, plan_answer, value_of
from service.audit.chain import Event
from service.audit.journal import record
from service.books.rulebook import application_rules
from service.cases.parties import case_event
from service.cases.rows import check_stage
from service.clock import day_of
from service.market.published import rules_of
from service.needs.finding import Seen, find_application, newest, of_caller, seen_by, steps_of
from service.needs.lapsing import run_out
from service.needs.platform_facts import platform_facts, with_platform
from service.needs.stated import wanted_of
from service.office import Office
from service.snapshot.shelf import Shelf
from service.usecases.list_options import firm_facts

#: Orders of an inbox: newest first, or what is worth most to the bank first.
SORTS = ("", "value")
#: Most open applications that are put in order of value.
_MOST_VALUED = 2_000


def list_applications(
    office: Office,
    shelf: Shelf,
    caller: Caller,
    now: datetime,
    *,
    stage: str = "",
    uscc: str = "",
    sort: str = "",
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """The caller's applications, at most one more than ``limit`` so that it shows whether others follow.

    Newest first from ``after`` (moment and id of the last one seen), or for ``value`` the open ones of a lender, what
    is worth most first, those of unknown value last. ``uscc`` is for staff: others would learn who a card is.
    """
    _check(caller, stage, uscc, sort)
    if caller.role is Role.FIRM:
        run_out(office, now, firm=caller.tenant)
    elif caller.is_lender:
        run_out(office, now, lender=caller.tenant)
    query = of_caller(caller).add_columns(Need).join(Need, Need.id == Application.need_id)
    if stage:
        query = query.where(Application.stage == stage)
    if uscc:
        query = query.where(Application.firm == uscc)
    if after:
        at, last = after
        same = and_(Application.offered_at == at, Application.id > last)
        query = query.where(or_(Application.offered_at < at, same))
    query = query.order_by(Application.offered_at.desc(), Application.id)
    query = query.where(Application.open_key.is_not(None)).limit(_MOST_VALUED) if sort else query.limit(limit + 1)
    with office.read() as session:
        lines = [
            application_line(row, need, seen_by(session, shelf, caller, row, need, now), day_of(now))
            for row, need in session.execute(query).all()
        ]
    return sorted(lines, key=_by_value) if sort else lines


def _by_value(line: dict[str, Any]) -> tuple[bool, Any, str]:
    value = value_of(line)
    return (value is None, 0 if value is None else -value, line["id"])


def _check(caller: Caller, stage: str, uscc: str, sort: str) -> None:
    check_stage(stage, application_rules().procedure.stages, "state")
    if uscc and not caller.is_staff:
        raise RefusedInput("not_yours", "uscc", uscc, "Staff alone list by firm.", "Leave it out.", status=403)
    if sort not in SORTS or (sort and not caller.is_lender):
        raise RefusedInput("bad_sort", "sort", sort, "A lender sorts by value; else newest first.", "Leave it out.")


def read_application(
    office: Office, shelf: Shelf, caller: Caller, application_id: str, now: datetime, request_id: str
) -> dict[str, Any]:
    """One application in full; the reading is in the journal, a lender's with the consent that it rests on.

    To the firm and to staff a refusal shows beside its reason what the product's stated rules would still ask.
    """
    with office.read() as session:
        need_id = find_application(session, caller, application_id).need_id
    run_out(office, now, need_id=need_id)
    with office.write() as session:
        row = find_application(session, caller, application_id)
        need = session.get_one(Need, row.need_id)
        seen = seen_by(session, shelf, caller, row, need, now)
        record(session, _read_event(caller, row, seen, now, request_id))
        answer = application_answer(row, need, steps_of(session, row.id), seen, day_of(now))
        plan = _plan(session, shelf, row, need, now) if row.reason and not caller.is_lender else None
        return {**answer, "plan": plan}


def _read_event(caller: Caller, row: Application, seen: Seen, now: datetime, request_id: str) -> Event:
    purpose = None if seen.consent_id is None else Purpose.PRE_LOAN
    return case_event(
        caller,
        Action.READ_APPLICATIONS,
        row.firm,
        row.id,
        now,
        request_id,
        result="allowed",
        purpose=purpose,
        consent_id=seen.consent_id or "",
    )


def _plan(session: Session, shelf: Shelf, row: Application, need: Need, now: datetime) -> dict[str, Any] | None:
    """The near-miss plan of the product as of the newest snapshot; ``None`` where it cannot be asked."""
    used, snapshot = rules_of(shelf.office, day_of(now)), newest(shelf)
    product = used.offers.products.get(row.product)
    if product is None or snapshot is None:
        return None
    facts = firm_facts(snapshot, snapshot.row_of(row.firm))
    firm = with_platform(facts, platform_facts(session, row.firm, snapshot.as_of, facts))
    wanted = wanted_of(need)
    case = Case(firm, wanted.need(wanted.ask(product)), snapshot.as_of)
    question = ProductQuestion(product, used.local_offers, used.parameters)
    standing = question.standing(case)
    way = near_miss(question, standing, case, used.parameters, used.changes)
    return plan_answer(way, standing.status is Status.ELIGIBLE)
