"""What was charged after a cost list was agreed, told by either side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from matching.charged_cost import Side
from matching.cost_draft import check_charger
from matching.financing_cost import CostList
from models.errors import RefusedInput
from models.money import to_fen
from models.tables import CostListCharge
from service.access.auth import Action
from service.audit.journal import record
from service.audit.told import told as entry
from service.cases.cost_lists import read_list
from service.clock import day_of
from service.integration.changes import Kind, publish
from service.office import Office

#: Fees are paid before the drawdown, too, but not years before it.
_BEFORE_DRAWDOWN = timedelta(days=366)


@dataclass(frozen=True)
class ToldCharge:
    """Money that moved on ``on``: on an item of the list, or, with ``item`` empty, undisclosed: then ``name`` and
    ``charged_by`` say what and who. ``returned``: it went back. ``reference`` tells apart equal ones of one day.
    """

    item: str
    on: date
    yuan: Decimal
    name: str = ""
    charged_by: str = ""
    charger: str = ""
    reference: str = ""
    returned: bool = False

    @property
    def fen(self) -> int:
        return -to_fen(self.yuan) if self.returned else to_fen(self.yuan)


@dataclass(frozen=True)
class Recorded:
    """How many charges were new, and how many had been told before."""

    recorded: int
    known: int


def record_charged_costs(
    office: Office, wanted: str, side: Side, told: Sequence[ToldCharge], by: str, now: datetime
) -> Recorded:
    """Store what was charged, all of ``told`` or nothing. What was told before, by either side, is not stored again.

    A charge told without a reference is known when an equal one of that day is there. ``RefusedInput`` names the
    first fault by place (``charges.0.item``); 409 (``not_agreed``) while a side has not confirmed the list.
    """
    with office.write() as session:
        kept = read_list(session, wanted, to_change=True)
        if not kept.confirmed.confirmed:
            rule = "Charges are held against a list that both sides have confirmed."
            raise RefusedInput("not_agreed", "cost_list", wanted, rule, "Let bank and firm confirm it first.", 409)
        for number, each in enumerate(told):
            _check(each, kept.document.cost, day_of(now), f"charges.{number}")
        known = {key for charge in kept.charges for key in _keys(charge)}
        added = 0
        for each in told:
            charge = CostListCharge(
                list_id=wanted,
                item=each.item,
                name=each.name.strip(),
                charged_by=each.charged_by,
                charger=each.charger.strip(),
                charged_on=each.on,
                fen=each.fen,
                reference=each.reference.strip(),
                told_by=side.value,
                recorded_at=now,
                entered_by=by,
            )
            if _key(charge, charge.reference) in known:
                continue
            known |= _keys(charge)
            session.add(charge)
            added += 1
        if added:
            for tenant in (kept.file.uscc, kept.file.lender):
                publish(session, tenant, Kind.COST_LIST_CHARGED, wanted, now)
            said = {"side": side.value, "recorded": added}
            record(session, entry(Action.RECORD_CHARGES, now, kept.file.uscc, wanted, detail=said))
    return Recorded(added, len(told) - added)


Key = tuple[str, str, str, date, int, str]


def _key(charge: CostListCharge, reference: str) -> Key:
    return charge.item, charge.name, charge.charged_by, charge.charged_on, charge.fen, reference


def _keys(charge: CostListCharge) -> set[Key]:
    """Under its reference, and without one: who tells it again need not know the voucher."""
    return {_key(charge, charge.reference), _key(charge, "")}


def _check(told: ToldCharge, promised: CostList, today: date, field: str) -> None:
    if told.yuan < 0 or (told.returned and not told.yuan):
        rule = "An amount is not below zero; what is returned is above zero."
        fix = "Say `returned` for money that went back."
        raise RefusedInput("negative_amount", f"{field}.yuan", told.yuan, rule, fix)
    if told.on > today:
        rule = "What was charged lies in the past."
        raise RefusedInput("future_date", f"{field}.on", told.on, rule, f"Give a day up to {today}.")
    if told.on < promised.drawn_on - _BEFORE_DRAWDOWN:
        rule = f"The loan is drawn on {promised.drawn_on}; nothing is charged more than a year before."
        raise RefusedInput("bad_date", f"{field}.on", told.on, rule, "Check the day.")
    if told.item:
        if told.item not in promised.due:
            rule = "The list has no such item."
            fix = f"One of {', '.join(promised.due)}; or leave it out and say name and charged_by."
            raise RefusedInput("unknown_item", f"{field}.item", told.item, rule, fix)
        if told.name or told.charged_by or told.charger:
            rule = "An item of the list has its name and charger there."
            raise RefusedInput("item_or_name", f"{field}.name", told.name, rule, "Give `item`, or name and charged_by.")
        return
    if not told.name.strip():
        rule = "A charge that is on no list says what it was for."
        raise RefusedInput("no_name", f"{field}.name", told.name, rule, "Give the name, or the `item` it belongs to.")
    check_charger(told.charged_by, told.charger, field)
