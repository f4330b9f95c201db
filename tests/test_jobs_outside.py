"""Jobs as they are met from outside: over HTTP, on the command line, in a process that is killed or told to stop."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from models.tables import Job, Snapshot
from service.access.auth import Role
from service.audit.journal import verify
from service.books import seedbook
from service.cli import run
from service.jobs.builds import plan_build
from service.jobs.queue import Asked, enqueue
from service.jobs.worker import Worker
from service.office import Office, opened
from service.snapshot.snapshots import open_snapshot
from tests.postgres import environ_of
from tests.random_records import firm_codes, land, random_batches
from tests.shell import Clock, Shell, a_shell, is_problem

KNOWN = datetime(2024, 11, 4, tzinfo=UTC)
DAY = date(2024, 10, 31)


def fill(office: Office, firms: int = 30) -> None:
    picker = random.Random(8)
    codes = firm_codes(firms)
    for name in ("business_registration", "vat_invoice", "electricity_month"):
        for batch in random_batches(seedbook.feeds()[name], codes, picker, batches=2, rows=40):
            batch.received_at = datetime(2024, 11, 1 + batch.number, tzinfo=UTC)
            land(office, seedbook.feeds()[name], batch)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = a_shell(tmp_path)
    fill(made.office)
    return made


def test_the_office_starts_a_build_and_follows_it(shell: Shell) -> None:
    office = shell.asks("office")
    started = shell.http.post("/v1/jobs", json={"kind": "build", "as_of": "2024-10-31"}, headers=office)
    assert started.status_code == 202
    at = started.headers["location"]
    assert shell.http.get(at, headers=office).json()["state"] == "queued"
    again = shell.http.post("/v1/jobs", json={"kind": "build", "as_of": "2024-10-31"}, headers=office)
    assert again.json()["id"] == started.json()["id"], "one wish, one job"
    other = shell.http.post("/v1/jobs", json={"kind": "build", "as_of": "2024-09-30"}, headers=office)
    assert other.json()["id"] != started.json()["id"]
    assert Worker(shell.office, now=shell.clock).drain() == 2
    done = shell.http.get(at, headers=office)
    assert "retry-after" not in done.headers
    assert started.headers["retry-after"] == "2"
    answer = done.json()
    assert (answer["state"], answer["percent"], answer["stage"]) == ("done", 100.0, "write")
    assert answer["result"]["snapshot_id"] == open_snapshot(shell.office, answer["result"]["snapshot_id"]).id
    assert answer["result"]["firms"] == 30
    once_more = shell.http.post("/v1/jobs", json={"kind": "build", "as_of": "2024-10-31"}, headers=office)
    assert once_more.json()["id"] == started.json()["id"], "its snapshot is there"


def test_a_build_asked_for_builds_what_was_known_then(shell: Shell) -> None:
    plan = plan_build(shell.office, DAY, shell.clock())
    with shell.office.write() as session:
        enqueue(session, Asked("build", plan.key, plan.arguments, "ana", "office"), shell.clock())
    feed = seedbook.feeds()["administrative_penalty"]
    for batch in random_batches(feed, firm_codes(30), random.Random(3), batches=1, rows=20):
        batch.received_at = shell.clock() + timedelta(minutes=1)
        land(shell.office, feed, batch)
    shell.clock.forward(hours=1)
    assert Worker(shell.office, now=shell.clock).drain() == 1
    with shell.office.read() as session:
        result = session.scalars(select(Job.result)).one()
    assert result is not None
    assert plan.key == f"build {result['snapshot_id']}"
    assert plan_build(shell.office, DAY, shell.clock()).key != plan.key


def test_a_job_is_cancelled_over_http_once(shell: Shell) -> None:
    office = shell.asks("office")
    at = shell.http.post("/v1/jobs", json={"kind": "build"}, headers=office).headers["location"]
    for _ in range(2):
        ended = shell.http.post(f"{at}/cancellation", headers=office)
        assert (ended.status_code, ended.json()["state"]) == (200, "cancelled")
    assert Worker(shell.office, now=shell.clock).drain() == 0


def test_bad_wishes_are_problems(shell: Shell, tmp_path: Path) -> None:
    office = shell.asks("office")
    for body, code in (
        ({"kind": "webhook"}, "unknown_kind"),
        ({"kind": "build", "as_of": "2024-12-31"}, "day_to_come"),
        ({"kind": "build", "as_of": "31.10.2024"}, "bad_date"),
        ({"kind": "build", "arguments": {}}, "invalid_request"),
        ({}, "invalid_request"),
    ):
        problem = is_problem(shell.http.post("/v1/jobs", json=body, headers=office), 422)
        assert problem["code"] == code or code in str(problem), problem
    is_problem(shell.http.get("/v1/jobs/j_none", headers=office), 404)
    is_problem(shell.http.post("/v1/jobs/j_none/cancellation", headers=office), 404)
    empty = a_shell(tmp_path / "empty")
    nothing = empty.http.post("/v1/jobs", json={"kind": "build"}, headers=empty.asks("office"))
    is_problem(nothing, 422, "no_batches")
    with empty.office.read() as session:
        assert session.scalars(select(Job)).all() == []


def test_a_job_is_known_to_whom_it_is_for(shell: Shell) -> None:
    with shell.office.write() as session:
        mine = enqueue(session, Asked("export", "k", {}, "b", "bank", tenant="a-bank"), shell.clock()).id
    assert shell.http.get(f"/v1/jobs/{mine}", headers=shell.asks("bank", "a-bank")).status_code == 200
    assert shell.http.get(f"/v1/jobs/{mine}", headers=shell.asks("office")).status_code == 200
    other = shell.http.get(f"/v1/jobs/{mine}", headers=shell.asks("bank", "b-bank"))
    nowhere = shell.http.get("/v1/jobs/j_none", headers=shell.asks("bank", "b-bank"))
    assert is_problem(other, 404)["rule"] == is_problem(nowhere, 404)["rule"]
    for role in (Role.FIRM, Role.AGENCY, Role.AUDITOR):
        is_problem(shell.http.get(f"/v1/jobs/{mine}", headers=shell.asks(role.value, "x")), 403)
    is_problem(shell.http.post("/v1/jobs", json={"kind": "build"}, headers=shell.asks("bank", "a-bank")), 403)


def test_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RONGQIAO_HOME", str(tmp_path))
    with opened(tmp_path) as office:
        fill(office)

    def said(*words: str) -> Any:
        assert run(["jobs", *words, "--json"]) == 0
        return json.loads(capfd.readouterr().out)

    job = said("add", "build", "--as-of", "2024-10-31")
    assert said("list")["items"] == [job]
    assert said("list", "--state", "done")["items"] == []
    other = said("add", "build", "--as-of", "2024-09-30")
    assert said("cancel", other["id"])["state"] == "cancelled"
    before = signal.getsignal(signal.SIGTERM)
    assert said("work", "--once")["attempts"] == 1
    assert signal.getsignal(signal.SIGTERM) is before
    assert said("list", "--state", "done")["items"][0]["id"] == job["id"]
    assert run(["jobs", "list"]) == 0
    assert job["id"] in capfd.readouterr().out
    for words in (["add", "webhook"], ["list", "--state", "broken"], ["cancel", "j_none"]):
        assert run(["jobs", *words]) == 2


def start(home: Path, *words: str, **env: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "service.cli", *words]
    told = {**environ_of(home), "RONGQIAO_HOME": str(home), **env}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=told)


def wait_until(office: Office, job_id: str, state: str, seconds: float = 30) -> Job:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with office.read() as session:
            job = session.scalars(select(Job).where(Job.id == job_id)).one()
        if job.state == state:
            return job
        time.sleep(0.02)
    raise AssertionError(f"{job.state}, not {state}: {job.error}")


def asked_build(office: Office) -> str:
    now = datetime.now(UTC)
    plan = plan_build(office, DAY, now)
    with office.write() as session:
        return enqueue(session, Asked("build", plan.key, plan.arguments, "ana", "office"), now).id


def test_a_killed_build_is_taken_up_by_the_next_worker_and_built_once(tmp_path: Path) -> None:
    with opened(tmp_path) as office:
        fill(office)
        job = asked_build(office)
        first = start(tmp_path, "jobs", "work", RONGQIAO_JOB_LEASE_SECONDS="1")
        wait_until(office, job, "running")
        first.kill()
        first.communicate()
        assert wait_until(office, job, "running").attempts == 1
        second = Worker(office)
        until = time.monotonic() + 10
        while not second.work_one():
            assert time.monotonic() < until, "the lease of a dead worker ends"
            time.sleep(0.1)
        done = wait_until(office, job, "done")
        assert done.attempts == 2
        with office.read() as session:
            assert [row.id for row in session.scalars(select(Snapshot))] == [done.result["snapshot_id"]]  # type: ignore[index]
        assert [path.name for path in office.snapshots.iterdir()] == [done.result["snapshot_id"]]  # type: ignore[index]
        assert verify(office).broken is None


def test_a_worker_told_to_stop_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RONGQIAO_HOME", str(tmp_path))
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    # A signal that comes before the command listens to it ends the whole test run.
    monkeypatch.setattr(Worker, "run", lambda worker, run=Worker.run: (timer.start(), run(worker))[1])
    assert run(["jobs", "work", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["attempts"] == 0
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_server_told_to_stop_gives_its_job_back_and_answers_what_was_begun(tmp_path: Path) -> None:
    with opened(tmp_path) as office:
        fill(office)
        server = start(tmp_path, "serve", "--port", "0", "--json", RONGQIAO_SERVE_JOBS="1")
        assert server.stdout is not None
        said = b""
        while b"}" not in said:
            said += server.stdout.readline()
        url = urlsplit(json.loads(said)["listening"])
        body = b"grant_type=client_credentials&client_id=a&client_secret=b"
        head = (
            b"POST /v1/oauth/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        begun = [socket.create_connection((str(url.hostname), int(url.port or 0)), timeout=30) for _ in range(20)]
        for connection in begun:
            connection.sendall(head + body[:10])
        job = asked_build(office)
        wait_until(office, job, "running")
        server.send_signal(signal.SIGTERM)
        # Given back at its next step, or done when the step was its last: never left running.
        until = time.monotonic() + 20
        while True:
            with office.read() as session:
                left = session.scalars(select(Job).where(Job.id == job)).one()
            if left.state != "running" or time.monotonic() > until:
                break
            time.sleep(0.05)
        assert left.state in ("queued", "done")
        assert left.lease_until is None
        assert server.poll() is None, "twenty requests are still open"
        for connection in begun:
            connection.sendall(body[10:])
            received = io.BytesIO()
            while piece := connection.recv(65536):
                received.write(piece)
            assert received.getvalue().startswith(b"HTTP/1.1 401"), "answered, not cut off"
            connection.close()
        server.communicate(timeout=30)
        assert server.returncode == 0
        assert Worker(office).drain() == (left.state == "queued")
        assert wait_until(office, job, "done").attempts == 1, "being told to stop is no failed attempt"


def test_the_worker_waits_for_a_queue_it_cannot_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as office:
        worker = Worker(office, now=Clock())
        asked = 0

        def away() -> bool:
            nonlocal asked
            asked += 1
            worker.stopping = asked == 3
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(worker, "work_one", away)
        assert worker.run(poll_seconds=0.01) == 0
        assert asked == 3
