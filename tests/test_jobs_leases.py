"""Whatever three workers and the clock do, one of them at most can change a job: the queue against a plain model."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from models.tables import Job
from service.jobs.queue import Asked, Lease, LeaseLost, claim, enqueue, give_back, renew
from service.jobs.work import Work
from service.office import Office
from tests.shell import Clock

START = datetime(2024, 11, 5, 2, 0, tzinfo=UTC)
LEASE = timedelta(seconds=60)


class Leases(RuleBasedStateMachine):
    """Three workers, one job, a clock that jumps: a plain model of who holds it, held against the queue."""

    @initialize()
    def begin(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.office = Office.open(Path(self._folder.name))
        self.clock = Clock(START)
        with self.office.write() as session:
            asked = Asked("count", "k", {}, "ana", "office", max_attempts=1000)
            self.job_id = enqueue(session, asked, START).id
        self.leases: dict[int, Lease] = {}
        self.holder: int | None = None
        self.until = START
        self.written = 0

    @rule(seconds=st.sampled_from([1, 20, 61]))
    def time_passes(self, seconds: int) -> None:
        self.clock.forward(seconds=seconds)

    @rule(who=st.integers(0, 2))
    def take(self, who: int) -> None:
        lease = claim(self.office, ["count"], f"w{who}", self.clock(), LEASE)
        free = self.holder is None or self.clock() > self.until
        assert (lease is not None) == free
        if lease is not None:
            self.leases[who], self.holder, self.until = lease, who, self.clock() + LEASE

    @rule(who=st.integers(0, 2))
    def beat(self, who: int) -> None:
        if who in self.leases and self._is_taken(
            who, lambda: renew(self.office, self.leases[who], self.clock(), LEASE, {})
        ):
            self.until = self.clock() + LEASE

    @rule(who=st.integers(0, 2))
    def write(self, who: int) -> None:
        if who in self.leases:
            work = Work(self.office, self.leases[who], LEASE, self.clock)

            def step() -> None:
                with work.step(next=self.written + 1):
                    pass

            self.written += self._is_taken(who, step)

    @rule(who=st.integers(0, 2))
    def return_it(self, who: int) -> None:
        if who in self.leases and self._is_taken(who, lambda: give_back(self.office, self.leases[who], self.clock())):
            self.holder = None

    def _is_taken(self, who: int, write: Any) -> bool:
        """Whether the write was taken; only the one holder's is."""
        try:
            write()
        except LeaseLost:
            assert who != self.holder
            return False
        assert who == self.holder
        return True

    @invariant()
    def the_row_says_the_same(self) -> None:
        with self.office.read() as session:
            row = session.scalars(select(Job).where(Job.id == self.job_id)).one()
        assert row.checkpoint.get("next", 0) == self.written
        assert (row.state == "running") == (self.holder is not None)

    def teardown(self) -> None:
        if hasattr(self, "office"):
            self.office.close()
            self._folder.cleanup()


TestLeases = Leases.TestCase
TestLeases.settings = settings(max_examples=8, stateful_step_count=20, deadline=None, derandomize=True, database=None)
