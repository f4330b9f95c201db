"""A disk that is full or breaks at the n-th call: a clear error, the office as before or as after, and a second try
that ends where an undisturbed one ends.

The same four changes (ingest, build, consent, backup) meet four kinds of failing disk. Calls of Python fail one by one
everywhere; writes past a file size (SQLite's and Arrow's own too) everywhere; the n-th real system call where strace
may be used; a file system that is full where this process may mount one.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from bench.kills import Teller, a_teller
from bench.stories import STORIES
from bench.story import Story, copy_home
from service.audit.journal import verify
from service.cli import run
from service.database_copy import check_integrity
from service.office import opened
from service.store import DatabaseUnavailable
from tests.deliveries import PENALTY, penalty, write
from tests.shell import a_shell, is_problem

pytestmark = pytest.mark.skipif(
    os.environ.get("RONGQIAO_TEST_DATABASE") == "postgresql", reason="the office is copied with its database file"
)
#: The step of each story that meets the failing disk; the steps before it are done on a good one.
STEPS = {"ingest": 3, "build": 1, "consent": 2, "backup": 0}
ERRORS = ("ENOSPC", "EIO")


@dataclass
class Case:
    """One change: the office before it, and what is seen before and after an undisturbed one."""

    teller: Teller
    story: Story
    step: int
    home: Path
    before: Any
    after: Any

    def meets(self, home: Path, *, attach: Callable[[int], Any] | None = None, mend: Any = None, **more: Any) -> int:
        """Make the change with a failing disk, check what is seen after each failure, and try again until it is done.

        How often it failed; ``attach`` is called with the process before it begins, ``mend`` after a failure.
        """
        wait = {"wait": True} if attach else {}
        child = self.teller.begin(self.story, home, self.step, self.step + 1, **wait, **more)
        self.teller.hear("ready")
        attached = None
        if attach:
            attached = attach(child)
            self.teller.send()
        failures = 0
        while True:
            word, _, rest = (self.teller.line() or "").partition(" ")
            if word == "failed":
                failures += 1
                with opened(home) as office:
                    check_integrity(office.store)
                    assert self.story.seen(office) in (self.before, self.after), f"between, after {more}"
                    assert verify(office).broken is None
                if mend:
                    mend()
                self.teller.send()
            elif word == "exit":
                assert rest == "0", f"no clear error, or no success in the end, after {more}: {rest}"
                break
            else:
                self.fired = word == "over"
        if attached is not None:
            attached.wait(timeout=20)
        with opened(home) as office:
            assert self.story.seen(office) == self.after, f"another end after {more}"
            assert verify(office).broken is None
            check_integrity(office.store)
        return failures


@pytest.fixture(scope="module")
def teller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Teller]:
    with a_teller(tmp_path_factory.mktemp("failures") / "city") as made:
        yield made


@pytest.fixture(scope="module", params=list(STEPS))
def case(request: pytest.FixtureRequest, teller: Teller) -> Case:
    story, step = STORIES[request.param], STEPS[request.param]
    home = teller.folder / f"{story.name}-before"
    story.prepare(home, teller.folder)
    with opened(home) as office:
        for each in range(step):
            story.act(office, each, teller.folder)
        before = story.seen(office)
    undisturbed = copy_home(home, teller.folder / f"{story.name}-after")
    with opened(undisturbed) as office:
        story.act(office, step, teller.folder)
        after = story.seen(office)
    assert before != after
    return Case(teller, story, step, home, before, after)


def homes(case: Case, kind: str) -> Iterator[Path]:
    """The office before the change, as often as it is asked for."""
    number = 0
    while True:
        number += 1
        folder = case.teller.folder / f"{case.story.name}-{kind}-{number}"
        folder.mkdir()
        yield copy_home(case.home, folder / "home")
        shutil.rmtree(folder)


#: A build flushes hundreds of files, all in one way: of its calls every so many fails.
STRIDES = {"build": 101, "backup": 3}


def test_each_call_that_changes_the_disk_fails_once(case: Case) -> None:
    nth, failed = 1, 0
    for number, home in enumerate(homes(case, "nth")):
        failed += case.meets(home, fault={"nth": nth, "errno": ERRORS[number % 2]})
        if not case.fired:
            break
        nth += STRIDES.get(case.story.name, 1)
    assert failed >= (0 if case.story.name == "consent" else 2), "only a consent is written by the database alone"


@pytest.mark.parametrize("size", [0, 6_000])
def test_no_file_grows_past_a_size(case: Case, size: int) -> None:
    home = next(homes(case, f"size{size}"))
    failed = case.meets(home, fault={"bytes": size})
    assert failed or size, "nothing was written at all"


def traced(calls: str, code: str, nth: int) -> Callable[[int], Any]:
    """Attach strace to a process so that the n-th of ``calls`` fails in each of its threads."""

    def attach(child: int) -> Any:
        rule = f"inject={calls}:error={code}:when={nth}"
        command = ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(child), "-e", f"trace={calls}", "-e", rule]
        tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while "TracerPid:\t0" in Path(f"/proc/{child}/status").read_text():
            assert tracer.poll() is None, "strace may not attach"
            assert time.monotonic() < until
            time.sleep(0.005)
        return tracer

    return attach


def why_no_strace() -> str:
    if not shutil.which("strace"):
        return "strace is not installed (Debian: apt-get install strace)"
    probe = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return "" if probe.returncode == 0 else "strace may not trace here"


#: Calls that fail together, and which of them do: counted in each thread of the process.
TRACED = [("pwrite64", 1), ("pwrite64", 2), ("pwrite64", 6), ("fsync,fdatasync", 1), ("fsync,fdatasync", 2)]
TRACED += [("write", 2), ("write", 5), ("rename,renameat,renameat2", 1), ("fsync,fdatasync", 4)]
#: A build takes seconds each time.
FEWER = {"build": TRACED[2:8:3]}


@pytest.mark.skipif(bool(why_no_strace()), reason=why_no_strace() or "")
def test_real_system_calls_fail(case: Case) -> None:
    failed = 0
    for number, (home, (calls, nth)) in enumerate(
        zip(homes(case, "strace"), FEWER.get(case.story.name, TRACED), strict=False)
    ):
        failed += case.meets(home, attach=traced(calls, ERRORS[number % 2], nth))
    assert failed >= 1


def why_no_mount() -> str:
    if os.geteuid() != 0 or not shutil.which("mount"):
        return "only root may mount a small file system"
    with tempfile.TemporaryDirectory() as probe:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", probe], capture_output=True)
        if done.returncode == 0:
            subprocess.run(["umount", probe], check=True)
    return "" if done.returncode == 0 else "this process may not mount a small file system"


@pytest.mark.skipif(bool(why_no_mount()), reason=why_no_mount() or "")
@pytest.mark.parametrize("left", [0, 24])
def test_the_disk_is_full(case: Case, left: int, tmp_path: Path) -> None:
    """``left`` KiB are free when the change begins; there is room again before the second try."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(tmp_path)], check=True)
    try:
        home, filler = copy_home(case.home, tmp_path / "home"), tmp_path / "filler"

        def fill(child: int) -> Any:
            room = os.statvfs(tmp_path)
            with filler.open("wb") as file, suppress(OSError):
                file.write(bytes(max(0, room.f_bavail * room.f_bsize - left * 1024)))
            return None

        failed = case.meets(home, attach=fill, mend=lambda: filler.unlink(missing_ok=True))
        assert failed or left
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.mark.parametrize(("code", "said"), [(28, "disk is full"), (5, "disk failed")])
def test_the_command_line_says_what_the_disk_did_and_exits_1(
    code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RONGQIAO_HOME", str(tmp_path))
    file = write(tmp_path / "penalty.csv", [penalty(number) for number in range(3)])
    assert run(["audit", "verify"]) == 0
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", lambda file: (_ for _ in ()).throw(OSError(code, os.strerror(code))))
        for words in (["ingest", PENALTY, str(file)], ["backup", str(tmp_path / "a.tar")]):
            assert run(words) == 1, words
            told = capfd.readouterr().err
            assert said in told
            assert "Traceback" not in told
    assert not (tmp_path / "a.tar").exists()
    assert run(["ingest", PENALTY, str(file)]) == 0
    assert run(["backup", str(tmp_path / "a.tar")]) == 0


@pytest.mark.parametrize(("code", "status", "slug"), [(28, 507, "storage_full"), (5, 503, "storage_failed")])
def test_over_http_a_failing_disk_is_a_problem_and_passes(
    code: int, status: int, slug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = a_shell(tmp_path)
    headers = {**shell.asks("office"), "Content-Type": "text/csv"}
    body = write(tmp_path / "penalty.csv", [penalty(number) for number in range(3)]).read_bytes()
    at = f"/v1/feeds/{PENALTY}/batches?filename=penalty.csv"
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", lambda file: (_ for _ in ()).throw(OSError(code, os.strerror(code))))
        answer = shell.http.post(at, content=body, headers=headers)
        is_problem(answer, status, slug)
        assert answer.headers["retry-after"]
    assert shell.http.post(at, content=body, headers=headers).status_code == 201
    other = write(tmp_path / "penalty.csv", [penalty(number) for number in range(3, 6)]).read_bytes()
    with monkeypatch.context() as broken:

        def away(*arguments: Any, **named: Any) -> Any:
            raise DatabaseUnavailable("the database cannot answer now: disk I/O error")

        broken.setattr(shell.office, "write", away)
        is_problem(shell.http.post(at, content=other, headers=headers), 503)


def test_an_error_that_is_no_failing_disk_stays_a_fault_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = a_shell(tmp_path)
    headers = {**shell.asks("office"), "Content-Type": "text/csv"}
    monkeypatch.setattr(os, "fsync", lambda file: (_ for _ in ()).throw(OSError(9, "Bad file descriptor")))
    body = write(tmp_path / "penalty.csv", [penalty(1)]).read_bytes()
    http = TestClient(shell.http.app, raise_server_exceptions=False)
    is_problem(http.post(f"/v1/feeds/{PENALTY}/batches", content=body, headers=headers), 500, "internal_error")


def test_a_signal_for_a_file_that_is_too_large_ends_nothing() -> None:
    assert signal.getsignal(signal.SIGXFSZ) in (signal.SIG_IGN, None), "or a size limit would kill the server"
