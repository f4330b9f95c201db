"""Consents of persons to be evaluated through the firm they lead: recorded from signed paper, withdrawn, listed.

Each change is in the journal with itself. What a consent opens is :mod:`service.access.person_consents`: a build
evaluates only persons whose consent stands, and an answer shows nothing computed under one that was withdrawn since.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import NotFound, RefusedInput
from models.tables import ConsentText, PersonConsent
from service.access.person_words import PURPOSE, person_text
from service.audit.journal import record
from service.audit.told import told
from service.clock import day_of
from service.office import Office
from service.snapshot.snapshots import OpenSnapshot

_MOST_NAME, _MOST_DOCUMENT = 120, 200


@dataclass(frozen=True)
class PersonSigned:
    """What the office holds on paper: who signed for which firm, which words, when, and where the paper is kept."""

    uscc: str
    person: str
    given_on: date
    text_sha256: str
    document: str


def consent_words(snapshot: OpenSnapshot, uscc: str, person: str, given_on: date) -> dict[str, Any]:
    """The words to be signed. ``NotFound`` for a firm the office does not know."""
    name = snapshot.value("firm_name", snapshot.row_of(uscc))
    return person_text(_named(person), str(name or uscc), given_on)


def record_person_consent(
    office: Office, snapshot: OpenSnapshot, signed: PersonSigned, by: str, now: datetime
) -> dict[str, Any]:
    """Keep a person's consent; the same one again is the one that is there.

    ``RefusedInput``: no name or document, a day to come, other words than those in force that day (409), somebody else
    than the firm's registered representative (409), another consent that stands (409). ``NotFound``: no such firm.
    """
    row = snapshot.row_of(signed.uscc)
    text = consent_words(snapshot, signed.uscc, signed.person, signed.given_on)
    _check(signed, text, snapshot.value("legal_representative", row), day_of(now))
    with office.write() as session:
        standing = session.scalar(select(PersonConsent).where(PersonConsent.open_key == signed.uscc))
        if standing is None:
            standing = _add(session, signed, text, by, now)
            record(session, told("record_person_consent", now, signed.uscc, standing.id))
        elif (standing.text_sha256, standing.given_on) != (signed.text_sha256, signed.given_on):
            raise _refused(
                "consent_stands", "uscc", signed.uscc, "A consent for this firm stands already.",
                f"Withdraw {standing.id} first.", 409,
            )  # fmt: skip
        return person_consent_answer(standing)


def withdraw_person_consent(office: Office, consent_id: str, by: str, now: datetime, firm: str = "") -> dict[str, Any]:
    """End a consent at once; withdrawing one that has ended changes nothing. ``firm``: only a consent for that firm."""
    with office.write() as session:
        row = session.get(PersonConsent, consent_id)
        if row is None or (firm and row.firm != firm):
            raise NotFound("consent_id", consent_id, "There is no such consent of a person.", "List the firm's.")
        if row.withdrawn_at is None:
            row.withdrawn_at, row.withdrawn_by, row.open_key = now, by, None
            record(session, told("withdraw_person_consent", now, row.firm, row.id))
        return person_consent_answer(row)


def list_person_consents(office: Office, uscc: str) -> list[dict[str, Any]]:
    """Every consent given for a firm, the newest first."""
    query = select(PersonConsent).where(PersonConsent.firm == uscc)
    with office.read() as session:
        found = session.scalars(query.order_by(PersonConsent.recorded_at.desc(), PersonConsent.id))
        return [person_consent_answer(row) for row in found]


def person_consent_answer(row: PersonConsent) -> dict[str, Any]:
    """A consent as the office and the firm see it."""
    return {
        "id": row.id,
        "uscc": row.firm,
        "person": row.person_name,
        "given_on": row.given_on,
        "text_sha256": row.text_sha256,
        "document": row.document,
        "recorded_by": row.recorded_by,
        "recorded_at": row.recorded_at,
        "withdrawn_at": row.withdrawn_at,
        "stands": row.open_key is not None,
    }


def _named(person: str) -> str:
    name = person.strip()
    if not 0 < len(name) <= _MOST_NAME:
        raise _refused("no_name", "person", person, f"A person has a name, at most {_MOST_NAME} characters.", "Say it.")
    return name


def _check(signed: PersonSigned, text: Mapping[str, Any], registered: object, today: date) -> None:
    if signed.given_on > today:
        raise _refused(
            "day_to_come", "given_on", signed.given_on, "That day is still to come.", "Name the day it was signed."
        )
    if not 0 < len(signed.document.strip()) <= _MOST_DOCUMENT:
        raise _refused(
            "no_document", "document", signed.document, "A consent is recorded from signed paper.",
            f"Say where the paper is kept, in at most {_MOST_DOCUMENT} characters.",
        )  # fmt: skip
    if signed.text_sha256 != text["text_sha256"]:
        raise _refused(
            "other_words", "text_sha256", signed.text_sha256, "These are not the words for this person, firm and day.",
            "Fetch the text, have it signed, and send the text_sha256 that came with it.", 409,
        )  # fmt: skip
    if registered is not None and str(registered) != signed.person.strip():
        raise _refused(
            "not_the_representative", "person", signed.person, "Another person is registered as leading this firm.",
            "Have it signed by the legal representative, or wait for the register's change.", 409,
        )  # fmt: skip


def _add(session: Session, signed: PersonSigned, text: Mapping[str, Any], by: str, now: datetime) -> PersonConsent:
    if session.get(ConsentText, signed.text_sha256) is None:
        words = {name: text[name] for name in ("version", "zh", "en")}
        session.add(ConsentText(sha256=signed.text_sha256, purpose=PURPOSE, **words))
    row = PersonConsent(
        id=f"pc_{uuid.uuid4().hex}",
        firm=signed.uscc,
        person_name=signed.person.strip(),
        given_on=signed.given_on,
        text_sha256=signed.text_sha256,
        document=signed.document.strip(),
        open_key=signed.uscc,
        recorded_by=by,
        recorded_at=now,
        withdrawn_by="",
        withdrawn_at=None,
    )
    session.add(row)
    return row


def _refused(code: str, field: str, value: object, rule: str, fix: str, status: int = 422) -> RefusedInput:
    return RefusedInput(code, field, value, rule, fix, status=status)
