"""Notices of corrections: every lender that read the firm since is told, in the transaction of the correction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.tables import AuditEntry, Consent, CorrectionNotice
from service.access.auth import Action, Role
from service.books.seedbook import catalogue
from service.integration.changes import Kind, publish

_READINGS = (Action.READ_FIRM.value, Action.READ_OPTIONS.value)
_LENDERS = (Role.BANK.value, Role.GUARANTOR.value)


@dataclass(frozen=True)
class Correction:
    """What was put right. ``kind``: ``correction``, ``repair`` or ``lift``; ``item`` is empty for a whole record.

    ``since``: when what was wrong first arrived; ``None`` where that cannot be told: all readings count.
    """

    firm: str
    kind: str
    cause_id: str
    feed: str
    item: str = ""
    since: datetime | None = None


def make_notices(session: Session, correction: Correction, now: datetime) -> list[str]:
    """Add a notice for each lender that the journal shows to have read the firm; the lenders' ids."""
    query = (
        select(AuditEntry.tenant, AuditEntry.consent_id, func.max(AuditEntry.at))
        .where(
            AuditEntry.firm == correction.firm,
            AuditEntry.result == "allowed",
            AuditEntry.role.in_(_LENDERS),
            AuditEntry.action.in_(_READINGS),
        )
        .group_by(AuditEntry.tenant, AuditEntry.consent_id)
    )
    if correction.since is not None:
        query = query.where(AuditEntry.at >= correction.since)
    readings: dict[str, list[tuple[str, datetime]]] = {}
    for tenant, consent_id, at in session.execute(query):
        readings.setdefault(tenant, []).append((consent_id, at))
    for lender, each in sorted(readings.items()):
        covered = _covers(session, (consent_id for consent_id, _ in each), correction)
        notice = CorrectionNotice(
            id=f"n_{uuid.uuid4().hex}",
            lender=lender,
            firm=correction.firm,
            kind=correction.kind,
            cause_id=correction.cause_id,
            item=correction.item if covered else "",
            feed=correction.feed if covered else "",
            last_read_at=max(at for _, at in each),
            made_at=now,
            received_by="",
        )
        session.add(notice)
        publish(session, lender, Kind.NOTICE_MADE, notice.id, now)
    return sorted(readings)


def _covers(session: Session, consent_ids: Iterable[str], correction: Correction) -> bool:
    """Whether one of the consents a lender read under opened what was corrected."""
    read = select(Consent.dimensions).where(Consent.id.in_(list(consent_ids)))
    opened = {dimension for dimensions in session.scalars(read) for dimension in dimensions}
    items = catalogue()
    concerned = [items.items[correction.item]] if correction.item else items.of_feed(correction.feed)
    return any(each.dimension in opened for each in concerned)
