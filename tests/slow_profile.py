"""The profile a second time: plain loops over records, one firm and one item at a time. No SQL, no arrays.

Slow on purpose, and written from the words of docs/items.md, so that it can catch the compiler.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from models.dates import add_months, month_end
from models.kinds import Kind, Scalar
from models.money import from_fen
from scoring.catalogue import Item, Op
from scoring.feeds import Feed
from tests.random_records import LandedBatch, Row

Answer = tuple[Scalar | None, date | None]


def slow_profile(
    feeds: Mapping[str, Feed],
    items: Iterable[Item],
    batches: Mapping[str, list[LandedBatch]],
    as_of: date,
    known_by: datetime,
) -> dict[str, dict[str, Answer]]:
    """Firm → item (and ``item.y1`` …) → value and observed day."""
    books = {}
    for feed_id, feed in feeds.items():
        known = [batch for batch in batches.get(feed_id, []) if batch.received_at <= known_by]
        if known:
            books[feed_id] = FeedBook(feed, known, as_of)
    firms = sorted({uscc for book in books.values() for uscc in book.rows})
    answers: dict[str, dict[str, Answer]] = {uscc: {} for uscc in firms}
    for item in items:
        for uscc in firms:
            mine = answers[uscc]
            if item.feed not in books:
                mine[item.id] = (None, None)
                for number in range(1, item.compute.by_year + 1):
                    mine[f"{item.id}.y{number}"] = (None, None)
                continue
            question = Question(item, books[item.feed], books[item.feed].rows.get(uscc, []))
            mine |= question.answers()
    return answers


class FeedBook:
    """The records of one feed that count on a day, by firm."""

    def __init__(self, feed: Feed, batches: list[LandedBatch], as_of: date):
        self.feed = feed
        self.as_of = as_of
        self.covered_to = min(as_of, max(batch.covers_to for batch in batches))
        newest: dict[tuple[Any, ...], Row] = {}
        for batch in batches:
            for row in batch.rows:
                key = tuple(row[feed.column(name).stored] for name in feed.key)
                if key not in newest or rank(row) > rank(newest[key]):
                    newest[key] = row
        self.rows: dict[str, list[Row]] = {}
        for row in newest.values():
            if row["observed_on"] > as_of:
                continue
            if row["withdrawn_on"] is not None and row["withdrawn_on"] <= as_of:
                continue
            if row["public_until"] is not None and row["public_until"] < as_of:
                continue
            self.rows.setdefault(row["uscc"], []).append(row)


def rank(row: Row) -> tuple[Any, ...]:
    return (row["revision"], row["received_at"], row["record_id"])


@dataclass
class Question:
    """One item asked of one firm."""

    item: Item
    book: FeedBook
    rows: list[Row]

    def answers(self) -> dict[str, Answer]:
        item, compute = self.item, self.item.compute
        observed = self.observed()
        too_old = observed is not None and observed < add_months(self.book.as_of, -item.valid_for_months)
        value = None if too_old else self.value()
        answers = {item.id: (value, observed)}
        end = self.book.covered_to
        for number in range(1, compute.by_year + 1):
            start = add_months(self.book.covered_to, -12 * number)
            rows = [row for row in self.rows if start < row["observed_on"] <= end and self.accepts(row)]
            end = start
            part = len(rows) if compute.op is Op.COUNT else self.total(rows)
            answers[f"{item.id}.y{number}"] = (None if too_old or self.nothing_known() else part, observed)
        return answers

    def closed(self) -> bool:
        return self.book.feed.absent_means_none

    def nothing_known(self) -> bool:
        """In an open world a firm without any record is unknown."""
        return not self.closed() and not self.rows

    def observed(self) -> date | None:
        if self.item.compute.op is Op.LATEST:
            rows = self.matching()
            if rows:
                return max(row["observed_on"] for row in rows)
            return self.book.covered_to if self.closed() else None
        if self.closed():
            return self.book.covered_to
        return max((row["observed_on"] for row in self.rows), default=None)

    def cell(self, row: Row, name: str) -> Any:
        return row[self.book.feed.column(name).stored]

    def accepts(self, row: Row, where: Any = None) -> bool:
        for name, accepted in self.item.compute.where if where is None else where:
            value = self.cell(row, name)
            text = str(value).lower() if isinstance(value, bool) else str(value)
            if value is None or text not in accepted:
                return False
        if self.item.compute.current and where is None:
            ends = self.cell(row, self.book.feed.ends)
            return ends is None or ends > self.book.as_of
        if self.item.compute.ended_months and where is None:
            ends, last = self.cell(row, self.book.feed.ends), self.book.covered_to
            return ends is not None and add_months(last, -self.item.compute.ended_months) < ends <= last
        return True

    def matching(self, months_back: int = 0) -> list[Row]:
        """Records in the item's window, or in the window of the same length ``months_back`` earlier."""
        months = self.item.compute.window_months
        chosen = []
        for row in self.rows:
            if months:
                end = add_months(self.book.covered_to, -months_back)
                if not add_months(end, -months) < row["observed_on"] <= end:
                    continue
            if self.accepts(row):
                chosen.append(row)
        return chosen

    def total(self, rows: list[Row], name: str = "") -> Any:
        """Sum in the item's unit; ``None`` when there are records and none says the amount."""
        name = name or self.item.compute.of
        said = [self.cell(row, name) for row in rows if self.cell(row, name) is not None]
        if rows and not said:
            return None
        return self.unit(sum((Fraction(str(value)) for value in said), Fraction(0)))

    def unit(self, number: Fraction) -> Scalar:
        if self.item.kind is Kind.MONEY:
            whole = Fraction(abs(number) + Fraction(1, 2)).__floor__()
            return from_fen(whole if number >= 0 else -whole)
        if self.item.kind in (Kind.COUNT, Kind.MONTHS):
            whole = Fraction(abs(number) + Fraction(1, 2)).__floor__()
            return whole if number >= 0 else -whole
        return float(number)

    def absent(self) -> Scalar | None:
        text = self.item.absent
        if text is None or not self.closed():
            return None
        if self.item.kind is Kind.MONEY:
            return from_fen(100 * int(text))
        return int(text) if self.item.kind is Kind.COUNT else text

    def value(self) -> Scalar | None:
        value = getattr(self, f"value_of_{self.item.compute.op.value}")()
        return float(value) if self.item.kind is Kind.NUMBER and value is not None else value

    def plain(self, row: Row) -> Scalar | None:
        value = self.cell(row, self.item.compute.of)
        if value is None:
            return None
        if self.item.kind is Kind.MONEY:
            return from_fen(value)
        return float(value) if self.item.kind in (Kind.NUMBER, Kind.RATIO) else value

    def value_of_latest(self) -> Scalar | None:
        rows = self.matching()
        if not rows:
            return self.absent()
        newest = max(rows, key=lambda row: (row["observed_on"], *rank(row)))
        if self.item.compute.per:
            over, under = self.cell(newest, self.item.compute.of), self.cell(newest, self.item.compute.per)
            return None if over is None or under is None or under <= 0 else float(Fraction(over) / Fraction(under))
        return self.plain(newest)

    def value_of_count(self) -> Scalar | None:
        return None if self.nothing_known() else len(self.matching())

    def value_of_exists(self) -> Scalar | None:
        return None if self.nothing_known() else bool(self.matching())

    def value_of_distinct(self) -> Scalar | None:
        found = {self.cell(row, self.item.compute.of) for row in self.matching()} - {None}
        return None if self.nothing_known() else len(found)

    def value_of_sum(self) -> Scalar | None:
        return None if self.nothing_known() else self.total(self.matching())

    def said(self) -> list[Any]:
        values = [self.cell(row, self.item.compute.of) for row in self.matching()]
        return [value for value in values if value is not None]

    def value_of_mean(self) -> Scalar | None:
        said = self.said()
        return self.unit(sum((Fraction(str(value)) for value in said), Fraction(0)) / len(said)) if said else None

    def extreme(self, pick: Any) -> Scalar | None:
        said = self.said()
        if not said:
            return None
        value = pick(said)
        return value if isinstance(value, date) else self.unit(Fraction(str(value)))

    def value_of_min(self) -> Scalar | None:
        return self.extreme(min)

    def value_of_max(self) -> Scalar | None:
        return self.extreme(max)

    def value_of_highest(self) -> Scalar | None:
        order = self.book.feed.column(self.item.compute.of).values
        said = self.said()
        return max(said, key=order.index) if said else self.absent()

    def value_of_streak(self) -> Scalar | None:
        if self.nothing_known():
            return None
        months = set()
        for row in self.rows:
            if row["observed_on"] <= self.book.covered_to and self.accepts(row):
                months.add((row["observed_on"].year, row["observed_on"].month))
        length = 0
        month = self.book.covered_to.replace(day=1)
        while length < self.item.compute.window_months and (month.year, month.month) in months:
            length += 1
            month = add_months(month, -1)
        return length

    def value_of_months_open(self) -> Scalar | None:
        if self.nothing_known():
            return None
        rows = self.matching()
        return self.completed_months(min(row["observed_on"] for row in rows)) + 1 if rows else 0

    def value_of_months_since(self) -> Scalar | None:
        rows = self.matching()
        return self.completed_months(max(row["observed_on"] for row in rows)) if rows else None

    def completed_months(self, start: date) -> int:
        months = 0
        while add_months(start, months + 1) <= self.book.as_of:
            months += 1
        return months

    def value_of_growth(self) -> Scalar | None:
        months = self.item.compute.window_months
        later, earlier = (
            sum((Fraction(str(self.cell(row, self.item.compute.of) or 0)) for row in rows), Fraction(0))
            for rows in (self.matching(), self.matching(months))
        )
        opens = add_months(add_months(self.book.covered_to, -months), -months)
        first_month = month_end(date.fromordinal(opens.toordinal() + 1))
        if earlier <= 0 or min(row["observed_on"] for row in self.rows) > first_month:
            return None
        return float(later / earlier - 1)

    def value_of_top_share(self) -> Scalar | None:
        groups: dict[Any, Fraction] = {}
        for row in self.matching():
            amount = self.cell(row, self.item.compute.of)
            if amount is not None:
                by = self.cell(row, self.item.compute.by)
                groups[by] = groups.get(by, Fraction(0)) + Fraction(str(amount))
        sums = sorted((total for total in groups.values() if total > 0), reverse=True)
        return float(sum(sums[: self.item.compute.top]) / sum(sums)) if sums else None

    def value_of_share(self) -> Scalar | None:
        compute = self.item.compute
        rows = self.matching()
        part = 0
        for row in rows:
            negative = compute.part_or_negative and (self.cell(row, compute.part_or_negative) or 0) < 0
            if negative or (compute.part_where and self.accepts(row, compute.part_where)):
                part += 1
        return float(Fraction(part, len(rows))) if rows else None
