"""The one place that decides who may read a firm's data. Pure: subject, firm, purpose, consents in; a decision out.

What a role may do at all is the table ``MAY`` of :mod:`service.access.auth`; which parts of a profile a decision lets
through is :mod:`service.access.disclosure`. ``docs/security.md`` shows the whole as a table, made from these.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from service.access.auth import Caller, Role
from service.access.disclosure import Consent
from service.clock import day_of


class Purpose(StrEnum):
    """What a firm's data is read for. The three of a lender follow the life of a loan; each needs its own consent."""

    OWN = "own"
    PRE_LOAN = "pre_loan"
    IN_LOAN = "in_loan"
    POST_LOAN = "post_loan"
    OFFICIAL = "official"


LENDING = frozenset({Purpose.PRE_LOAN, Purpose.IN_LOAN, Purpose.POST_LOAN})


class Reason(StrEnum):
    """Why a reading was allowed or denied; the journal keeps it, a denied caller is told ``unknown firm`` only.

    The last two are given at the door, where the role alone is looked at, and are told (403).
    """

    OWN_FILE = "own_file"
    OFFICIAL_DUTY = "official_duty"
    CONSENT = "consent"
    PURPOSE_MISSING = "purpose_missing"
    PURPOSE_NOT_YOURS = "purpose_not_yours"
    NOT_YOURS = "not_yours"
    NO_CONSENT = "no_consent"
    REVOKED = "consent_revoked"
    EXPIRED = "consent_expired"
    NOT_YET = "consent_not_yet"
    OTHER_PURPOSE = "consent_other_purpose"
    TOO_OLD = "consent_too_old"
    NOT_YOUR_ROLE = "not_your_role"
    NO_POWER = "no_power"


@dataclass(frozen=True)
class Grant:
    """A firm's consent to one lender, as :class:`models.tables.Consent` keeps it. Days are inclusive."""

    id: str
    firm: str
    lender: str
    purpose: Purpose
    dimensions: frozenset[str]
    personal: bool
    valid_from: date
    valid_until: date
    given_at: datetime
    revoked_at: datetime | None = None

    @property
    def scope(self) -> Consent:
        """What of the profile it opens."""
        return Consent(self.dimensions, self.personal)


@dataclass(frozen=True)
class Decision:
    """``grant`` is the consent a lender's reading rests on; ``purpose`` what it was decided for."""

    allowed: bool
    reason: Reason
    purpose: Purpose | None
    grant: Grant | None = None


#: Purposes a role may name. The first is taken where the caller names none; lenders must name theirs.
PURPOSES: dict[Role, tuple[Purpose, ...]] = {
    Role.FIRM: (Purpose.OWN,),
    Role.OFFICE: (Purpose.OFFICIAL,),
    Role.APPROVER: (Purpose.OFFICIAL,),
    Role.AUDITOR: (Purpose.OFFICIAL,),
    Role.AGENCY: (Purpose.OFFICIAL,),
    Role.BANK: (Purpose.PRE_LOAN, Purpose.IN_LOAN, Purpose.POST_LOAN),
    Role.GUARANTOR: (Purpose.PRE_LOAN, Purpose.IN_LOAN, Purpose.POST_LOAN),
}


def decide(
    caller: Caller,
    firm: str,
    purpose: Purpose | None,
    grants: Iterable[Grant],
    now: datetime,
    max_age: timedelta | None = None,
) -> Decision:
    """Whether ``caller`` may read ``firm`` at ``now``, and why.

    ``grants`` are consents of this firm to this lender (others are passed over). ``max_age`` is the oldest consent the
    lender relies on. A denial gives the reason closest to a yes: revoked before expired before another purpose.
    """
    if purpose is None and not caller.is_lender:
        purpose = PURPOSES[caller.role][0]
    if purpose is None:
        return Decision(False, Reason.PURPOSE_MISSING, None)
    if purpose not in PURPOSES[caller.role]:
        return Decision(False, Reason.PURPOSE_NOT_YOURS, purpose)
    if caller.role is Role.FIRM:
        mine = caller.tenant == firm
        return Decision(mine, Reason.OWN_FILE if mine else Reason.NOT_YOURS, purpose)
    if caller.is_staff:
        return Decision(True, Reason.OFFICIAL_DUTY, purpose)
    if not caller.is_lender:
        return Decision(False, Reason.NOT_YOURS, purpose)
    return _by_consent(caller, firm, purpose, grants, now, max_age)


#: From the nearest miss to the farthest.
_NEAREST = (
    Reason.REVOKED,
    Reason.TOO_OLD,
    Reason.EXPIRED,
    Reason.NOT_YET,
    Reason.OTHER_PURPOSE,
    Reason.NO_CONSENT,
)


def _by_consent(
    caller: Caller, firm: str, purpose: Purpose, grants: Iterable[Grant], now: datetime, max_age: timedelta | None
) -> Decision:
    found = Reason.NO_CONSENT
    good: list[Grant] = []
    for grant in grants:
        if grant.firm != firm or grant.lender != caller.tenant:
            continue
        state = standing(grant, purpose, now, max_age)
        if state is Reason.CONSENT:
            good.append(grant)
        else:
            found = min(found, state, key=_NEAREST.index)
    if not good:
        return Decision(False, found, purpose)
    # Of several in force the newest speaks: it is the firm's latest word on what may be read.
    return Decision(True, Reason.CONSENT, purpose, max(good, key=lambda grant: (grant.given_at, grant.id)))


def standing(grant: Grant, purpose: Purpose, now: datetime, max_age: timedelta | None = None) -> Reason:
    """``CONSENT`` when the grant covers ``purpose`` at ``now``; otherwise what is wrong with it."""
    today = day_of(now)
    if grant.purpose is not purpose:
        return Reason.OTHER_PURPOSE
    if grant.revoked_at is not None and grant.revoked_at <= now:
        return Reason.REVOKED
    if today > grant.valid_until:
        return Reason.EXPIRED
    if today < grant.valid_from:
        return Reason.NOT_YET
    if max_age is not None and now - grant.given_at > max_age:
        return Reason.TOO_OLD
    return Reason.CONSENT
