"""What becomes of each firm of a cohort: asked about or not, as known that day; then good, default or neither."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.kinds import UNKNOWN_INT32, UNKNOWN_INT64, UNKNOWNS, Kind
from scoring.columns import Columns
from scoring.training.definition import Definition, Records

Flags = NDArray[np.bool_]
#: The steps that narrow a cohort, in order. The first five use only what was known on the day.
NOT_LIVE, TOO_YOUNG, UNEXPOSED, IN_DEFAULT, TOO_THIN = "not_live", "too_young", "unexposed", "in_default", "too_thin"
#: Learnt since: a default that had begun by the day, and a firm that left the register without one.
LEARNT_LATER, LEFT_REGISTER = "learnt_later", "left_register"


@dataclass(frozen=True)
class Screened:
    """``rows`` are the places of the firms in the set; ``left_out`` counts the others by the first step they failed."""

    rows: NDArray[np.intp]
    left_out: Mapping[str, int]


def screen(columns: Columns, definition: Definition, kinds: Mapping[str, Kind]) -> Screened:
    """The firms asked about, of a profile as of a day that holds only what was known that day.

    ``columns`` also has the flags of the definition's exposures and events. What is unknown (status, age) keeps a firm
    in; an exposure must be known. ``kinds`` are the model's items: too thin a file is not learned from.
    """
    age = columns.values.get("firm_age_months")
    live = columns.values.get("live")
    steps: dict[str, Flags] = {
        NOT_LIVE: np.zeros(columns.n, np.bool_) if live is None else live == 0,
        TOO_YOUNG: _below(age, definition.least_age, columns.n),
        UNEXPOSED: ~_any(columns, definition.exposure),
        IN_DEFAULT: _any(columns, definition.events),
        TOO_THIN: known_share(columns, kinds) < definition.least_known,
    }
    kept = np.ones(columns.n, np.bool_)
    left_out = {}
    for step, out in steps.items():
        left_out[step] = int(np.count_nonzero(kept & out))
        kept &= ~out
    return Screened(np.flatnonzero(kept), left_out)


def _below(age: NDArray[np.int64] | None, least: int, n: int) -> Flags:
    if age is None:
        return np.zeros(n, np.bool_)
    young: Flags = (age != UNKNOWN_INT64) & (age < least)
    return young


def _any(columns: Columns, records: tuple[Records, ...]) -> Flags:
    """Firms for which any of the flags is known and true."""
    found = np.zeros(columns.n, np.bool_)
    for each in records:
        flag = columns.values.get(each.in_force.id)
        if flag is not None:
            found |= flag == 1
    return found


def known_share(columns: Columns, kinds: Mapping[str, Kind]) -> NDArray[np.float64]:
    """Share of the named items that are known, per firm."""
    known = np.zeros(columns.n, np.int64)
    for name, kind in kinds.items():
        column = columns.values.get(name)
        if column is not None:
            known += ~np.isnan(column) if kind in (Kind.NUMBER, Kind.RATIO) else column != UNKNOWNS[kind]
    return known / len(kinds)


@dataclass(frozen=True)
class Outcomes:
    """What happened to ``n`` firms after a day. ``first`` is int32 days of the first event in the window by event id.

    ``default`` and ``good`` are disjoint; firms in neither are indeterminate and counted in ``left_out``.
    """

    default: Flags
    good: Flags
    first: Mapping[str, NDArray[np.int32]]
    left_out: Mapping[str, int]


def outcomes(first: Mapping[str, NDArray[np.int32]], in_default_on_the_day: Flags, gone_by_the_end: Flags) -> Outcomes:
    """Outcomes from the first event of each kind (``UNKNOWN_INT32``: none), all as known when the model is trained.

    A firm that was in default already on the day is neither, even if that was learnt later: its default is not new. A
    firm gone from the register without a default is neither: nobody saw its year out.
    """
    hit = np.zeros(len(in_default_on_the_day), np.bool_)
    for days in first.values():
        hit |= days != UNKNOWN_INT32
    default = hit & ~in_default_on_the_day
    left = gone_by_the_end & ~hit & ~in_default_on_the_day
    return Outcomes(
        default,
        ~(default | left | in_default_on_the_day),
        first,
        {LEARNT_LATER: int(in_default_on_the_day.sum()), LEFT_REGISTER: int(left.sum())},
    )
