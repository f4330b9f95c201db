"""Several workers on one port: each answers, one that is killed comes back, all are counted and end together."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from models.errors import RefusedInput
from service.access.auth import Role
from service.cli.program import run_program
from service.office import opened
from service.settings import Settings
from service.usecases.issue_token import issue_token
from service.usecases.manage_clients import add_client
from service.web import serving
from service.web.meter import Meter
from tests.postgres import environ_of

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks for processes in /proc")


class Served:
    """A server of two workers, and a token for its counts."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, token: str):
        self.process, self.url, self.token = process, url, token

    @property
    def workers(self) -> set[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return set(map(int, children.read_text().split()))

    def get(self, path: str) -> str:
        request = Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"})
        with urlopen(request, timeout=10) as answer:
            return str(answer.read(), "utf-8")

    def counted(self, route: str) -> int:
        pattern = rf'^rongqiao_requests_total\{{method="GET",route="{route}",status="200"\}} ([\d.]+)$'
        found = re.search(pattern, self.get("/metrics"), re.MULTILINE)
        return int(float(found[1])) if found else 0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("workers")
    with opened(home) as office:
        now = datetime.now(UTC)
        secret = add_client(office, "counter", Role.AUDITOR, "", ("审计员", "Auditor"), now)
        token = issue_token(office, "counter", secret, now, 600).access_token
    command = [sys.executable, "-m", "service.cli", "serve", "--workers", "2", "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**environ_of(home), "RONGQIAO_HOME": str(home)})
    try:
        assert process.stdout is not None
        said = b""
        while b"}" not in said:
            line = process.stdout.readline()
            assert line, "the server did not start"
            said += line
        found = Served(process, json.loads(said)["listening"], token)
        until(lambda: len(found.workers) == 2)
        found.get("/healthz")
        yield found
    finally:
        process.kill()
        process.wait()


def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_each_worker_answers_and_whichever_is_asked_counts_for_all(served: Served) -> None:
    # A worker tells what it counted within a second: the fixture's one request.
    until(lambda: served.counted("/healthz") == 1)
    workers = served.workers
    for stopped in workers:
        os.kill(stopped, signal.SIGSTOP)
        try:
            for _ in range(3):
                assert served.get("/healthz") == '{"status":"ok"}', "answered while the other one stands still"
        finally:
            os.kill(stopped, signal.SIGCONT)
    until(lambda: served.counted("/healthz") == 7)
    os.kill(workers.pop(), signal.SIGSTOP)
    try:
        assert served.counted("/healthz") == 7, "one worker knows what both answered"
    finally:
        os.kill((served.workers - workers).pop(), signal.SIGCONT)


def test_a_killed_worker_is_replaced_while_the_other_answers(served: Served) -> None:
    before, counted = served.workers, served.counted("/healthz")
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    for _ in range(5):
        assert served.get("/healthz")
    until(lambda: len(served.workers) == 2 and killed not in served.workers)
    assert served.get("/healthz")
    assert served.counted("/healthz") >= counted, "what a worker told is not forgotten with it"


def test_told_to_stop_all_end(served: Served) -> None:
    workers = served.workers
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(timeout=20) == 0
    assert not any(map(alive, workers))


def test_counts_add_up_and_stay_when_their_process_is_gone(tmp_path: Path) -> None:
    one, other = Meter(), Meter()
    for meter in (one, other):
        meter.share(tmp_path)
    one.add("/a", "GET", 200, 0.004)
    other.add("/a", "GET", 200, 0.3)
    other.add("/b", "POST", 404, 100.0)
    other.publish()
    del other
    told = one.text().decode()
    assert 'rongqiao_requests_total{method="GET",route="/a",status="200"} 2.0' in told
    assert 'rongqiao_requests_total{method="POST",route="/b",status="404"} 1.0' in told
    bounds = re.findall(r'seconds_bucket\{le="([^"]+)",route="/a"\} ([\d.]+)', told)
    assert [bound for bound, number in bounds if float(number) == 1] == ["0.005", "0.01", "0.025", "0.05", "0.1", "0.2"]
    assert bounds[-1] == ("+Inf", "2.0")
    assert re.search(r'seconds_bucket\{le="60.0",route="/b"\} 0.0', told)
    assert 'rongqiao_request_seconds_sum{route="/a"} 0.304' in told


@pytest.mark.parametrize("number", ["0", "65", "two"])
def test_a_number_of_workers_that_is_none_is_refused(
    number: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RONGQIAO_HOME", str(tmp_path))
    assert run_program(["serve", "--workers", number]) == 2
    monkeypatch.setenv("RONGQIAO_WORKERS", number)
    assert run_program(["serve"]) == 2


def test_a_system_that_cannot_fork_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(os, "fork")
    with opened(tmp_path) as office, pytest.raises(RefusedInput, match="fork"):
        serving.serve_office(office, Settings(home=tmp_path, workers=2), lambda url: None)
