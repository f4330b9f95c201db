"""A snapshot: content-addressed, sorted by score, read back as it was built, one firm in no time."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from models.dates import add_months, days
from models.errors import NotFound, RefusedInput
from models.kinds import Kind
from models.tables import Snapshot
from scoring.columns import Columns
from service.books import seedbook
from service.office import Office, opened
from service.snapshot import folder as files
from service.snapshot.snapshots import OpenSnapshot, open_snapshot
from service.snapshot.stages import Evaluated, Matched, Stages
from service.usecases.build_snapshot import BuildProgress, build_snapshot
from tests.random_records import LandedBatch, firm_codes, land, random_batches
from tests.slow_profile import slow_profile

AS_OF = date(2024, 10, 31)
KNOWN_BY = datetime(2024, 11, 30, tzinfo=UTC)
FIRMS = firm_codes(23)
FEEDS = (
    "business_registration",
    "administrative_penalty",
    "registered_person",
    "electricity_month",
    "vat_invoice",
    "shareholder",
    "inspection",
)


@pytest.fixture(scope="module")
def batches() -> dict[str, list[LandedBatch]]:
    picker = random.Random(3)
    made = {name: random_batches(seedbook.feeds()[name], FIRMS, picker, batches=2, rows=70) for name in FEEDS}
    for landed in made.values():
        for batch in landed:
            batch.received_at = datetime(2024, 11, 1 + batch.number, tzinfo=UTC)
            for row in batch.rows:
                row["received_at"] = batch.received_at
    return made


def filled(home: Path, batches: dict[str, list[LandedBatch]]) -> Office:
    office = Office.open(home)
    for name, landed in batches.items():
        for batch in landed:
            land(office, seedbook.feeds()[name], batch)
    return office


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, batches: dict[str, list[LandedBatch]]) -> Iterator[Office]:
    office = filled(tmp_path_factory.mktemp("office"), batches)
    yield office
    office.close()


def derive(columns: Columns, as_of: date) -> Columns:
    penalised = columns.values["penalty_minor"] > 0
    return Columns(columns.n, {"penalised": penalised.astype(np.int8)})


def evaluate(columns: Columns, as_of: date) -> Evaluated:
    """Scores with ties and with firms that have none."""
    score = np.where(columns.values["penalised"] == 1, np.nan, columns.values["penalty_general"] * 100.0)
    return Evaluated(Columns(columns.n, {"score": score}), {"parts": np.stack([score, score / 2])})


class AllWithScore:
    """One rule: a firm that has a score meets it."""

    def __init__(self, columns: Columns, as_of: date):
        self.rule_ids = ("scored",)
        self.met = self.open = np.packbits(~np.isnan(columns.values["score"]))[np.newaxis]


def match(columns: Columns, as_of: date) -> Matched:
    return AllWithScore(columns, as_of)


STAGES = Stages(derive, evaluate, match, {"penalised": Kind.FLAG, "score": Kind.NUMBER}, "model 1", "rules 1")


@pytest.fixture(scope="module")
def snapshot(office: Office) -> OpenSnapshot:
    return open_snapshot(office, build_snapshot(office, AS_OF, KNOWN_BY, stages=STAGES).snapshot_id)


def test_every_reading_equals_the_slow_profile(snapshot: OpenSnapshot, batches: dict[str, list[LandedBatch]]) -> None:
    items = seedbook.catalogue().items
    slow = slow_profile(seedbook.feeds(), items.values(), batches, AS_OF, KNOWN_BY)
    assert snapshot.firms == len(slow)
    for uscc, answers in slow.items():
        row = snapshot.row_of(uscc)
        assert snapshot.firm_at(row) == uscc
        readings = snapshot.readings(row)
        assert list(readings) == list(items)
        for name, reading in readings.items():
            value, observed = answers[name]
            assert reading.observed == observed
            assert reading.age_days == (None if observed is None else (AS_OF - observed).days)
            assert (reading.agency, reading.feed) == (items[name].agency, items[name].feed)
            if isinstance(value, float):
                assert reading.value == pytest.approx(value, rel=1e-12)
            else:
                assert reading.value == value


def test_rows_stand_by_score_then_by_code_and_everything_moves_along(snapshot: OpenSnapshot) -> None:
    score, codes = snapshot.columns.values["score"], snapshot.uscc.tolist()
    keys = [
        (np.isnan(value), -value if value == value else 0.0, code) for value, code in zip(score, codes, strict=True)
    ]
    assert keys == sorted(keys)
    assert len({value for value in score.tolist() if value == value}) > 1
    assert np.isnan(score[-1])
    assert np.array_equal(snapshot.scores["parts"][1] * 2, score, equal_nan=True)
    met = np.unpackbits(snapshot.met[0], count=snapshot.firms).astype(bool)
    assert np.array_equal(met, ~np.isnan(score))
    assert snapshot.rule_ids == ("scored",)
    assert snapshot.facts(0)["penalised"] is False
    assert snapshot.value("penalised", snapshot.firms - 1) is True


def test_the_ownership_of_the_registration_is_kept_beside_the_items(snapshot: OpenSnapshot) -> None:
    known = {snapshot.facts(row)["ownership"] for row in range(snapshot.firms)}
    assert known <= {"private", "state", "foreign", "collective", None}
    assert len(known) > 1
    assert "ownership" not in snapshot.readings(0)


def test_an_unknown_firm_is_said_to_be_unknown(snapshot: OpenSnapshot) -> None:
    absent = next(code for code in firm_codes(50, seed=9) if code not in FIRMS)
    for code in (absent, "", "企业", "0" * 18, "Z" * 18, FIRMS[0] + "X"):
        with pytest.raises(NotFound, match="No record of this firm"):
            snapshot.row_of(code)


def test_stale_means_past_the_refresh_period(snapshot: OpenSnapshot, office: Office) -> None:
    covered = date.fromisoformat(snapshot.manifest["feeds"]["business_registration"]["covered_to"])
    for row in range(snapshot.firms):
        readings = snapshot.readings(row)
        # Monthly records age by themselves; a register of events is as fresh as its last delivery.
        power = readings["electricity_overdue"]
        assert power.stale == (power.observed is not None and power.observed < add_months(AS_OF, -1))
        name = readings["firm_name"]
        assert name.stale == (name.observed is not None and covered < add_months(AS_OF, -1))
        assert not readings["water_12m"].stale


def test_the_same_inputs_give_the_same_snapshot_and_the_same_bytes(
    office: Office, snapshot: OpenSnapshot, tmp_path: Path, batches: dict[str, list[LandedBatch]]
) -> None:
    before = snapshot.folder.stat().st_mtime_ns
    again = build_snapshot(office, AS_OF, KNOWN_BY, stages=STAGES)
    later = build_snapshot(office, AS_OF, KNOWN_BY + timedelta(days=9), stages=STAGES)
    assert {again.snapshot_id, later.snapshot_id} == {snapshot.id}
    assert not again.is_new
    assert snapshot.folder.stat().st_mtime_ns == before
    assert again.firms == snapshot.firms
    assert again.records == sum(feed["records"] for feed in snapshot.manifest["feeds"].values())
    elsewhere = filled(tmp_path, batches)
    other = build_snapshot(elsewhere, AS_OF, KNOWN_BY, stages=STAGES)
    elsewhere.close()
    assert other.is_new
    assert other.snapshot_id == snapshot.id
    for path in sorted(snapshot.folder.rglob("*.*")):
        assert path.read_bytes() == (other.folder / path.relative_to(snapshot.folder)).read_bytes(), path.name


def test_whatever_an_answer_depends_on_changes_the_id(office: Office, snapshot: OpenSnapshot) -> None:
    catalogue = seedbook.catalogue()
    changed = dict(catalogue.items)
    changed["penalty_minor"] = replace(changed["penalty_minor"], valid_for_months=7)
    builds = [
        build_snapshot(office, AS_OF - timedelta(days=1), KNOWN_BY, stages=STAGES),
        build_snapshot(office, AS_OF, datetime(2024, 11, 1, 12, tzinfo=UTC), stages=STAGES),
        build_snapshot(office, AS_OF, KNOWN_BY, stages=replace(STAGES, rules_digest="rules 2")),
        build_snapshot(office, AS_OF, KNOWN_BY, stages=replace(STAGES, model_digest="model 2")),
        build_snapshot(office, AS_OF, KNOWN_BY, stages=STAGES, catalogue=replace(catalogue, items=changed)),
    ]
    assert len({snapshot.id, *(build.snapshot_id for build in builds)}) == 6
    assert builds[1].known_by == datetime(2024, 11, 1, tzinfo=UTC)
    assert open_snapshot(office).id == builds[-1].snapshot_id
    with pytest.raises(NotFound):
        open_snapshot(office, "0" * 20)


def test_progress_and_timings_are_told_and_kept_out_of_the_snapshot(office: Office) -> None:
    told: list[BuildProgress] = []
    report = build_snapshot(office, date(2024, 6, 30), KNOWN_BY, progress=told.append)
    assert list(report.seconds) == [
        "select", "aggregate", "assemble", "derive", "evaluate", "sort", "match", "write"
    ]  # fmt: skip
    assert told[-1].rows_done == told[-1].rows_total == report.rows > 0
    assert "seconds" not in (report.folder / files.MANIFEST).read_text()


def test_what_cannot_be_built_is_refused(tmp_path: Path, office: Office) -> None:
    with opened(tmp_path) as empty, pytest.raises(RefusedInput, match="Nothing had landed") as refused:
        build_snapshot(empty, AS_OF, KNOWN_BY)
    assert refused.value.code == "no_batches"
    with pytest.raises(RefusedInput, match="Nothing had landed"):
        build_snapshot(office, date(2024, 10, 1), datetime(2024, 10, 2, tzinfo=UTC))
    with pytest.raises(RefusedInput, match="still to come") as refused:
        build_snapshot(office, date(2024, 12, 2), KNOWN_BY)
    assert refused.value.field == "as_of"
    with pytest.raises(RefusedInput, match="time zone"):
        build_snapshot(office, AS_OF, datetime(2024, 11, 30))


def test_a_changed_manifest_is_not_opened(office: Office, snapshot: OpenSnapshot, tmp_path: Path) -> None:
    copy = tmp_path / snapshot.id
    copy.mkdir()
    (copy / files.MANIFEST).write_text(json.dumps({**snapshot.manifest, "as_of": "2020-01-01"}))
    with office.read() as session:
        digest = session.scalar(select(Snapshot.manifest_sha256).where(Snapshot.id == snapshot.id))
    assert digest
    with pytest.raises(RefusedInput, match="not the one that was built"):
        OpenSnapshot(copy, digest)


def test_columns_are_read_only_views_and_shared_days_are_stored_once(snapshot: OpenSnapshot) -> None:
    with pytest.raises(ValueError, match="read-only"):
        snapshot.columns.values["penalty_minor"][0] = 1
    one, other = (snapshot.folder / files.observed_file(name) for name in ("penalty_minor", "penalty_general"))
    assert os.path.samefile(one, other)
    covered = date.fromisoformat(snapshot.manifest["feeds"]["administrative_penalty"]["covered_to"])
    assert set(snapshot.observed["penalty_minor"].tolist()) == {days(covered)}


def test_one_firm_is_read_in_less_than_a_millisecond(snapshot: OpenSnapshot) -> None:
    codes = [snapshot.firm_at(row) for row in range(snapshot.firms)]
    fastest = float("inf")
    for _ in range(5):
        # Time on the processor: a busy machine must not fail a fact about the code.
        start = time.thread_time()
        for code in codes:
            snapshot.readings(snapshot.row_of(code))
        fastest = min(fastest, (time.thread_time() - start) / len(codes))
    assert fastest < 1e-3
