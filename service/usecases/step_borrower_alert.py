"""Alerts about borrowers: listed for the lender they were told to, acknowledged, closed; counted for the office."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import NotFound, RefusedInput
from models.tables import BorrowerAlert, WatchedBorrower
from service.access.auth import Action, Caller
from service.access.policy import Grant, Purpose
from service.audit.chain import Event
from service.audit.journal import record
from service.books.rulebook import agencies, borrower_watch
from service.books.seedbook import catalogue
from service.cases.parties import actor_of, case_event
from service.office import Office
from service.usecases.watch_borrowers import covers, standing_grant

STATES = ("new", "acknowledged", "closed")
_MOST_NOTE = 500


def list_alerts(
    office: Office, caller: Caller, purpose: Purpose, state: str, after: str, limit: int, now: datetime, request_id: str
) -> tuple[list[dict[str, Any]], str | None]:
    """Alerts of the caller's house, newest first, after the one with the id ``after``, and the id to go on from.

    Only of firms whose consent stands at this moment and covers what the alert rests on: after a revocation the list is
    without them at once. Each firm listed finds the reading in its access log. ``RefusedInput`` for another purpose
    than post_loan (403), a state or a place in the list that is none.
    """
    if purpose is not Purpose.POST_LOAN:
        raise RefusedInput(
            "purpose_not_yours", "X-Purpose", purpose.value, "Borrowers are watched for one purpose.",
            "Send X-Purpose: post_loan.", status=403,
        )  # fmt: skip
    if state and state not in STATES:
        raise RefusedInput(
            "unknown_state", "state", state, "An alert has no such state.", f"One of {', '.join(STATES)}."
        )
    query = select(BorrowerAlert).where(BorrowerAlert.lender == caller.tenant)
    with office.write() as session:
        rows = session.scalars(query.order_by(BorrowerAlert.made_at.desc(), BorrowerAlert.id)).all()
        start = 0 if not after else next((place for place, row in enumerate(rows, 1) if row.id == after), None)
        if start is None:
            raise RefusedInput("bad_cursor", "cursor", after, "It names no alert of this list.", "Ask from the start.")
        grants: dict[str, Grant | None] = {}
        page: list[BorrowerAlert] = []
        for row in rows[start:]:
            if len(page) > limit:
                break
            if row.firm not in grants:
                grants[row.firm] = standing_grant(session, caller.tenant, row.firm, now)
            grant = grants[row.firm]
            if grant is not None and covers(grant, row.item) and state in ("", _state(row)):
                page.append(row)
        listed = page[:limit]
        read = {row.firm: grants[row.firm] for row in listed}
        for firm, grant in read.items():
            record(session, _event(caller, Action.READ_BORROWER_ALERTS, firm, "", grant, "allowed", now, request_id))
        return [alert_answer(row) for row in listed], listed[-1].id if len(page) > limit else None


def acknowledge_alert(office: Office, caller: Caller, alert_id: str, now: datetime, request_id: str) -> dict[str, Any]:
    """Say that the caller's house saw the alert; saying it twice changes nothing."""
    with office.write() as session:
        row, grant = _mine(session, caller, alert_id, now)
        if row.acknowledged_at is None:
            row.acknowledged_at, row.acknowledged_by = now, actor_of(caller)
            record(session, _stepped(caller, row, grant, "acknowledged", now, request_id))
        return alert_answer(row)


def close_alert(
    office: Office, caller: Caller, alert_id: str, outcome: str, note: str, now: datetime, request_id: str
) -> dict[str, Any]:
    """Say what came of the alert; closing acknowledges it. The same outcome again changes nothing, another is refused
    (409). ``RefusedInput`` for an outcome the watch does not have or a note that is too long.
    """
    outcomes = borrower_watch().outcomes
    if outcome not in outcomes:
        fix = f"One of {', '.join(outcomes)}."
        raise RefusedInput("unknown_outcome", "outcome", outcome, "An alert is not closed like this.", fix)
    if len(note) > _MOST_NOTE:
        raise RefusedInput(
            "long_note", "note", len(note), f"A note has at most {_MOST_NOTE} characters.", "Shorten it."
        )
    with office.write() as session:
        row, grant = _mine(session, caller, alert_id, now)
        if row.closed_at is not None and row.outcome != outcome:
            raise RefusedInput(
                "alert_closed", "outcome", outcome, f"The alert was closed as {row.outcome}.",
                "An outcome is said once.", status=409,
            )  # fmt: skip
        if row.closed_at is None:
            row.closed_at, row.closed_by, row.outcome, row.note = now, actor_of(caller), outcome, note
            if row.acknowledged_at is None:
                row.acknowledged_at, row.acknowledged_by = now, row.closed_by
            record(session, _stepped(caller, row, grant, outcome, now, request_id))
        return alert_answer(row)


def borrowers_overview(office: Office, now: datetime) -> dict[str, Any]:
    """For the office: by lender the borrowers watched and what became of the alerts, by rule how many were told.

    ``late``: alerts that are not acknowledged after the days the watch gives. No firm is named.
    """
    book = borrower_watch()
    due = now - timedelta(days=book.acknowledge_within_days)
    with office.read() as session:
        pairs = session.execute(select(WatchedBorrower.lender, WatchedBorrower.firm)).all()
        watched = Counter(lender for lender, firm in pairs if standing_grant(session, lender, firm, now))
        rows = session.scalars(select(BorrowerAlert)).all()
        lenders = sorted({*watched, *(row.lender for row in rows)})
        return {
            "acknowledge_within_days": book.acknowledge_within_days,
            "lenders": [
                _of_lender(each, watched[each], [row for row in rows if row.lender == each], due) for each in lenders
            ],
            "alerts": [
                {"id": rule.id, "zh": rule.name.zh, "en": rule.name.en, "told": told}
                for rule in book.rules.values()
                if (told := sum(row.rule == rule.id for row in rows))
            ],
        }


def alert_answer(row: BorrowerAlert) -> dict[str, Any]:
    """An alert as its lender sees it. ``zh`` and ``en`` are ``null`` for a rule that has been taken out since."""
    rule, item = borrower_watch().rules.get(row.rule), catalogue().items.get(row.item)
    agency: Mapping[str, str] = agencies().get(item.agency, {}) if item else {}
    return {
        "id": row.id,
        "uscc": row.firm,
        "alert": row.rule,
        "severity": row.severity,
        "zh": rule.name.zh if rule else None,
        "en": rule.name.en if rule else None,
        "observed_on": row.observed_on,
        "source": {
            "item": row.item,
            "feed": row.feed,
            "record_id": row.record_id or None,
            "agency": item.agency if item else None,
            "zh": agency.get("zh"),
            "en": agency.get("en"),
        },
        "said": row.said,
        "snapshot_id": row.snapshot_id,
        "since_snapshot": row.since_snapshot,
        "made_at": row.made_at,
        "state": _state(row),
        "acknowledged_at": row.acknowledged_at,
        "closed_at": row.closed_at,
        "outcome": row.outcome or None,
        "note": row.note,
    }


def _of_lender(lender: str, watched: int, rows: list[BorrowerAlert], due: datetime) -> dict[str, Any]:
    waiting = [row for row in rows if row.acknowledged_at is None]
    return {
        "lender": lender,
        "watched": watched,
        "told": len(rows),
        "severity": dict(sorted(Counter(row.severity for row in rows).items())),
        "waiting": len(waiting),
        "late": sum(row.made_at < due for row in waiting),
        "outcomes": dict(sorted(Counter(row.outcome for row in rows if row.outcome).items())),
    }


def _state(row: BorrowerAlert) -> str:
    return "closed" if row.closed_at else "acknowledged" if row.acknowledged_at else "new"


def _mine(session: Session, caller: Caller, alert_id: str, now: datetime) -> tuple[BorrowerAlert, Grant]:
    """The alert, held for a change, and the consent it is told under; ``NotFound`` also when that no longer stands."""
    query = select(BorrowerAlert).where(BorrowerAlert.id == alert_id, BorrowerAlert.lender == caller.tenant)
    row = session.scalars(query.with_for_update()).one_or_none()
    grant = standing_grant(session, caller.tenant, row.firm, now) if row else None
    if row is None or grant is None or not covers(grant, row.item):
        fix = "List yours: GET /v1/borrowers/alerts."
        raise NotFound("alert_id", alert_id, "There is no such alert for you.", fix, "unknown_alert")
    return row, grant


def _stepped(caller: Caller, row: BorrowerAlert, grant: Grant, step: str, now: datetime, request_id: str) -> Event:
    return _event(caller, Action.STEP_BORROWER_ALERT, row.firm, row.id, grant, "done", now, request_id, step)


def _event(
    caller: Caller,
    action: Action,
    firm: str,
    alert: str,
    grant: Grant | None,
    result: str,
    now: datetime,
    request_id: str,
    reason: str = "",
) -> Event:
    return case_event(
        caller,
        action,
        firm,
        alert,
        now,
        request_id,
        result=result,
        reason=reason,
        purpose=Purpose.POST_LOAN,
        consent_id=grant.id if grant else "",
    )
