"""What each retention rule finds that has had its time, and how it is removed: one function a rule, counts out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from models.tables import (
    Batch,
    Change,
    ChangeHead,
    Consent,
    ConsentText,
    FactSet,
    Job,
    KeptAnswer,
    PersonConsent,
    Receipt,
    SignIn,
    Snapshot,
    Token,
    UsedAssertion,
    WebhookDelivery,
    WebhookEndpoint,
)
from service.access.person_words import PURPOSE
from service.books.seedbook import feeds
from service.clock import day_of
from service.jobs.periodic import CLOCK
from service.office import Office
from service.personal.records import outlived, remove_records, sole_proprietors
from service.records import lake
from service.records.quarantine import HEADER
from service.usecases.sign_in import IDLE, LONGEST

#: ``(session, over, dry)`` to a number of rows; ``over`` is the moment before which things have had their time.
InDatabase = Callable[[Session, datetime, bool], int]


def _rows(table: Any, *where: Any) -> InDatabase:
    """A rule that deletes rows."""

    def sweep(session: Session, over: datetime, dry: bool) -> int:
        conditions = [condition(over) if callable(condition) else condition for condition in where]
        if dry:
            return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0
        return int(session.execute(delete(table).where(*conditions)).rowcount)

    return sweep


def _consents(session: Session, over: datetime, dry: bool) -> int:
    """That a consent was given and when it ended stays; what it was over and who gave it goes."""
    ended = or_(Consent.revoked_at <= over, Consent.valid_until < day_of(over))
    where = (ended, Consent.given_by != "")
    if dry:
        return session.scalar(select(func.count()).select_from(Consent).where(*where)) or 0
    blank = update(Consent).where(*where).values(dimensions=[], given_by="", revoked_by="")
    return int(session.execute(blank).rowcount)


def _person_consents(session: Session, over: datetime, dry: bool) -> int:
    """Withdrawn consents of persons go whole, with the words that named them."""
    gone = _rows(PersonConsent, lambda at: PersonConsent.withdrawn_at <= at)(session, over, dry)
    if gone and not dry:
        # The words name one person and one firm; those that no consent names any more are about nobody.
        named = select(PersonConsent.text_sha256).union(select(Consent.text_sha256))
        unnamed = (ConsentText.purpose == PURPOSE, ConsentText.sha256.not_in(named))
        session.execute(delete(ConsentText).where(*unnamed))
    return gone


def _changes(session: Session, over: datetime, dry: bool) -> int:
    """The beginning of each tenant's feed, up to the first change that is kept, with its deliveries.

    By number, not by time: clocks of two machines differ, and what is left of a feed has no gap.
    """
    later = aliased(Change)
    first_kept = select(func.min(later.number)).where(later.tenant == Change.tenant, later.at > over)
    newest = select(ChangeHead.number + 1).where(ChangeHead.tenant == Change.tenant)
    where = Change.number < func.coalesce(first_kept.scalar_subquery(), newest.scalar_subquery())
    gone = session.execute(select(Change.tenant, func.max(Change.number)).where(where).group_by(Change.tenant)).all()
    removed = _rows(Change, where)(session, over, dry)
    for tenant, number in () if dry else gone:
        of_tenant = select(WebhookEndpoint.id).where(WebhookEndpoint.tenant == tenant)
        told = (WebhookDelivery.endpoint_id.in_(of_tenant), WebhookDelivery.number <= number)
        session.execute(delete(WebhookDelivery).where(*told))
    return removed


IN_DATABASE: dict[str, InDatabase] = {
    "tokens": _rows(Token, lambda over: Token.expires_at <= over),
    "sessions": _rows(SignIn, lambda over: or_(SignIn.seen_at <= over - IDLE, SignIn.began_at <= over - LONGEST)),
    "assertions": _rows(UsedAssertion, lambda over: UsedAssertion.expires_at <= over),
    "kept_answers": _rows(KeptAnswer, lambda over: KeptAnswer.expires_at <= over),
    "receipt_facts": _rows(
        FactSet,
        lambda over: FactSet.sha256.not_in(select(Receipt.facts_sha256).where(Receipt.answered_at > over)),
    ),
    "consent_details": _consents,
    "person_consents": _person_consents,
    "changes": _changes,
    "rounds": _rows(Job, Job.asked_by == CLOCK, lambda over: Job.ended_at <= over),
}


def empty_quarantine(office: Office, over: datetime, dry: bool) -> int:
    """Files of rejected rows, emptied to their header: what came of the delivery stays in its row. How many."""
    with office.read() as session:
        ids = session.scalars(select(Batch.id).where(Batch.rows_rejected > 0, Batch.received_at <= over)).all()
    emptied = 0
    for batch_id in ids:
        path, header = lake.rejects_path(office.lake, batch_id), (",".join(HEADER) + "\r\n").encode()
        if not path.exists() or path.stat().st_size <= len(header):
            continue
        emptied += 1
        if not dry:
            with lake.draft(path) as draft:
                draft.file.write(header)
                draft.finish()
                draft.publish()
    return emptied


def remove_outlived(office: Office, over: datetime, dry: bool, now: datetime) -> int:
    """Adverse records of sole proprietors. No build may run meanwhile. How many, every revision counted."""
    found = outlived(office, sole_proprietors(office), day_of(over))
    if not dry:
        for feed, ids in found.items():
            remove_records(office, feeds()[feed], ids, "personal_records", now)
    return sum(map(len, found.values()))


def remove_rebuilt(office: Office, over: datetime, dry: bool) -> int:
    """Snapshots between the first and the newest of their day, once the newest is old enough; and folders that no
    build named. No build may run meanwhile. How many.

    The first stays since the one of a quarter's end is that quarter's frozen result.
    """
    with office.read() as session:
        rows = session.execute(select(Snapshot.id, Snapshot.as_of, Snapshot.built_at).order_by(Snapshot.seq)).all()
    by_day: dict[Any, list[tuple[str, datetime]]] = {}
    for snapshot_id, as_of, built_at in rows:
        by_day.setdefault(as_of, []).append((snapshot_id, built_at))
    old = [name for built in by_day.values() if built[-1][1] <= over for name, _ in built[1:-1]]
    known = {row.id for row in rows} - set(old)
    if not dry:
        with office.write() as session:
            session.execute(delete(Snapshot).where(Snapshot.id.in_(old)))
        for folder in office.snapshots.iterdir():
            if folder.is_dir() and folder.name not in known:
                shutil.rmtree(folder)
    return len(old)
