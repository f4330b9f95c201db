"""What makes answers quick loses nothing: journal entries that share a transaction, and answers that are kept."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, active_count
from typing import cast

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from models.tables import AuditEntry
from service.answers.kept import Kept, KeptAnswers
from service.audit.journal import Entry, enter, record, verify
from service.office import Office
from service.settings import Settings
from service.snapshot.snapshots import OpenSnapshot
from service.store import DatabaseUnavailable
from service.web.rate_limits import Policy, RateLimits
from tests.test_audit import an_event


class Snapshot:
    """Stands for one: answers are kept by which object it is."""


def a_snapshot() -> OpenSnapshot:
    return cast(OpenSnapshot, Snapshot())


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office.open(tmp_path)


def test_eight_at_once_share_commits_and_the_chain_stays_whole(office: Office) -> None:
    commits, together = [], Barrier(8)
    event.listen(office.store._writer, "commit", commits.append)

    def reader(number: int) -> list[int]:
        together.wait()
        told = []
        for _ in range(20):

            def work(session: Session) -> int:
                record(session, an_event(number))
                return int(session.scalar(select(func.max(AuditEntry.seq))) or 0)

            told.append(office.store.write_together(work))
            with office.read() as session:  # committed before the call returned: another connection sees it
                assert session.get(AuditEntry, told[-1]) is not None
        return told

    with ThreadPoolExecutor(8) as pool:
        told = [seq for each in pool.map(reader, range(8)) for seq in each]
    assert sorted(told) == list(range(1, 161)), "each its own entry, none twice, none lost"
    assert (verify(office).entries, verify(office).broken) == (160, None)
    assert len(commits) < 160, "some waited for one flush together"


def test_one_that_fails_takes_nobody_along(office: Office) -> None:
    def works(session: Session) -> str:
        record(session, an_event(1))
        return "done"

    def fails(session: Session) -> str:
        record(session, an_event(2))
        raise ValueError("not this one")

    pool = ThreadPoolExecutor(6)
    with office.write() as session:  # meanwhile they gather
        first = pool.submit(office.store.write_together, works)
        others = [pool.submit(office.store.write_together, fails if number == 2 else works) for number in range(5)]
        record(session, an_event(3))
    assert first.result() == "done"
    assert [each.result() for number, each in enumerate(others) if number != 2] == ["done"] * 4
    with pytest.raises(ValueError, match="not this one"):
        others[2].result()
    pool.shutdown()
    assert (verify(office).entries, verify(office).broken) == (6, None)


def test_who_gives_up_before_the_turn_is_left_out_and_entries_are_written_at_once(office: Office) -> None:
    written: list[int] = []

    def ending(session: Session, entries: Sequence[Entry[int]]) -> None:
        written.append(len(entries))
        enter(session, entries)

    def work(number: int) -> Callable[[Session], Entry[int]]:
        return lambda _session: Entry(number, an_event(number) if number != 3 else None)

    with office.write() as session:  # meanwhile they gather
        record(session, an_event(9))
        asked = [office.store.write_soon(work(number), ending) for number in range(5)]
        assert asked[1].cancel()
    assert [each.result().found for each in asked if not each.cancelled()] == [0, 2, 3, 4]
    assert sum(written) == 4
    assert len(written) <= 2, "who gathered shares a turn"
    assert (verify(office).entries, verify(office).broken) == (4, None), "one had nothing to tell"


def test_counting_requests_begins_no_thread_and_forgets_what_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now, threads = 1_000_000.0, active_count()
    monkeypatch.setattr("service.web.rate_limits.time.time", lambda: now)
    rates = RateLimits(Settings(requests_per_minute=2))
    assert [rates.count(Policy.CLIENT, "a").exceeded for _ in range(3)] == [False, False, True]
    assert rates.count(Policy.CLIENT, "b").remaining == 1
    now += 61
    assert rates.count(Policy.CLIENT, "a").remaining == 1
    assert active_count() == threads
    assert len(rates._limiter.storage._counts) == 1  # type: ignore[attr-defined]


def test_where_the_database_is_away_everybody_is_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(session: Session) -> None:
        raise DatabaseUnavailable("away")

    with pytest.raises(DatabaseUnavailable):
        office.store.write_together(gone)
    assert verify(office).entries == 0
    assert office.store.write_together(lambda session: record(session, an_event(1))) is None
    assert verify(office).entries == 1, "and the next one is served"


def test_an_answer_is_kept_for_its_snapshot_and_its_key() -> None:
    kept, one, other = KeptAnswers(), a_snapshot(), a_snapshot()
    kept.keep(one, ("firm", "bank"), Kept(b"{}" * 500, "r_1"))
    assert kept.find(one, ("firm", "bank")) == Kept(b"{}" * 500, "r_1")
    assert kept.find(one, ("firm", "office")) is None
    assert kept.find(other, ("firm", "bank")) is None
    kept.keep(other, ("firm", "bank"), Kept(b"[]", "r_2"))
    assert kept.find(one, ("firm", "bank")) == Kept(b"{}" * 500, "r_1")
    del one
    gc.collect()
    for _ in range(50):  # a new object may have the address of the one that is gone
        assert kept.find(a_snapshot(), ("firm", "bank")) is None


def test_the_least_used_answer_goes_first_and_a_huge_one_is_not_kept() -> None:
    kept, snapshot = KeptAnswers(most_bytes=100), a_snapshot()
    for number in range(5):
        kept.keep(snapshot, number, Kept(bytes(range(number, number + 32)), f"r_{number}"))
        kept.find(snapshot, 0)
    found = [number for number in range(5) if kept.find(snapshot, number)]
    assert 0 in found
    assert 4 in found
    assert len(found) < 5
    kept.keep(snapshot, "huge", Kept(bytes(range(256)), "r_huge"))
    assert kept.find(snapshot, "huge") is None
    assert kept.find(snapshot, 0) is not None
