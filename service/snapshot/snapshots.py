"""Opens snapshots: every column memory-mapped, shared by all processes, one firm read in well under a millisecond."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import select

from models.dates import add_months, from_days
from models.errors import NotFound, RefusedInput
from models.kinds import UNKNOWN_INT32, Kind, Scalar, decode
from models.tables import Snapshot
from models.uscc import LENGTH
from scoring.columns import Array, Columns
from service.office import Office
from service.snapshot import folder as files


class Reading(NamedTuple):
    """One item of one firm. ``observed`` and ``age_days`` are ``None`` where nothing was ever observed.

    ``stale``: what is known is older than the agency's refresh period; the value may still be valid.
    """

    item: str
    kind: Kind
    unit: str
    value: Scalar | None
    observed: date | None
    age_days: int | None
    agency: str
    feed: str
    stale: bool


@dataclass(frozen=True)
class _ItemEntry:
    """What the manifest says of one item, ready to decode with."""

    kind: Kind
    unit: str
    agency: str
    feed: str
    codes: tuple[str, ...]
    stale_before: date
    covered_to: date | None
    per_event: bool


class OpenSnapshot:
    """One snapshot folder. Arrays are read-only views of the files; rows are sorted by score, highest first."""

    def __init__(self, folder: Path, manifest_sha256: str = ""):
        text = (folder / files.MANIFEST).read_bytes()
        if manifest_sha256 and sha256(text).hexdigest() != manifest_sha256:
            raise RefusedInput(
                "changed_snapshot",
                "snapshot",
                folder.name,
                "Its manifest is not the one that was built.",
                "Restore the folder from a backup or build again.",
                status=500,
            )
        self.folder = folder
        self._take(json.loads(text), pa.ipc.open_file(pa.memory_map(str(folder / files.TEXTS))).get_batch(0))

    def _take(self, manifest: Mapping[str, Any], texts: pa.RecordBatch) -> None:
        self.manifest = manifest
        self.texts = texts
        self.id: str = self.manifest["id"]
        self.as_of = date.fromisoformat(self.manifest["as_of"])
        self.known_by = datetime.fromisoformat(self.manifest["known_by"])
        self.firms: int = self.manifest["firms"]
        self.uscc: NDArray[np.bytes_] = self._map(files.USCC)
        self._order: NDArray[np.int64] = self._map(files.USCC_ORDER)
        self._entries = {name: self._entry(raw) for name, raw in self.manifest["items"].items()}
        self._fact_kinds = {
            name: (Kind(raw["kind"]), tuple(raw["codes"]))
            for name, raw in {**self.manifest["auxiliary"], **self.manifest["derived"]}.items()
        }
        self.observed: Mapping[str, NDArray[np.int32]] = {
            name: self._map(files.observed_file(name)) for name in self._entries
        }
        self.columns = self._columns()
        self.rule_ids: tuple[str, ...] = tuple(self.manifest["rules"])

    def _map(self, name: str) -> NDArray[Any]:
        # A plain view: indexing the memmap class itself is several times slower.
        array: NDArray[Any] = np.load(self.folder / name, mmap_mode="r", allow_pickle=False).view(np.ndarray)
        return array

    def _entry(self, raw: Mapping[str, Any]) -> _ItemEntry:
        covered = self.manifest["feeds"].get(raw["feed"], {}).get("covered_to")
        return _ItemEntry(
            Kind(raw["kind"]),
            raw["unit"],
            raw["agency"],
            raw["feed"],
            tuple(raw["codes"]),
            add_months(self.as_of, -raw["refresh_months"]),
            date.fromisoformat(covered) if covered else None,
            raw["period"] == "event",
        )

    def _columns(self) -> Columns:
        values: dict[str, Array] = {}
        codes: dict[str, tuple[str, ...]] = {}
        for name, raw in self.manifest["items"].items():
            if raw["kind"] != Kind.TEXT:
                for column in (name, *(f"{name}.y{year}" for year in range(1, raw["years"] + 1))):
                    values[column] = self._map(files.item_file(column))
            if raw["kind"] == Kind.CODE:
                codes[name] = tuple(raw["codes"])
        for group, path in (("auxiliary", files.item_file), ("derived", files.derived_file)):
            for name, raw in self.manifest[group].items():
                values[name] = self._map(path(name))
                if raw["kind"] == Kind.CODE:
                    codes[name] = tuple(raw["codes"])
        return Columns(self.firms, values, codes)

    @cached_property
    def batches(self) -> frozenset[str]:
        """The ids of the batches it was built from."""
        return frozenset(batch[0] for listed in self.manifest["inputs"]["batches"].values() for batch in listed)

    @cached_property
    def scores(self) -> Mapping[str, NDArray[Any]]:
        """What the evaluation kept, by name; firms on the last axis."""
        return {name: self._map(files.score_file(name)) for name in self.manifest["scores"]}

    @cached_property
    def met(self) -> NDArray[np.uint8]:
        """Packed bits, one row per rule: the firm meets it."""
        return self._map(files.MET)

    @cached_property
    def open(self) -> NDArray[np.uint8]:
        """Packed bits, one row per rule: the firm does not miss it; without ``met`` it is unknown."""
        return self._map(files.OPEN)

    def row_of(self, uscc: str) -> int:
        """The firm's row, by bisection; ``NotFound`` for a firm no feed has told of."""
        code = np.array([uscc.encode("ascii", "replace")])
        place = int(np.searchsorted(self.uscc, code, sorter=self._order)[0]) if len(uscc) == LENGTH else self.firms
        if place == self.firms or self.uscc[self._order[place]] != code[0]:
            raise NotFound("uscc", uscc, "No record of this firm was delivered.", "Check the code.", "unknown_firm")
        return int(self._order[place])

    def rows_of(self, codes: NDArray[np.bytes_]) -> NDArray[np.int64]:
        """The rows of many firms (S18), -1 for those no feed has told of."""
        if not self.firms:
            return np.full(len(codes), -1)
        places = np.searchsorted(self.uscc, codes, sorter=self._order)
        rows = self._order[np.minimum(places, self.firms - 1)]
        return np.where(self.uscc[rows] == codes, rows, -1)

    def firm_at(self, row: int) -> str:
        """The code of the firm at ``row``."""
        return str(self.uscc[row], "ascii")

    def readings(self, row: int) -> dict[str, Reading]:
        """Every item of the firm at ``row``, in catalogue order."""
        return {name: self._reading(name, entry, row) for name, entry in self._entries.items()}

    def _reading(self, name: str, entry: _ItemEntry, row: int) -> Reading:
        day = int(self.observed[name][row])
        observed = None if day == UNKNOWN_INT32 else from_days(day)
        # A register of events is as fresh as its last delivery, however old its newest event about the firm.
        known_to = entry.covered_to if entry.per_event else observed
        return Reading(
            name,
            entry.kind,
            entry.unit,
            self._value(name, entry.kind, entry.codes, row),
            observed,
            (self.as_of - observed).days if observed else None,
            entry.agency,
            entry.feed,
            observed is not None and known_to is not None and known_to < entry.stale_before,
        )

    def _value(self, name: str, kind: Kind, codes: tuple[str, ...], row: int) -> Scalar | None:
        if kind is Kind.TEXT:
            text: str | None = self.texts.column(name)[row].as_py()
            return text
        return decode(kind, self.columns.values[name][row].item(), codes)

    def facts(self, row: int) -> dict[str, Scalar | None]:
        """The firm's facts beside the items: derived, auxiliary and from the evaluation."""
        return {name: self._value(name, kind, codes, row) for name, (kind, codes) in self._fact_kinds.items()}

    def value(self, name: str, row: int) -> Scalar | None:
        """One item or fact of one firm; ``KeyError`` for a name the snapshot does not have."""
        if name in self._entries:
            return self._value(name, self._entries[name].kind, self._entries[name].codes, row)
        return self._value(name, *self._fact_kinds[name], row)


class HeldSnapshot(OpenSnapshot):
    """Contents that were written nowhere, read as a snapshot; ``folder`` is that of the snapshot they belong to."""

    def __init__(self, folder: Path, contents: files.Contents):
        self.folder = folder
        self._arrays = contents.arrays
        self._take(contents.manifest, contents.texts)

    def _map(self, name: str) -> NDArray[Any]:
        return self._arrays[name]


def open_snapshot(office: Office, snapshot_id: str = "") -> OpenSnapshot:
    """The committed snapshot with this id, or the one committed last; ``NotFound`` when there is none."""
    query = select(Snapshot.id, Snapshot.manifest_sha256).order_by(Snapshot.seq.desc()).limit(1)
    with office.read() as session:
        row = session.execute(query.where(Snapshot.id == snapshot_id) if snapshot_id else query).one_or_none()
    if row is None:
        raise NotFound(
            "snapshot", snapshot_id, "No such snapshot was built.", "Run `rongqiao build`.", "unknown_snapshot"
        )
    return OpenSnapshot(office.snapshots / row.id, row.manifest_sha256)
