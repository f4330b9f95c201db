"""A short hold of what ``make soak`` does for long: no error under load, no 5xx whatever is sent, nothing lost."""

from __future__ import annotations

import os
from itertools import islice

import pytest

from bench.bad_inputs import bad_requests
from bench.kills import Tally
from bench.load import MIX, LoadReport, Memory, Timed, hold_load
from bench.servers import demo_city
from bench.soak import faults, page, table

#: Seconds of load; set RONGQIAO_SMOKE_SECONDS=30 where there is time.
SECONDS = float(os.environ.get("RONGQIAO_SMOKE_SECONDS", "6"))

pytestmark = pytest.mark.skipif(
    os.environ.get("RONGQIAO_TEST_DATABASE") == "postgresql", reason="the server under load is the SQLite one"
)


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> LoadReport:
    home = tmp_path_factory.mktemp("soak") / "home"
    demo_city(home, 50)
    return hold_load(home, SECONDS, connections=4)


def test_load_is_held_without_an_error(load: LoadReport) -> None:
    assert load.mix.errors == 0, load.mix.first_error
    assert set(load.mix.seconds) == set(MIX), "every part of the mix was asked"
    assert load.mix.requests > 20
    assert load.bare.errors == 0
    assert load.bare.requests > load.bare.lasted, "the client itself is no brake"


def test_bad_requests_never_end_in_a_fault_of_ours(load: LoadReport) -> None:
    assert load.bad.failures == 0, load.bad.statuses
    assert load.bad.requests > 20
    refused = sum(count for status, count in load.bad.statuses.items() if 400 <= status < 500)
    assert refused > 0.8 * load.bad.requests


def test_what_was_acknowledged_under_load_is_there_and_in_the_backup(load: LoadReport) -> None:
    assert load.acknowledged > 0
    assert load.lost == 0
    assert load.restore_seconds > 0


def test_the_table_tells_faults_and_the_run_fails_on_them(load: LoadReport) -> None:
    whole = Tally("ingest", kills=3, acknowledged=9)
    assert faults([whole], load) == []
    lines = table([whole], load)
    assert "| of these in ingest | 3 kills, 9 steps acknowledged, 0 lost |" in lines
    assert "other work" in page(lines, busy=9)
    assert "other work" not in page(lines, busy=0.5)
    broken = Tally("build", kills=1, lost=1, wrong=["build: not what an undisturbed run ends in"])
    bad = Timed({"bad": [0.1]}, lasted=1)
    bad.statuses[500] += 1
    failed = LoadReport(1, 1, bad, load.bare, bad, Memory(1, 0), 3, 2, 1, 1, 1)
    assert len(faults([broken], failed)) == 4


def test_bad_requests_are_of_many_kinds_and_the_same_each_time() -> None:
    once = list(islice(bad_requests([{}], 3), 300))
    assert once == list(islice(bad_requests([{}], 3), 300))
    assert len(set(once)) > 150
