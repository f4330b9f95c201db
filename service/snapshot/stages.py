"""What a build does with a profile: derive, evaluate, match. Plain functions, so a build can be run with others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.kinds import Kind
from scoring.columns import Columns


class Matched(Protocol):
    """Verdicts of all firms: one row of packed bits per rule, the first firm in the highest bit."""

    @property
    def rule_ids(self) -> Sequence[str]: ...
    @property
    def met(self) -> NDArray[np.uint8]: ...
    @property
    def open(self) -> NDArray[np.uint8]: ...


@dataclass(frozen=True)
class Evaluated:
    """``facts`` that conditions may ask (``score``, ``grade`` …) and, in ``scores``, what else is kept (…, firms)."""

    facts: Columns
    scores: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class _NoMatches:
    rule_ids: tuple[str, ...]
    met: NDArray[np.uint8]
    open: NDArray[np.uint8]


def _derive_nothing(columns: Columns, as_of: date) -> Columns:
    return Columns(columns.n, {})


def _evaluate_nothing(columns: Columns, as_of: date) -> Evaluated:
    return Evaluated(Columns(columns.n, {}))


def _match_nothing(columns: Columns, as_of: date) -> Matched:
    empty = np.empty((0, (columns.n + 7) // 8), np.uint8)
    return _NoMatches((), empty, empty)


def _compare_nothing(columns: Columns, scores: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
    return {}


@dataclass(frozen=True)
class Stages:
    """``derive`` sees the items, ``evaluate`` also the derived facts, ``match`` also the evaluation's facts.

    ``compare`` makes those of the scores, named in ``compared``, that place a firm among all others, from the columns
    and the other scores. ``kinds`` says the kind of every fact they add. The digests stand for everything the functions
    depend on besides their arguments: two builds with equal digests and equal records give the same snapshot.
    """

    derive: Callable[[Columns, date], Columns] = _derive_nothing
    evaluate: Callable[[Columns, date], Evaluated] = _evaluate_nothing
    match: Callable[[Columns, date], Matched] = _match_nothing
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    compare: Callable[[Columns, Mapping[str, NDArray[Any]]], Mapping[str, NDArray[Any]]] = _compare_nothing
    compared: tuple[str, ...] = ()
    model_digest: str = ""
    rules_digest: str = ""
    #: The registered models that score: name to id and version. The manifest names them.
    registered: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Firms (by code) whose leader may be evaluated, with the day (int32) the consent was signed.
    person_consents: Mapping[str, int] = field(default_factory=dict)
