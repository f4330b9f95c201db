"""Answers that were worked out before, kept for as long as all they rest on stays what it was.

An answer rests on a snapshot, which never changes, and on what its key names. Kept compressed: an answer about options
is some 300 kB of which a tenth is left.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

from service.snapshot.snapshots import OpenSnapshot

#: Bytes of compressed answers in one process: some hundred firms that are asked about again and again.
MOST_BYTES = 16_000_000
#: zlib's quickest; better ones take longer than they save.
_LEVEL = 1


@dataclass(frozen=True)
class Kept:
    """An answer as it went out, and the receipt it names."""

    body: bytes
    receipt_id: str


class KeptAnswers:
    """The answers of one process: the least used go first. Those over a snapshot that is gone are never found again."""

    def __init__(self, most_bytes: int = MOST_BYTES):
        self._most_bytes = most_bytes
        self._bytes = 0
        self._numbers: WeakKeyDictionary[OpenSnapshot, int] = WeakKeyDictionary()
        self._next = 0
        self._answers: OrderedDict[tuple[int, Hashable], Kept] = OrderedDict()
        self._lock = Lock()

    def find(self, snapshot: OpenSnapshot, key: Hashable) -> Kept | None:
        """The answer given under ``key`` over this very snapshot, if it is still kept."""
        with self._lock:
            place = (self._numbers.get(snapshot, -1), key)
            kept = self._answers.get(place)
            if kept is None:
                return None
            self._answers.move_to_end(place)
        return Kept(zlib.decompress(kept.body), kept.receipt_id)

    def keep(self, snapshot: OpenSnapshot, key: Hashable, answer: Kept) -> None:
        """Keep an answer; one too large for all the room is not kept."""
        body = zlib.compress(answer.body, _LEVEL)
        if len(body) > self._most_bytes:
            return
        with self._lock:
            if snapshot not in self._numbers:
                # A number is never given twice, as the address of an object is: a new snapshot has no old answers.
                self._next += 1
                self._numbers[snapshot] = self._next
            place = (self._numbers[snapshot], key)
            before = self._answers.pop(place, None)
            self._answers[place] = Kept(body, answer.receipt_id)
            self._bytes += len(body) - (len(before.body) if before else 0)
            while self._bytes > self._most_bytes:
                self._bytes -= len(self._answers.popitem(last=False)[1].body)
