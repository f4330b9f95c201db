"""An option: one product or scheme as the answer to one firm's need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from matching.benefits import Benefit
from matching.cost import Cost
from matching.evaluate_scheme import SchemeResult
from matching.near_miss import NearMiss
from matching.rulefile import Name
from matching.stacking import Pair, SchemeSet
from matching.status import Status, status_of
from matching.verdicts import Requirement
from models.evidence import Finding

__all__ = ["Dropped", "Option", "OptionWarning", "Status", "status_of"]


@dataclass(frozen=True)
class Dropped:
    """A scheme that would give something on this loan but is not counted, and why.

    ``ruling`` is a slug (excluded, highest_only, one_per_loan, nothing_paid, interest_covered, amount_unknown, open);
    ``cite`` the clause; ``beside`` the counted schemes that bar it; ``yuan_with`` the most a legal set with it pays.
    """

    scheme: str
    reason: str
    reason_zh: str = ""
    ruling: str = ""
    cite: str = ""
    beside: tuple[str, ...] = ()
    yuan_with: Decimal | None = None


@dataclass(frozen=True)
class OptionWarning:
    """Something a firm should know before it takes this option.

    ``kind`` first_loan: taking it uses up ``scheme`` for the reason ``loss``; ``yuan_forgone`` is what the option
    ``instead`` earns (for ``instead_amount_yuan``, where the same offer earns on a smaller loan).
    """

    kind: str
    scheme: str
    loss: str
    yuan_forgone: Decimal
    instead: str
    words: Name
    cite: str
    instead_amount_yuan: Decimal | None = None


@dataclass(frozen=True)
class Option:
    """One product or scheme for one firm and need.

    ``kind`` is what it offers (loan, interest_subsidy …). ``stack`` are the schemes counted in ``cost``, ``dropped``
    those left out, ``next_best`` the best other legal set, ``pairs`` what the texts say of every two counted ones.
    ``schemes`` are all scheme answers on this offer's loan. ``missing`` are the unknown facts that keep it open,
    ``settled_by`` the documents that would settle them; ``assumed`` the facts of the need the firm left open and the
    product's usual case filled in. ``opens_on`` is set for NOT_YET, ``successor`` for EXPIRED. ``cost`` is ``None``
    where the offer is out of reach or its terms are not published. A scheme has its own ``benefit``, and ``through``
    names the product on whose loan it was asked. ``near_miss`` is the way to an offer that is shut.
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
    next_best: SchemeSet | None = None
    pairs: tuple[Pair, ...] = ()
    near_miss: NearMiss | None = None
    warnings: tuple[OptionWarning, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every condition asked, requirement by requirement."""
        return tuple(finding for requirement in self.requirements for finding in requirement.findings)

    def warned(self, warnings: Iterable[OptionWarning]) -> Option:
        """The same option with more warnings."""
        return replace(self, warnings=(*self.warnings, *warnings))
