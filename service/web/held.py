"""One transaction over all the ``write()`` blocks of one request.

While it is armed, ``Store.write`` gives parts of it, and ``Store.read`` shows what they wrote, to the code of this
context and of the threads it starts. Nobody else sees any of it before the end, where it is committed whether or not
the request raised: what a ``write()`` block finished was meant to last. A process that dies before leaves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar

from sqlalchemy.orm import Session

#: Opens a transaction that is committed when its block ends: ``Store.write``.
Begin = Callable[[], AbstractContextManager[Session]]


class Held:
    """``first`` is called in the transaction when the first block begins it.

    Each block is a savepoint: one that raises is undone alone. Its objects are its own, as those of a transaction.
    """

    def __init__(self, begin: Begin, first: Callable[[Session], None]):
        self.armed = False
        self._begin = begin
        self._first = first
        self._session: Session | None = None
        self._open: AbstractContextManager[Session] | None = None
        self._in_block = False

    @property
    def is_between_blocks(self) -> bool:
        """Whether something was written that this request alone sees."""
        return self._session is not None and not self._in_block

    @contextmanager
    def block(self) -> Iterator[Session]:
        """What ``Store.write`` gives while this is armed."""
        session = self._session or self._started()
        self._in_block = True
        try:
            with session.begin_nested():
                yield session
        finally:
            self._in_block = False
            session.expunge_all()

    @contextmanager
    def view(self) -> Iterator[Session]:
        """What ``Store.read`` gives between blocks: the office with what this request wrote."""
        assert self._session is not None
        yield self._session
        self._session.expunge_all()

    def _started(self) -> Session:
        self.armed = False  # so that what begins the transaction is no part of it
        opened = self._begin()
        session = opened.__enter__()
        self.armed = True
        try:
            self._first(session)
        except BaseException as error:
            opened.__exit__(type(error), error, error.__traceback__)
            raise
        self._open, self._session = opened, session
        return session

    def lose(self, error: BaseException) -> None:
        """Give up the transaction: its database has gone away and taken it along."""
        self.armed = False
        opened, self._open, self._session = self._open, None, None
        if opened is not None:
            with suppress(Exception):  # there is nothing left to roll back
                opened.__exit__(type(error), error, error.__traceback__)

    def end(self) -> None:
        """Commit, and let the next writer go."""
        self.armed = False
        opened, self._open, self._session = self._open, None, None
        if opened is not None:
            opened.__exit__(None, None, None)


_held: ContextVar[Held | None] = ContextVar("held", default=None)


def held_now() -> Held | None:
    """The armed transaction of this context, if there is one."""
    held = _held.get()
    return held if held is not None and held.armed else None


@contextmanager
def holding(begin: Begin, first: Callable[[Session], None]) -> Iterator[Held]:
    """Hold one transaction while the block runs, from the moment its ``Held`` is armed."""
    held = Held(begin, first)
    token = _held.set(held)
    try:
        yield held
    finally:
        _held.reset(token)
        held.end()
