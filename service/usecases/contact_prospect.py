"""From an anonymous card to a firm that opened itself: the contact is counted, then name and public items are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.tables import Contact
from service.access.auth import Action
from service.access.disclosure import Consent, Viewer, is_public
from service.access.opaque import opened_prospect
from service.access.policy import Purpose
from service.access.reading import stated_purpose
from service.audit.chain import Event
from service.audit.journal import record
from service.books.seedbook import catalogue
from service.cases.marks import Mark, marks_of
from service.clock import day_of
from service.market.contacts import held_contact
from service.market.seeker import Seeker
from service.usecases.contact import contact_firm, not_open
from service.usecases.firm_report import firm_profile


def contact_prospect(seeker: Seeker, prospect: str) -> dict[str, Any]:
    """Contact the firm behind a card, against its caps, and read who it is. Again while it holds changes nothing.

    404 for an id of another lender, a firm that is not open to the caller's house, and one that is not there.
    """
    purpose, uscc = stated_purpose(seeker.caller, seeker.purpose), _firm_of(seeker, prospect)
    with seeker.office.write() as session:
        contact = contact_firm(session, seeker.caller, uscc, seeker.now, seeker.request_id)
        record(session, _reading(seeker, purpose, uscc, allowed=True))
        marks = marks_of(session, uscc)
    return _answer(seeker, prospect, uscc, contact, marks)


def read_prospect(seeker: Seeker, prospect: str) -> dict[str, Any]:
    """A contacted firm's name and public items; asked of the firm's word at every reading, and written down."""
    purpose, uscc = stated_purpose(seeker.caller, seeker.purpose), _firm_of(seeker, prospect)
    with seeker.office.write() as session:
        contact = held_contact(session, uscc, seeker.caller.tenant, day_of(seeker.now))
        record(session, _reading(seeker, purpose, uscc, contact is not None))
        marks = marks_of(session, uscc) if contact else ()
    if contact is None:
        raise not_open()
    return _answer(seeker, prospect, uscc, contact, marks)


def _firm_of(seeker: Seeker, prospect: str) -> str:
    for key in seeker.keys:
        opened = opened_prospect(key, seeker.caller.tenant, prospect)
        if opened is not None:
            return opened[1]
    raise not_open()


def _answer(seeker: Seeker, prospect: str, uscc: str, contact: Contact, marks: Sequence[Mark]) -> dict[str, Any]:
    """The firm's name and those of its items that are public and about no person."""
    declared, snapshot = catalogue().items, seeker.shelf.current()
    public = {name for name, item in declared.items() if is_public(item)}
    everything = Consent(frozenset(item.dimension for item in declared.values()))
    of_public = [mark for mark in marks if mark.item in public]
    profile = firm_profile(snapshot, uscc, Viewer(seeker.caller.role, everything), of_public)
    items = [item for item in profile["items"] if item["id"] in public]
    known = sum(item["known"] for item in items)
    return {
        "prospect_id": prospect,
        "contact_until": contact.valid_until,
        **profile,
        "known": known,
        "unknown": len(items) - known,
        "items": items,
    }


def _reading(seeker: Seeker, purpose: Purpose, uscc: str, allowed: bool) -> Event:
    return Event(
        at=seeker.now,
        actor=seeker.caller.client_id,
        person=seeker.caller.person,
        role=seeker.caller.role.value,
        tenant=seeker.caller.tenant,
        action=Action.READ_PROSPECT.value,
        firm=uscc,
        purpose=purpose.value,
        result="allowed" if allowed else "denied",
        reason="contact" if allowed else "no_contact",
        request_id=seeker.request_id,
    )
