"""A stored cost list as an answer: the form, who confirmed it, and what was promised against what was charged."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from matching.all_in import Flow
from matching.charged_cost import Difference, Outcome, Side, charged_rate, compare
from matching.financing_cost import CostItem, CostList, OpenReduction, Preference
from models.money import from_fen, round_half_up
from models.tables import CostListCharge, CostListConfirmation
from service.answers.rules import named, rate
from service.cases.cost_lists import KeptList, line_of
from service.web.encode import yuan_text

_ZERO = Decimal(0)


def state_of(kept: KeptList) -> str:
    """``draft``, ``bank_confirmed``, ``firm_confirmed`` or ``agreed``."""
    given = {each.side for each in kept.confirmed.confirmations}
    if given == set(Side):
        return "agreed"
    return f"{given.pop()}_confirmed" if given else "draft"


def summary_answer(kept: KeptList) -> dict[str, Any]:
    """A list among others."""
    document = kept.document
    return {
        "id": kept.file.id,
        "reference": document.reference,
        "version": kept.file.version,
        "state": state_of(kept),
        "content_sha256": kept.current.content_sha256,
        "uscc": document.uscc,
        "firm_name": document.firm_name,
        "lender": {"id": document.lender, **named(document.lender_name)},
        "product": {"id": document.cost.product or None, **named(document.product_name)},
        "principal_yuan": yuan_text(document.cost.principal_yuan),
        "drawn_on": document.cost.drawn_on,
        "all_in_annual_rate": rate(document.cost.all_in_annual_rate),
        "drafted_at": kept.current.drafted_at,
    }


def cost_list_answer(kept: KeptList, until: date) -> dict[str, Any]:
    """The whole list. ``comparison``, up to ``until``, is null until both sides have confirmed."""
    document, cost = kept.document, kept.document.cost
    state = state_of(kept)
    return {
        **summary_answer(kept),
        "receipt_id": document.receipt or None,
        "months": cost.months,
        "ends_on": cost.ends_on,
        "contract_annual_rate": rate(cost.contract_annual_rate),
        "repayment": cost.repayment,
        "day_count": cost.day_count,
        "items": [_item(each) for each in cost.items],
        "preferences": [_preference(each) for each in cost.preferences],
        "reductions_open": [_reduction(each) for each in cost.reductions_open],
        "total_yuan": yuan_text(cost.total_yuan),
        "total_annual_rate": rate(cost.total_annual_rate),
        "all_in_steps": all_in_steps(cost),
        "confirmations": [_confirmation(each) for each in kept.confirmations_of(kept.file.version)],
        "earlier": [
            {
                "version": each.version,
                "content_sha256": each.content_sha256,
                "drafted_at": each.drafted_at,
                "void_confirmations": [_confirmation(given) for given in kept.confirmations_of(each.version)],
            }
            for each in kept.versions[:-1]
        ],
        "charges": [_charge(each) for each in kept.charges],
        "comparison": _comparison(kept, until) if state == "agreed" else None,
        "content": kept.current.content,
    }


def all_in_steps(cost: CostList) -> list[dict[str, Any]]:
    """The flows of each day and what they are worth on the first, at the all-in rate: the last column sums to nothing
    but for the rounding of the rate.
    """
    if cost.all_in_annual_rate is None:
        return []
    days: dict[date, Decimal] = {}
    for flow in sorted(cost.flows, key=lambda flow: flow.on):
        days[flow.on] = days.get(flow.on, _ZERO) + flow.yuan
    start = min(days)
    growth = 1 + cost.all_in_annual_rate
    steps = []
    for on, yuan in days.items():
        passed = (on - start).days
        worth = round_half_up(yuan / growth ** (Decimal(passed) / 365))
        steps.append({"on": on, "yuan": yuan_text(yuan), "days": passed, "present_yuan": yuan_text(worth)})
    return steps


def _flows(flows: Iterable[Flow]) -> list[dict[str, Any]]:
    return [{"on": flow.on, "yuan": yuan_text(flow.yuan)} for flow in flows]


def _item(item: CostItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "kind": item.kind.value,
        **named(item.name),
        "charged_by": item.charged_by,
        "charger": item.charger or None,
        "when": item.when.value,
        "rate": rate(item.rate),
        "yuan": yuan_text(item.yuan),
        "annual_rate": rate(item.annual_rate),
        "held_yuan": yuan_text(item.held_yuan),
        "due": _flows(item.due),
        "cite": item.cite,
    }


def _preference(each: Preference) -> dict[str, Any]:
    return {
        "id": each.id,
        "scheme": each.scheme or None,
        **named(each.name),
        "yuan": yuan_text(each.yuan),
        "annual_rate": rate(each.annual_rate),
        "fee_ceiling_annual_rate": rate(each.fee_ceiling),
        "due": _flows(each.due),
        "cite": each.cite,
        "confirmed": each.confirmed,
    }


def _reduction(each: OpenReduction) -> dict[str, Any]:
    return {
        "scheme": each.scheme or None,
        **named(each.name),
        "yuan": yuan_text(each.yuan),
        "annual_rate": rate(each.annual_rate),
        "reason": named(each.reason),
        "settled_by": list(each.settled_by),
        "confirmed": each.confirmed,
    }


def _confirmation(given: CostListConfirmation) -> dict[str, Any]:
    return {
        "side": given.side,
        "name": given.person,
        "at": given.confirmed_at,
        "content_sha256": given.content_sha256,
        "entered_by": given.entered_by,
    }


def _charge(charge: CostListCharge) -> dict[str, Any]:
    return {
        "line": line_of(charge),
        "on": charge.charged_on,
        "yuan": yuan_text(from_fen(charge.fen)),
        "reference": charge.reference or None,
        "told_by": charge.told_by,
        "recorded_at": charge.recorded_at,
        "entered_by": charge.entered_by,
    }


def _comparison(kept: KeptList, until: date) -> dict[str, Any]:
    cost = kept.document.cost
    differences = compare(cost, kept.moved, until)
    told = [each for each in differences if each.outcome is not Outcome.UNRECORDED]
    promised, charged = cost.all_in_annual_rate, charged_rate(cost, kept.moved, until)
    names = {item.id: named(item.name) for item in cost.items}
    names |= {each.id: named(each.name) for each in cost.preferences}
    names |= {line_of(each): {"zh": each.name, "en": each.name} for each in kept.charges if not each.item}
    chargers = {item.id: (item.charged_by, item.charger) for item in cost.items}
    chargers |= {line_of(each): (each.charged_by, each.charger) for each in kept.charges if not each.item}
    return {
        "until": until,
        "lines": [
            _difference(each, names[each.item], chargers.get(each.item, ("", "")), each.item in cost.received)
            for each in differences
        ],
        "surplus_yuan": yuan_text(sum((each.surplus for each in told), _ZERO)),
        "undisclosed": [each.item for each in differences if each.outcome is Outcome.UNDISCLOSED],
        "unrecorded": [each.item for each in differences if each.outcome is Outcome.UNRECORDED],
        "promised_annual_rate": rate(promised),
        "charged_annual_rate": rate(charged),
        "annual_rate_difference": rate(charged - promised) if charged is not None and promised is not None else None,
    }


def _difference(each: Difference, name: dict[str, str], charged_by: tuple[str, str], received: bool) -> dict[str, Any]:
    unrecorded = each.outcome is Outcome.UNRECORDED
    kind, charger = charged_by
    return {
        "line": each.item,
        **name,
        "charged_by": kind or None,
        "charger": charger or None,
        "received": received,
        "promised_yuan": yuan_text(each.promised),
        "charged_yuan": None if unrecorded else yuan_text(each.charged),
        "surplus_yuan": None if unrecorded else yuan_text(each.surplus),
        "outcome": each.outcome.value,
    }
