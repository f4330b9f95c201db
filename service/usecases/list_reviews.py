"""Review cases, newest quarter first, page by page."""

from __future__ import annotations

from datetime import date

from sqlalchemy import or_, select

from models.errors import RefusedInput
from models.tables import ReviewCase
from service.office import Office

STATES = ("open", "decided", "all")


def list_reviews(
    office: Office, state: str = "open", limit: int = 100, after: tuple[date, str] | None = None
) -> list[ReviewCase]:
    """At most ``limit`` cases: newest quarter first, in it by id. ``after`` is quarter and id of the last one seen."""
    if state not in STATES:
        raise RefusedInput("bad_state", "state", state, "Cases are open or decided.", f"One of {', '.join(STATES)}.")
    query = select(ReviewCase).order_by(ReviewCase.quarter.desc(), ReviewCase.id).limit(limit)
    if state != "all":
        query = query.where((ReviewCase.decision == "") == (state == "open"))
    if after is not None:
        quarter, seen = after
        query = query.where(or_(ReviewCase.quarter < quarter, (ReviewCase.quarter == quarter) & (ReviewCase.id > seen)))
    with office.read() as session:
        return list(session.scalars(query))
