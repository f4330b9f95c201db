"""Several processes that answer on one port: started, watched, started again when one dies, stopped together.

They are forked from a process that has read everything once, so that what they only read lies in memory once. It opens
no connection and starts no thread itself: neither survives a fork.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from types import FrameType

from service.web.logs import logger_of

log = logger_of("rongqiao.workers")

SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: A worker that ends sooner is started again only after this: what ails it will not have passed.
_LEAST_LIFE = 1.0


class Workers:
    """``count`` processes of ``serve(slot)``, slots from 0. A process that takes another's place has its slot."""

    def __init__(self, count: int, serve: Callable[[int], None]):
        self._fork = multiprocessing.get_context("fork")
        self._serve = serve
        self._count = count
        self._running: dict[int, ForkProcess] = {}
        self._born: dict[int, float] = {}
        self._stopping = False

    def run(self) -> None:
        """Return when all have ended after SIGTERM or SIGINT, which is passed on to each of them.

        Runs on the main thread.
        """
        # What there is now is only read from now on: left alone by the collector, it stays shared.
        gc.collect()
        gc.freeze()
        before = {number: signal.signal(number, self._pass_on) for number in SIGNALS}
        try:
            for slot in range(self._count):
                self._start(slot)
            while self._running:
                ended = set(wait([each.sentinel for each in self._running.values()]))
                for slot in [slot for slot, each in self._running.items() if each.sentinel in ended]:
                    self._ended(slot)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            gc.unfreeze()

    def _start(self, slot: int) -> None:
        # A signal between the fork and the child's first step would find this process's handler in the child.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            if not self._stopping:
                self._born[slot] = time.monotonic()
                process = self._fork.Process(target=self._work, args=(slot,), name=f"worker-{slot}")
                process.start()
                self._running[slot] = process
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _work(self, slot: int) -> None:
        # A group of its own: Ctrl-C reaches it through the process above, once.
        os.setpgid(0, 0)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        self._serve(slot)

    def _ended(self, slot: int) -> None:
        process = self._running.pop(slot)
        process.join()
        if self._stopping:
            return
        log.warning("worker ended", worker=f"{slot}", outcome=str(process.exitcode))
        time.sleep(max(0.0, self._born[slot] + _LEAST_LIFE - time.monotonic()))
        self._start(slot)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        for process in self._running.values():
            if process.pid is not None and process.exitcode is None:
                os.kill(process.pid, number)
