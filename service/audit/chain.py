"""The arithmetic of the audit chain. Pure: what an entry's hash is over, and where a chain first breaks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from service.web.encode import canonical

#: What the first entry follows.
GENESIS = "0" * 64


@dataclass(frozen=True)
class Event:
    """What is to be told. The fields are those of ``models.tables.AuditEntry`` without its place in the chain."""

    at: datetime
    actor: str
    role: str
    action: str
    result: str
    person: str = ""
    tenant: str = ""
    firm: str = ""
    object_id: str = ""
    purpose: str = ""
    consent_id: str = ""
    reason: str = ""
    detail: str = "{}"
    request_id: str = ""


EVENT_FIELDS = tuple(field.name for field in fields(Event))


@dataclass(frozen=True)
class Link:
    """An event at its place, as the journal holds it."""

    seq: int
    previous_hash: str
    entry_hash: str
    event: Event


@dataclass(frozen=True)
class Break:
    """The first place where a chain is not what was written: the entry's number and what is wrong with it."""

    seq: int
    fault: str


def entry_hash(seq: int, previous_hash: str, event: Event) -> str:
    """SHA-256 in hex over the previous hash and the canonical JSON of the numbered event."""
    told = {name: getattr(event, name) for name in EVENT_FIELDS}
    content = {**told, "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"), "seq": seq}
    return hashlib.sha256(previous_hash.encode() + canonical(content)).hexdigest()


def first_break(links: Iterable[Link], start: tuple[int, str] = (0, GENESIS)) -> tuple[int, str] | Break:
    """Walk ``links`` in order after ``start`` (number and hash); the end of the chain, or its first break.

    A changed field shows as a hash that does not fit, a removed or inserted row as a gap, a swap as either.
    """
    seq, previous = start
    for link in links:
        if link.seq != seq + 1:
            return Break(seq + 1, f"missing: the next entry is number {link.seq}")
        if link.previous_hash != previous:
            return Break(link.seq, "does not follow the entry before it")
        if link.entry_hash != entry_hash(link.seq, previous, link.event):
            return Break(link.seq, "its content is not what was hashed")
        seq, previous = link.seq, link.entry_hash
    return seq, previous
