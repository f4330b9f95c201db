"""A snapshot with some of its firms made again: the firms and columns a build would have, without copying them all.

One firm is read where it stands, in the snapshot or among those made again. A whole column is put together when it is
first asked for, and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.errors import NotFound
from models.kinds import Scalar
from scoring.columns import Array, Columns
from service.delta.codes import joined, recoded
from service.snapshot import folder as files
from service.snapshot.snapshots import HeldSnapshot, OpenSnapshot, Reading
from service.snapshot.stages import Stages


class Lazily(Mapping[str, Array]):
    """Arrays by name, each made when it is first asked for."""

    def __init__(self, names: Iterable[str], make: Callable[[str], Array]):
        self._names = dict.fromkeys(names)
        self._make = make
        self._made: dict[str, Array] = {}

    def __getitem__(self, name: str) -> Array:
        made = self._made.get(name)
        if made is None:
            if name not in self._names:
                raise KeyError(name)
            made = self._made[name] = self._make(name)
        return made

    def forget(self) -> None:
        """Give the memory back; what is asked for again is made again."""
        self._made = {}

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class LazyColumns(Columns):
    """Columns that are not there yet; one firm's are taken from where it stands."""

    part: Callable[[int], tuple[OpenSnapshot, int]] = field(kw_only=True)

    def __post_init__(self) -> None:
        """Their lengths are right as they are made; looking at each would make them all."""

    def row(self, position: int) -> Columns:
        snapshot, row = self.part(position)
        return snapshot.columns.row(row)


class OverlaidSnapshot(OpenSnapshot):
    """``base`` without the firms at ``rows``, with those of ``again`` in their places in the order of scores."""

    def __init__(
        self,
        base: OpenSnapshot,
        again: OpenSnapshot,
        rows: NDArray[np.int64],
        stages: Stages,
        told: Mapping[str, Any],
    ):
        self.folder = base.folder
        self.base, self.again = base, again
        self._stages = stages
        self._gone = np.sort(rows)
        kept = np.delete(np.arange(base.firms), self._gone)
        self._places = _places(base, kept, again)
        self._source = np.insert(kept, self._places, base.firms + np.arange(again.firms))
        self.firms = len(self._source)
        self.manifest = {**base.manifest, **told, "firms": self.firms}
        self.id = self.manifest["id"]
        self.as_of, self.known_by = base.as_of, datetime.fromisoformat(self.manifest["known_by"])
        self.rule_ids = base.rule_ids
        self.uscc = self._merged(base.uscc, again.uscc)
        self._observed = Lazily(base.observed, lambda name: self._merged(base.observed[name], again.observed[name]))
        self.observed = self._observed
        codes = {name: joined(mine, again.columns.codes[name]) for name, mine in base.columns.codes.items()}
        self._values = Lazily(base.columns.values, self._column)
        self.columns = LazyColumns(self.firms, self._values, codes, part=self.part)

    def part(self, row: int) -> tuple[OpenSnapshot, int]:
        """The snapshot that the firm at ``row`` is read from, and its row there."""
        source = int(self._source[row])
        return (self.base, source) if source < self.base.firms else (self.again, source - self.base.firms)

    def row_of(self, uscc: str) -> int:
        row = int(self.rows_of(np.array([uscc.encode("ascii", "replace")]))[0])
        if row < 0:
            self.base.row_of(uscc)
            raise NotFound("uscc", uscc, "Its only record was withdrawn.", "Check the code.", "unknown_firm")
        return row

    def rows_of(self, codes: NDArray[np.bytes_]) -> NDArray[np.int64]:
        rows, again = self.base.rows_of(codes), self.again.rows_of(codes)
        stays = (rows >= 0) & ~np.isin(rows, self._gone)
        left = rows[stays] - np.searchsorted(self._gone, rows[stays])
        found = np.full(len(codes), -1)
        found[stays] = left + np.searchsorted(self._places, left, side="right")
        found[again >= 0] = (self._places + np.arange(self.again.firms))[again[again >= 0]]
        return found

    def forget(self) -> None:
        """Give the memory of whole columns back, for a state that few will ask for from now on."""
        self._observed.forget()
        self._values.forget()
        for name in ("scores", "met", "open", "_compared"):
            self.__dict__.pop(name, None)

    def readings(self, row: int) -> dict[str, Reading]:
        snapshot, there = self.part(row)
        return snapshot.readings(there)

    def facts(self, row: int) -> dict[str, Scalar | None]:
        snapshot, there = self.part(row)
        return snapshot.facts(there)

    def value(self, name: str, row: int) -> Scalar | None:
        snapshot, there = self.part(row)
        return snapshot.value(name, there)

    @cached_property
    def scores(self) -> Mapping[str, NDArray[Any]]:
        return Lazily(self.base.scores, self._score)

    @cached_property
    def met(self) -> NDArray[np.uint8]:
        return self._bits(self.base.met, self.again.met)

    @cached_property
    def open(self) -> NDArray[np.uint8]:
        return self._bits(self.base.open, self.again.open)

    def settled(self, feeds: Mapping[str, Any]) -> HeldSnapshot:
        """All of it in memory, as one snapshot of few firms. What places a firm among all others is not made again.

        ``feeds``: what its manifest says of them.
        """
        columns, scores = self.columns, self.base.scores
        groups = {
            group: {
                name: {**entry, "codes": list(columns.codes.get(name, ()))}
                for name, entry in self.manifest[group].items()
            }
            for group in ("items", "auxiliary", "derived")
        }
        arrays = {
            files.USCC: self.uscc,
            files.USCC_ORDER: np.argsort(self.uscc),
            **{
                (files.derived_file if name in groups["derived"] else files.item_file)(name): columns.values[name]
                for name in columns.values
            },
            **{files.observed_file(name): self.observed[name] for name in self.observed},
            **{files.score_file(name): self._merged(kept, self.again.scores[name]) for name, kept in scores.items()},
            files.MET: self.met,
            files.OPEN: self.open,
        }
        texts = {
            name: pa.concat_arrays([self.base.texts.column(name), self.again.texts.column(name)]).take(
                pa.array(self._source)
            )
            for name in self.base.texts.schema.names
        }
        manifest = {**self.manifest, **groups, "feeds": feeds}
        return HeldSnapshot(self.folder, files.Contents(manifest, arrays, pa.RecordBatch.from_pydict(texts)))

    def _merged(self, mine: NDArray[Any], again: NDArray[Any]) -> NDArray[Any]:
        return np.take(np.concatenate((mine, again), axis=-1), self._source, axis=-1)

    def _bits(self, mine: NDArray[np.uint8], again: NDArray[np.uint8]) -> NDArray[np.uint8]:
        bits = (
            np.unpackbits(mine, axis=-1, count=self.base.firms),
            np.unpackbits(again, axis=-1, count=self.again.firms),
        )
        return np.packbits(self._merged(*bits), axis=-1)

    def _column(self, name: str) -> Array:
        mine, again = self.base.columns, self.again.columns
        codes = self.columns.codes.get(name)
        if codes is None:
            return self._merged(mine.values[name], again.values[name])
        return self._merged(*(recoded(each.values[name], each.codes[name], codes) for each in (mine, again)))

    def _score(self, name: str) -> Array:
        if name in self._stages.compared:
            return self._compared[name]
        return self._merged(self.base.scores[name], self.again.scores[name])

    @cached_property
    def _compared(self) -> Mapping[str, Array]:
        return self._stages.compare(self.columns, self.scores)


def _places(base: OpenSnapshot, kept: NDArray[np.int64], again: OpenSnapshot) -> NDArray[np.int64]:
    """Before which of the kept firms each one made again stands: highest score first, equal scores by code."""
    codes = base.uscc[kept]
    if "score" not in base.columns.values:
        return np.searchsorted(codes, again.uscc)
    score, own = -base.columns.values["score"][kept], -again.columns.values["score"]
    first, last = np.searchsorted(score, own), np.searchsorted(score, own, side="right")
    spans = zip(first.tolist(), last.tolist(), again.uscc, strict=True)
    return np.array([start + np.searchsorted(codes[start:stop], code) for start, stop, code in spans], np.int64)
