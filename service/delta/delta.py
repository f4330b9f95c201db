"""Keeps the newest overlay of a snapshot at hand, and makes an older one again from its id.

An overlay is called ``<snapshot>-<seq>``: the snapshot, with every batch it lacks up to that place in the order of
commits. Snapshots and landed batches never change, so the id is all that is needed to have the same overlay again.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, takewhile
from threading import Lock

import duckdb
import numpy as np

from models.errors import NotFound, RongqiaoError
from service.books import seedbook
from service.books.rulebook import pd_scale
from service.delta.arrivals import Arrival, arrivals_since, has_lost_records, last_commit
from service.delta.firms import made_again
from service.delta.overlaid import OverlaidSnapshot
from service.office import Office
from service.registry.shelf import ModelShelf
from service.snapshot.build_inputs import catalogue_digest
from service.snapshot.office_stages import consents_in_force, office_stages
from service.snapshot.snapshots import OpenSnapshot
from service.snapshot.stages import Stages
from service.store import DatabaseUnavailable

#: Records that are laid over a snapshot; what arrives beyond them is seen with the next build (bench/delta.py).
MOST_RECORDS = 20
#: How often a process looks for new batches.
LOOK_SECONDS = 0.5
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


class Delta:
    """The overlays of one office in this process."""

    def __init__(
        self, office: Office, models: ModelShelf, look_seconds: float = LOOK_SECONDS, most_records: int = MOST_RECORDS
    ):
        self.standing = Standing()
        self._office = office
        self._models = models
        self._look_seconds = look_seconds
        self._most_records = most_records
        self._looked_at = float("-inf")
        self._seen: tuple[str, int] = ("", 0)
        self._newest: OpenSnapshot | None = None
        self._kept: OrderedDict[str, OverlaidSnapshot] = OrderedDict()
        self._lock = Lock()

    def over(self, base: OpenSnapshot) -> OpenSnapshot:
        """``base`` with what has arrived since, or ``base`` itself where nothing has or it cannot be laid over it."""
        with self._lock:
            now = time.monotonic()
            if self._newest is None or self._seen[0] != base.id or now - self._looked_at >= self._look_seconds:
                self._looked_at = now
                seen = (base.id, last_commit(self._office))
                if seen != self._seen or self._newest is None:
                    self._newest, self.standing = self._made(base)
                    self._seen = seen
            return self._newest

    def through(self, base: OpenSnapshot, seq: str) -> OverlaidSnapshot:
        """The overlay of ``base`` that ends with commit ``seq``; ``NotFound`` for one that never was, or that was made
        by rules which are no longer in use.
        """
        wanted = base.id + _SEPARATOR + seq
        with self._lock:
            if wanted in self._kept:
                return self._kept[wanted]
            arrivals = arrivals_since(self._office, base, seedbook.feeds())
            last = next((place for place, each in enumerate(arrivals, 1) if str(each.seq) == seq), 0)
            lost = last and has_lost_records(self._office, base, int(seq))
            stages = _stages_of(self._office, base, self._models) if last and not lost else None
            if stages is None:
                rule = "It cannot be made again." if last else "There is no such delta."
                raise NotFound("snapshot", wanted, rule, "Ask about the newest state.", "unknown_snapshot")
            return self._overlay(base, arrivals[:last], stages)

    def _made(self, base: OpenSnapshot) -> tuple[OpenSnapshot, Standing]:
        arrivals = arrivals_since(self._office, base, seedbook.feeds())
        if not arrivals:
            return base, Standing()
        try:
            return self._laid_over(base, arrivals)
        except DatabaseUnavailable:
            raise
        except (RongqiaoError, OSError, duckdb.Error) as problem:
            # What cannot be laid over a snapshot must not take the snapshot's own answers away.
            return base, Standing(waiting=len(arrivals), reason=str(problem))

    def _laid_over(self, base: OpenSnapshot, arrivals: Sequence[Arrival]) -> tuple[OpenSnapshot, Standing]:
        stages = _stages_of(self._office, base, self._models)
        if stages is None:
            reason = "the snapshot was built by other rules, models or items"
            return base, Standing(waiting=len(arrivals), reason=reason)
        if has_lost_records(self._office, base):
            return base, Standing(waiting=len(arrivals), reason="records of the snapshot were removed since")
        taken = len(list(takewhile(self._most_records.__ge__, accumulate(each.rows for each in arrivals))))
        waiting = len(arrivals) - taken
        reason = f"more than {self._most_records} records arrived since the build" if waiting else ""
        if not taken:
            return base, Standing(waiting=waiting, reason=reason)
        overlay = self._overlay(base, arrivals[:taken], stages)
        records = sum(each.rows for each in arrivals[:taken])
        return overlay, Standing(overlay.again.firms, records, waiting, reason)

    def _overlay(self, base: OpenSnapshot, arrivals: Sequence[Arrival], stages: Stages) -> OverlaidSnapshot:
        overlay_id = f"{base.id}{_SEPARATOR}{arrivals[-1].seq}"
        if overlay_id not in self._kept:
            self._kept[overlay_id] = _overlaid(self._office, base, overlay_id, arrivals, stages)
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(overlay_id)
        return self._kept[overlay_id]


def _overlaid(
    office: Office, base: OpenSnapshot, overlay_id: str, arrivals: Sequence[Arrival], stages: Stages
) -> OverlaidSnapshot:
    firms, again = made_again(office, base, arrivals, stages, seedbook.catalogue(), seedbook.feeds())
    rows = np.flatnonzero(np.isin(base.uscc, np.array(firms, "S18")))
    named: dict[str, list[list[str]]] = {}
    for each in arrivals:
        named.setdefault(each.feed, []).append([each.id, each.content_digest, each.received_at.isoformat()])
    known_by = max(base.known_by, *(each.received_at for each in arrivals))
    told = {"id": overlay_id, "known_by": known_by.isoformat(), "delta": {"snapshot": base.id, "batches": named}}
    return OverlaidSnapshot(base, again, rows, stages, told)


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
