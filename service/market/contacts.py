"""Contacts of lenders with firms, counted: who may contact whom on a day, and how many places are left."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.tables import Contact, ContactPreference
from service.clock import day_of

#: Firms asked about in one query; SQLite binds a limited number of values.
_AT_ONCE = 500


def open_to_contact(session: Session, usccs: Collection[str], lender: str, as_of: date) -> frozenset[str]:
    """Those of the firms that ``lender`` may contact on ``as_of``: they said so, and have room or know it already."""
    found = {row.firm: row for row in _in_force(session, usccs, as_of) if names(row, lender)}
    if not found:
        return frozenset()
    made = contacts_of(session, found, as_of)
    return frozenset(firm for firm, row in found.items() if may_contact(row, made[firm], lender, as_of))


def opened(session: Session, lender: str, as_of: date) -> list[str]:
    """Every firm whose word of that day is for ``lender``, whether or not it has room for another."""
    query = select(ContactPreference.firm, ContactPreference.lenders).where(
        ContactPreference.open_key.is_not(None), ContactPreference.valid_until >= as_of
    )
    return [firm for firm, lenders in session.execute(query) if lenders is None or lender in lenders]


def contact_cap(session: Session, uscc: str, as_of: date) -> int:
    """How many further lenders may contact the firm on ``as_of``; 0 for a firm that did not open itself."""
    row = next(_in_force(session, [uscc], as_of), None)
    return 0 if row is None else room(row, contacts_of(session, [uscc], as_of)[uscc], as_of)


def held_contact(session: Session, uscc: str, lender: str, as_of: date) -> Contact | None:
    """The contact by which ``lender`` may know who the firm is; ``None`` without one, and once the firm closed itself.

    Asked at every reading.
    """
    row = next(_in_force(session, [uscc], as_of), None)
    if row is None or not names(row, lender):
        return None
    made = contacts_of(session, [uscc], as_of)[uscc]
    return next((each for each in made if each.lender == lender and is_open(each, as_of)), None)


def quarter_of(day: date) -> date:
    """The first day of the quarter of the year ``day`` lies in."""
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def words_of(usccs: Collection[str], as_of: date) -> Select[ContactPreference]:
    """The words of these firms that hold on the day; one a firm."""
    return select(ContactPreference).where(
        ContactPreference.open_key.in_(usccs), ContactPreference.valid_until >= as_of
    )


def _in_force(session: Session, usccs: Collection[str], as_of: date) -> Iterator[ContactPreference]:
    for part in _parts(usccs):
        for row in session.scalars(words_of(part, as_of)):
            if day_of(row.given_at) <= as_of:
                yield row


def contacts_of(session: Session, usccs: Collection[str], as_of: date) -> dict[str, list[Contact]]:
    """Contacts that count on ``as_of``: made in its quarter, or still taking a place."""
    made: dict[str, list[Contact]] = {uscc: [] for uscc in usccs}
    for part in _parts(usccs):
        counts = (Contact.quarter == quarter_of(as_of)) | (Contact.valid_until >= as_of)
        query = select(Contact).where(Contact.firm.in_(part), counts).order_by(Contact.made_at, Contact.id)
        for row in session.scalars(query):
            made[row.firm].append(row)
    return made


def _parts(usccs: Collection[str]) -> Iterator[list[str]]:
    listed = list(usccs)
    return (listed[start : start + _AT_ONCE] for start in range(0, len(listed), _AT_ONCE))


def word_of(session: Session, firm: str) -> ContactPreference | None:
    """The firm's last word, unless it withdrew; its days may be over."""
    return session.scalars(select(ContactPreference).where(ContactPreference.open_key == firm)).one_or_none()


def said_by(row: ContactPreference) -> tuple[list[str] | None, int, int, date]:
    """What the word says: lenders, caps, last day."""
    return row.lenders, row.at_a_time, row.per_quarter, row.valid_until


def names(row: ContactPreference, lender: str) -> bool:
    """Whether the firm's word is for this lender."""
    return row.lenders is None or lender in row.lenders


def is_open(contact: Contact, as_of: date) -> bool:
    """Whether the contact takes a place on the day."""
    return contact.ended_at is None and contact.valid_until >= as_of


def shut_out(row: ContactPreference, made: list[Contact], lender: str) -> bool:
    """Whether the firm ended a contact with this lender after it gave the word that holds."""
    return any(each.lender == lender and each.ended_at is not None and each.ended_at >= row.given_at for each in made)


def may_contact(row: ContactPreference, made: list[Contact], lender: str, as_of: date) -> bool:
    """Whether the lender may contact the firm, or is in contact with it already."""
    if shut_out(row, made, lender):
        return False
    mine = [each for each in made if each.lender == lender]
    if any(is_open(each, as_of) for each in mine):
        return True
    counted = any(each.quarter == quarter_of(as_of) for each in mine)
    return _places(row, made, as_of) > 0 and (counted or _rest(row, made, as_of) > 0)


def room(row: ContactPreference, made: list[Contact], as_of: date) -> int:
    """How many further lenders the firm\'s caps let in."""
    return max(0, min(_places(row, made, as_of), _rest(row, made, as_of)))


def _places(row: ContactPreference, made: list[Contact], as_of: date) -> int:
    return row.at_a_time - len({each.lender for each in made if is_open(each, as_of)})


def _rest(row: ContactPreference, made: list[Contact], as_of: date) -> int:
    return row.per_quarter - len({each.lender for each in made if each.quarter == quarter_of(as_of)})
