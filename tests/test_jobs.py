"""Jobs: asked once, held by one worker at a time, resumed where they were, given up with a reason, all journalled."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from models.errors import RefusedInput
from models.tables import AuditEntry, Job
from service.audit.chain import Event
from service.audit.journal import record, verify
from service.jobs.kinds import KINDS, JobKind, add_kind, startable
from service.jobs.queue import (
    Asked,
    Lease,
    LeaseLost,
    ask_to_cancel,
    claim,
    enqueue,
    fail,
    finish,
    give_back,
    is_work_waiting,
    renew,
)
from service.jobs.work import JobCancelled, Work, WorkerStops
from service.jobs.worker import Worker
from service.office import Office, opened
from tests.shell import Clock

START = datetime(2024, 11, 5, 2, 0, tzinfo=UTC)
LEASE = timedelta(seconds=60)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with opened(tmp_path) as made:
        yield made


def ask(office: Office, key: str = "k", kind: str = "count", **more: Any) -> Job:
    with office.write() as session:
        return enqueue(session, Asked(kind, key, {"to": 3}, "ana", "office", **more), START)


def job(office: Office, job_id: str) -> Job:
    with office.read() as session:
        return session.scalars(select(Job).where(Job.id == job_id)).one()


def told(office: Office, job_id: str) -> list[str]:
    with office.read() as session:
        return list(
            session.scalars(select(AuditEntry.reason).where(AuditEntry.object_id == job_id).order_by(AuditEntry.seq))
        )


def count(office: Office, work: Work) -> Mapping[str, Any]:
    """A job whose every step has an effect that can be counted: one journal entry."""
    for number in range(work.checkpoint.get("next", 0), work.arguments["to"]):
        with work.step(next=number + 1) as session:
            record(
                session, Event(START, "count", "system", "count", "done", object_id=work.lease.job_id, reason="step")
            )
        work.tell("counting", number + 1, work.arguments["to"])
    return {"counted": work.checkpoint["next"]}


def worker(office: Office, clock: Clock, run: Any = count) -> Worker:
    return Worker(office, kinds={"count": JobKind("count", run)}, lease=LEASE, now=clock)


def claimed(office: Office, now: datetime = START, name: str = "w") -> Lease:
    lease = claim(office, ["count"], name, now, LEASE)
    assert lease is not None
    return lease


def test_a_job_runs_from_queue_to_result_and_the_journal_tells_it(office: Office) -> None:
    asked = ask(office)
    assert worker(office, Clock(START)).drain() == 1
    done = job(office, asked.id)
    assert (done.state, done.result, done.attempts, done.error) == ("done", {"counted": 3}, 1, "")
    assert done.progress == {"stage": "counting", "done": 3, "total": 3}
    assert told(office, asked.id) == ["queued", "started", "step", "step", "step", "done"]
    assert verify(office).broken is None
    assert worker(office, Clock(START)).drain() == 0, "nothing is done twice"


def test_asking_twice_is_one_job_until_it_died(office: Office) -> None:
    first = ask(office)
    assert ask(office).id == first.id
    assert worker(office, Clock(START)).drain() == 1
    assert ask(office).id == first.id, "it is done: the same wish is answered with it"
    assert ask(office, "other").id != first.id
    with pytest.raises(RefusedInput, match="another job") as refused:
        ask(office, kind="build")
    assert refused.value.status == 409
    with pytest.raises(RefusedInput, match="another job"):
        ask(office, tenant="a-bank")


def test_eight_ask_at_once_and_one_job_is_there(office: Office) -> None:
    ids: list[str] = []
    threads = [threading.Thread(target=lambda: ids.append(ask(office).id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1
    assert told(office, ids[0]) == ["queued"]


def test_eight_workers_take_each_job_once(office: Office) -> None:
    ids = {ask(office, f"k{number}").id for number in range(20)}
    taken: list[str] = []

    def take(name: str) -> None:
        while (lease := claim(office, ["count"], name, START, LEASE)) is not None:
            taken.append(lease.job_id)

    threads = [threading.Thread(target=take, args=(f"w{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(taken) == dict.fromkeys(ids, 1)


def test_jobs_wait_for_their_time_and_their_kind_and_go_in_turn(office: Office) -> None:
    later = ask(office, "later", due_at=START + timedelta(hours=1))
    first, second = ask(office, "a"), ask(office, "b")
    ask(office, "stranger", kind="of_a_newer_version")
    assert claimed(office).job_id == first.id
    assert claimed(office).job_id == second.id
    assert claim(office, ["count"], "w", START, LEASE) is None
    assert claimed(office, START + timedelta(hours=1)).job_id in (later.id, first.id)


def test_who_lost_the_lease_changes_nothing_any_more(office: Office) -> None:
    asked = ask(office)
    old = claimed(office)
    assert claim(office, ["count"], "other", START + LEASE, LEASE) is None, "the lease holds to its end"
    after = START + LEASE + timedelta(seconds=1)
    new = claimed(office, after, "new")
    assert (new.job_id, new.fence, new.attempt) == (asked.id, old.fence + 1, 2)
    work = Work(office, old, LEASE, lambda: after)
    before = told(office, asked.id)
    for write in (
        lambda: finish(office, old, {"by": "old"}, after),
        lambda: fail(office, old, "no", after),
        lambda: give_back(office, old, after),
        lambda: renew(office, old, after, LEASE, {}),
    ):
        with pytest.raises(LeaseLost):
            write()
    with pytest.raises(LeaseLost), work.step(next=9) as session:
        record(session, Event(START, "count", "system", "count", "done", object_id=asked.id, reason="step"))
    work.beat()
    with pytest.raises(LeaseLost):
        work.check()
    assert told(office, asked.id) == before, "not even its effect is there"
    finish(office, new, {"by": "new"}, after)
    assert job(office, asked.id).result == {"by": "new"}
    with pytest.raises(LeaseLost):
        finish(office, new, {"by": "new"}, after)


def test_a_silent_job_goes_on_from_its_checkpoint_and_does_no_step_twice(office: Office) -> None:
    asked, clock = ask(office), Clock(START)
    work = Work(office, claimed(office), LEASE, clock)
    with work.step(next=1) as session:
        record(session, Event(START, "count", "system", "count", "done", object_id=asked.id, reason="step"))
    assert worker(office, clock).drain() == 0
    clock.forward(seconds=61)
    assert worker(office, clock).drain() == 1
    assert told(office, asked.id).count("step") == 3
    assert (job(office, asked.id).state, job(office, asked.id).attempts) == ("done", 2)


def test_a_step_that_fails_leaves_its_checkpoint_where_it_was(office: Office) -> None:
    asked = ask(office)
    work = Work(office, claimed(office), LEASE, Clock(START))

    def break_down() -> None:
        with work.step(next=1) as session:
            record(session, Event(START, "count", "system", "count", "done", object_id=asked.id, reason="step"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_down()
    assert work.checkpoint == {}
    assert job(office, asked.id).checkpoint == {}
    assert "step" not in told(office, asked.id)


def test_a_failing_job_waits_longer_each_time_and_is_given_up_with_a_reason(office: Office) -> None:
    def break_down(office: Office, work: Work) -> Mapping[str, Any]:
        raise OSError(28, "No space left on device", "/data/secret-name")

    asked, clock = ask(office), Clock(START)
    failing = worker(office, clock, break_down)
    pauses = []
    while job(office, asked.id).state != "dead":
        assert failing.drain() == 1
        due = job(office, asked.id).due_at
        if job(office, asked.id).state == "queued":
            pauses.append((due - clock()).total_seconds())
            clock.moment = due
    assert pauses == [5, 10]
    dead = job(office, asked.id)
    assert dead.attempts == dead.max_attempts == 3
    assert dead.error == "The attempt failed with OSError (No space left on device); the log has the place."
    assert told(office, asked.id)[-1] == "dead"
    assert failing.drain() == 0
    assert ask(office).id != asked.id, "the wish can be had again"


@pytest.mark.parametrize(("status", "attempts"), [(422, 1), (503, 3)])
def test_refused_input_is_not_tried_again_and_a_passing_state_is(office: Office, status: int, attempts: int) -> None:
    def refuse(office: Office, work: Work) -> Mapping[str, Any]:
        raise RefusedInput("x", "as_of", "secret", "That day is to come.", "Ask for another.", status=status)

    asked, clock = ask(office), Clock(START)
    while job(office, asked.id).state != "dead":
        worker(office, clock, refuse).drain()
        clock.forward(hours=1)
    dead = job(office, asked.id)
    assert (dead.attempts, dead.error) == (attempts, "That day is to come. Ask for another.")


def test_a_worker_that_dies_each_time_is_given_up_too(office: Office) -> None:
    asked, clock = ask(office), Clock(START)
    for _ in range(3):
        claimed(office, clock())
        clock.forward(seconds=61)
    assert is_work_waiting(office, ["count"], clock())
    assert claim(office, ["count"], "w", clock(), LEASE) is None
    dead = job(office, asked.id)
    assert (dead.state, dead.error) == ("dead", "The worker fell silent in attempt 3 of 3, the last one.")
    assert not is_work_waiting(office, ["count"], clock())


def cancelled(office: Office, job_id: str) -> None:
    with office.write() as session:
        row = session.scalars(select(Job).where(Job.id == job_id)).one()
        ask_to_cancel(session, row, "ana", "office", START, "")


def test_cancelling_ends_a_waiting_job_at_once_and_a_running_one_at_its_next_step(office: Office) -> None:
    waiting, running = ask(office, "waiting"), ask(office, "running")
    cancelled(office, waiting.id)
    assert job(office, waiting.id).state == "cancelled"

    def cancel_me(office: Office, work: Work) -> Mapping[str, Any]:
        cancelled(office, work.lease.job_id)
        work.tell("a new stage")
        raise AssertionError("it should have ended")

    assert worker(office, Clock(START), cancel_me).drain() == 1
    assert job(office, running.id).state == "cancelled"
    assert told(office, running.id) == ["queued", "started", "cancel_asked", "cancelled"]
    cancelled(office, running.id)
    assert told(office, running.id)[-1] == "cancelled", "what has ended stays as it ended"


def test_a_cancelled_job_whose_worker_died_is_not_run_again(office: Office) -> None:
    asked = ask(office)
    claimed(office)
    cancelled(office, asked.id)
    assert claim(office, ["count"], "w", START + timedelta(minutes=2), LEASE) is None
    assert job(office, asked.id).state == "cancelled"


def test_a_stopping_worker_gives_the_job_back_and_the_attempt_does_not_count(office: Office) -> None:
    asked, clock = ask(office), Clock(START)
    stopping = worker(office, clock, lambda office, work: stop_after_first(office, work))

    def stop_after_first(office: Office, work: Work) -> Mapping[str, Any]:
        with work.step(next=1) as session:
            record(session, Event(START, "count", "system", "count", "done", object_id=asked.id, reason="step"))
        stopping.stopping = True
        return count(office, work)

    assert stopping.drain() == 1
    left = job(office, asked.id)
    assert (left.state, left.attempts, left.checkpoint, left.lease_until) == ("queued", 0, {"next": 1}, None)
    assert worker(office, clock).drain() == 1, "another one takes it at once"
    assert told(office, asked.id).count("step") == 3


def test_heartbeats_hold_a_lease_that_is_shorter_than_the_job(office: Office) -> None:
    def long(office: Office, work: Work) -> Mapping[str, Any]:
        time.sleep(1.2)
        assert claim(office, ["count"], "thief", datetime.now(UTC), LEASE) is None
        work.check()
        return {}

    with office.write() as session:
        enqueue(session, Asked("count", "k", {}, "ana", "office"), datetime.now(UTC))
    made = Worker(office, kinds={"count": JobKind("count", long)}, lease=timedelta(seconds=0.5))
    assert made.drain() == 1
    with office.read() as session:
        assert session.scalars(select(Job.state)).all() == ["done"]


def test_an_attempt_without_a_heartbeat_ends_by_itself(office: Office) -> None:
    ask(office)
    work = Work(office, claimed(office), timedelta(seconds=0.05), Clock(START))
    time.sleep(0.1)
    with pytest.raises(LeaseLost):
        work.check()


def test_what_ends_an_attempt_is_heard(office: Office) -> None:
    asked = ask(office)
    lease = claimed(office)
    with pytest.raises(WorkerStops):
        Work(office, lease, LEASE, Clock(START), lambda: True).check()
    cancelled(office, asked.id)
    work = Work(office, lease, LEASE, Clock(START))
    work.beat()
    with pytest.raises(JobCancelled), work.step(next=1):
        raise AssertionError("not entered")


def test_kinds_have_one_name_each_and_some_start_by_themselves() -> None:
    with pytest.raises(ValueError, match="two kinds"):
        add_kind(KINDS["build"])
    with pytest.raises(RefusedInput, match="build") as refused:
        startable("webhook")
    assert refused.value.code == "unknown_kind"
