"""What the platform knows of a firm before any feed tells it: a loan drawn through it.

Such a fact stands beside the snapshot, with its source, until the feed confirms it. A receipt keeps the ones it used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from matching.applications.support import LOAN
from matching.first_loan import RECORDED_LENDERS
from models.kinds import Scalar
from models.tables import LoanEntry

SOURCE = "platform"

#: The day on which the first loan of ``firm`` was drawn through the platform.
FIRST_DRAWN = select(func.min(LoanEntry.drawn_on)).where(
    LoanEntry.firm == bindparam("firm"), LoanEntry.kind == LOAN, LoanEntry.lender_kind.in_(RECORDED_LENDERS)
)


def platform_facts(session: Session, firm: str, until: date, known: Mapping[str, Scalar]) -> list[dict[str, Any]]:
    """The facts from loans of ``firm`` drawn up to and including ``until`` that ``known`` does not hold already."""
    return facts_since(session.connection().execute(FIRST_DRAWN, {"firm": firm}).scalar(), until, known)


def facts_since(since: date | None, until: date, known: Mapping[str, Scalar]) -> list[dict[str, Any]]:
    """The same, where the day of :data:`FIRST_DRAWN` is known."""
    if since is None or since > until:
        return []
    return untold([{"fact": "ever_borrowed", "value": True, "since": since.isoformat(), "source": SOURCE}], known)


def untold(facts: Sequence[Mapping[str, Any]], known: Mapping[str, Scalar]) -> list[dict[str, Any]]:
    """Those of the platform's ``facts`` that ``known`` does not hold already."""
    return [dict(each) for each in facts if known.get(each["fact"]) is not each["value"]]


def with_platform(facts: Mapping[str, Scalar], told: Sequence[Mapping[str, Any]]) -> dict[str, Scalar]:
    """``facts`` with what the platform knows in place of what they say."""
    return {**facts, **{each["fact"]: each["value"] for each in told}}
