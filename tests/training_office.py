"""An office whose records are written by hand for the training tests: loans by month, lists, a little of everything."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from models.dates import add_months, month_end
from scoring.feeds import Feed
from service.books import seedbook
from service.office import Office
from tests.random_records import LandedBatch, Row, firm_codes, land

#: Long before anything else: what an agency hands over when it joins.
BACKFILL = datetime(2022, 11, 10, 3, 0, tzinfo=UTC)
FIRST_MONTH = date(2020, 11, 30)


class Records:
    """Batches in the making: one list of batches per feed, in the order they are received."""

    def __init__(self) -> None:
        self.batches: dict[str, list[LandedBatch]] = {}
        self._keys: dict[str, set[tuple[Any, ...]]] = {}

    def send(self, feed_id: str, received_at: datetime, covers_to: date, rows: Iterable[Mapping[str, Any]]) -> None:
        """One batch. Rows are in stored form (fen, dates) without the columns an ingest adds; gaps are empty cells."""
        feed = seedbook.feeds()[feed_id]
        batches = self.batches.setdefault(feed_id, [])
        landed = self._keys.setdefault(feed_id, set())
        batch = LandedBatch(feed_id, len(batches), received_at, covers_to)
        for given in rows:
            row = _whole(feed, given, received_at)
            key = tuple(row[feed.column(name).stored] for name in feed.key)
            batch.rows.append({**row, "contested": key in landed})
            landed.add(key)
        batches.append(batch)

    def land(self, office: Office) -> None:
        """Every batch into the office, oldest first."""
        every = [batch for batches in self.batches.values() for batch in batches]
        for batch in sorted(every, key=lambda batch: batch.received_at):
            land(office, seedbook.feeds()[batch.feed], batch)


def _whole(feed: Feed, given: Mapping[str, Any], received_at: datetime) -> Row:
    row: Row = {column.stored: None for column in feed.columns}
    row |= {"revision": 1, "withdrawn_on": None, "public_until": None} | dict(given)
    unknown = set(given) - {*row}
    assert not unknown, unknown
    identifier = hashlib.sha256(repr(sorted(row.items(), key=lambda pair: pair[0])).encode()).hexdigest()[:32]
    return {**row, "observed_on": row[feed.observed], "received_at": received_at, "record_id": identifier}


def firms(count: int) -> list[str]:
    """Codes of invented firms."""
    return firm_codes(count, seed=11)


def months(first: date, last: date) -> list[date]:
    """Every month's last day from ``first`` to ``last``."""
    found = [month_end(first)]
    while found[-1] < last:
        found.append(add_months(found[-1], 1))
    return found


def received_after(day: date, days: int = 10) -> datetime:
    """A morning some days after ``day``."""
    return datetime(day.year, day.month, day.day, 3, 0, tzinfo=UTC) + timedelta(days=days)


def registration(code: str, changed_on: date = date(2015, 1, 1), **changes: Any) -> Row:
    """A registered firm in business, founded in 2015."""
    row = {
        "uscc": code,
        "name": f"示例{code[-4:]}",
        "entity_type": "company",
        "ownership": "private",
        "established_on": date(2015, 1, 1),
        "status": "active",
        "district": "210102",
        "industry_code": "C3311",
        "registrar": "示例局",
    }
    columns = seedbook.feeds()["business_registration"]
    observed = columns.column(columns.observed).stored
    return {**row, observed: changed_on, **changes}


def loan_month(code: str, month: date, five_class: str = "normal", balance: int = 50_000_000) -> Row:
    """What a firm owes at a month's end, in fen."""
    return {
        "uscc": code,
        "month": month,
        "lender": "yunshan-bank",
        "balance_fen": balance,
        "credit_line_fen": balance,
        "five_class": five_class,
    }


def listing(code: str, listed_on: date, **changes: Any) -> Row:
    """A listing as a dishonest judgment debtor."""
    return {"uscc": code, "case_no": f"示执{listed_on:%Y%m%d}", "listed_on": listed_on, "removed_on": None, **changes}
