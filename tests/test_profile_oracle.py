"""The compiled profile equals the slow one, record for record, in both clocks."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from models.dates import from_days
from models.kinds import UNKNOWN_INT32, Kind, Scalar, decode
from scoring.catalogue import Item, parse_catalogue
from scoring.compiler import FeedState
from scoring.feeds import Feed, FeedBook, parse_feeds
from scoring.profile import NO_TEXT, Profile, assemble
from service.books import seedbook
from service.snapshot.aggregate import Aggregated, FeedFiles, aggregate
from tests.random_records import EDGES, LandedBatch, Row, firm_codes, random_batches, write_batch
from tests.slow_profile import slow_profile
from tests.synthetic_items import CATEGORY, DIMENSIONS, FEEDS

QUICK = settings(
    max_examples=10,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


FEED_BOOK = parse_feeds([FEEDS])
ITEMS = tuple(parse_catalogue(DIMENSIONS, [CATEGORY], FEED_BOOK).items.values())


def built(
    home: Path,
    feeds: Mapping[str, Feed],
    items: Iterable[Item],
    batches: Mapping[str, list[LandedBatch]],
    as_of: date,
    known_by: datetime,
) -> tuple[Profile, Aggregated]:
    """The profile by way of Parquet, SQL and numpy."""
    items = tuple(items)
    in_play = []
    for feed_id, landed in batches.items():
        known = [batch for batch in landed if batch.received_at <= known_by]
        if known:
            covered = min(as_of, max(batch.covers_to for batch in known))
            contested = any(batch.contested for batch in known)
            paths = tuple(write_batch(home, feeds[feed_id], batch) for batch in known)
            in_play.append(FeedFiles(FeedState(feeds[feed_id], as_of, covered, contested), paths))
    found = aggregate(in_play, items, home)
    states = {files.state.feed.id: files.state for files in in_play}
    return assemble(as_of, found.uscc, items, states, found.answers), found


def value_at(profile: Profile, found: Aggregated, item: Item, name: str, row: int) -> Scalar | None:
    if item.kind is Kind.TEXT:
        place = int(profile.texts[name][row])
        return None if place == NO_TEXT else found.texts[name][place].as_py()
    return decode(item.kind, profile.columns.values[name][row].item(), profile.columns.codes.get(item.id, ()))


def assert_same(
    profile: Profile, found: Aggregated, items: Iterable[Item], slow: Mapping[str, Mapping[str, tuple]]
) -> int:
    """Every firm and item; returns how many values were known."""
    assert [code.decode() for code in profile.uscc] == list(slow)
    known = 0
    for item in items:
        for name in (item.id, *(f"{item.id}.y{n}" for n in range(1, item.compute.by_year + 1))):
            for row, (uscc, answers) in enumerate(slow.items()):
                value, observed = answers[name]
                mine = value_at(profile, found, item, name, row)
                day = int(profile.observed[item.id][row])
                where = f"{name} of {uscc} as of {profile.as_of}"
                assert (None if day == UNKNOWN_INT32 else from_days(day)) == observed, where
                if isinstance(value, float):
                    assert isinstance(mine, float), where
                    assert math.isclose(mine, value, rel_tol=1e-12, abs_tol=1e-12), where
                else:
                    assert (type(mine), mine) == (type(value), value), where
                known += value is not None
    return known


moments = st.integers(0, 420).map(lambda number: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number))
as_ofs = st.one_of(st.dates(date(2022, 1, 1), date(2025, 3, 1)), st.sampled_from(EDGES))


@QUICK
@given(seed=st.integers(0, 2**32), as_of=as_ofs, known_by=moments)
def test_every_operation_on_synthetic_feeds(tmp_path: Path, seed: int, as_of: date, known_by: datetime) -> None:
    picker = random.Random(seed)
    firms = firm_codes(6, seed)
    batches = {
        feed_id: random_batches(feed, firms, picker, rows=picker.choice([3, 40, 90]))
        for feed_id, feed in FEED_BOOK.items()
    }
    profile, found = built(tmp_path / str(seed), FEED_BOOK, ITEMS, batches, as_of, known_by)
    slow = slow_profile(FEED_BOOK, ITEMS, batches, as_of, known_by)
    assert_same(profile, found, ITEMS, slow)


@pytest.mark.parametrize("as_of", [day for day in EDGES if day >= date(2023, 6, 30)])
def test_bounds_on_the_very_day(tmp_path: Path, as_of: date) -> None:
    picker = random.Random(as_of.toordinal())
    firms = firm_codes(4)
    batches = {
        feed.id: random_batches(feed, firms, picker, batches=2, rows=250, corrections=0.1)
        for feed in FEED_BOOK.values()
    }
    known_by = datetime(2025, 6, 1, tzinfo=UTC)
    profile, found = built(tmp_path, FEED_BOOK, ITEMS, batches, as_of, known_by)
    assert_same(profile, found, ITEMS, slow_profile(FEED_BOOK, ITEMS, batches, as_of, known_by))


@pytest.mark.parametrize(("seed", "as_of"), [(1, date(2024, 10, 31)), (2, date(2023, 7, 14))])
def test_all_items_of_the_catalogue(tmp_path: Path, seed: int, as_of: date) -> None:
    picker = random.Random(seed)
    feeds: FeedBook = seedbook.feeds()
    items = tuple(seedbook.catalogue().items.values())
    firms = firm_codes(7, seed)
    batches = {feed_id: random_batches(feed, firms, picker, batches=2, rows=30) for feed_id, feed in feeds.items()}
    # One agency of each kind has never delivered.
    del batches["water_month"], batches["consumer_complaint"]
    known_by = datetime(2024, 12, 1, tzinfo=UTC)
    profile, found = built(tmp_path, feeds, items, batches, as_of, known_by)
    slow = slow_profile(feeds, items, batches, as_of, known_by)
    assert len(items) == 139
    assert assert_same(profile, found, items, slow) > 500


def first_of_its_key(feed: Feed, row: Row, seen: set[tuple]) -> bool:
    key = tuple(row[feed.column(name).stored] for name in feed.key)
    is_first = key not in seen
    seen.add(key)
    return is_first


def test_without_corrections_the_fast_path_gives_the_same(tmp_path: Path) -> None:
    picker = random.Random(5)
    firms = firm_codes(6)
    batches = {feed_id: random_batches(feed, firms, picker, corrections=0.0) for feed_id, feed in FEED_BOOK.items()}
    for feed_id, landed in batches.items():
        seen: set[tuple] = set()
        for batch in landed:
            batch.rows = [row for row in batch.rows if first_of_its_key(FEED_BOOK[feed_id], row, seen)]
            for row in batch.rows:
                row["contested"] = False
    as_of, known_by = date(2024, 6, 30), datetime(2025, 12, 1, tzinfo=UTC)
    profile, found = built(tmp_path, FEED_BOOK, ITEMS, batches, as_of, known_by)
    assert_same(
        profile,
        found,
        ITEMS,
        slow_profile(FEED_BOOK, ITEMS, batches, as_of, known_by),
    )
