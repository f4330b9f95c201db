"""The delta is made beside the requests: who asks meanwhile gets the last complete view, and nothing is read twice."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from threading import Event
from typing import Any

import duckdb
import pytest

from models.errors import RefusedInput
from scoring.compiler import FeedState, compile_feed, lake_columns
from scoring.profile import auxiliary_items
from service.books.seedbook import catalogue, feeds
from service.delta import delta as room
from service.delta import firms as made
from service.delta.delta import Delta
from service.delta.keeping_up import kept_up
from service.office import Office
from service.registry.shelf import ModelShelf
from service.snapshot.aggregate import FeedFiles
from service.snapshot.snapshots import OpenSnapshot
from tests.random_records import LandedBatch, arrow_schema, land, random_batches
from tests.test_delta import AS_OF, BUILT, FIRMS, built, received

FEED = "vat_invoice"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, OpenSnapshot]]:
    office = Office.open(tmp_path_factory.mktemp("office"))
    land(office, feeds()[FEED], some_batch(0, FIRMS[:30], BUILT))
    yield office, built(office, BUILT)
    office.close()


def some_batch(number: int, firms: Sequence[str], at: datetime) -> LandedBatch:
    (batch,) = random_batches(feeds()[FEED], firms, random.Random(number), batches=1, rows=30, corrections=0)
    batch.number, batch.covers_to = number, AS_OF
    received(batch, at)
    return batch


def arrive(office: Office, firms: Sequence[str]) -> LandedBatch:
    number = time.monotonic_ns() % 10**9
    batch = some_batch(number, firms, datetime(2024, 11, 20, tzinfo=UTC))
    land(office, feeds()[FEED], batch)
    return batch


def soon(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 60
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.01)
    return held


def test_who_asks_meanwhile_gets_the_last_complete_view(
    base: tuple[Office, OpenSnapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, snapshot = base
    delta, go = Delta(office, ModelShelf(office), 0, patience=0), Event()
    before, real = delta.over(snapshot), room.made_again

    def slowly(*given: Any) -> Any:
        assert go.wait(60)
        return real(*given)

    monkeypatch.setattr(room, "made_again", slowly)
    arrive(office, FIRMS[:3])
    start = time.monotonic()
    assert delta.over(snapshot) is delta.over(snapshot) is before
    assert time.monotonic() - start < 5
    assert delta.making_seconds() > 0
    go.set()
    assert soon(lambda: delta.over(snapshot).id != before.id)
    assert soon(lambda: delta.making_seconds() == 0)
    assert delta.standing.firms >= 1


def test_what_cannot_be_made_takes_nothing_away_and_says_so(
    base: tuple[Office, OpenSnapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, snapshot = base
    delta = Delta(office, ModelShelf(office), 0)
    arrive(office, FIRMS[:2])
    shown, firms = delta.over(snapshot), delta.standing.firms

    def refuse(*given: Any) -> Any:
        raise RefusedInput("missing_records", "batch", "x", "Its file is gone from the lake.", "Restore it.")

    with monkeypatch.context() as patched:
        patched.setattr(room, "made_again", refuse)
        arrive(office, FIRMS[5:7])
        assert delta.over(snapshot) is shown
        assert (delta.standing.firms, delta.standing.waiting) == (firms, 1)
        assert "gone from the lake" in delta.standing.reason
    arrive(office, FIRMS[7:8])
    assert delta.over(snapshot).id != shown.id
    assert delta.standing.waiting == 0


def test_a_fault_nobody_foresaw_reaches_who_has_no_view_and_the_next_look_tries_again(
    base: tuple[Office, OpenSnapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, snapshot = base
    arrive(office, FIRMS[:1])
    delta = Delta(office, ModelShelf(office), 0)
    with monkeypatch.context() as patched:
        patched.setattr(room, "arrivals_since", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            delta.over(snapshot)
    assert delta.over(snapshot).id != snapshot.id


def test_a_later_batch_is_read_for_its_own_firms_alone(
    base: tuple[Office, OpenSnapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, snapshot = base
    delta, read, real = Delta(office, ModelShelf(office), 0), [], made.aggregate
    arrive(office, FIRMS[:9])
    delta.over(snapshot)

    def watched(files: Sequence[FeedFiles], *given: Any) -> Any:
        read.extend((each.state.feed.id, each.firms) for each in files)
        return real(files, *given)

    monkeypatch.setattr(made, "aggregate", watched)
    late = arrive(office, FIRMS[10:13])
    found = delta.over(snapshot)
    assert read == [(FEED, tuple(sorted({row["uscc"] for row in late.rows})))]
    monkeypatch.setattr(made, "aggregate", real)
    assert found.firms == Delta(office, ModelShelf(office), 0).over(snapshot).firms


def test_it_looks_before_the_block_and_until_it_ends_whatever_a_look_says() -> None:
    looks: list[int] = []

    def look() -> None:
        looks.append(1)
        raise RefusedInput("no_snapshot", "snapshot", None, "Nothing has been built yet.", "Build.")

    with kept_up(look, 0.001):
        assert looks
        assert soon(lambda: len(looks) > 3)
    after = len(looks)
    time.sleep(0.02)
    assert len(looks) == after


@pytest.mark.parametrize("contested", [False, True])
def test_the_statements_of_every_feed_name_no_column_that_is_not_read(contested: bool) -> None:
    items = (*catalogue().items.values(), *auxiliary_items(catalogue(), feeds()))
    with duckdb.connect() as engine:
        for feed in feeds().values():
            state = FeedState(feed, AS_OF, AS_OF, contested)
            mine = [item for item in items if item.feed == feed.id]
            engine.register("records", arrow_schema(feed).empty_table().select(lake_columns(state, mine)))
            assert all(engine.sql(query.over("records")).columns for query in compile_feed(state, mine))
