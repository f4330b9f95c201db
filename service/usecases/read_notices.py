"""Notices of corrections: a lender lists its own and says that it received them; staff see who has not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from models.errors import NotFound
from models.tables import CorrectionNotice
from service.access.auth import Action, Caller
from service.audit.journal import record
from service.books.seedbook import catalogue, feeds
from service.cases.parties import actor_of, case_event
from service.office import Office

_KINDS = {
    "correction": ("异议成立，信息已更正", "An objection was upheld and the information corrected"),
    "repair": ("信用修复，停止公示和使用", "Repaired: no longer shown nor used"),
    "lift": ("重整期间暂时屏蔽", "Taken out of sight during a restructuring"),
}


def list_notices(office: Office, caller: Caller, open_only: bool) -> list[dict[str, Any]]:
    """The notices of the caller's house (staff: of every house), newest first; those not received yet where asked."""
    query = select(CorrectionNotice).order_by(CorrectionNotice.made_at.desc(), CorrectionNotice.id)
    if caller.is_lender:
        query = query.where(CorrectionNotice.lender == caller.tenant)
    if open_only:
        query = query.where(CorrectionNotice.received_at.is_(None))
    with office.read() as session:
        return [notice_answer(row) for row in session.scalars(query)]


def receive_notice(office: Office, caller: Caller, notice_id: str, now: datetime, request_id: str) -> dict[str, Any]:
    """Say that the caller's house received a notice; saying it twice changes nothing."""
    with office.write() as session:
        query = select(CorrectionNotice).where(
            CorrectionNotice.id == notice_id, CorrectionNotice.lender == caller.tenant
        )
        row = session.scalars(query.with_for_update()).one_or_none()
        if row is None:
            raise NotFound("notice_id", notice_id, "There is no such notice for you.", "List yours: GET /v1/notices.")
        if row.received_at is None:
            row.received_at, row.received_by = now, actor_of(caller)
            detail = {"cause_id": row.cause_id}
            record(session, case_event(caller, Action.RECEIVE_NOTICE, row.firm, row.id, now, request_id, detail))
        return notice_answer(row)


def notice_answer(row: CorrectionNotice) -> dict[str, Any]:
    """A notice: what kind of correction, of what (null where the consent did not cover it), and what to do."""
    item, feed = catalogue().items.get(row.item), feeds().get(row.feed)
    zh, en = _KINDS[row.kind]
    about = item or feed
    return {
        "id": row.id,
        "lender": row.lender,
        "uscc": row.firm,
        "kind": row.kind,
        "zh": f"{zh}。请重新查询后再作判断。",
        "en": f"{en}. Read the firm again before you decide.",
        "item": row.item or None,
        "feed": row.feed or None,
        "about": {"zh": about.zh, "en": about.en} if about else None,
        "last_read_at": row.last_read_at,
        "made_at": row.made_at,
        "received_at": row.received_at,
    }
