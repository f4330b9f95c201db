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
from numpy.typing import NDArray

from models.errors import NotFound
from models.kinds import Scalar
from scoring.columns import Array, Columns
from service.snapshot.snapshots import OpenSnapshot, Reading
from service.snapshot.stages import Stages


class Lazily(Mapping[str, Array]):
    """Arrays by name, each made when it is first asked for."""

    def __init__(self, names: Iterable[str], make: Callable[[str], Array]):
        self._names = dict.fromkeys(names)
        self._make = make
        self._made: dict[str, Array] = {}

    def __getitem__(self, name: str) -> Array:
        if name not in self._made:
            if name not in self._names:
                raise KeyError(name)
            self._made[name] = self._make(name)
        return self._made[name]

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
        self.observed = Lazily(base.observed, lambda name: self._merged(base.observed[name], again.observed[name]))
        codes = {name: _joined(mine, again.columns.codes[name]) for name, mine in base.columns.codes.items()}
        self.columns = LazyColumns(self.firms, Lazily(base.columns.values, self._column), codes, part=self.part)

    def part(self, row: int) -> tuple[OpenSnapshot, int]:
        """The snapshot that the firm at ``row`` is read from, and its row there."""
        source = int(self._source[row])
        return (self.base, source) if source < self.base.firms else (self.again, source - self.base.firms)

    def row_of(self, uscc: str) -> int:
        try:
            place = self.again.row_of(uscc)
            return int(self._places[place]) + place
        except NotFound:
            row = self.base.row_of(uscc)
        before = int(np.searchsorted(self._gone, row))
        if before < len(self._gone) and self._gone[before] == row:
            raise NotFound("uscc", uscc, "Its only record was withdrawn.", "Check the code.", "unknown_firm")
        return row - before + int(np.searchsorted(self._places, row - before, side="right"))

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
        return self._merged(*(_recoded(each.values[name], each.codes[name], codes) for each in (mine, again)))

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


def _joined(mine: tuple[str, ...], again: tuple[str, ...]) -> tuple[str, ...]:
    """One dictionary for both. They differ only where the records say which codes there are: those are sorted."""
    return mine if mine == again or not again else tuple(sorted({*mine, *again}))


def _recoded(column: Array, own: tuple[str, ...], codes: tuple[str, ...]) -> Array:
    """The column in another dictionary; -1 stays unknown."""
    if own == codes:
        return column
    moved: Array = np.array([*map(codes.index, own), -1], column.dtype)[column]
    return moved
