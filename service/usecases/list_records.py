"""The records behind an item of a firm, as the agency delivered them."""

from __future__ import annotations

from typing import Any

from models.money import from_fen
from scoring.feeds import Column, ColumnType
from service.books.seedbook import catalogue, feeds
from service.office import Office
from service.records.firm_records import FirmRecord, firm_records
from service.web.encode import yuan_text


def list_records(office: Office, uscc: str, item: str) -> list[dict[str, Any]]:
    """The newest revision of every record of the firm in the item's feed, newest event first; ``NotFound`` for an
    unknown item."""
    return [record_answer(record) for record in firm_records(office, feeds()[catalogue().item(item).feed], uscc)]


def record_answer(record: FirmRecord) -> dict[str, Any]:
    """One record as an answer: its columns by the names they have in files."""
    return {
        "record_id": record.record_id,
        "feed": record.feed.id,
        "observed_on": record.observed_on,
        "received_at": record.received_at,
        "revision": record.revision,
        "withdrawn_on": record.withdrawn_on,
        "public_until": record.public_until,
        "content": {column.id: _plain(column, record.content[column.stored]) for column in record.feed.columns},
    }


def _plain(column: Column, value: Any) -> Any:
    if column.type is ColumnType.MONEY and value is not None:
        return yuan_text(from_fen(value))
    return value
