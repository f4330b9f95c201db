"""The kinds of jobs. A module that has one adds it to ``KINDS`` and is named in ``service.jobs.shipped``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from models.errors import RefusedInput
from service.jobs.work import Work
from service.office import Office


@dataclass(frozen=True)
class Plan:
    """What a person's wish comes to: ``key`` makes the same wish one job, ``arguments`` are the job's own (JSON)."""

    key: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class JobKind:
    """``run`` does the work and answers with the job's result (JSON). It may be run again after any of its steps.

    ``plan`` is there for what people may start: office, a day or ``None``, and the moment of asking.
    """

    name: str
    run: Callable[[Office, Work], Mapping[str, Any]]
    plan: Callable[[Office, date | None, datetime], Plan] | None = None
    max_attempts: int = 3


#: By name.
KINDS: dict[str, JobKind] = {}


def add_kind(kind: JobKind) -> None:
    """Make a kind known. A second kind of the same name is a fault of the program."""
    if kind.name in KINDS:
        raise ValueError(f"two kinds of jobs are called {kind.name}")
    KINDS[kind.name] = kind


def startable(name: str) -> JobKind:
    """The kind a person asks for; ``RefusedInput`` for one that is not there or starts by itself."""
    known = sorted(kind.name for kind in KINDS.values() if kind.plan)
    if name not in known:
        raise RefusedInput("unknown_kind", "kind", name, "No such job can be started.", f"One of: {', '.join(known)}.")
    return KINDS[name]
