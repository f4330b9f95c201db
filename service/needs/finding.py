"""Applications and needs as readers may see them: whose they are is decided in SQL, who is behind them by consent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from matching.applications.rules import FIRM, LENDER
from models.errors import NotFound, RefusedInput
from models.tables import Application, ApplicationStep, Need, NeedMatch
from service.access.auth import Caller, Role
from service.cases.rows import CaseWords, find_row, steps_where
from service.needs.card import need_card
from service.needs.identity import consent_in_force
from service.snapshot.shelf import Shelf
from service.snapshot.snapshots import OpenSnapshot

_APPLICATION = CaseWords("application_id", "application", "/v1/applications")
_NEED = CaseWords("need_id", "need", "/v1/firms/{uscc}/needs")


@dataclass(frozen=True)
class Seen:
    """What one reader may know of the firm behind an application.

    ``party``: whose steps are open to it (lender, firm, or empty). A lender without the firm's consent has ``card``
    and neither ``uscc`` nor ``name``; with it ``pd`` is the probability of default and ``rate`` the contract
    rate a year, each ``None`` where unknown.
    """

    party: str
    uscc: str | None = None
    name: str | None = None
    card: dict[str, Any] | None = None
    consent_id: str | None = None
    pd: Decimal | None = None
    rate: Decimal | None = None


def of_caller(caller: Caller) -> Select[Application]:
    """Every application the caller may know of, as a query: a lender's own, a firm's own, all for staff."""
    query = select(Application)
    if caller.role is Role.FIRM:
        return query.where(Application.firm == caller.tenant)
    if caller.is_staff:
        return query
    # Whoever is no firm and no staff is asked as a lender, and stands for the applications sent to it.
    return query.where(Application.lender == caller.tenant)


def find_application(session: Session, caller: Caller, application_id: str, *, lock: bool = False) -> Application:
    """The application, locked for a change where asked; ``NotFound`` for one the caller has nothing to do with."""
    query = of_caller(caller).where(Application.id == application_id)
    return find_row(session, query, _APPLICATION, application_id, lock=lock)


def find_need(session: Session, uscc: str, need_id: str, *, lock: bool = False) -> Need:
    """A need of the firm; ``NotFound`` otherwise."""
    query = select(Need).where(Need.id == need_id, Need.firm == uscc)
    return find_row(session, query, _NEED, need_id, lock=lock)


def steps_of(session: Session, application_id: str) -> Sequence[ApplicationStep]:
    """The steps of an application in order."""
    return steps_where(session, ApplicationStep, ApplicationStep.application_id == application_id)


def seen_by(session: Session, shelf: Shelf, caller: Caller, row: Application, need: Need, now: datetime) -> Seen:
    """What ``caller`` may know of the firm of ``row`` at ``now``: the consent is asked for anew each time."""
    snapshot = newest(shelf)
    if not caller.is_lender:
        party = FIRM if caller.role is Role.FIRM else ""
        return Seen(party, row.firm, _name(snapshot, row.firm))
    grant = consent_in_force(session, row.firm, row.lender, now)
    if grant is None:
        return Seen(LENDER, card=_card(snapshot, row))
    match = session.get(NeedMatch, (row.need_id, row.lender))
    quoted = row.rate or (str(match.rank.get("contract_annual_rate") or "") if match else "")
    return Seen(
        LENDER,
        row.firm,
        _name(snapshot, row.firm),
        consent_id=grant.id,
        pd=_pd(snapshot, row.firm),
        rate=Decimal(quoted) if quoted else None,
    )


def newest(shelf: Shelf) -> OpenSnapshot | None:
    """The snapshot in use; ``None`` before the first build."""
    try:
        return shelf.current()
    except RefusedInput:
        return None


def _row(snapshot: OpenSnapshot | None, firm: str) -> tuple[OpenSnapshot, int] | None:
    try:
        return None if snapshot is None else (snapshot, snapshot.row_of(firm))
    except NotFound:
        return None


def firm_name(shelf: Shelf, firm: str) -> str | None:
    """The firm's registered name; ``None`` where no snapshot knows it."""
    return _name(newest(shelf), firm)


def _name(snapshot: OpenSnapshot | None, firm: str) -> str | None:
    found = _row(snapshot, firm)
    name = found and found[0].value("firm_name", found[1])
    return str(name) if name else None


def _pd(snapshot: OpenSnapshot | None, firm: str) -> Decimal | None:
    found = _row(snapshot, firm)
    pd = found and found[0].facts(found[1]).get("pd")
    return None if pd is None else Decimal(repr(pd))


def _card(snapshot: OpenSnapshot | None, row: Application) -> dict[str, Any]:
    """The firm without identity; empty where no snapshot knows it."""
    found = _row(snapshot, row.firm)
    return {} if found is None else need_card(*found)
