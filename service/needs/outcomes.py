"""What applications came to, counted in the database: for chances, for figures of lenders, for hidden criteria."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from matching.applications.conversion import Cell, Conversions, Decided
from matching.applications.hidden import Decision
from models.tables import Application, Need
from service.books.rulebook import application_rules

_DECIDED = Application.decided_at.is_not(None)
_YES = case((Application.reason == "", 1), else_=0)


def conversions(session: Session) -> Conversions:
    """Chances and speeds from every decision made so far. Silence and withdrawal are no decisions."""
    query = (
        select(
            *(Application.product, Need.size_class, Need.section, Need.grade),
            *(func.sum(_YES), func.count(), func.sum(Application.decision_days)),
        )
        .join(Need, Need.id == Application.need_id)
        .where(_DECIDED)
        .group_by(Application.product, Need.size_class, Need.section, Need.grade)
    )
    counts = [
        Decided(product, Cell(size, section, grade), int(yes), int(number) - int(yes), int(days or 0))
        for product, size, section, grade, yes, number, days in session.execute(query)
    ]
    return Conversions(counts, application_rules().shrinkage)


def decisions_of_products(session: Session) -> Iterator[tuple[str, list[Decision]]]:
    """By product: every decision about a firm that met all its stated conditions when it was sent."""
    query = (
        select(Application.product, Need.size_class, Need.section, Need.grade, Application.reason)
        .join(Need, Need.id == Application.need_id)
        .where(_DECIDED, Application.eligible)
        .order_by(Application.product, Application.id)
    )
    product, held = "", list[Decision]()
    for name, size, section, grade, reason in session.execute(query):
        if name != product:
            if held:
                yield product, held
            product, held = name, []
        held.append(Decision(Cell(size, section, grade), reason))
    if held:
        yield product, held
