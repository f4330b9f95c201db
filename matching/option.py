"""An option: one product or scheme as the answer to one firm's need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from matching.benefits import Benefit
from matching.cost import Cost
from matching.evaluate_scheme import SchemeResult
from matching.verdicts import Requirement, Verdict
from models.evidence import Finding
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


@dataclass(frozen=True)
class Dropped:
    """A scheme that would give something on this loan but is not counted, and why."""

    scheme: str
    reason: str


@dataclass(frozen=True)
class Option:
    """One product or scheme for one firm and need.

    ``kind`` is what it offers (loan, interest_subsidy …). ``stack`` are the schemes counted in ``cost``, ``dropped``
    those left out. ``schemes`` are all scheme answers on this offer's loan. ``missing`` are the unknown facts that
    keep it open, ``settled_by`` the documents that would settle them; ``assumed`` the facts of the need the firm left
    open and the product's usual case filled in. ``opens_on`` is set for NOT_YET, ``successor`` for EXPIRED. ``cost``
    is ``None`` where the offer is out of reach or its terms are not published. A scheme has its own ``benefit``, and
    ``through`` names the product on whose loan it was asked.
    """

    id: str
    kind: str
    status: Status
    requirements: tuple[Requirement, ...]
    cost: Cost | None = None
    benefit: Benefit | None = None
    stack: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    schemes: tuple[SchemeResult, ...] = ()
    missing: tuple[str, ...] = ()
    settled_by: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    through: str = ""
    opens_on: date | None = None
    successor: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every condition asked, requirement by requirement."""
        return tuple(finding for requirement in self.requirements for finding in requirement.findings)
