"""Consents: given by the firm, revoked by the firm, listed by both sides. Each change is in the journal with itself."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import NotFound, RefusedInput
from models.tables import Consent, ConsentText
from service.access.auth import Action, Caller, Role
from service.access.consent_texts import ConsentWords, text_sha256, words_for
from service.access.policy import Purpose, standing
from service.access.reading import grant_of
from service.audit.chain import Event
from service.audit.journal import record
from service.books.rulebook import lenders
from service.books.seedbook import catalogue
from service.clock import day_of
from service.integration.changes import Kind, publish
from service.office import Office


@dataclass(frozen=True)
class Wanted:
    """A consent as the firm asks for it. ``text_sha256`` names the words it was shown, so that it agrees to those."""

    lender: str
    purpose: Purpose
    dimensions: tuple[str, ...]
    personal: bool
    valid_from: date
    valid_until: date
    text_sha256: str = ""


def consent_text(wanted: Wanted, today: date) -> dict[str, Any]:
    """The words the firm would agree to, with what names them; refused where the consent could not be given."""
    words = _checked(wanted, today)
    lender, dimensions = lenders()[wanted.lender], {each.id: each for each in catalogue().dimensions}
    chosen = [{"zh": dimensions[name].zh, "en": dimensions[name].en} for name in wanted.dimensions]
    days = (wanted.valid_from, wanted.valid_until)
    texts = words.filled({"zh": lender.name.zh, "en": lender.name.en}, chosen, wanted.personal, days)
    return {"purpose": wanted.purpose, "version": words.version, **texts, "text_sha256": text_sha256(texts)}


def give_consent(office: Office, caller: Caller, wanted: Wanted, now: datetime, request_id: str) -> dict[str, Any]:
    """Keep the consent of the caller's firm, the words it was given under and the journal entry, in one transaction.

    Refused when ``text_sha256`` is not that of the words in force: the firm would agree to what it never read. The same
    consent given twice in force is one consent.
    """
    with office.write() as session:
        return consent_answer(keep_consent(session, caller, wanted, now, request_id), now)


def keep_consent(session: Session, caller: Caller, wanted: Wanted, now: datetime, request_id: str) -> Consent:
    """As :func:`give_consent`, in a transaction that does more."""
    text = consent_text(wanted, day_of(now))
    if wanted.text_sha256 != text["text_sha256"]:
        raise RefusedInput(
            "other_words",
            "text_sha256",
            wanted.text_sha256,
            "These are not the words that are in force for this consent.",
            "Fetch the text, show it to the firm, and send the text_sha256 that came with it.",
            status=409,
        )
    row = _same_in_force(session, caller.tenant, wanted, now)
    if row is None:
        row = _add(session, caller, wanted, text, now)
        _publish(session, Kind.CONSENT_GIVEN, row, now)
        record(session, _event(caller, Action.GIVE_CONSENT, row, now, request_id))
    return row


def revoke_consent(office: Office, caller: Caller, consent_id: str, now: datetime, request_id: str) -> dict[str, Any]:
    """End a consent of the caller's firm at once; revoking one that has ended changes nothing."""
    with office.write() as session:
        row = session.get(Consent, consent_id)
        if row is None or row.firm != caller.tenant:
            raise _unknown(consent_id)
        if row.revoked_at is None:
            row.revoked_at, row.revoked_by = now, caller.client_id
            _publish(session, Kind.CONSENT_REVOKED, row, now)
            record(session, _event(caller, Action.REVOKE_CONSENT, row, now, request_id))
        return consent_answer(row, now)


def list_consents(office: Office, caller: Caller, now: datetime) -> list[dict[str, Any]]:
    """A firm's own consents, or those given to a lender's house; newest first."""
    mine = Consent.firm if caller.role is Role.FIRM else Consent.lender
    query = select(Consent).where(mine == caller.tenant).order_by(Consent.given_at.desc(), Consent.id)
    with office.read() as session:
        return [consent_answer(row, now) for row in session.scalars(query)]


def read_consent(office: Office, caller: Caller, consent_id: str, now: datetime) -> dict[str, Any]:
    """One consent, for the firm that gave it and the lender it was given to; ``NotFound`` for anybody else's."""
    with office.read() as session:
        row = session.get(Consent, consent_id)
        if row is None or caller.tenant != (row.firm if caller.role is Role.FIRM else row.lender):
            raise _unknown(consent_id)
        return consent_answer(row, now)


def consent_answer(row: Consent, now: datetime) -> dict[str, Any]:
    """A consent as both sides see it, with its state at ``now``."""
    state = standing(grant_of(row), Purpose(row.purpose), now)
    return {
        "id": row.id,
        "firm": row.firm,
        "lender": row.lender,
        "purpose": row.purpose,
        "dimensions": row.dimensions,
        "personal": row.personal,
        "valid_from": row.valid_from,
        "valid_until": row.valid_until,
        "given_at": row.given_at,
        "revoked_at": row.revoked_at,
        "text_sha256": row.text_sha256,
        "state": {"consent": "in_force", "consent_not_yet": "not_yet"}.get(state, state.removeprefix("consent_")),
    }


def _checked(wanted: Wanted, today: date) -> ConsentWords:
    """The words in force, once everything the consent names is known and its days make sense."""
    if wanted.lender not in lenders():
        raise _refused("lender", wanted.lender, "There is no such lender.", "Take the id from GET /v1/products.")
    known = [each.id for each in catalogue().dimensions]
    if not wanted.dimensions:
        raise _refused("dimensions", [], "A consent names what may be read.", f"Some of: {', '.join(known)}.")
    if strange := [name for name in wanted.dimensions if name not in known]:
        raise _refused("dimensions", strange[0], "There is no such dimension.", f"Some of: {', '.join(known)}.")
    if len(set(wanted.dimensions)) != len(wanted.dimensions):
        raise _refused("dimensions", list(wanted.dimensions), "Each dimension is named once.", "Remove the second.")
    words = words_for(wanted.purpose, today)
    if wanted.valid_until < max(wanted.valid_from, today):
        raise _refused("valid_until", wanted.valid_until, "The consent would be over.", "Name a later day.")
    if (wanted.valid_until - wanted.valid_from).days >= words.max_days:
        rule = f"A consent for this purpose runs at most {words.max_days} days."
        raise _refused("valid_until", wanted.valid_until, rule, "Name an earlier day.")
    return words


def _same_in_force(session: Session, firm: str, wanted: Wanted, now: datetime) -> Consent | None:
    query = select(Consent).where(
        Consent.firm == firm, Consent.text_sha256 == wanted.text_sha256, Consent.revoked_at.is_(None)
    )
    found: Sequence[Consent] = session.scalars(query).all()
    return next((row for row in found if row.valid_until >= day_of(now)), None)


def _add(session: Session, caller: Caller, wanted: Wanted, text: dict[str, Any], now: datetime) -> Consent:
    if session.get(ConsentText, text["text_sha256"]) is None:
        session.add(
            ConsentText(
                sha256=text["text_sha256"],
                purpose=wanted.purpose.value,
                version=text["version"],
                zh=text["zh"],
                en=text["en"],
            )
        )
    row = Consent(
        id=f"c_{uuid.uuid4().hex}",
        firm=caller.tenant,
        lender=wanted.lender,
        purpose=wanted.purpose.value,
        dimensions=sorted(wanted.dimensions),
        personal=wanted.personal,
        valid_from=wanted.valid_from,
        valid_until=wanted.valid_until,
        text_sha256=text["text_sha256"],
        given_by=caller.client_id,
        given_at=now,
        revoked_by="",
        revoked_at=None,
    )
    session.add(row)
    return row


def _publish(session: Session, kind: Kind, row: Consent, now: datetime) -> None:
    for tenant in (row.firm, row.lender):
        publish(session, tenant, kind, row.id, now)


def _event(caller: Caller, action: Action, row: Consent, now: datetime, request_id: str) -> Event:
    return Event(
        at=now,
        actor=caller.client_id,
        person=caller.person,
        role=caller.role.value,
        tenant=caller.tenant,
        action=action.value,
        firm=row.firm,
        object_id=row.id,
        purpose=row.purpose,
        consent_id=row.id,
        result="done",
        request_id=request_id,
    )


def _unknown(consent_id: str) -> NotFound:
    return NotFound("consent_id", consent_id, "There is no such consent of yours.", "List yours: GET /v1/consents.")


def _refused(field: str, value: object, rule: str, fix: str) -> RefusedInput:
    return RefusedInput("bad_consent", field, value, rule, fix)
