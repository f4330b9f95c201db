"""After the cost list is made: bank and firm confirm it, and what is charged is held against what was promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from matching.all_in import Flow, all_in_rate
from matching.financing_cost import CostList
from models.errors import RefusedInput

ZERO = Decimal(0)


class Side(StrEnum):
    """The two who fill in the list."""

    BANK = "bank"
    FIRM = "firm"


@dataclass(frozen=True)
class Confirmation:
    """One side's word on one list: who, for whom, and when. ``digest`` is that of the document it confirms."""

    side: Side
    name: str
    at: datetime
    digest: str

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise RefusedInput("no_name", "name", self.name, "A confirmation names a person.", "Give the name.")
        if self.at.utcoffset() is None:
            rule = "A time says its zone."
            raise RefusedInput("bad_time", "at", self.at.isoformat(), rule, "Write it like 2026-06-03T09:00:00+08:00.")


@dataclass(frozen=True)
class ConfirmedList:
    """The digest of a document with the confirmations given so far."""

    digest: str
    confirmations: tuple[Confirmation, ...] = ()

    @property
    def confirmed(self) -> bool:
        """Whether both sides have confirmed it."""
        return {each.side for each in self.confirmations} == set(Side)

    def with_confirmation(self, given: Confirmation) -> ConfirmedList:
        """The list with one more confirmation; ``RefusedInput`` if it is of another list, or the side has spoken."""
        if given.digest != self.digest:
            rule = "The confirmation is of another list, or of an earlier version of it."
            raise RefusedInput("other_list", "content_sha256", given.digest, rule, f"Confirm {self.digest}.", 409)
        if any(each.side is given.side for each in self.confirmations):
            rule = "This side has confirmed the list."
            raise RefusedInput("confirmed_before", "side", given.side.value, rule, "Make a new list to change it.", 409)
        return ConfirmedList(self.digest, (*self.confirmations, given))


@dataclass(frozen=True)
class Charge:
    """Money that moved: ``item`` is the id of a list's item (paid by the firm) or preference (paid to it).

    Below zero it went back. Zero says that nothing moved by that day. An ``item`` the list does not have is
    undisclosed: it should not have been charged.
    """

    item: str
    on: date
    yuan: Decimal


class Outcome(StrEnum):
    """What came of one line by a day. ``UNRECORDED``: something was due, and nobody has said what moved."""

    AS_PROMISED = "as_promised"
    MORE = "more"
    LESS = "less"
    UNRECORDED = "unrecorded"
    UNDISCLOSED = "undisclosed"


@dataclass(frozen=True)
class Difference:
    """Promised against charged by a day. ``surplus`` above zero is to the firm's harm, below zero to its good.

    ``promised`` is ``None`` for what no list named: it should not have been charged.
    """

    item: str
    promised: Decimal | None
    charged: Decimal
    surplus: Decimal
    outcome: Outcome


def compare(promised: CostList, charges: Sequence[Charge], until: date) -> tuple[Difference, ...]:
    """Every item and preference with what was due and what was charged up to and including ``until``, in list order.

    What was charged and is not on the list comes last.
    """
    moved = _moved(charges, until)
    differences = []
    for item, flows in promised.due.items():
        recorded = item in moved
        expected = sum((flow.yuan for flow in flows if flow.on <= until), ZERO)
        charged = moved.pop(item, ZERO)
        surplus = expected - charged if item in promised.received else charged - expected
        outcome = Outcome.AS_PROMISED
        if charged != expected:
            outcome = (Outcome.MORE if charged > expected else Outcome.LESS) if recorded else Outcome.UNRECORDED
        differences.append(Difference(item, expected, charged, surplus, outcome))
    differences += [Difference(item, None, yuan, yuan, Outcome.UNDISCLOSED) for item, yuan in sorted(moved.items())]
    return tuple(differences)


def charged_rate(promised: CostList, charges: Sequence[Charge], until: date = date.max) -> Decimal | None:
    """The all-in rate of what was really charged up to ``until``, and of what is promised after it.

    What was due and nobody has recorded counts as promised: it is not known to have been otherwise. Interest late or
    early moves the rate by its day. ``None`` where nothing was lent. The principal is taken as repaid as planned.
    """
    if not promised.repayments:
        return None
    recorded = _moved(charges, until)
    flows = list(promised.principal_flows)
    for item, due in promised.due.items():
        sign = 1 if item in promised.received else -1
        kept = (flow for flow in due if flow.on > until or item not in recorded)
        flows += [Flow(flow.on, sign * flow.yuan) for flow in kept]
    for charge in charges:
        if charge.on <= until:
            flows.append(Flow(charge.on, charge.yuan if charge.item in promised.received else -charge.yuan))
    rate = all_in_rate(flows)
    return rate.effective if rate else None


def _moved(charges: Sequence[Charge], until: date) -> dict[str, Decimal]:
    """Yuan by item up to and including a day; only what somebody recorded has an entry."""
    moved: dict[str, Decimal] = {}
    for charge in charges:
        if charge.on <= until:
            moved[charge.item] = moved.get(charge.item, ZERO) + charge.yuan
    return moved
