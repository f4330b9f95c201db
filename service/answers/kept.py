"""Answers that were worked out before, kept for as long as all they rest on stays what it was.

An answer rests on a snapshot, which never changes, and on what its key names. Kept compressed: an answer about options
is some 300 kB of which a tenth is left. The ones asked for last are kept as they go out, too.
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
#: Bytes of answers kept as they go out: some fifty to a hundred.
READY_BYTES = 16_000_000
#: Receipts that are looked up with one reading of a firm, the answers kept last first; the others are when asked for.
_MOST_RECEIPTS = 20
#: zlib's quickest; better ones take longer than they save.
_LEVEL = 1


@dataclass(frozen=True)
class Kept:
    """An answer as it went out, and the receipt it names."""

    body: bytes
    receipt_id: str


class KeptAnswers:
    """The answers of one process: the least used go first. Those over a snapshot that is gone are never found again."""

    def __init__(self, most_bytes: int = MOST_BYTES, ready_bytes: int = READY_BYTES):
        self._most_bytes = most_bytes
        self._bytes = 0
        self._ready_most = ready_bytes
        self._ready_bytes = 0
        self._ready: OrderedDict[tuple[int, Hashable], bytes] = OrderedDict()
        self._subjects: dict[str, OrderedDict[tuple[int, Hashable], str]] = {}
        self._subject_of: dict[tuple[int, Hashable], str] = {}
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
            ready = self._ready.get(place)
            if ready is not None:
                self._ready.move_to_end(place)
                return Kept(ready, kept.receipt_id)
        body = zlib.decompress(kept.body)
        with self._lock:
            if self._answers.get(place) is kept:
                self._make_ready(place, body)
        return Kept(body, kept.receipt_id)

    def receipts_about(self, subject: str) -> list[str]:
        """Receipts that kept answers about ``subject`` name, those kept last first, and not more than a few."""
        with self._lock:
            return list(reversed(self._subjects.get(subject, {}).values()))[:_MOST_RECEIPTS]

    def keep(self, snapshot: OpenSnapshot, key: Hashable, answer: Kept, subject: str = "") -> None:
        """Keep an answer about ``subject``; one too large for all the room is not kept."""
        body = zlib.compress(answer.body, _LEVEL)
        if len(body) > self._most_bytes:
            return
        with self._lock:
            if snapshot not in self._numbers:
                # A number is never given twice, as the address of an object is: a new snapshot has no old answers.
                self._next += 1
                self._numbers[snapshot] = self._next
            place = (self._numbers[snapshot], key)
            self._drop(place)
            self._answers[place] = Kept(body, answer.receipt_id)
            self._bytes += len(body)
            self._subject_of[place] = subject
            self._subjects.setdefault(subject, OrderedDict())[place] = answer.receipt_id
            self._make_ready(place, answer.body)
            while self._bytes > self._most_bytes:
                self._drop(next(iter(self._answers)))

    def _make_ready(self, place: tuple[int, Hashable], body: bytes) -> None:
        self._unready(place)
        self._ready[place] = body
        self._ready_bytes += len(body)
        while self._ready_bytes > self._ready_most:
            self._unready(next(iter(self._ready)))

    def _unready(self, place: tuple[int, Hashable]) -> None:
        self._ready_bytes -= len(self._ready.pop(place, b""))

    def _drop(self, place: tuple[int, Hashable]) -> None:
        before = self._answers.pop(place, None)
        if before is None:
            return
        self._bytes -= len(before.body)
        self._unready(place)
        subject = self._subject_of.pop(place)
        self._subjects[subject].pop(place)
        if not self._subjects[subject]:
            del self._subjects[subject]
