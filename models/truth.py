"""Kleene's three truth values. Under ``all``: UNMET beats UNKNOWN beats MET; under ``any`` the reverse."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Truth(StrEnum):
    MET = "met"
    UNMET = "unmet"
    UNKNOWN = "unknown"


def all_of(values: Iterable[Truth]) -> Truth:
    """Conjunction; MET for no values."""
    answer = Truth.MET
    for value in values:
        if value is Truth.UNMET:
            return Truth.UNMET
        if value is Truth.UNKNOWN:
            answer = Truth.UNKNOWN
    return answer


def any_of(values: Iterable[Truth]) -> Truth:
    """Disjunction; UNMET for no values."""
    answer = Truth.UNMET
    for value in values:
        if value is Truth.MET:
            return Truth.MET
        if value is Truth.UNKNOWN:
            answer = Truth.UNKNOWN
    return answer


def negated(value: Truth) -> Truth:
    """MET and UNMET change places; UNKNOWN stays."""
    if value is Truth.UNKNOWN:
        return value
    return Truth.UNMET if value is Truth.MET else Truth.MET
