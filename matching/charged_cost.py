"""After the cost list is made: bank and firm confirm it, and what is charged is held against what was promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from matching.all_in import Flow, all_in_rate
from matching.financing_cost import CostList
from models.dates import add_months
from models.errors import RefusedInput

ZERO = Decimal(0)


class Side(StrEnum):
    """The two who fill in the list."""

    BANK = "bank"
    FIRM = "firm"


@dataclass(frozen=True)
class Confirmation:
    """One side's word on one list: who, for whom, and when. ``digest`` is that of the list it confirms."""

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
    """A list with the confirmations given so far."""

    list: CostList
    confirmations: tuple[Confirmation, ...] = ()

    @property
    def confirmed(self) -> bool:
        """Whether both sides have confirmed it."""
        return {each.side for each in self.confirmations} == set(Side)

    def with_confirmation(self, given: Confirmation) -> ConfirmedList:
        """The list with one more confirmation; ``RefusedInput`` if it is of another list, or the side has spoken."""
        if given.digest != self.list.digest:
            rule = "The confirmation is of another list."
            raise RefusedInput("other_list", "digest", given.digest, rule, f"Confirm {self.list.digest}.", 409)
        if any(each.side is given.side for each in self.confirmations):
            rule = "This side has confirmed the list."
            raise RefusedInput("confirmed_before", "side", given.side.value, rule, "Make a new list to change it.", 409)
        return ConfirmedList(self.list, (*self.confirmations, given))


@dataclass(frozen=True)
class Charge:
    """Money that moved: ``item`` is the id of a list's item (paid by the firm) or of a scheme (paid to it)."""

    item: str
    on: date
    yuan: Decimal


@dataclass(frozen=True)
class Difference:
    """Promised against charged by a day. ``surplus`` above zero is to the firm's harm, below zero to its good.

    ``promised`` is ``None`` for what no list named: it should not have been charged.
    """

    item: str
    promised: Decimal | None
    charged: Decimal
    surplus: Decimal


def compare(promised: CostList, charges: Sequence[Charge], until: date) -> tuple[Difference, ...]:
    """Every item and preference with what was due and what was charged up to and including ``until``, in list order.

    What was charged and is not on the list comes last.
    """
    due = {item.id: item.due for item in promised.items}
    due |= {each.scheme: each.due for each in promised.preferences}
    received = {each.scheme for each in promised.preferences}
    moved: dict[str, Decimal] = {}
    for charge in charges:
        if charge.on <= until:
            moved[charge.item] = moved.get(charge.item, ZERO) + charge.yuan
    differences = []
    for item, flows in due.items():
        expected = sum((flow.yuan for flow in flows if flow.on <= until), ZERO)
        charged = moved.pop(item, ZERO)
        surplus = expected - charged if item in received else charged - expected
        differences.append(Difference(item, expected, charged, surplus))
    differences += [Difference(item, None, yuan, yuan) for item, yuan in sorted(moved.items())]
    return tuple(differences)


def charged_rate(promised: CostList, charges: Sequence[Charge]) -> Decimal | None:
    """The all-in rate of what was really charged and paid over the whole term, the principal repaid as planned.

    ``None`` where nothing was lent. Compare it with ``all_in_annual_rate`` once the last payment is in.
    """
    if not promised.repayments:
        return None
    received = {each.scheme for each in promised.preferences}
    flows = [Flow(promised.drawn_on, promised.principal_yuan)]
    flows += [Flow(flow.on, -flow.yuan) for flow in promised.repayments]
    flows += [Flow(each.on, each.yuan if each.item in received else -each.yuan) for each in charges]
    ends_on = add_months(promised.drawn_on, promised.months)
    for item in promised.items:
        if item.held_yuan:
            flows += [Flow(promised.drawn_on, -item.held_yuan), Flow(ends_on, item.held_yuan)]
    rate = all_in_rate(flows)
    return rate.effective if rate else None
