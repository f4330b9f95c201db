"""What is new of some firms between two snapshots, by the rules of ``seed/watch/borrowers.yaml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from matching.post_loan import (
    BorrowerAlertRule,
    CircleState,
    Finds,
    Found,
    counting,
    fall_between,
    found_fall,
    found_rank,
    found_records,
    found_stress,
)
from models.dates import from_days
from models.errors import NotFound
from models.kinds import UNKNOWN_INT32
from scoring.catalogue import Item
from scoring.feeds import Feed
from service.books.rulebook import borrower_watch
from service.books.seedbook import catalogue, feeds
from service.office import Office
from service.records.firm_records import FirmRecord, revisions_of
from service.snapshot.snapshots import OpenSnapshot
from service.watching.guarantees import guarantees_of

Revisions = Mapping[tuple[Any, ...], list[FirmRecord]]


@dataclass(frozen=True)
class _Between:
    """Two snapshots of one office, and the records of the firms looked at by feed and firm."""

    office: Office
    before: OpenSnapshot
    now: OpenSnapshot
    records: Mapping[str, Mapping[str, Revisions]]


def found_between(
    office: Office, before: OpenSnapshot, now: OpenSnapshot, firms: Sequence[str]
) -> dict[str, list[Found]]:
    """Every event of each firm that ``now`` tells of and ``before`` did not, in the order of the rules."""
    rules = borrower_watch().rules.values()
    asked = {catalogue().items[rule.item].feed for rule in rules if rule.finds in (Finds.RECORD, Finds.FALL)}
    between = _Between(office, before, now, {feed: _by_firm(office, feeds()[feed], firms) for feed in sorted(asked)})
    return {firm: [found for rule in rules for found in _events(between, rule, firm)] for firm in firms}


def _by_firm(office: Office, feed: Feed, firms: Sequence[str]) -> Mapping[str, Revisions]:
    found: dict[str, dict[tuple[Any, ...], list[FirmRecord]]] = {}
    for key, revisions in revisions_of(office, feed, firms).items():
        found.setdefault(revisions[0].content["uscc"], {})[key] = revisions
    return found


def _events(between: _Between, rule: BorrowerAlertRule, firm: str) -> Iterator[Found]:
    item = catalogue().items[rule.item]
    if rule.finds is Finds.RECORD:
        yield from _new_records(between, rule, item, firm)
        return
    find = {Finds.RANK: _rank, Finds.FALL: _fall, Finds.CIRCLE: _stress}[rule.finds]
    found = find(between, rule, item, firm)
    if found is not None:
        yield found


def _new_records(between: _Between, rule: BorrowerAlertRule, item: Item, firm: str) -> list[Found]:
    feed, revisions = feeds()[item.feed], between.records[item.feed].get(firm, {})
    counted = _counted(item, feed, revisions, between.before)
    now = {
        key: record
        for key, record in _counted(item, feed, revisions, between.now).items()
        if not feed.ends or _in_force(record, feed, between.now.as_of)
    }
    columns = {column.id: column.stored for column in feed.columns}
    return found_records(rule, now, counted, between.now.as_of, columns)


def _in_force(record: FirmRecord, feed: Feed, day: date) -> bool:
    ends = record.content[feed.column(feed.ends).stored]
    return ends is None or ends > day


def _counted(item: Item, feed: Feed, revisions: Revisions, snapshot: OpenSnapshot) -> dict[tuple[Any, ...], FirmRecord]:
    """The records the item is about that count in a snapshot."""
    found = {key: counting(each, snapshot.as_of, snapshot.known_by) for key, each in revisions.items()}
    return {key: record for key, record in found.items() if record is not None and _of_item(item, feed, record)}


def _of_item(item: Item, feed: Feed, record: FirmRecord) -> bool:
    return all(record.content[feed.column(name).stored] in values for name, values in item.compute.where)


def _rank(between: _Between, rule: BorrowerAlertRule, item: Item, firm: str) -> Found | None:
    before, _ = _code(between.before, item.id, firm)
    now, observed = _code(between.now, item.id, firm)
    return found_rank(rule, item.codes, before, now, observed)


def _code(snapshot: OpenSnapshot, item: str, firm: str) -> tuple[str | None, date | None]:
    """The value of a code item and the day it was observed; unknown for a firm the snapshot does not have."""
    try:
        row = snapshot.row_of(firm)
        value = snapshot.value(item, row)
    except (NotFound, KeyError):
        return None, None
    day = int(snapshot.observed[item][row])
    return (None if value is None else str(value)), (None if day == UNKNOWN_INT32 else from_days(day))


def _fall(between: _Between, rule: BorrowerAlertRule, item: Item, firm: str) -> Found | None:
    now, covered = _fall_on(between.now, between, rule, item, firm)
    before, _ = _fall_on(between.before, between, rule, item, firm)
    return None if covered is None else found_fall(rule, before, now, covered)


def _fall_on(
    snapshot: OpenSnapshot, between: _Between, rule: BorrowerAlertRule, item: Item, firm: str
) -> tuple[Decimal | None, date | None]:
    delivered = snapshot.manifest["feeds"].get(item.feed)
    if delivered is None:
        return None, None
    covered, feed = date.fromisoformat(delivered["covered_to"]), feeds()[item.feed]
    revisions = between.records[item.feed].get(firm, {})
    every = [counting(each, snapshot.as_of, snapshot.known_by) for each in revisions.values()]
    records = [record for record in every if record is not None]
    of = feed.column(item.compute.of).stored
    told = [each for each in records if _of_item(item, feed, each) and each.content[of] is not None]
    values = [(each.observed_on, each.content[of]) for each in told]
    first = min((each.observed_on for each in records), default=None)
    return fall_between(rule, values, covered, first), covered


def _stress(between: _Between, rule: BorrowerAlertRule, item: Item, firm: str) -> Found | None:
    before, now = (_state(between.office, each, firm) for each in (between.before, between.now))
    return found_stress(rule, before, now, between.now.as_of)


def _state(office: Office, snapshot: OpenSnapshot, firm: str) -> CircleState:
    known = guarantees_of(office.lake, snapshot)
    return CircleState() if known is None else known.state_of(firm)
