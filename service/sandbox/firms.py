"""What the magic firms have said, by the use cases any firm uses: consents, whom they answer, an objection.

Run again it says again only what has run out.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from service.access.auth import Caller, Role
from service.access.consent_texts import words_for
from service.access.policy import Purpose
from service.books.seedbook import catalogue
from service.clock import day_of
from service.office import Office
from service.sandbox.book import NONE, REVOKED, WHOLE, MagicFirm, SandboxBook
from service.snapshot.snapshots import OpenSnapshot
from service.usecases.consent import Wanted, consent_text, give_consent, list_consents, revoke_consent
from service.usecases.objection import Filing, file_objection, list_objections

ACTOR = "sandbox"
#: Consents are given anew when they have less left than this.
_LEAST_LEFT = timedelta(days=30)


def firm_caller(firm: MagicFirm) -> Caller:
    """The sandbox, speaking for the firm."""
    return Caller(ACTOR, Role.FIRM, firm.uscc)


def speak(office: Office, snapshot: OpenSnapshot, book: SandboxBook, lender: str, now: datetime) -> None:
    """Let every magic firm say to ``lender`` what it always says."""
    for firm in book.firms.values():
        consent(office, firm, lender, now)
        if firm.contested and not list_objections(office, firm_caller(firm), now):
            filing = Filing(firm.contested, "", "outdated", "An objection of the sandbox.")
            file_objection(office, snapshot, firm_caller(firm), filing, now, "")


def consent(office: Office, firm: MagicFirm, lender: str, now: datetime) -> None:
    """Give the firm's consent to ``lender`` unless one lasts long enough; revoke it where the firm does that."""
    caller, today = firm_caller(firm), day_of(now)
    if firm.consent == NONE:
        return
    given = list_consents(office, caller, now)
    if any(firm.consent == REVOKED or each["valid_until"] >= today + _LEAST_LEFT for each in given):
        return
    every = tuple(each.id for each in catalogue().dimensions)
    partly = firm.consent not in (WHOLE, REVOKED)
    until = today + timedelta(days=words_for(Purpose.PRE_LOAN, today).max_days - 1)
    dimensions = (firm.consent,) if partly else every
    wanted = Wanted(lender, Purpose.PRE_LOAN, dimensions, not partly, today, until)
    agreed = str(consent_text(wanted, today)["text_sha256"])
    wanted = Wanted(lender, Purpose.PRE_LOAN, dimensions, not partly, today, until, agreed)
    made = give_consent(office, caller, wanted, now, "")
    if firm.consent == REVOKED:
        revoke_consent(office, caller, made["id"], now, "")
