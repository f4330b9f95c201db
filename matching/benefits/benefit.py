"""The result of a benefit's arithmetic, and what it is worked out from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Protocol

from matching.all_in import Flow
from matching.loans import Loan
from matching.parameters import ParameterBook, ParameterValue
from matching.rulefile import Name
from matching.steps import Step
from models.kinds import Scalar
from models.truth import Truth

ZERO = Decimal(0)


@dataclass(frozen=True)
class Part:
    """One tier, stage or year of a benefit: whether it is reached, and what it gives (``None``: not known).

    ``amount_yuan`` is what the part gives if it is reached, whatever ``truth`` says.
    """

    id: str
    name: Name
    truth: Truth
    amount_yuan: Decimal | None
    cite: str


@dataclass(frozen=True)
class Benefit:
    """What one scheme gives one firm, or for one loan.

    ``None`` is unknown or not of this kind, never zero.

    ``annual_rate`` and ``amount_yuan`` are what the firm receives and keeps. ``at_least_yuan`` and ``at_most_yuan``
    bound an amount while facts are missing (no upper bound: ``None``), and equal it once it is known. ``fee_*`` is the
    most the firm may be charged: a guarantee's fee, the return of an equity fund. ``funding_yuan`` is the most money it
    is given the use of and gives back (equity, the loans a pool stands behind); ``contribution_*`` what it pays into a
    pool. ``amount_per_year_yuan`` is the subsidy of a year in which the whole principal is owed. ``shares`` says who
    bears what part of a loss. ``parts`` are tiers, stages or years with their own truth. ``given`` names what is no
    money. ``flows`` are the dated payments to the firm. ``missing`` names the facts without which an amount stays
    unknown; ``unconfirmed`` the numbers used that one source alone, or none of late, shows.
    """

    kind: str
    annual_rate: Decimal | None = None
    amount_yuan: Decimal | None = None
    amount_per_year_yuan: Decimal | None = None
    fee_annual_rate: Decimal | None = None
    fee_yuan: Decimal | None = None
    shares: Mapping[str, Decimal] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    flows: tuple[Flow, ...] = ()
    missing: tuple[str, ...] = ()
    at_least_yuan: Decimal | None = None
    at_most_yuan: Decimal | None = None
    funding_yuan: Decimal | None = None
    contribution_low_yuan: Decimal | None = None
    contribution_high_yuan: Decimal | None = None
    parts: tuple[Part, ...] = ()
    given: Name | None = None
    unconfirmed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What a benefit is worked out from: facts by id (absent or ``None`` is unknown, money in yuan), the day, a loan.

    ``loan``, where its terms are known, gives the schedule an interest subsidy is reckoned on.
    """

    values: Mapping[str, Scalar | None]
    parameters: ParameterBook
    as_of: date
    loan: Loan | None = None

    def number(self, fact: str) -> Decimal | None:
        """A number as people wrote it: 0.0345 held as a float is 3.45 %, not a hair beside it."""
        value = self.values.get(fact)
        return None if value is None or value != value else Decimal(str(value))

    def months(self, fact: str) -> int | None:
        value = self.values.get(fact)
        return value if isinstance(value, int) else None

    def day(self, fact: str) -> date | None:
        """The day a fact states; ``as_of`` is the day of the question."""
        value = self.as_of if fact == "as_of" else self.values.get(fact)
        return value if isinstance(value, date) else None

    def unknown(self, facts: Iterable[str]) -> tuple[str, ...]:
        """Those of ``facts`` that are not known, each once."""
        return tuple(dict.fromkeys(fact for fact in facts if fact != "as_of" and self.values.get(fact) is None))


class BenefitTerms(Protocol):
    """The terms of one kind of benefit, as a scheme's file states them."""

    @property
    def kind(self) -> str: ...

    @property
    def cite(self) -> str: ...

    def worked_out(self, asked: Asked) -> Benefit:
        """The benefit; what hangs on an unknown fact is ``None`` and ``missing`` names the fact.

        ``RefusedInput`` for facts that cannot be (a rate above one, a share larger than its total).
        """
        ...


def granted(kind: str, amount: Decimal, steps: Iterable[Step]) -> Benefit:
    """A benefit of a known amount."""
    return Benefit(kind, amount_yuan=amount, at_least_yuan=amount, at_most_yuan=amount, steps=tuple(steps))


def shown_source(value: ParameterValue) -> str:
    """A dated number's origin, as a step cites it."""
    return f"{value.id} from {value.in_force_from} ({value.source}) {value.note}".strip()


def unconfirmed_of(values: Iterable[ParameterValue]) -> tuple[str, ...]:
    """The dated numbers among ``values`` that are not confirmed for their day, each with what it rests on."""
    return tuple(dict.fromkeys(f"{each.id} on {each.on}: {each.note}" for each in values if not each.confirmed))
