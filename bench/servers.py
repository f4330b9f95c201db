"""What a measurement over HTTP is made against: a demo office behind its real server, and a bare FastAPI route."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from bench.kills import ROOT
from seed.city import plan_city, write_deliveries
from service.office import opened
from service.usecases.run_demo import DemoPlan, run_demo

AS_OF = date(2024, 10, 31)
#: A measurement asks more often than any client may.
_OFTEN = {f"RONGQIAO_{name}_PER_MINUTE": "100000000" for name in ("REQUESTS", "LOOK_UPS", "TOKENS", "SIGN_INS")}


def demo_city(home: Path, firms: int) -> None:
    """A demo office, as `rongqiao demo --no-serve` makes it."""
    with opened(home) as office:
        run_demo(
            office,
            DemoPlan(firms, AS_OF, seed=7),
            lambda plan, folder, progress: write_deliveries(
                plan_city(plan.firms, plan.as_of, months=12, seed=plan.seed), folder, progress
            ),
        )


@contextmanager
def server_of(home: Path, workers: int = 1, start_in: Path = ROOT) -> Iterator[tuple[str, int, int]]:
    """`rongqiao serve` in a process of its own: host, port, process id. It is told to stop at the end.

    Packages of the folder ``start_in`` come before the project's own.
    """
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", "--json"]
    command += ["--workers", str(workers)] if workers > 1 else []
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, "PYTHONPATH": path, "RONGQIAO_HOME": str(home), "RONGQIAO_TOKEN_SECONDS": "3600", **_OFTEN}
    log = home.with_name("server.log")
    with log.open("wb") as stderr:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, env=env, cwd=start_in)
    try:
        assert server.stdout is not None
        said = b""
        while b"}" not in said:
            said += server.stdout.readline()
            if server.poll() is not None:
                raise RuntimeError(f"the server did not start: {log.read_text(encoding='utf-8')[-500:]}")
        url = urlsplit(json.loads(said)["listening"])
        yield str(url.hostname), int(url.port or 0), server.pid
        server.send_signal(signal.SIGTERM)
        if server.wait(timeout=60) != 0:
            raise RuntimeError("the server did not stop well")
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()


@contextmanager
def bare_server(document: Path | None = None) -> Iterator[tuple[str, int]]:
    """Bare FastAPI routes under the same HTTP server with the same options; ``document`` is what some of them tell."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "bench.bare_server", str(port), *([str(document)] if document else [])]
    server = subprocess.Popen(command, cwd=ROOT)
    try:
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
        yield "127.0.0.1", port
    finally:
        server.terminate()
        server.wait()
