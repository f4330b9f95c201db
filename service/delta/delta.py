"""Keeps the newest overlay of a snapshot at hand, and makes an older one again from its id.

An overlay is called ``<snapshot>-<seq>``: the snapshot, with every batch it lacks up to that place in the order of
commits. Snapshots and landed batches never change, so the id is all that is needed to have the same overlay again.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate
from threading import Event, Lock, Thread

import duckdb
import numpy as np

from models.errors import NotFound, RongqiaoError
from service.books import seedbook
from service.books.rulebook import pd_scale
from service.delta.arrivals import Arrival, arrivals_since, has_lost_records, last_commit
from service.delta.firms import Again, Kitchen, made_again
from service.delta.overlaid import OverlaidSnapshot
from service.office import Office
from service.records.lake import query_engine
from service.registry.shelf import ModelShelf
from service.snapshot.build_inputs import catalogue_digest
from service.snapshot.office_stages import consents_in_force, office_stages
from service.snapshot.snapshots import OpenSnapshot
from service.snapshot.stages import Stages
from service.store import DatabaseUnavailable

#: Records that are laid over a snapshot; what arrives beyond them is seen with the next build (bench/delta.py).
MOST_RECORDS = 5_000
#: How often a process looks for new batches.
LOOK_SECONDS = 0.25
#: Overlays kept: the newest, and those that a page of a list may still belong to.
_MOST_KEPT = 3
_SEPARATOR = "-"


@dataclass(frozen=True)
class Standing:
    """What the answers of this moment rest on besides the snapshot. ``waiting`` batches are seen with the next build.

    ``reason`` says why they wait; empty while none does.
    """

    firms: int = 0
    records: int = 0
    waiting: int = 0
    reason: str = ""


def split_id(snapshot_id: str) -> tuple[str, str]:
    """The snapshot's id, and the place in the order of commits where it is an overlay's."""
    base, _, through = snapshot_id.partition(_SEPARATOR)
    return base, through


class _Making:
    """One overlay in the making."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.done = Event()
        self.problem: Exception | None = None


class Delta:
    """The overlays of one office in this process.

    They are made in a thread of their own. ``patience`` is how long whoever asks waits for one, in seconds from its
    beginning, before the last complete view answers; ``None``: until it is there. Without a view to answer from
    everybody waits.
    """

    def __init__(
        self,
        office: Office,
        models: ModelShelf,
        look_seconds: float = LOOK_SECONDS,
        most_records: int = MOST_RECORDS,
        patience: float | None = None,
    ):
        self.standing = Standing()
        self._office = office
        self._models = models
        self._look_seconds = look_seconds
        self._most_records = most_records
        self._patience = patience
        self._looked_at = float("-inf")
        self._seen: tuple[str, int] = ("", 0)
        self._newest: OpenSnapshot | None = None
        self._making: _Making | None = None
        self._line: Again | None = None
        self._lacks_none_to: tuple[str, int] = ("", 0)
        self._kitchen: Kitchen | None = None
        self._kept: OrderedDict[str, OverlaidSnapshot] = OrderedDict()
        self._lock = Lock()
        self._at_work = Lock()

    def over(self, base: OpenSnapshot) -> OpenSnapshot:
        """``base`` with what has arrived since, as far as it is made; ``base`` itself where nothing has arrived or it
        cannot be laid over it.
        """
        while making := self._begun(base):
            if not making.done.wait(self._left(making)):
                break
            if making.problem is not None:
                if self._newest is None:
                    raise making.problem
                break
        return self._newest or base

    def making_seconds(self) -> float:
        """How long the overlay in the making has taken so far; 0 while there is none."""
        making = self._making
        return 0.0 if making is None or making.done.is_set() else time.monotonic() - making.began

    def through(self, base: OpenSnapshot, seq: str) -> OverlaidSnapshot:
        """The overlay of ``base`` that ends with commit ``seq``; ``NotFound`` for one that never was, or that was made
        by rules which are no longer in use.
        """
        wanted = base.id + _SEPARATOR + seq
        with self._at_work:
            if wanted in self._kept:
                return self._kept[wanted]
            arrivals = arrivals_since(self._office, base, seedbook.feeds())
            last = next((place for place, each in enumerate(arrivals, 1) if str(each.seq) == seq), 0)
            lost = last and has_lost_records(self._office, base, int(seq))
            stages = _stages_of(self._office, base, self._models) if last and not lost else None
            if stages is None:
                rule = "It cannot be made again." if last else "There is no such delta."
                raise NotFound("snapshot", wanted, rule, "Ask about the newest state.", "unknown_snapshot")
            return self._overlay(base, made_again(self._kitchen_of(base, stages), arrivals[:last]))

    def _left(self, making: _Making) -> float | None:
        if self._patience is None or self._newest is None:
            return None
        return max(0.0, making.began + self._patience - time.monotonic())

    def _begun(self, base: OpenSnapshot) -> _Making | None:
        """What is in the making, which is begun where something arrived since the last look."""
        with self._lock:
            if self._making is not None and not self._making.done.is_set():
                return self._making
            now = time.monotonic()
            if self._newest is None or self._seen[0] != base.id or now - self._looked_at >= self._look_seconds:
                self._looked_at = now
                seen = (base.id, last_commit(self._office))
                if seen != self._seen:
                    self._making = _Making()
                    Thread(target=self._make, args=(base, seen, self._making), name="delta").start()
                    return self._making
            return None

    def _make(self, base: OpenSnapshot, seen: tuple[str, int], making: _Making) -> None:
        try:
            with self._at_work:
                newest, standing = self._made(base, seen[1])
            with self._lock:
                before, self._newest, self.standing, self._seen = self._newest, newest, standing, seen
            if isinstance(before, OverlaidSnapshot) and before is not newest:
                before.forget()
        except Exception as problem:  # whoever waits gets it; whoever looks next tries again
            making.problem = problem
        finally:
            making.done.set()

    def _made(self, base: OpenSnapshot, newest: int) -> tuple[OpenSnapshot, Standing]:
        known, lacks_none_to = self._lacks_none_to
        arrivals = arrivals_since(self._office, base, seedbook.feeds(), lacks_none_to if known == base.id else 0)
        self._lacks_none_to = (base.id, arrivals[0].seq - 1 if arrivals else newest)
        if not arrivals:
            if self._patience is not None:  # whoever serves will need it, with the first arrival
                _catalogue_in_use()
                query_engine().close()
            return base, Standing()
        before = self._line if self._line and self._line.kitchen.base is base else None
        try:
            return self._laid_over(base, arrivals, before)
        except DatabaseUnavailable:
            raise
        except (RongqiaoError, OSError, duckdb.Error) as problem:
            # What cannot be laid over a snapshot must not take away what is shown already.
            shown = self._overlay(base, before) if before else base
            waiting = len(arrivals) - (len(before.arrivals) if before else 0)
            return shown, replace(self.standing if before else Standing(), waiting=waiting, reason=str(problem))

    def _laid_over(
        self, base: OpenSnapshot, arrivals: Sequence[Arrival], before: Again | None
    ) -> tuple[OpenSnapshot, Standing]:
        stages = _stages_of(self._office, base, self._models)
        if stages is None:
            reason = "the snapshot was built by other rules, models or items"
            return base, Standing(waiting=len(arrivals), reason=reason)
        if has_lost_records(self._office, base):
            return base, Standing(waiting=len(arrivals), reason="records of the snapshot were removed since")
        taken = arrivals[: bisect_right(list(accumulate(each.rows for each in arrivals)), self._most_records)]
        waiting = len(arrivals) - len(taken)
        reason = f"more than {self._most_records} records arrived since the build" if waiting else ""
        if not taken:
            return base, Standing(waiting=waiting, reason=reason)
        kitchen = self._kitchen_of(base, stages)
        if before is not None and not before.leads_to(taken, kitchen):
            before = None
        again = before
        if again is None or len(again.arrivals) < len(taken):
            again = made_again(kitchen, taken, before)
        self._line = again
        overlay = self._overlay(base, again)
        return overlay, Standing(again.held.firms, sum(each.rows for each in taken), waiting, reason)

    def _kitchen_of(self, base: OpenSnapshot, stages: Stages) -> Kitchen:
        """The one used last, unless firms would now come out otherwise."""
        used = self._kitchen
        if used is None or used.base is not base or used.stages.person_consents != stages.person_consents:
            used = self._kitchen = Kitchen(self._office, base, seedbook.catalogue(), seedbook.feeds(), stages)
        return used

    def _overlay(self, base: OpenSnapshot, again: Again) -> OverlaidSnapshot:
        overlay_id = f"{base.id}{_SEPARATOR}{again.arrivals[-1].seq}"
        if overlay_id not in self._kept:
            self._kept[overlay_id] = _overlaid(base, overlay_id, again)
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(overlay_id)
        return self._kept[overlay_id]


def _overlaid(base: OpenSnapshot, overlay_id: str, again: Again) -> OverlaidSnapshot:
    rows = base.rows_of(np.array(sorted(again.told), "S18"))
    named: dict[str, list[list[str]]] = {}
    for each in again.arrivals:
        named.setdefault(each.feed, []).append([each.id, each.content_digest, each.received_at.isoformat()])
    known_by = max(base.known_by, *(each.received_at for each in again.arrivals))
    told = {"id": overlay_id, "known_by": known_by.isoformat(), "delta": {"snapshot": base.id, "batches": named}}
    return OverlaidSnapshot(base, again.held, rows[rows >= 0], again.kitchen.stages, told)


def _stages_of(office: Office, base: OpenSnapshot, models: ModelShelf) -> Stages | None:
    """The stages that ``base`` was built with, with the consents of persons that stand now; ``None`` where this process
    has others.
    """
    made_of = base.manifest["inputs"]
    named = made_of.get("registered_models", {}).get(pd_scale().model)
    stages = office_stages(models.by_id(named["id"]) if named else None, consents_in_force(office))
    ours = (stages.model_digest, stages.rules_digest, dict(stages.registered), _catalogue_in_use())
    theirs = (made_of["model"], made_of["rules"], made_of.get("registered_models", {}), made_of["catalogue"])
    return stages if ours == theirs else None


@cache
def _catalogue_in_use() -> str:
    return catalogue_digest(seedbook.catalogue(), seedbook.feeds())
