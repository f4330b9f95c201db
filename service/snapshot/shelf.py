"""The snapshots in use. A newer one is picked up without a restart; older ones stay readable for cursors and dates."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date
from threading import Lock

from sqlalchemy import Select, select

from models.errors import NotFound, RefusedInput
from models.tables import Snapshot as Row
from service.delta.delta import LOOK_SECONDS, MOST_RECORDS, Delta, split_id
from service.office import Office
from service.registry.shelf import ModelShelf
from service.snapshot.snapshots import OpenSnapshot, open_snapshot

#: Snapshots kept open at once. An open one costs file handles and a page of Python objects, not memory.
_MOST_OPEN = 6


@dataclass(frozen=True)
class SnapshotRow:
    """One committed snapshot."""

    id: str
    as_of: date
    firms: int


class Shelf:
    """Looks at the snapshot table at most every ``check_seconds``; opens a snapshot once and hands it to everyone.

    ``models`` does the same for the models that snapshots name, ``delta`` lays over the newest snapshot what arrived
    since it was built; ``delta_patience`` is how long a request waits for that (:class:`Delta`).
    """

    def __init__(
        self,
        office: Office,
        check_seconds: float = 1.0,
        delta_records: int = MOST_RECORDS,
        delta_patience: float | None = None,
    ):
        self.office = office
        self._check_seconds = check_seconds
        self.models = ModelShelf(office, check_seconds)
        self.delta = Delta(office, self.models, min(check_seconds, LOOK_SECONDS), delta_records, delta_patience)
        self._looked_at = float("-inf")
        self._newest: SnapshotRow | None = None
        self._open: OrderedDict[str, OpenSnapshot] = OrderedDict()
        self._lock = Lock()

    def newest(self) -> SnapshotRow | None:
        """The snapshot of the latest day, of these the one committed last; ``None`` before the first build."""
        now = time.monotonic()
        if now - self._looked_at >= self._check_seconds:
            # The latest day, not the latest build: a quarter end built afterwards must not replace today's answers.
            self._newest = self._first(select(Row.id, Row.as_of, Row.firms).order_by(Row.as_of.desc(), Row.seq.desc()))
            self._looked_at = now
        return self._newest

    def current(self) -> OpenSnapshot:
        """The newest snapshot with what arrived since; 503 before the first build."""
        return self.delta.over(self._built_last())

    def _built_last(self) -> OpenSnapshot:
        newest = self.newest()
        if newest is None:
            raise RefusedInput(
                "no_snapshot",
                "snapshot",
                None,
                "Nothing has been built yet.",
                "Run `rongqiao build` (or `rongqiao demo`).",
                status=503,
            )
        return self.by_id(newest.id)

    def on(self, day: date | None) -> OpenSnapshot:
        """As ``built``, but what is current for ``None``: for answers about one firm."""
        return self.current() if day is None else self.built(day)

    def built(self, day: date | None = None) -> OpenSnapshot:
        """The snapshot built as of exactly ``day``, the newest for ``None``; refused where none was built for that day.

        For figures about the whole city, which stay as they were built.
        """
        if day is None:
            return self._built_last()
        found = self._first(select(Row.id, Row.as_of, Row.firms).where(Row.as_of == day).order_by(Row.seq.desc()))
        if found is None:
            raise NotFound(
                "as_of",
                day.isoformat(),
                "No snapshot was built for this day.",
                f"Run `rongqiao build --as-of {day}`, or leave as_of out.",
                "no_snapshot_of_day",
            )
        return self.by_id(found.id)

    def frozen(self, quarter: date) -> OpenSnapshot | None:
        """The first snapshot built for a quarter end: what stays quotable whatever arrives later."""
        found = self._first(select(Row.id, Row.as_of, Row.firms).where(Row.as_of == quarter).order_by(Row.seq))
        return self.by_id(found.id) if found else None

    def by_id(self, snapshot_id: str) -> OpenSnapshot:
        """An open snapshot, or one with what had arrived by then; ``NotFound`` for an id that was never one."""
        snapshot_id, through = split_id(snapshot_id)
        if through:
            return self.delta.through(self.by_id(snapshot_id), through)
        with self._lock:
            found = self._open.get(snapshot_id)
            if found is None:
                if not snapshot_id:
                    raise NotFound("snapshot", snapshot_id, "A snapshot has an id.", "Give one.", "unknown_snapshot")
                found = self._open[snapshot_id] = open_snapshot(self.office, snapshot_id)
                if len(self._open) > _MOST_OPEN:
                    self._open.popitem(last=False)
            self._open.move_to_end(snapshot_id)
            return found

    def _first(self, query: Select[str, date, int]) -> SnapshotRow | None:
        with self.office.read() as session:
            row = session.execute(query.limit(1)).one_or_none()
        return SnapshotRow(row.id, row.as_of, row.firms) if row else None
