"""What an options answer rests on beside snapshot, firm and question: looked up at every answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import bindparam, literal, select
from sqlalchemy.orm import Session

from models.tables import Receipt
from service.books.rulebook import Rules
from service.market.published import ACTIVATED, RETIRED, rules_at
from service.needs.platform_facts import FIRST_DRAWN
from service.office import Office

#: One row where none of the receipts is kept, else one for each that is.
_RESTS_ON = select(
    select(ACTIVATED).scalar_subquery().label("activated"),
    select(RETIRED).scalar_subquery().label("retired"),
    FIRST_DRAWN.scalar_subquery().label("since"),
    Receipt.id,
).select_from(
    select(literal(1).label("one")).subquery().outerjoin(Receipt, Receipt.id.in_(bindparam("receipts", expanding=True)))
)


@dataclass(frozen=True)
class RestsOn:
    """The rules in force, since when the platform knows of a loan of the firm, and which of the receipts that were
    asked about are kept.
    """

    used: Rules
    since: date | None
    receipts: frozenset[str] = frozenset()


def rests_on(session: Session, office: Office, uscc: str, day: date, receipts: Sequence[str] = ()) -> RestsOn:
    """As of this moment, under the rules of ``day``: one statement."""
    rows = session.connection().execute(_RESTS_ON, {"firm": uscc, "receipts": list(receipts)}).all()
    used = rules_at(session, office, (rows[0].activated, rows[0].retired), day)
    return RestsOn(used, rows[0].since, frozenset(row.id for row in rows if row.id is not None))
