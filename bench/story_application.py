"""The story of needs: stated, offered to lenders, accepted, declined with a ticket, reviewed, approved, drawn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bench.story import NOW, Story, built, rows_of
from matching.applications.rank import best_of_each_lender
from matching.applications.wanted import Wanted
from models.tables import (
    Application,
    ApplicationStep,
    AuditEntry,
    Change,
    Consent,
    LoanEntry,
    Need,
    NeedMatch,
    Ticket,
)
from service.access.auth import Caller, Role
from service.access.policy import Purpose
from service.books.rulebook import application_rules
from service.books.seedbook import catalogue
from service.needs.matching import match_need
from service.office import Office, opened
from service.snapshot.shelf import Shelf
from service.usecases.consent import Wanted as WantedConsent
from service.usecases.consent import consent_text, give_consent
from service.usecases.state_need import state_need
from service.usecases.step_application import Drawn, StepAsked, Terms, step_application

_DAY = NOW.date()
_WANTED = Wanted(
    Decimal(200_000), Decimal(3_000_000), 12, "month", "working_capital", "none_stated", _DAY + timedelta(60)
)
_TERMS = Terms(Decimal(500_000), Decimal("0.0435"), 12)
#: What is done to a firm's need, in turn: by the lender asked first unless it says otherwise. Numbers are versions.
_ACTS: tuple[tuple[str, int], ...] = (
    ("state", 0), ("consent", 0), ("accept", 1), ("decline", 1), ("review", 2), ("approve", 3), ("draw", 4),
)  # fmt: skip
#: Firms whose needs are told of, and lenders each must fit: one declines, and there is another to be asked then.
_FIRMS, _LENDERS = 4, 5
_CHOSEN = "firms.json"


def _prepare(home: Path, folder: Path) -> None:
    built(home, folder)
    with opened(home) as office:
        snapshot, chosen = Shelf(office).current(), []
        for row in range(snapshot.firms):
            firm = snapshot.firm_at(row)
            matched = match_need(office, snapshot, firm, _WANTED, application_rules().weights, _DAY)
            if len(best_of_each_lender(matched.offers)) >= _LENDERS:
                chosen.append(firm)
            if len(chosen) == _FIRMS:
                break
    home.with_name(_CHOSEN).write_text(json.dumps(chosen), encoding="utf-8")


@lru_cache(maxsize=1)
def _shelf(office: Office) -> Shelf:
    return Shelf(office)


def _act(office: Office, step: int, folder: Path) -> str:
    firms: list[str] = json.loads(office.home.with_name(_CHOSEN).read_text(encoding="utf-8"))
    now, request_id = NOW + timedelta(minutes=step), f"application-{step}"
    firm = Caller("firm", Role.FIRM, firms[step // len(_ACTS)])
    act, version = _ACTS[step % len(_ACTS)]
    if act == "state":
        weights = application_rules().weights
        return str(state_need(office, _shelf(office), firm, _WANTED, (), weights, now, request_id)["id"])
    asked = _asked(office, firm.tenant, 1 if act == "decline" else 0)
    if act == "consent":
        return _consented(office, firm, asked.lender, now, request_id)
    said: dict[str, Any] = {}
    if act == "approve":
        said["terms"] = _TERMS
    elif act == "draw":
        said["loan"] = Drawn(_TERMS.amount_yuan, _DAY, f"L-{step}")
    elif act == "decline":
        said["reason"] = next(each.id for each in application_rules().reasons.values() if each.repairable)
    lender = Caller("lender", Role.BANK, asked.lender)
    wanted = StepAsked(act, version, **said)
    step_application(office, _shelf(office), lender, asked.id, wanted, now, request_id)
    return f"{asked.id} {version}"


def _asked(office: Office, firm: str, place: int) -> Application:
    """The application that was sent at once to the lender at this place of the need."""
    mine = (NeedMatch.need_id == Application.need_id) & (NeedMatch.lender == Application.lender)
    query = select(Application).join(NeedMatch, mine).where(Application.firm == firm, Application.round == 1)
    with office.read() as session:
        return session.scalars(query.order_by(NeedMatch.place)).all()[place]


def _consented(office: Office, firm: Caller, lender: str, now: datetime, request_id: str) -> str:
    dimensions = tuple(each.id for each in catalogue().dimensions)
    wanted = WantedConsent(lender, Purpose.PRE_LOAN, dimensions, False, _DAY, _DAY + timedelta(60))
    agreed = WantedConsent(**{**vars(wanted), "text_sha256": consent_text(wanted, _DAY)["text_sha256"]})
    return str(give_consent(office, firm, agreed, now, request_id)["id"])


def _seen(office: Office) -> dict[str, Any]:
    """Everything there is of the needs, without the ids, which are drawn anew."""
    need, match, case, taken, entry = Need, NeedMatch, Application, ApplicationStep, LoanEntry
    asked = (case.firm, case.lender, case.product, case.round, case.stage, case.version, case.reason, case.offered_at)
    agreed = (case.decided_at, case.approved_fen, case.rate, case.drawn_fen, case.drawn_on, case.reference)
    found = (need.firm, match.lender, match.place, match.product, match.again)
    steps = (case.firm, case.lender, case.round, taken.number, taken.step, taken.from_stage, taken.to_stage, taken.at)
    return {
        "needs": rows_of(office, need.firm, need.state, need.open_key, need.stated_at, need.ended_at),
        "matches": rows_of(office, *found, on=(need, need.id == match.need_id)),
        "applications": rows_of(office, *asked, *agreed, case.clock_due),
        "steps": rows_of(office, *steps, taken.actor, on=(case, case.id == taken.application_id)),
        "ledgers": rows_of(office, entry.firm, entry.lender, entry.kind, entry.scheme, entry.fen, entry.entered_at),
        "tickets": rows_of(office, Ticket.firm, Ticket.lender, Ticket.reason, Ticket.stage, Ticket.opened_at),
        "consents": rows_of(office, Consent.firm, Consent.lender, Consent.given_at),
        "changes": rows_of(office, Change.tenant, Change.number, Change.kind, Change.at),
        "journal": rows_of(office, AuditEntry.action, AuditEntry.firm, AuditEntry.at, AuditEntry.request_id),
    }


def _missing(office: Office, acked: Mapping[int, str]) -> list[str]:
    known = {each for (each,) in rows_of(office, Need.id) + rows_of(office, Consent.id)}
    steps = rows_of(office, ApplicationStep.application_id, ApplicationStep.number)
    known |= {f"{case} {number}" for case, number in steps}
    return sorted(set(acked.values()) - known)


APPLICATION = Story("application", _FIRMS * len(_ACTS), _prepare, _act, _seen, _missing)
