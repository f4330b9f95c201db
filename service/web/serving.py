"""Runs the HTTP application: one process, stopped gently."""

from __future__ import annotations

import errno
import math
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

import uvicorn

from models.errors import RefusedInput
from service.app import create_app
from service.desk import Desk
from service.jobs.worker import Worker
from service.office import Office
from service.settings import Settings
from service.web.logs import configure_logs
from service.web.tracing import start_tracing


def serve_office(office: Office, settings: Settings, started: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, then finish open requests for at most ``settings.stop_seconds``.

    ``started(url)`` is called once the port is bound. ``RefusedInput`` when the address cannot be had.
    """
    listening = _bound(settings)
    address, port = listening.getsockname()[:2]
    settings = settings.model_copy(update={"port": port})
    configure_logs()
    start_tracing()
    app = create_app(office, settings)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.stop_seconds,
        # What the server says goes through our own handler, not one it would set up for itself.
        log_config=None,
        timeout_keep_alive=15,
        h11_max_incomplete_event_size=64 * 1024,
    )
    shown = f"[{address}]" if ":" in address else address
    worker = Worker(office, lease=timedelta(seconds=settings.job_lease_seconds)) if settings.serve_jobs else None
    started(f"http://{shown}:{port}")
    try:
        with _working(worker):
            _Server(config, app.state.desk, settings.drain_seconds, worker).run(sockets=[listening])
    finally:
        listening.close()


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
    """

    def __init__(self, config: uvicorn.Config, desk: Desk, drain_seconds: float, worker: Worker | None):
        super().__init__(config)
        self._desk = desk
        self._worker = worker
        self._drain_seconds = drain_seconds
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

    async def on_tick(self, counter: int) -> bool:
        self.should_exit = self.should_exit or time.monotonic() >= self._stop_at
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
    listening.listen(128)
    return listening
