"""A worker: claims jobs, keeps their leases alive, and leaves every one of them in a state that can be explained."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from models.errors import DataFileError, RefusedInput
from service.clock import utc_now
from service.jobs.kinds import JobKind
from service.jobs.periodic import Round, RoundsAsked
from service.jobs.queue import Lease, LeaseLost, claim, end_cancelled, fail, finish, give_back, is_work_waiting
from service.jobs.shipped import KINDS
from service.jobs.work import JobCancelled, Work, WorkerStops
from service.office import Office
from service.store import DatabaseUnavailable
from service.web.logs import logger_of

log = logger_of("rongqiao.jobs")
#: What passes: the database restarts, the disk has no room for a while.
_PASSING = (DatabaseUnavailable, SQLAlchemyError, OSError)
#: Seconds a stop may wait for a worker that has nothing to do.
_NAP = 0.2


class Worker:
    """Works on one job at a time until ``stopping`` is set, which a signal handler may do.

    Stopping ends the attempt at the job's next step and gives the job back with its checkpoint. ``rounds`` is what
    ``run`` asks for by itself when it has nothing else to do.
    """

    def __init__(
        self,
        office: Office,
        *,
        kinds: Mapping[str, JobKind] = KINDS,
        rounds: Sequence[Round] = (),
        lease: timedelta = timedelta(seconds=60),
        now: Callable[[], datetime] = utc_now,
    ):
        self.office = office
        self.name = f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self.stopping = False
        self._kinds = kinds
        self._rounds = RoundsAsked(office, rounds, kinds)
        self._lease = lease
        self._now = now

    def run(self, poll_seconds: float = 1.0) -> int:
        """Work until told to stop; how many attempts were made. A database that is away for a while is waited for."""
        made, rested = 0, False
        while not self.stopping:
            try:
                # What is asked for comes first: somebody waits for that.
                worked = self.work_one() or (rested and self.ask_rounds() > 0 and self.work_one())
            except _PASSING:
                # What was being done is in the database as far as it got; the lease brings it back.
                log.exception("worker cannot reach its queue", worker=self.name)
                worked = False
            made += worked
            rested = not worked
            if rested:
                self._rest(poll_seconds)
        return made

    def ask_rounds(self) -> int:
        """Put the rounds whose time has come into the queue; how many nobody had asked for."""
        return self._rounds.ask(self._now())

    def drain(self) -> int:
        """Work until nothing is due; how many attempts were made. Asks for no rounds."""
        made = 0
        while not self.stopping and self.work_one():
            made += 1
        return made

    def work_one(self) -> bool:
        """Make one attempt at one job; false when none is due."""
        kinds = sorted(self._kinds)
        if not is_work_waiting(self.office, kinds, self._now()):
            return False
        lease = claim(self.office, kinds, self.name, self._now(), self._lease)
        if lease is None:
            return False
        # Whoever took the job meanwhile also says how it ended.
        with suppress(LeaseLost):
            self._attempt(lease)
        return True

    def _attempt(self, lease: Lease) -> None:
        log.info("job started", kind=lease.kind, job=lease.job_id, attempt=lease.attempt)
        work = Work(self.office, lease, self._lease, self._now, lambda: self.stopping)
        ended = "done"
        try:
            with self._beating(work):
                result = self._kinds[lease.kind].run(self.office, work)
            finish(self.office, lease, result, self._now(), work.progress)
        except LeaseLost:
            ended = "lost"
            raise
        except WorkerStops:
            ended = "released"
            give_back(self.office, lease, self._now())
        except JobCancelled:
            ended = "cancelled"
            end_cancelled(self.office, lease, self._now())
        except (RefusedInput, DataFileError) as refused:
            # The same input is refused again, unless it is a state of the office that passes.
            ended = "refused"
            passing = isinstance(refused, RefusedInput) and refused.status >= 500
            fail(self.office, lease, f"{refused.rule} {refused.fix}", self._now(), for_good=not passing)
        except Exception as problem:
            ended = "failed"
            log.exception("job failed", kind=lease.kind, job=lease.job_id)
            fail(self.office, lease, _reason(problem), self._now())
        finally:
            log.info("job ended", kind=lease.kind, job=lease.job_id, outcome=ended)

    @contextmanager
    def _beating(self, work: Work) -> Iterator[None]:
        """Prolong the lease from a thread of its own while the block runs."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(self._lease.total_seconds() / 4):
                # A heartbeat that cannot be written is tried again; without one in time the attempt ends by itself.
                with suppress(*_PASSING):
                    work.beat()

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _NAP))


def _reason(problem: Exception) -> str:
    """What is kept of an unexpected failure: its kind. Its words may name a firm; they are in no log either."""
    code = f" ({problem.strerror})" if isinstance(problem, OSError) and problem.strerror else ""
    return f"The attempt failed with {type(problem).__name__}{code}; the log has the place."
