"""Clocks that ran out, made to count: before an application is read or moved, and for the whole office by a command."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.tables import Application, Need
from service.clock import day_of
from service.needs.moves import OPEN, lapse
from service.office import Office


def due_needs(session: Session, now: datetime, *, lender: str = "", firm: str = "", need_id: str = "") -> list[str]:
    """Needs in which something has run out at ``now``, oldest first; of one lender, firm or need where named."""
    today = day_of(now)
    late = (
        select(Need.id)
        .outerjoin(Application, Application.need_id == Need.id)
        .where(
            or_(
                (Application.open_key.is_not(None)) & (Application.clock_due < today),
                (Need.state == OPEN) & (Need.valid_until < today),
            )
        )
        .distinct()
        .order_by(Need.id)
    )
    if lender:
        late = late.where(Application.lender == lender)
    if firm:
        late = late.where(Need.firm == firm)
    if need_id:
        late = late.where(Need.id == need_id)
    return list(session.scalars(late))


def run_out(office: Office, now: datetime, *, lender: str = "", firm: str = "", need_id: str = "") -> int:
    """End what has run out and ask the next lenders; how many needs changed. One transaction a need: a process that is
    killed leaves each need wholly before or wholly after, and the next one goes on."""
    with office.read() as session:
        waiting = due_needs(session, now, lender=lender, firm=firm, need_id=need_id)
    changed = 0
    for each in waiting:
        with office.write() as session:
            need = session.get(Need, each, with_for_update=True, populate_existing=True)
            changed += need is not None and lapse(session, need, now)
    return changed
