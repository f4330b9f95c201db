"""Work of many requests in one transaction: one flush to disk for all that waited for it to begin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy.orm import Session

Result = TypeVar("Result")
#: Done once at the end of a shared transaction, with what every piece of work that names it returned, in order.
Ending = Callable[[Session, Sequence[Any]], None]


@dataclass(frozen=True)
class Asked:
    """A piece of work that waits for its turn."""

    work: Callable[[Session], Any]
    ending: Ending | None = None
    found: Future[Any] = field(default_factory=Future)


def done(session: Session, taken: Sequence[Asked]) -> list[Any]:
    """What each piece of work returns, with their endings done."""
    found = [asked.work(session) for asked in taken]
    for ending in dict.fromkeys(asked.ending for asked in taken if asked.ending is not None):
        ending(session, [each for asked, each in zip(taken, found, strict=True) if asked.ending is ending])
    return found


class Turns:
    """The shared transactions of one database, one after the other, in a thread of their own: whoever waits for an
    answer holds no thread and no connection meanwhile.

    ``write`` begins a transaction that is committed when its block ends; an error of the kind ``passing`` is the
    database's and not that of any work.
    """

    def __init__(self, write: Callable[[], AbstractContextManager[Session]], passing: type[Exception]):
        self._write = write
        self._passing = passing
        self._gate = Lock()
        self._waiting: list[Asked] = []
        self._thread: ThreadPoolExecutor | None = None

    def ask(self, work: Callable[[Session], Result], ending: Ending | None = None) -> Future[Result]:
        """See ``Store.write_soon``."""
        asked = Asked(work, ending)
        with self._gate:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, "turns")
            self._waiting.append(asked)
            if len(self._waiting) == 1:
                self._thread.submit(self._turn)
        return asked.found

    def close(self) -> None:
        """Finish what was asked; whoever asks again begins anew."""
        with self._gate:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown()

    def _taken(self) -> list[Asked]:
        with self._gate:
            waiting, self._waiting = self._waiting, []
        # From here on nobody can take the question back.
        return [asked for asked in waiting if asked.found.set_running_or_notify_cancel()]

    def _turn(self) -> None:
        taken: list[Asked] = []
        try:
            with self._write() as session:
                session.connection()  # whoever asks while this waits for other processes' writers comes along
                taken = self._taken()
                found = done(session, taken)
        except BaseException as error:
            taken = taken or self._taken()
            if len(taken) > 1 and not isinstance(error, self._passing):
                for asked in taken:
                    self._alone(asked)
                return
            for asked in taken:
                asked.found.set_exception(error)
        else:
            for asked, each in zip(taken, found, strict=True):
                asked.found.set_result(each)

    def _alone(self, asked: Asked) -> None:
        try:
            with self._write() as session:
                found = done(session, [asked])[0]
        except BaseException as error:
            asked.found.set_exception(error)
        else:
            asked.found.set_result(found)
