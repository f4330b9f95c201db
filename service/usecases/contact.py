"""Being contacted: a firm says which lenders may, how many, until when; a contact is counted before it is made.

The firm's word and its withdrawal hold from their transaction on; every reading of a contacted firm asks again.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.errors import NotFound, RefusedInput
from models.tables import Contact, ContactPreference
from service.access.auth import Action, Caller
from service.audit.journal import record
from service.books.rulebook import lenders, market_terms
from service.cases.parties import actor_of, case_event
from service.clock import day_of
from service.integration.changes import Kind, publish
from service.market.contacts import (
    contact_cap,
    contacts_of,
    held_contact,
    is_open,
    may_contact,
    names,
    open_to_contact,
    quarter_of,
    room,
    said_by,
    shut_out,
    word_of,
    words_of,
)
from service.office import Office

__all__ = ["contact_cap", "contact_firm", "held_contact", "open_to_contact"]


@dataclass(frozen=True)
class ContactWanted:
    """What a firm says. ``lenders``: ids, or ``None`` for every lender; caps count lenders; the day is included."""

    lenders: tuple[str, ...] | None
    at_a_time: int
    per_quarter: int
    valid_until: date


def contact_firm(session: Session, caller: Caller, uscc: str, now: datetime, request_id: str) -> Contact:
    """Count a contact of the caller's house with a firm, in the caller's transaction, and put it into the journal.

    Contacting again while the contact holds changes nothing. Refused (404) for a firm that is not open to the house,
    and (409) when its places are taken.
    """
    today = day_of(now)
    # Locked, so that two lenders cannot both take the last place.
    query = words_of([uscc], today).with_for_update()
    row = session.scalars(query).one_or_none()
    made = contacts_of(session, [uscc], today)[uscc]
    if row is None or not names(row, caller.tenant) or shut_out(row, made, caller.tenant):
        raise not_open()
    mine = [each for each in made if each.lender == caller.tenant]
    if held := next((each for each in mine if is_open(each, today)), None):
        return held
    if not may_contact(row, made, caller.tenant, today):
        raise RefusedInput(
            "contact_cap",
            "prospect_id",
            None,
            "As many lenders as the firm allows are in contact with it.",
            "Try again later; the firm sets the number.",
            status=409,
        )
    # Its place was free again: within one quarter the lender is counted once.
    counted = next((each for each in mine if each.quarter == quarter_of(today)), None)
    if counted is None:
        counted = Contact(id=f"t_{uuid.uuid4().hex}", firm=uscc, lender=caller.tenant, quarter=quarter_of(today))
        session.add(counted)
    counted.preference_id, counted.made_by, counted.made_at = row.id, actor_of(caller), now
    counted.valid_until = today + timedelta(days=market_terms().contact.days - 1)
    counted.ended_at, counted.ended_by = None, ""
    session.flush()
    for tenant in (uscc, caller.tenant):
        publish(session, tenant, Kind.CONTACT_MADE, counted.id, now)
    record(session, case_event(caller, Action.CONTACT_FIRM, uscc, counted.id, now, request_id))
    return counted


def give_word(office: Office, caller: Caller, wanted: ContactWanted, now: datetime, request_id: str) -> dict[str, Any]:
    """Keep what the caller's firm says in place of what it said before; the same words twice are one."""
    _check(wanted, day_of(now))
    try:
        return _given(office, caller, wanted, now, request_id)
    except IntegrityError:
        # The same word was given at the same moment; now it is there to be compared with.
        return _given(office, caller, wanted, now, request_id)


def _given(office: Office, caller: Caller, wanted: ContactWanted, now: datetime, request_id: str) -> dict[str, Any]:
    said = list(wanted.lenders) if wanted.lenders is not None else None
    with office.write() as session:
        row = word_of(session, caller.tenant)
        if row is None or said_by(row) != (said, wanted.at_a_time, wanted.per_quarter, wanted.valid_until):
            if row is not None:
                _end(row, caller, now)
                session.flush()
            row = ContactPreference(
                id=f"w_{uuid.uuid4().hex}",
                firm=caller.tenant,
                open_key=caller.tenant,
                lenders=said,
                at_a_time=wanted.at_a_time,
                per_quarter=wanted.per_quarter,
                valid_until=wanted.valid_until,
                given_by=actor_of(caller),
                given_at=now,
                ended_by="",
                ended_at=None,
            )
            session.add(row)
            session.flush()
            record(session, case_event(caller, Action.OPEN_TO_CONTACT, caller.tenant, row.id, now, request_id))
        return _answer(session, caller.tenant, row, day_of(now))


def withdraw(office: Office, caller: Caller, now: datetime, request_id: str) -> dict[str, Any]:
    """Close the caller's firm to every lender at once, those it is in contact with too; twice changes nothing."""
    with office.write() as session:
        row = word_of(session, caller.tenant)
        if row is not None:
            _end(row, caller, now)
            for each in contacts_of(session, [caller.tenant], day_of(now))[caller.tenant]:
                _end_contact(session, each, caller, now)
            session.flush()
            record(session, case_event(caller, Action.CLOSE_CONTACT, caller.tenant, row.id, now, request_id))
        return _answer(session, caller.tenant, None, day_of(now))


def end_contact(office: Office, caller: Caller, lender: str, now: datetime, request_id: str) -> dict[str, Any]:
    """End the contact with one lender at once: it learns nothing more until the firm gives its word anew."""
    with office.write() as session:
        row = word_of(session, caller.tenant)
        made = contacts_of(session, [caller.tenant], day_of(now))[caller.tenant]
        ending = [each for each in made if each.lender == lender and each.ended_at is None]
        if not any(each.lender == lender for each in made):
            raise NotFound("lender", lender, "You are in contact with no such lender.", "See GET on your contact.")
        for each in ending:
            _end_contact(session, each, caller, now)
            record(session, case_event(caller, Action.CLOSE_CONTACT, caller.tenant, each.id, now, request_id))
        return _answer(session, caller.tenant, row, day_of(now))


def read_word(office: Office, caller: Caller, now: datetime) -> dict[str, Any]:
    """What the caller's firm said, how many places are left, and who took the others."""
    with office.read() as session:
        return _answer(session, caller.tenant, word_of(session, caller.tenant), day_of(now))


def not_open() -> NotFound:
    """The one answer for a prospect that is not there and one the caller may not contact."""
    return NotFound(
        "prospect_id", None, "There is no such prospect for you to contact.", "Search again.", "unknown_prospect"
    )


def _answer(session: Session, firm: str, row: ContactPreference | None, today: date) -> dict[str, Any]:
    made = contacts_of(session, [firm], today)[firm]
    live = row if row is not None and row.valid_until >= today else None
    return {
        "firm": firm,
        "open": live is not None,
        "lenders": live.lenders if live else [],
        "at_a_time": live.at_a_time if live else 0,
        "per_quarter": live.per_quarter if live else 0,
        "valid_until": live.valid_until if live else None,
        "places_left": room(live, made, today) if live else 0,
        "contacts": [
            {
                "lender": each.lender,
                "made_at": each.made_at,
                "valid_until": each.valid_until,
                "ended_at": each.ended_at,
                "open": live is not None and is_open(each, today),
            }
            for each in made
        ],
    }


def _check(wanted: ContactWanted, today: date) -> None:
    terms = market_terms().contact
    if wanted.lenders is not None:
        if not wanted.lenders:
            raise _refused("lenders", [], "Nobody is named.", "Name lenders, leave it out for all, or withdraw.")
        if len(set(wanted.lenders)) != len(wanted.lenders):
            raise _refused("lenders", list(wanted.lenders), "Each lender is named once.", "Remove the second.")
        if strange := [each for each in wanted.lenders if each not in lenders()]:
            raise _refused("lenders", strange[0], "There is no such lender.", "Take the id from GET /v1/products.")
    for field, most in (("at_a_time", terms.most_at_a_time), ("per_quarter", terms.most_per_quarter)):
        if not 1 <= getattr(wanted, field) <= most:
            raise _refused(field, getattr(wanted, field), f"This is 1 to {most} lenders.", "Name a number of lenders.")
    if wanted.at_a_time > wanted.per_quarter:
        raise _refused("per_quarter", wanted.per_quarter, "No fewer than at a time.", "Raise it or lower at_a_time.")
    last = today + timedelta(days=terms.longest_days - 1)
    if not today <= wanted.valid_until <= last:
        raise _refused("valid_until", wanted.valid_until, f"A day from {today} to {last}.", "Name a day in between.")


def _refused(field: str, value: object, rule: str, fix: str) -> RefusedInput:
    return RefusedInput("bad_contact", field, value, rule, fix)


def _end_contact(session: Session, row: Contact, caller: Caller, now: datetime) -> None:
    if row.ended_at is None:
        _end(row, caller, now)
        for tenant in (row.firm, row.lender):
            publish(session, tenant, Kind.CONTACT_ENDED, row.id, now)


def _end(row: ContactPreference | Contact, caller: Caller, now: datetime) -> None:
    if row.ended_at is None:
        row.ended_by, row.ended_at = actor_of(caller), now
    if isinstance(row, ContactPreference):
        row.open_key = None
