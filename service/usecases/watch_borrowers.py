"""After a build: tell each lender what is new of the borrowers it watches with their consent, each event once."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from matching.post_loan import Found
from models.errors import NotFound
from models.tables import AuditHead, BorrowerAlert, Consent, Snapshot, WatchedBorrower
from service.access.auth import Caller, Role
from service.access.disclosure import Shown, Viewer
from service.access.policy import Grant, Purpose, decide
from service.access.reading import consents_of
from service.audit.chain import Event
from service.audit.journal import record
from service.books.rulebook import borrower_watch
from service.books.seedbook import catalogue
from service.integration.changes import Kind, publish
from service.snapshot.shelf import Shelf
from service.snapshot.snapshots import OpenSnapshot
from service.watching.borrowers import found_between

#: Who tells, in the journal.
WATCH = "borrower-watch"
#: Firms whose records are read, and whose alerts are written, at once.
_AT_ONCE = 200


@dataclass(frozen=True)
class Told:
    """What one run came to: borrowers looked at, and alerts made."""

    watched: int
    alerts: int


@dataclass(frozen=True)
class _Pair:
    lender: str
    firm: str
    before: str


def watch_borrowers(shelf: Shelf, now: datetime) -> Told:
    """Compare the newest snapshot with what each lender's watch saw last, and make the alerts of what is new.

    A watch begins with the consent: its first comparison is with the newest snapshot built before the firm gave it, so
    nothing from before is told as news. Run after every build and by command; run twice it tells nothing twice. An
    event outside what the consent covers is not told. The consent is looked at again in the transaction that tells.
    """
    newest = shelf.newest()
    if newest is None:
        return Told(0, 0)
    snapshot, alerts = shelf.by_id(newest.id), 0
    with shelf.office.read() as session:
        pairs = [pair for pair in _pairs(session, now, snapshot.id) if pair is not None]
    ordered = sorted(pairs, key=lambda pair: (pair.before, pair.lender, pair.firm))
    for before_id, group in groupby(ordered, key=lambda pair: pair.before):
        alike = list(group)
        for start in range(0, len(alike), _AT_ONCE):
            some = alike[start : start + _AT_ONCE]
            found = _found(shelf, before_id, snapshot, some)
            with shelf.office.write() as session:
                # Runs queue here, so that of two that found the same event the second sees what the first told.
                session.get(AuditHead, 1, with_for_update=True, populate_existing=True)
                alerts += sum(_tell(session, pair, found.get(pair.firm, ()), snapshot, now) for pair in some)
    return Told(len(pairs), alerts)


def standing_grant(session: Session, lender: str, firm: str, now: datetime) -> Grant | None:
    """The firm's consent to be watched by this lender, if one is in force at ``now``."""
    caller = Caller(WATCH, Role.BANK, lender)
    grants, max_age = consents_of(session, caller, firm)
    return decide(caller, firm, Purpose.POST_LOAN, grants, now, max_age).grant


def covers(grant: Grant, item: str) -> bool:
    """Whether the consent opens the item an alert rests on."""
    return Viewer(Role.BANK, grant.scope).shown(catalogue().items[item]) is Shown.FULL


def _pairs(session: Session, now: datetime, newest: str) -> list[_Pair | None]:
    query = select(Consent.lender, Consent.firm).where(
        Consent.purpose == Purpose.POST_LOAN.value, Consent.revoked_at.is_(None)
    )
    return [_pair(session, lender, firm, now, newest) for lender, firm in session.execute(query.distinct())]


def _pair(session: Session, lender: str, firm: str, now: datetime, newest: str) -> _Pair | None:
    """A borrower with the snapshot to compare with; ``None`` where no consent stands now."""
    grant = standing_grant(session, lender, firm, now)
    if grant is None:
        return None
    row = session.get(WatchedBorrower, (lender, firm))
    if row is not None and row.consent_id == grant.id:
        return _Pair(lender, firm, row.seen_snapshot)
    query = select(Snapshot.id).where(Snapshot.built_at <= grant.given_at)
    begun = session.scalar(query.order_by(Snapshot.as_of.desc(), Snapshot.seq.desc()).limit(1))
    return _Pair(lender, firm, begun or newest)


def _found(shelf: Shelf, before_id: str, now: OpenSnapshot, pairs: Sequence[_Pair]) -> Mapping[str, list[Found]]:
    if before_id == now.id:
        return {}
    try:
        before = shelf.by_id(before_id)
    except (NotFound, OSError):
        # The snapshot is gone: everything would be new, which tells nothing. The watch goes on from here.
        return {}
    return found_between(shelf.office, before, now, sorted({pair.firm for pair in pairs}))


def _tell(session: Session, pair: _Pair, found: Sequence[Found], snapshot: OpenSnapshot, now: datetime) -> int:
    """Make the alerts that are new and covered, and move the watch on; how many alerts."""
    grant = standing_grant(session, pair.lender, pair.firm, now)
    if grant is None:
        return 0
    row = session.get(WatchedBorrower, (pair.lender, pair.firm), with_for_update=True)
    if row is None or row.consent_id != grant.id:
        seen = {"consent_id": grant.id, "watched_since": now, "seen_snapshot": snapshot.id}
        session.merge(WatchedBorrower(lender=pair.lender, firm=pair.firm, **seen))
        record(session, _event("watch_borrower", pair, grant, now))
    elif row.seen_snapshot not in (pair.before, snapshot.id):
        return 0
    else:
        row.seen_snapshot = snapshot.id
    mine = select(BorrowerAlert.event_key).where(BorrowerAlert.lender == pair.lender, BorrowerAlert.firm == pair.firm)
    known, made = set(session.scalars(mine)), 0
    for each in found:
        key = sha256(f"{each.rule}\n{each.event}".encode()).hexdigest()
        if key not in known and covers(grant, borrower_watch().rules[each.rule].item):
            alert = _alert(pair, each, key, grant, snapshot, now)
            session.add(alert)
            record(session, _event("tell_borrower_alert", pair, grant, now, alert.id, each.rule))
            publish(session, pair.lender, Kind.BORROWER_ALERT, alert.id, now)
            known.add(key)
            made += 1
    return made


def _alert(pair: _Pair, found: Found, key: str, grant: Grant, snapshot: OpenSnapshot, now: datetime) -> BorrowerAlert:
    item = catalogue().items[borrower_watch().rules[found.rule].item]
    blank: dict[str, Any] = {"acknowledged_by": "", "closed_by": "", "outcome": "", "note": ""}
    return BorrowerAlert(
        id=f"ba_{uuid.uuid4().hex}",
        lender=pair.lender,
        firm=pair.firm,
        event_key=key,
        rule=found.rule,
        severity=found.severity.value,
        item=item.id,
        feed=item.feed,
        record_id=found.record_id,
        observed_on=found.observed_on,
        said=dict(found.said),
        since_snapshot=pair.before,
        snapshot_id=snapshot.id,
        consent_id=grant.id,
        made_at=now,
        **blank,
    )


def _event(action: str, pair: _Pair, grant: Grant, now: datetime, alert: str = "", rule: str = "") -> Event:
    """What the firm sees in its access log: that it is watched by whom, or which alert was told to whom."""
    return Event(
        at=now,
        actor=WATCH,
        role=Role.OFFICE.value,
        tenant=pair.lender,
        action=action,
        firm=pair.firm,
        object_id=alert,
        purpose=Purpose.POST_LOAN.value,
        consent_id=grant.id,
        result="done",
        reason=rule,
    )
