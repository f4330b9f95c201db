"""Writes the audit journal, in the transaction of the effect, and reads it back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from models.tables import AuditEntry, AuditHead
from service.audit.chain import EVENT_FIELDS, GENESIS, Break, Event, Link, entry_hash, first_break
from service.office import Office

_HEAD = select(AuditHead.seq, AuditHead.entry_hash).where(AuditHead.id == 1).with_for_update()
_APPEND = insert(AuditEntry)
_MOVE = (
    update(AuditHead.__table__)  # type: ignore[arg-type]
    .where(AuditHead.id == 1)
    .values(seq=bindparam("new_seq"), entry_hash=bindparam("new_hash"))
)
#: Rows held in memory while a chain is walked.
_PAGE = 2_000


Found = TypeVar("Found", covariant=True)


@dataclass(frozen=True)
class Entry(Generic[Found]):
    """What a piece of work in a shared transaction found, and what the journal is to tell of it, if anything."""

    found: Found
    event: Event | None


@dataclass(frozen=True)
class Verified:
    """What walking the whole journal found: its length and end, and the first break if there is one."""

    entries: int
    head_hash: str
    broken: Break | None


def record(session: Session, *events: Event) -> None:
    """Add events to the journal within ``session``'s transaction, in order.

    The one head row is locked first (SQLite has one writer anyway), so concurrent writers queue and the chain never
    forks. If the transaction is rolled back, the entries go with the effect they tell of.
    """
    # Statements of its own instead of objects of the session: every reading of a firm comes through here.
    connection = session.connection()
    head = connection.execute(_HEAD).one_or_none()
    if head is None:
        raise RuntimeError("the audit journal has no head row; run the migrations")
    seq, last, rows = head.seq, head.entry_hash, []
    for event in events:
        seq, previous = seq + 1, last
        last = entry_hash(seq, previous, event)
        told = {name: getattr(event, name) for name in EVENT_FIELDS}
        rows.append({**told, "seq": seq, "previous_hash": previous, "entry_hash": last})
    if rows:
        connection.execute(_APPEND, rows)
        connection.execute(_MOVE, {"new_seq": seq, "new_hash": last})


def enter(session: Session, entries: Sequence[Entry[Any]]) -> None:
    """The ending of a shared transaction: what all that was done in it is to tell, written at once."""
    events = [entry.event for entry in entries if entry.event is not None]
    if events:
        record(session, *events)


def verify(office: Office, anchors: Sequence[tuple[int, str]] = ()) -> Verified:
    """Walk the journal from its first entry to its head, and hold it against ``anchors`` (number and hash).

    An anchor beyond the end, or whose hash differs, shows that the tail was cut off and perhaps written anew, which the
    chain alone cannot show.
    """
    with office.read() as session:
        head = session.get(AuditHead, 1)
        if head is None:
            return Verified(0, GENESIS, Break(0, "the head row is missing"))
        kept = dict(anchors)
        broken: Break | None = None

        def watched() -> Iterator[Link]:
            nonlocal broken
            for link in links(session):
                expected = kept.pop(link.seq, link.entry_hash)
                if expected != link.entry_hash and broken is None:
                    broken = Break(link.seq, "differs from the anchored head")
                yield link

        end = first_break(watched())
        if isinstance(end, Break):
            return Verified(end.seq - 1, head.entry_hash, min(end, broken or end, key=lambda each: each.seq))
        seq, last = end
        if broken is None and (seq, last) != (head.seq, head.entry_hash):
            broken = Break(seq + 1, f"missing: the journal was {head.seq} entries long")
        beyond = sorted(number for number in kept if number > seq)
        if broken is None and beyond:
            broken = Break(seq + 1, f"missing: an anchor holds entry {beyond[0]}")
        return Verified(seq, last, broken)


def links(session: Session, after: int = 0) -> Iterator[Link]:
    """The journal in order from entry ``after + 1``, a page at a time."""
    while True:
        query = select(AuditEntry).where(AuditEntry.seq > after).order_by(AuditEntry.seq).limit(_PAGE)
        page = session.scalars(query).all()
        for row in page:
            yield Link(row.seq, row.previous_hash, row.entry_hash, event_of(row))
        if len(page) < _PAGE:
            return
        after = page[-1].seq
        session.expunge_all()


def event_of(row: AuditEntry) -> Event:
    """The event a row tells."""
    return Event(**{name: getattr(row, name) for name in EVENT_FIELDS})
