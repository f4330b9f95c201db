"""Reading a firm's data: decided, written into the journal, and only then done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from models.errors import RefusedInput
from models.tables import Consent as ConsentRow
from models.tables import LenderTerms
from service.access.auth import Action, Caller, unknown_firm
from service.access.disclosure import Viewer
from service.access.policy import LENDING, PURPOSES, Decision, Grant, Purpose, Reason, decide
from service.audit.chain import Event
from service.audit.journal import Entry, enter
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


@dataclass(frozen=True)
class Decided:
    """What one reading came to. ``decision`` is ``None`` where whoever asked is nobody by now; ``beside`` what was
    asked along with it.
    """

    decision: Decision | None
    marks: tuple[Mark, ...] = ()
    beside: Any = None


@dataclass(frozen=True)
class Reading:
    """One reading that is asked for.

    ``holds`` says in the transaction whether ``caller`` may still ask at all, where that was not looked up before;
    ``beside`` reads there what the answer will rest on, once the reading is allowed.
    """

    caller: Caller
    firm: str
    purpose: Purpose | None
    action: Action
    now: datetime
    request_id: str
    holds: Callable[[Session], bool] | None = None
    beside: Callable[[Session], Any] | None = None

    def decided(self, session: Session) -> Entry[Decided]:
        """Decide, and say what the journal is to tell of it. To be done in a transaction that ends with
        :func:`service.audit.journal.enter`: what cannot be written down is not read.
        """
        if self.holds is not None and not self.holds(session):
            return Entry(Decided(None), None)
        caller, firm = self.caller, self.firm
        grants, max_age = consents_of(session, caller, firm)
        decision = decide(caller, firm, self.purpose, grants, self.now, max_age)
        event = Event(
            at=self.now,
            actor=caller.client_id,
            person=caller.person,
            role=caller.role.value,
            tenant=caller.tenant,
            action=self.action.value,
            firm=firm,
            purpose=decision.purpose.value if decision.purpose else "",
            consent_id=decision.grant.id if decision.grant else "",
            result="allowed" if decision.allowed else "denied",
            reason=decision.reason.value,
            request_id=self.request_id,
        )
        if not decision.allowed:
            return Entry(Decided(decision), event)
        beside = None if self.beside is None else self.beside(session)
        return Entry(Decided(decision, marks_of(session, firm), beside), event)

    def access(self, decision: Decision, marks: tuple[Mark, ...]) -> Access:
        """What was decided as an access; the refusal where it was none."""
        if not decision.allowed or decision.purpose is None:
            raise _refusal(decision, self.caller, self.firm)
        grant = decision.grant
        viewer = Viewer(self.caller.role, grant.scope if grant else None)
        return Access(self.caller, self.firm, decision.purpose, viewer, grant.id if grant else "", marks)


def open_file(
    office: Office, caller: Caller, firm: str, purpose: str | None, action: Action, now: datetime, request_id: str
) -> Access:
    """Decide whether ``caller`` may read ``firm``, put the decision into the journal, and answer with the access.

    One transaction, which readings at the same time share: what cannot be written down is not read. A refusal is
    written down too. Raises 400 for a purpose that is missing or unknown, 403 for one this role may not have, 404 ("no
    such firm") for everything else.
    """
    reading = Reading(caller, firm, purpose_of(purpose), action, now, request_id)
    found = office.store.write_together(reading.decided, enter).found
    assert found.decision is not None
    return reading.access(found.decision, found.marks)


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


_CONSENTS = select(
    ConsentRow.id,
    ConsentRow.firm,
    ConsentRow.lender,
    ConsentRow.purpose,
    ConsentRow.dimensions,
    ConsentRow.personal,
    ConsentRow.valid_from,
    ConsentRow.valid_until,
    ConsentRow.given_at,
    ConsentRow.revoked_at,
    select(LenderTerms.max_consent_age_days)
    .where(LenderTerms.lender == bindparam("lender"))
    .scalar_subquery()
    .label("max_age_days"),
).where(ConsentRow.firm == bindparam("firm"), ConsentRow.lender == bindparam("lender"))


def consents_of(session: Session, caller: Caller, firm: str) -> tuple[list[Grant], timedelta | None]:
    """Every consent of ``firm`` to the caller's house, whatever its state, and the oldest one the house relies on
    (``None``: no limit). None for who is no lender.
    """
    if not caller.is_lender:
        return [], None
    rows = session.connection().execute(_CONSENTS, {"firm": firm, "lender": caller.tenant}).all()
    days = rows[0].max_age_days if rows else None
    return [grant_of(row) for row in rows], None if days is None else timedelta(days=days)


def grant_of(row: ConsentRow | Row[*tuple[Any, ...]]) -> Grant:
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
