"""What is laid over a snapshot is what a build would have: every firm, column, text, verdict and rank."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from models.errors import NotFound
from service.books import seedbook
from service.delta.delta import Delta, Standing
from service.office import Office
from service.registry.shelf import ModelShelf
from service.snapshot.office_stages import office_stages
from service.snapshot.shelf import Shelf
from service.snapshot.snapshots import OpenSnapshot, open_snapshot
from service.usecases.build_snapshot import build_snapshot
from tests.random_records import LandedBatch, firm_codes, land, random_batches

AS_OF = date(2024, 10, 31)
BUILT, LATER = datetime(2024, 11, 10, tzinfo=UTC), datetime(2024, 11, 20, tzinfo=UTC)
#: The last five are not in the snapshot's batches.
FIRMS = firm_codes(40)
FEEDS = (
    "business_registration",
    "administrative_penalty",
    "registered_person",
    "electricity_month",
    "vat_invoice",
    "shareholder",
    "inspection",
    "tax_credit_rating",
    "intellectual_property",
)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office.open(tmp_path)
    yield office
    office.close()


def filled(office: Office, picker: random.Random) -> dict[str, LandedBatch]:
    """An office with two batches of each feed; what came of a third is given back. No coverage moves with it."""
    late = {}
    for name in FEEDS:
        feed = seedbook.feeds()[name]
        made = random_batches(feed, FIRMS[:35], picker, batches=2, rows=80)
        for batch in made:
            received(batch, datetime(2024, 11, 1 + batch.number, tzinfo=UTC))
            land(office, feed, batch)
        late[name] = third(name, picker, [row for batch in made for row in batch.rows])
        late[name].covers_to = min(batch.covers_to for batch in made)
    return late


def third(name: str, picker: random.Random, earlier: list[dict[str, object]]) -> LandedBatch:
    """A batch of a few firms, some of them new, and with another revision of an earlier record."""
    feed = seedbook.feeds()[name]
    firms = [*picker.sample(FIRMS[:35], 4), *picker.sample(FIRMS[35:], 2)]
    (batch,) = random_batches(feed, firms, picker, batches=1, rows=9)
    again = dict(picker.choice(earlier))
    again |= {"revision": 9, "record_id": f"{name}-again", "withdrawn_on": picker.choice([None, date(2024, 10, 1)])}
    keys = [feed.column(key).stored for key in feed.key]
    same = {tuple(row[key] for key in keys) for row in earlier}
    batch.rows = [
        {**row, "contested": row["contested"] or tuple(row[key] for key in keys) in same} for row in batch.rows
    ]
    batch.rows.append(again | {"contested": True})
    batch.number = 2
    received(batch, datetime(2024, 11, 15, tzinfo=UTC))
    return batch


def received(batch: LandedBatch, at: datetime) -> None:
    batch.received_at = at
    for row in batch.rows:
        row["received_at"] = at


def built(office: Office, known_by: datetime) -> OpenSnapshot:
    return open_snapshot(office, build_snapshot(office, AS_OF, known_by, stages=office_stages()).snapshot_id)


def overlay(office: Office, base: OpenSnapshot, most: int = 2_000) -> tuple[OpenSnapshot, Standing]:
    delta = Delta(office, ModelShelf(office), 0, most)
    return delta.over(base), delta.standing


def assert_same(found: OpenSnapshot, wanted: OpenSnapshot) -> None:
    """Whole columns, in the order of scores, and each firm by itself."""
    assert found.uscc.tolist() == wanted.uscc.tolist()
    assert set(found.columns.values) == set(wanted.columns.values)
    for name, column in wanted.columns.values.items():
        if name in wanted.columns.codes:
            texts = [(*snapshot.columns.codes[name], None) for snapshot in (found, wanted)]
            mine = [texts[0][place] for place in found.columns.values[name].tolist()]
            assert mine == [texts[1][place] for place in column.tolist()], name
        else:
            np.testing.assert_array_equal(found.columns.values[name], column, name)
        assert found.columns.values[name].dtype == column.dtype
    for name, days in wanted.observed.items():
        np.testing.assert_array_equal(found.observed[name], days, name)
    assert set(found.scores) == set(wanted.scores)
    for name, kept in wanted.scores.items():
        np.testing.assert_array_equal(found.scores[name], kept, name)
    assert found.rule_ids == wanted.rule_ids
    np.testing.assert_array_equal(found.met, wanted.met)
    np.testing.assert_array_equal(found.open, wanted.open)
    for row in range(wanted.firms):
        assert_same_firm(found, wanted, wanted.firm_at(row))


def assert_same_firm(found: OpenSnapshot, wanted: OpenSnapshot, uscc: str) -> None:
    row, there = found.row_of(uscc), wanted.row_of(uscc)
    assert found.firm_at(row) == uscc
    assert repr(found.readings(row)) == repr(wanted.readings(there))
    assert repr(found.facts(row)) == repr(wanted.facts(there))
    mine, theirs = found.columns.row(row), wanted.columns.row(there)
    for name, value in theirs.values.items():
        codes = [(*columns.codes.get(name, ()), None) for columns in (mine, theirs)]
        if codes[1] != (None,):
            assert codes[0][int(mine.values[name][0])] == codes[1][int(value[0])], name
        else:
            np.testing.assert_array_equal(mine.values[name], value, name)


@pytest.mark.parametrize("seed", range(4))
def test_records_that_arrived_give_what_a_build_gives(office: Office, seed: int) -> None:
    picker = random.Random(seed)
    late = filled(office, picker)
    base = built(office, BUILT)
    for name in picker.sample(FEEDS, 4):
        land(office, seedbook.feeds()[name], late[name])
    found, standing = overlay(office, base)
    wanted = built(office, LATER)
    assert found.id != base.id
    assert standing.waiting == 0
    assert {FIRMS.index(str(code, "ascii")) >= 35 for code in found.uscc} == {True, False}
    assert_same(found, wanted)


@pytest.mark.parametrize("seed", range(2))
def test_a_feed_that_is_complete_to_a_later_day_says_so_of_the_firms_it_told_of(office: Office, seed: int) -> None:
    """The others keep the coverage they were built with; a feed nobody had delivered before begins with its firms."""
    picker = random.Random(100 + seed)
    late = filled(office, picker)
    base = built(office, BUILT)
    name = picker.choice(FEEDS)
    late[name].covers_to = date(2024, 12, 31)
    land(office, seedbook.feeds()[name], late[name])
    never = next(each for each in seedbook.feeds().values() if each.id not in FEEDS)
    (first,) = random_batches(never, FIRMS[30:], picker, batches=1, rows=5)
    received(first, datetime(2024, 11, 15, tzinfo=UTC))
    land(office, never, first)
    found, _ = overlay(office, base)
    wanted = built(office, LATER)
    touched = {row["uscc"] for row in (*late[name].rows, *first.rows)}
    there = {wanted.firm_at(row) for row in range(wanted.firms)}
    assert touched & there
    for uscc in sorted(touched & there):
        assert_same_firm(found, wanted, uscc)
    for row in range(base.firms):
        if base.firm_at(row) not in touched:
            assert_same_firm(found, base, base.firm_at(row))


@pytest.mark.parametrize("seed", range(3))
def test_looking_after_every_batch_gives_what_one_look_gives(office: Office, seed: int) -> None:
    """Whatever the batches move: coverage, firms that come and go, the same firm in several feeds and batches."""
    picker = random.Random(200 + seed)
    late = filled(office, picker)
    base = built(office, BUILT)
    delta, looks = Delta(office, ModelShelf(office), 0, 2_000), []
    for name in picker.sample(FEEDS, 5):
        if picker.random() < 0.4:
            late[name].covers_to = date(2024, 12, 31)
        land(office, seedbook.feeds()[name], late[name])
        looks.append(delta.over(base))
    never = next(each for each in seedbook.feeds().values() if each.id not in FEEDS)
    for batch in random_batches(never, FIRMS[30:], picker, batches=2, rows=5):
        received(batch, datetime(2024, 11, 16 + batch.number, tzinfo=UTC))
        land(office, never, batch)
        looks.append(delta.over(base))
    for look in (looks[2], looks[-1]):
        _, _, seq = look.id.partition("-")
        assert_same(look, Delta(office, ModelShelf(office), 0).through(base, seq))


def test_a_firm_whose_only_record_is_withdrawn_is_gone(office: Office) -> None:
    feed = seedbook.feeds()["intellectual_property"]
    picker = random.Random(5)
    (batch,) = random_batches(feed, FIRMS[:9], picker, batches=1, rows=60)
    received(batch, datetime(2024, 11, 1, tzinfo=UTC))
    batch.rows = [{**row, "withdrawn_on": None, "observed_on": date(2024, 1, 1)} for row in batch.rows]
    lonely = FIRMS[9]
    only = {**batch.rows[0], "uscc": lonely, "record_id": "only", "contested": False}
    batch.rows.append(only)
    land(office, feed, batch)
    base = built(office, BUILT)
    again = replace(batch, number=1, rows=[{**only, "revision": 9, "record_id": "gone", "contested": True}])
    again.rows[0]["withdrawn_on"] = date(2024, 10, 1)
    received(again, datetime(2024, 11, 15, tzinfo=UTC))
    land(office, feed, again)
    delta = Delta(office, ModelShelf(office), 0)
    found = delta.over(base)
    assert_same(found, built(office, LATER))
    assert base.row_of(lonely) >= 0
    with pytest.raises(NotFound):
        found.row_of(lonely)
    back = replace(again, number=2, rows=[{**again.rows[0], "revision": 10, "record_id": "back", "withdrawn_on": None}])
    land(office, feed, back)
    assert_same(delta.over(base), built(office, LATER))
    assert delta.over(base).row_of(lonely) >= 0


def test_what_is_too_much_waits_for_the_build_and_what_came_before_it_does_not(office: Office) -> None:
    late = filled(office, random.Random(1))
    base = built(office, BUILT)
    first, second, third_one = (late[name] for name in ("administrative_penalty", "vat_invoice", "shareholder"))
    for batch in (first, second, third_one):
        land(office, seedbook.feeds()[batch.feed], batch)
    found, standing = overlay(office, base, most=len(first.rows) + len(second.rows) - 1)
    assert (standing.records, standing.waiting) == (len(first.rows), 2)
    assert "records arrived" in standing.reason
    assert list(found.manifest["delta"]["batches"]) == ["administrative_penalty"]
    assert overlay(office, base, most=0)[0] is base


def test_an_overlay_is_had_again_from_its_id_after_more_arrived(office: Office) -> None:
    late = filled(office, random.Random(2))
    base = built(office, BUILT)
    land(office, seedbook.feeds()["vat_invoice"], late["vat_invoice"])
    then = Shelf(office, 0).current()
    land(office, seedbook.feeds()["shareholder"], late["shareholder"])
    shelf = Shelf(office, 0)
    assert shelf.current().id != then.id
    assert_same(shelf.by_id(then.id), then)
    assert shelf.by_id(base.id).id == shelf.built().id == base.id
    for unknown in (f"{base.id}-0", f"{base.id}-99999", f"{base.id}-x", f"{then.id}-1"):
        with pytest.raises(NotFound):
            shelf.by_id(unknown)


def test_a_snapshot_built_by_other_rules_is_left_as_it_is(office: Office) -> None:
    late = filled(office, random.Random(3))
    stages = replace(office_stages(), rules_digest="another")
    base = open_snapshot(office, build_snapshot(office, AS_OF, BUILT, stages=stages).snapshot_id)
    land(office, seedbook.feeds()["vat_invoice"], late["vat_invoice"])
    found, standing = overlay(office, base)
    assert found is base
    assert (standing.waiting, standing.firms) == (1, 0)
    assert "other rules" in standing.reason


def test_nothing_that_arrived_is_no_overlay(office: Office) -> None:
    filled(office, random.Random(4))
    base = built(office, BUILT)
    found, standing = overlay(office, base)
    assert found is base
    assert standing == Standing()
