"""Everything held of one firm or sole proprietor, table by table and feed by feed, so that nothing new is forgotten.

A row is about the firm when a column of its table names it, or when it hangs on such a row by a foreign key.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Table, false, or_, select
from sqlalchemy.orm import Session

from models.tables import Base, FactSet, Receipt
from scoring.feeds import Feed
from service.office import Office
from service.records.firm_records import firm_records
from service.usecases.list_records import record_answer

#: Columns by which a table names the firm a row is about.
NAMES_FIRM = ("firm", "uscc", "subject", "tenant")
#: Columns nobody gets, and why.
WITHHELD = {
    "audit_entry": {"actor", "person", "request_id", "previous_hash", "entry_hash"},  # of who read, not of whom
    "borrower_alert": {"acknowledged_by", "closed_by", "note"},  # the lender's own working note, and who wrote it
    "client": {"secret_sha256"},
    "person": {"password_hash", "second_factor", "last_step", "issuer", "subject"},
    "review_case": {"note"},  # the office's own working note
}
#: Tables that name a tenant, or hang on one that does, and hold nothing of the firm; and why.
NOT_HELD = {
    "client_key": "how a system proves itself",
    "change_head": "a count of the rows of `change`",
    "job": "work of the office for a caller",
    "sign_in": "open sessions, as hashes, for hours",
    "token": "open tokens, as hashes, for minutes",
    "used_assertion": "as hashes, for minutes",
}


def held_rows(session: Session, uscc: str) -> dict[str, list[dict[str, Any]]]:
    """Rows about the firm by table, in the order of the tables; tables without any are left out."""
    found: dict[str, list[Any]] = {}
    for table in Base.metadata.sorted_tables:
        if table.name in NOT_HELD:
            continue
        rows = session.execute(select(table).where(_about(table, uscc, found)).order_by(*table.primary_key)).mappings()
        if kept := list(rows):
            found[table.name] = kept
    return {name: [_shown(name, row) for row in rows] for name, rows in found.items()}


def _about(table: Table, uscc: str, found: dict[str, list[Any]]) -> ColumnElement[bool]:
    ways: list[ColumnElement[bool]] = [table.c[name] == uscc for name in NAMES_FIRM if name in table.c]
    for key in table.foreign_key_constraints:
        # One column is enough to say whose it is: the first one of each key names the object.
        element = key.elements[0]
        parents = {row[element.column.name] for row in found.get(element.column.table.name, ())}
        if parents:
            ways.append(element.parent.in_(parents))
    return or_(false(), *ways)


def _shown(table: str, row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in WITHHELD.get(table, ())}


def held_facts(session: Session, uscc: str) -> list[dict[str, Any]]:
    """The facts of the firm behind answers that were given, once each."""
    digests = select(Receipt.facts_sha256).where(Receipt.subject == uscc)
    rows = session.scalars(select(FactSet).where(FactSet.sha256.in_(digests)).order_by(FactSet.sha256))
    return [{"sha256": row.sha256, "facts": row.body} for row in rows]


def held_records(office: Office, feeds: list[Feed], uscc: str) -> dict[str, list[dict[str, Any]]]:
    """Newest revision of every record of the firm by feed; feeds without any are left out."""
    found = {feed.id: [record_answer(record) for record in firm_records(office, feed, uscc)] for feed in feeds}
    return {feed: records for feed, records in found.items() if records}
