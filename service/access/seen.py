"""Whom a bearer token stood for when it was last looked up."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from service.access.auth import Caller

_MOST = 4_096


class SeenCallers:
    """Callers by the hash of their token, so that a reading can be counted and wait for its turn at once.

    Nothing is allowed on the word of this: the token is looked up again in the transaction of every reading.
    """

    def __init__(self, most: int = _MOST):
        self._most = most
        self._callers: OrderedDict[str, Caller] = OrderedDict()
        self._lock = Lock()

    def find(self, token_sha256: str) -> Caller | None:
        """Whom the token stood for; ``None`` for one that was not seen or is long ago."""
        with self._lock:
            caller = self._callers.get(token_sha256)
            if caller is not None:
                self._callers.move_to_end(token_sha256)
            return caller

    def see(self, token_sha256: str, caller: Caller) -> None:
        """Remember whom the token stands for."""
        with self._lock:
            self._callers[token_sha256] = caller
            self._callers.move_to_end(token_sha256)
            if len(self._callers) > self._most:
                self._callers.popitem(last=False)

    def forget(self, token_sha256: str) -> None:
        """The token stands for nobody any more."""
        with self._lock:
            self._callers.pop(token_sha256, None)
