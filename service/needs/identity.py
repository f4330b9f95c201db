"""Whether a lender may know the firm behind an application: only under the firm's consent, asked at every reading."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from service.access.auth import Caller, Role
from service.access.policy import Grant, Purpose, decide
from service.access.reading import consents_of


def consent_in_force(session: Session, firm: str, lender: str, now: datetime) -> Grant | None:
    """The consent under which ``lender`` may read ``firm`` before a loan; ``None`` where there is none at ``now``."""
    caller = Caller(lender, Role.BANK, lender)
    grants, max_age = consents_of(session, caller, firm)
    return decide(caller, firm, Purpose.PRE_LOAN, grants, now, max_age).grant
