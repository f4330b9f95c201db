"""What a running job holds in its hands: its arguments, its checkpoint, and the question whether to go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from models.errors import RongqiaoError
from service.jobs.queue import Lease, LeaseLost, renew, write_held
from service.office import Office

#: Seconds between two notes of the progress that nobody waits for.
_BETWEEN_NOTES = 1.0


class WorkerStops(RongqiaoError):
    """The worker was told to stop; the job goes on elsewhere."""


class JobCancelled(RongqiaoError):
    """Somebody cancelled the job."""


class Work:
    """One attempt at a job. Its methods raise what ends the attempt: ``WorkerStops``, ``JobCancelled``, ``LeaseLost``.

    Call ``tell`` or ``step`` often enough for a stop to be heard in seconds; a thread prolongs the lease meanwhile.
    """

    def __init__(
        self,
        office: Office,
        lease: Lease,
        length: timedelta,
        now: Callable[[], datetime],
        stops: Callable[[], bool] = lambda: False,
    ):
        self.lease = lease
        self.now = now
        self.checkpoint: Mapping[str, Any] = lease.checkpoint
        self._office = office
        self._length = length
        self._stops = stops
        self.progress: Mapping[str, Any] = {}
        self._noted_at = 0.0
        self._is_cancelled = False
        self._is_lost = False
        self._beaten_at = time.monotonic()
        self._writing = threading.Lock()

    @property
    def arguments(self) -> Mapping[str, Any]:
        return self.lease.arguments

    def check(self) -> None:
        """Raise if this attempt is to end here."""
        if self._is_lost or time.monotonic() - self._beaten_at > self._length.total_seconds():
            raise LeaseLost(f"job {self.lease.job_id}: the lease ran out")
        if self._is_cancelled:
            raise JobCancelled(f"job {self.lease.job_id} was cancelled")
        if self._stops():
            raise WorkerStops("the worker stops")

    def tell(self, stage: str, done: int = 0, total: int = 0) -> None:
        """Say how far the job is; ``total`` 0 where it is not known. Then ``check``."""
        is_news = stage != self.progress.get("stage")
        self.progress = {"stage": stage, "done": done, "total": total}
        if is_news or time.monotonic() - self._noted_at > _BETWEEN_NOTES:
            self._noted_at = time.monotonic()
            self.beat()
        self.check()

    @contextmanager
    def step(self, **checkpoint: Any) -> Iterator[Session]:
        """One transaction: the block's effects and the checkpoint they lead to, or neither.

        It also holds the lease while it lasts, so that no other worker does the same step.
        """
        self.check()
        with self._office.write() as session:
            write_held(session, self.lease, {"checkpoint": checkpoint})
            yield session
        self.checkpoint = checkpoint

    def beat(self) -> None:
        """Prolong the lease, and hear whether somebody cancelled; noticed by the next ``check``."""
        started = time.monotonic()
        with self._writing:
            try:
                self._is_cancelled = renew(self._office, self.lease, self.now(), self._length, self.progress)
                self._beaten_at = started
            except LeaseLost:
                self._is_lost = True
