"""The process that is cut off: ``python -m bench.story_child FOLDER``.

It imports everything once, then forks one child for each JSON line on standard input: ``story``, ``home``, ``first``
(the step it begins with), ``last``, and for a failing disk ``fault``. Lines it writes: ``pid N``, ``ready``,
``ack STEP WHAT``, ``failed STEP KIND`` (then it waits for one line and does the step again), ``exit STATUS``.
"""

from __future__ import annotations

import errno
import io
import json
import os
import resource
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy.orm import configure_mappers

from bench.stories import STORIES
from service.books.rulebook import agencies, application_rules, facts, lenders, offers, working_days
from service.books.seedbook import catalogue, feeds
from service.database_copy import CopyFailed
from service.office import Office
from service.store import DatabaseUnavailable
from service.web.storage_failure import storage_failure

_MOST_TRIES = 6


def _say(*words: object) -> None:
    line = (" ".join(map(str, words)) + "\n").encode()
    for _ in range(_MOST_TRIES):
        # A call that is made to fail may be this one.
        with suppress(OSError):
            os.write(1, line)
            return


def _hear() -> None:
    while os.read(0, 1) != b"\n":
        pass


class Fault:
    """Makes the n-th call that changes the disk fail once, or every write beyond a size until it is mended."""

    def __init__(self, told: dict[str, Any]):
        self._left = told.get("nth", 0)
        self._errno = getattr(errno, told.get("errno", "EIO"))
        if "bytes" in told:
            resource.setrlimit(resource.RLIMIT_FSIZE, (told["bytes"], resource.RLIM_INFINITY))
        if self._left:
            for name in ("fsync", "replace", "rename", "link", "mkdir", "open"):
                setattr(os, name, self._counted(getattr(os, name)))
            plain = io.open

            def opened(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
                if set(mode) & set("wxa+"):
                    self._count(file)
                return plain(file, mode, *more, **named)

            io.open = opened  # type: ignore[assignment]

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def made(*arguments: Any, **named: Any) -> Any:
            self._count(arguments[0])
            return call(*arguments, **named)

        return made

    def _count(self, what: object) -> None:
        self._left -= 1
        if self._left == 0:
            raise OSError(self._errno, os.strerror(self._errno), str(what))

    def mend(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    @property
    def fired(self) -> bool:
        return self._left <= 0


def _is_clear(error: Exception) -> bool:
    """Whether the error is one that is told as what it is: 503, 507 or exit 1."""
    if isinstance(error, OSError):
        return storage_failure(error) is not None
    return isinstance(error, DatabaseUnavailable | CopyFailed | duckdb.IOException)


def tell_story(told: dict[str, Any], folder: Path) -> None:
    """Do the steps asked for, in this process."""
    story = STORIES[told["story"]]
    office = Office.open(Path(told["home"]))
    _say("ready")
    if "wait" in told:
        _hear()
    fault = Fault(told.get("fault", {}))
    for step in range(told["first"], told["last"]):
        for tries in range(1, _MOST_TRIES + 1):
            try:
                said = story.act(office, step, folder)
            except Exception as error:
                if not _is_clear(error):
                    traceback.print_exc()
                    os._exit(4)
                if tries == _MOST_TRIES:
                    os._exit(5)
                fault.mend()
                _say("failed", step, type(error).__name__)
                _hear()
                continue
            break
        _say("ack", step, said)
    office.close()
    _say("over" if fault.fired else "untouched")


def main() -> None:
    folder = Path(sys.argv[1])
    # Done before the first fork, so that no child does it again. Nothing here opens a database or starts a thread.
    catalogue(), feeds(), agencies(), lenders(), facts(), offers(), application_rules(), working_days()
    configure_mappers()
    received = b""
    while piece := os.read(0, 65536):
        received += piece
        if not received.endswith(b"\n"):
            continue
        told, received = json.loads(received), b""
        child = os.fork()
        if child == 0:
            tell_story(told, folder)
            os._exit(0)
        _say("pid", child)
        _say("exit", os.waitpid(child, 0)[1])


if __name__ == "__main__":
    main()
