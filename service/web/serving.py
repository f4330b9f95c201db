"""Runs the HTTP application: one process or several on one port, stopped gently."""

from __future__ import annotations

import errno
import math
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import FrameType

import uvicorn

from models.errors import RefusedInput
from service.app import create_app
from service.books import rulebook
from service.desk import Desk
from service.jobs.periodic import shipped_rounds
from service.jobs.worker import Worker
from service.office import Office
from service.settings import Settings
from service.web.logs import configure_logs
from service.web.tracing import start_tracing, stop_tracing, tracing_asked
from service.web.workers import Workers

#: How often uvicorn calls ``on_tick``.
_TICKS_A_SECOND = 10
#: Connections that may wait to be taken.
_WAITING = 2048


def serve_office(office: Office, settings: Settings, started: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, then finish open requests for at most ``settings.stop_seconds``.

    With ``settings.workers`` above one, that many processes do it, and one that dies is started again.
    ``started(url)`` is called once the port is bound. ``RefusedInput`` when the address cannot be had, or where a
    system cannot have several workers.
    """
    if settings.workers > 1 and not hasattr(os, "fork"):
        rule = "Several workers need a system that can fork."
        raise RefusedInput("no_workers", "workers", settings.workers, rule, "Start one worker per port.")
    listening = _bound(settings)
    address, port = listening.getsockname()[:2]
    settings = settings.model_copy(update={"port": port})
    configure_logs()
    tracing_asked()  # refused here, before a worker fails at it again and again
    shown = f"[{address}]" if ":" in address else address
    started(f"http://{shown}:{port}")
    try:
        if settings.workers == 1:
            _serve_here(office, settings, listening)
        else:
            _serve_by_workers(office, settings, listening)
    finally:
        listening.close()


def _serve_by_workers(office: Office, settings: Settings, listening: socket.socket) -> None:
    _read_once()
    office.close()  # no connection outlives a fork; each worker opens its own
    above = os.getpid()
    with tempfile.TemporaryDirectory(prefix="rongqiao-") as counts:

        def serve(slot: int) -> None:
            # One worker is enough for the jobs: a build needs the memory of several.
            mine = settings if slot == 0 else settings.model_copy(update={"serve_jobs": False})
            try:
                _serve_here(office, mine, listening, Path(counts), above)
            finally:
                stop_tracing()

        Workers(settings.workers, serve).run()


def _read_once() -> None:
    """Read what every answer needs, so that the workers share it."""
    used = rulebook.rules()
    _ = used.local_offers, used.changes, rulebook.lenders(), rulebook.evaluations(), rulebook.pd_scale()


def _serve_here(
    office: Office, settings: Settings, listening: socket.socket, counts: Path | None = None, above: int = 0
) -> None:
    """Serve in this process. ``counts``: the folder that workers count together in; ``above``: the process without
    which a worker is to stop.
    """
    start_tracing()
    app = create_app(office, settings)
    desk: Desk = app.state.desk
    if counts is not None:
        desk.meter.share(counts)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.stop_seconds,
        # What the server says goes through our own handler, not one it would set up for itself.
        log_config=None,
        timeout_keep_alive=15,
        # How many connections asyncio takes at a time: a worker that takes all that wait leaves none to the others.
        backlog=1 if above else _WAITING,
        h11_max_incomplete_event_size=64 * 1024,
    )
    lease = timedelta(seconds=settings.job_lease_seconds)
    worker = Worker(office, lease=lease, rounds=shipped_rounds()) if settings.serve_jobs else None
    with _working(worker):
        _Server(config, desk, settings.drain_seconds, worker, above).run(sockets=[listening])


@contextmanager
def _working(worker: Worker | None) -> Iterator[None]:
    """Let the worker work beside the server; it has given its job back when the block ends."""
    if worker is None:
        yield
        return
    thread = threading.Thread(target=worker.run, name="jobs")
    thread.start()
    try:
        yield
    finally:
        worker.stopping = True
        thread.join()


class _Server(uvicorn.Server):
    """Says "not ready" from the first moment of stopping, and ends as done, not as killed: being told to stop is no
    failure. After SIGTERM it still serves for ``drain_seconds``, so that a balancer can look and send others elsewhere.
    A second Ctrl-C does not wait for open requests. The worker beside it stops at the first signal.

    As one of several it tells its counts each second, and stops when the process ``above`` it is gone.
    """

    def __init__(
        self, config: uvicorn.Config, desk: Desk, drain_seconds: float, worker: Worker | None, above: int = 0
    ):  # fmt: skip
        super().__init__(config)
        self._desk = desk
        self._worker = worker
        self._drain_seconds = drain_seconds
        self._above = above
        self._stop_at = math.inf

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._desk.is_open = False
        if self._worker is not None:
            self._worker.stopping = True
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        if sig == signal.SIGTERM and self._drain_seconds:
            self._stop_at = min(self._stop_at, time.monotonic() + self._drain_seconds)
        else:
            self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or ():
            listening.listen(_WAITING)  # asyncio made it as short as the number it takes at a time

    async def on_tick(self, counter: int) -> bool:
        self.should_exit = self.should_exit or time.monotonic() >= self._stop_at
        if self._above and os.getppid() != self._above:
            self.handle_exit(signal.SIGTERM, None)
        if counter % _TICKS_A_SECOND == 0:
            self._desk.meter.publish()
        return await super().on_tick(counter)


def _bound(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except (OSError, UnicodeError) as problem:
        listening.close()
        taken = getattr(problem, "errno", None) == errno.EADDRINUSE
        raise RefusedInput(
            "address_in_use" if taken else "bad_address",
            "port" if taken else "host",
            settings.port if taken else settings.host,
            "Another program listens there." if taken else f"It cannot be listened on: {problem}.",
            "Choose another with --port." if taken else "Name an address of this machine with --host.",
        ) from None
    listening.listen(_WAITING)
    return listening
