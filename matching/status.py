"""Where a firm stands with one offer."""

from __future__ import annotations

from enum import StrEnum

from matching.verdicts import Requirement, Verdict
from models.truth import Truth


class Status(StrEnum):
    """Where a firm stands with one offer, best first: options are listed in this order.

    NEAR_MISS: exactly one requirement is unmet and every other is met, so that mending this one thing is enough.
    """

    ELIGIBLE = "eligible"
    UNKNOWN = "unknown"
    NEAR_MISS = "near_miss"
    INELIGIBLE = "ineligible"
    NOT_YET = "not_yet"
    EXPIRED = "expired"


def status_of(verdict: Verdict, requirements: tuple[Requirement, ...]) -> Status:
    """The status a verdict comes to; UNMET is a near miss when one requirement alone stands in the way."""
    if verdict is Verdict.MET:
        return Status.ELIGIBLE
    if verdict is not Verdict.UNMET:
        return Status(verdict.value)
    truths = [requirement.truth for requirement in requirements]
    alone = truths.count(Truth.UNMET) == 1 and Truth.UNKNOWN not in truths
    return Status.NEAR_MISS if alone else Status.INELIGIBLE
