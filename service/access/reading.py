"""Reading a firm's data: decided, written into the journal, and only then done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import RefusedInput
from models.tables import Consent as ConsentRow
from models.tables import LenderTerms
from service.access.auth import Action, Caller, unknown_firm
from service.access.disclosure import Viewer
from service.access.policy import LENDING, PURPOSES, Decision, Grant, Purpose, Reason, decide
from service.audit.chain import Event
from service.audit.journal import record
from service.cases.marks import Mark, marks_of
from service.office import Office


@dataclass(frozen=True)
class Access:
    """A reading that was allowed and is in the journal. ``viewer`` is what every answer about the firm is made for;
    ``consent_id`` is empty where no consent is needed.

    ``marks``: what of the firm is contested at that moment.
    """

    caller: Caller
    firm: str
    purpose: Purpose
    viewer: Viewer
    consent_id: str
    marks: tuple[Mark, ...] = ()


def open_file(
    office: Office, caller: Caller, firm: str, purpose: str | None, action: Action, now: datetime, request_id: str
) -> Access:
    """Decide whether ``caller`` may read ``firm``, put the decision into the journal, and answer with the access.

    One transaction, which readings at the same time share: what cannot be written down is not read. A refusal is
    written down too. Raises 400 for a purpose that is missing or unknown, 403 for one this role may not have, 404 ("no
    such firm") for everything else.
    """
    asked = purpose_of(purpose)

    def decided(session: Session) -> tuple[Decision, tuple[Mark, ...]]:
        decision = decide(caller, firm, asked, grants_of(session, caller, firm), now, max_age_of(session, caller))
        grant = decision.grant
        record(
            session,
            Event(
                at=now,
                actor=caller.client_id,
                person=caller.person,
                role=caller.role.value,
                tenant=caller.tenant,
                action=action.value,
                firm=firm,
                purpose=decision.purpose.value if decision.purpose else "",
                consent_id=grant.id if grant else "",
                result="allowed" if decision.allowed else "denied",
                reason=decision.reason.value,
                request_id=request_id,
            ),
        )
        return decision, marks_of(session, firm) if decision.allowed else ()

    decision, marks = office.store.write_together(decided)
    grant = decision.grant
    if not decision.allowed or decision.purpose is None:
        raise _refusal(decision, caller, firm)
    viewer = Viewer(caller.role, grant.scope if grant else None)
    return Access(caller, firm, decision.purpose, viewer, grant.id if grant else "", marks)


def purpose_of(text: str | None) -> Purpose | None:
    """The purpose a caller names; a 400 refusal for a word that is none."""
    if text is None:
        return None
    try:
        return Purpose(text)
    except ValueError:
        raise RefusedInput(
            "unknown_purpose",
            "X-Purpose",
            text,
            "This is no purpose a firm's data may be read for.",
            f"One of: {', '.join(Purpose)}.",
            status=400,
        ) from None


def stated_purpose(caller: Caller, text: str | None) -> Purpose:
    """What a caller reads for where no single firm is read; refused as in :func:`open_file`."""
    asked = purpose_of(text)
    if asked is None and not caller.is_lender:
        asked = PURPOSES[caller.role][0]
    if asked is None:
        raise _refusal(Decision(False, Reason.PURPOSE_MISSING, None), caller, "")
    if asked not in PURPOSES[caller.role]:
        raise _refusal(Decision(False, Reason.PURPOSE_NOT_YOURS, asked), caller, "")
    return asked


def lending_purpose(text: str) -> Purpose:
    """A purpose a consent may be given for; ``RefusedInput`` for any other word."""
    if text not in LENDING:
        raise RefusedInput(
            "bad_consent",
            "purpose",
            text,
            "A consent is given for one purpose of a lender.",
            f"One of: {', '.join(sorted(LENDING))}.",
        )
    return Purpose(text)


def grants_of(session: Session, caller: Caller, firm: str) -> list[Grant]:
    """Every consent of ``firm`` to the caller's house, whatever its state; none for who is no lender."""
    if not caller.is_lender:
        return []
    query = select(ConsentRow).where(ConsentRow.firm == firm, ConsentRow.lender == caller.tenant)
    return [grant_of(row) for row in session.scalars(query)]


def grant_of(row: ConsentRow) -> Grant:
    """The consent as the policy sees it."""
    return Grant(
        id=row.id,
        firm=row.firm,
        lender=row.lender,
        purpose=Purpose(row.purpose),
        dimensions=frozenset(row.dimensions),
        personal=row.personal,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        given_at=row.given_at,
        revoked_at=row.revoked_at,
    )


def max_age_of(session: Session, caller: Caller) -> timedelta | None:
    """The oldest consent the caller's house relies on; ``None`` when it set no limit."""
    terms = session.get(LenderTerms, caller.tenant) if caller.is_lender else None
    days = terms.max_consent_age_days if terms else None
    return None if days is None else timedelta(days=days)


def _refusal(decision: Decision, caller: Caller, firm: str) -> RefusedInput:
    allowed = ", ".join(PURPOSES[caller.role])
    if decision.reason is Reason.PURPOSE_MISSING:
        return RefusedInput(
            "purpose_missing",
            "X-Purpose",
            None,
            "Reading a firm's data needs a purpose.",
            f"Send the header X-Purpose with one of: {allowed}.",
            status=400,
        )
    if decision.reason is Reason.PURPOSE_NOT_YOURS:
        return RefusedInput(
            "purpose_not_yours",
            "X-Purpose",
            decision.purpose.value if decision.purpose else None,
            "Your role may not read for this purpose.",
            f"One of: {allowed}.",
            status=403,
        )
    # Which of the other reasons it was would tell that the firm exists, and what it agreed to with whom.
    return unknown_firm(firm)
