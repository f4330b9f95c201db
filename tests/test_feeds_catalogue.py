"""Facts about the catalogue and the feeds as shipped."""

from __future__ import annotations

from collections import Counter

import pytest

from models.kinds import Kind
from scoring.catalogue import Item, Op
from scoring.feeds import ColumnType, Feed
from service.books.seedbook import catalogue, feeds

#: Items per category and categories per dimension: our proposal for the published 16 and 139 (002:38).
COUNTS = {
    "basic_situation": {"C01": 12, "C02": 9, "C03": 8},
    "law_abiding": {"C04": 9, "C05": 9, "C06": 8, "C07": 8},
    "operating_capacity": {"C08": 10, "C09": 10, "C10": 8, "C11": 8, "C12": 9},
    "creditworthiness": {"C13": 11, "C14": 7, "C15": 7},
    "social_responsibility": {"C16": 6},
}
NUMBERS = {ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.MONEY}
ITEMS = list(catalogue().items.values())
FEEDS = list(feeds().values())


def test_five_dimensions_sixteen_categories_139_items() -> None:
    book = catalogue()
    assert [dimension.id for dimension in book.dimensions] == list(COUNTS)
    assert len(book.categories) == 16
    assert len(book.items) == 139
    counted: dict[str, dict[str, int]] = {dimension: {} for dimension in COUNTS}
    for category in book.categories:
        counted[category.dimension][category.code] = len(category.items)
    assert counted == COUNTS


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_two_items_share_a_label(language: str) -> None:
    labels = Counter(getattr(item, language) for item in ITEMS)
    assert [label for label, count in labels.items() if count > 1] == []


def test_no_two_items_mean_the_same() -> None:
    meanings = Counter((item.feed, item.compute) for item in ITEMS)
    assert [meaning for meaning, count in meanings.items() if count > 1] == []


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_item_has_every_attribute(item: Item) -> None:
    for name in ("id", "code", "zh", "en", "dimension", "category", "agency", "feed", "legal_basis"):
        assert getattr(item, name).strip(), name
    assert item.code.startswith(item.category + ".")
    assert item.direction in ("good", "bad", "neutral")
    assert item.use
    assert set(item.use) <= {"score", "match", "show"}
    assert item.refresh_months > 0
    assert item.valid_for_months > 0
    if item.kind in (Kind.MONEY, Kind.COUNT, Kind.MONTHS, Kind.NUMBER):
        assert item.unit, "a number without its unit"


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_item_is_computable_from_declared_columns(item: Item) -> None:
    feed, compute = feeds()[item.feed], item.compute
    needed = [compute.of, compute.per, compute.by, compute.part_or_negative]
    needed += [name for name, _ in (*compute.where, *compute.part_where)]
    for name in filter(None, needed):
        assert name in feed.by_id
    if compute.op in (Op.SUM, Op.MEAN, Op.GROWTH, Op.TOP_SHARE):
        assert feed.column(compute.of).type in NUMBERS
    if compute.op in (Op.LATEST, Op.HIGHEST, Op.DISTINCT, Op.MIN, Op.MAX):
        assert compute.of, "names no column"
    if compute.op is Op.HIGHEST:
        assert item.codes
    if item.kind is Kind.MONEY:
        assert feed.column(compute.of).type is ColumnType.MONEY


def test_every_feed_serves_an_item() -> None:
    assert {feed.id for feed in FEEDS} == {item.feed for item in ITEMS}


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.id)
def test_feed_is_well_declared(feed: Feed) -> None:
    assert feed.key[0] == "uscc"
    # Ingest joins on keys and places records in time: neither may be unknown.
    assert all(feed.column(name).required for name in (*feed.key, feed.observed))
    for language in ("zh", "en"):
        labels = [getattr(column, language) for column in feed.file_columns]
        assert len(set(labels)) == len(labels)
    stored = [column.stored for column in feed.file_columns]
    assert len(set(stored)) == len(stored)
    if feed.ends:
        assert feed.column(feed.ends).type in (ColumnType.DATE, ColumnType.MONTH)
