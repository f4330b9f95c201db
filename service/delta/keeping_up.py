"""Looks for what arrived beside the requests of a serving process, so that none of them has to begin the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread


@contextmanager
def kept_up(look: Callable[[], object], seconds: float) -> Iterator[None]:
    """``look`` once, and then every so many ``seconds`` in a thread until the block ends.

    What goes wrong with a look (no snapshot yet, no database for a while) meets the next request too, which says so.
    """
    over = Event()

    def keep_looking() -> None:
        while not over.wait(seconds):
            with suppress(Exception):
                look()

    with suppress(Exception):
        look()
    watcher = Thread(target=keep_looking, name="delta-look")
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
