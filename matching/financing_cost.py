"""The cost list of a loan (企业贷款综合融资成本清单): what is charged, by whom, what is saved, and what could still be.

Bank and firm fill it in together: interest and every other item with who charges it, all on one footing a year,
preferences enjoyed and reductions still open. ``matching/charged_cost.py`` has both sides' confirmation and what was
charged in the end. The footing a year is yuan divided by the money used over time (principal owed × days/365),
so that the items add up to the whole; the all-in rate of the firm's dated flows stands beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from functools import cached_property
from itertools import pairwise

from matching.all_in import Flow
from matching.cost import GUARANTEE_TERMS, Cost, Quote, fee_flows, fees_of
from matching.evaluate_scheme import SchemeResult
from matching.loans import monthly_balances, schedule
from matching.products import Product
from matching.rulefile import Name
from matching.schemes import Scheme
from matching.verdicts import Verdict
from models.dates import add_months
from models.money import round_half_up

ZERO = Decimal(0)
_RATE_STEP = Decimal("0.000001")


class ItemKind(StrEnum):
    """Interest, a guarantee's fee, any other charge (appraisal, registration, notary …), or a deposit held."""

    INTEREST = "interest"
    GUARANTEE_FEE = "guarantee_fee"
    FEE = "fee"
    DEPOSIT = "deposit"


@dataclass(frozen=True)
class CostItem:
    """One line: ``yuan`` over the term, who charges it, the same a year, and when it falls due.

    A deposit costs no yuan of its own: ``held_yuan`` is what the firm cannot use meanwhile.
    """

    id: str
    kind: ItemKind
    name: Name
    charged_by: str
    yuan: Decimal
    annual_rate: Decimal
    due: tuple[Flow, ...]
    cite: str
    held_yuan: Decimal = ZERO


@dataclass(frozen=True)
class Preference:
    """A scheme the loan enjoys. ``yuan`` lowers the cost; a guarantee scheme lowers none but bounds the fee."""

    scheme: str
    name: Name
    yuan: Decimal
    annual_rate: Decimal
    fee_ceiling: Decimal | None
    due: tuple[Flow, ...]
    cite: str
    confirmed: bool


@dataclass(frozen=True)
class OpenReduction:
    """A scheme that could still lower the cost: what it would give (``None``: not known yet) and what is in the way."""

    scheme: str
    name: Name
    yuan: Decimal | None
    annual_rate: Decimal | None
    settled_by: tuple[str, ...]
    reason: str
    confirmed: bool


@dataclass(frozen=True)
class CostList:
    """The list of one loan of one product. ``total_*`` are items less preferences; rates are fractions a year.

    ``all_in_annual_rate`` is the compound rate of the firm's flows, ``None`` where nothing is lent.
    """

    product: str
    lender: str
    principal_yuan: Decimal
    months: int
    drawn_on: date
    contract_annual_rate: Decimal | None
    items: tuple[CostItem, ...]
    preferences: tuple[Preference, ...]
    reductions_open: tuple[OpenReduction, ...]
    total_yuan: Decimal
    total_annual_rate: Decimal
    all_in_annual_rate: Decimal | None
    repayments: tuple[Flow, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything on the list: what a confirmation confirms."""
        written = json.dumps(asdict(self), default=str, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(written.encode()).hexdigest()


def cost_list(
    product: Product,
    quoted: Quote,
    cost: Cost,
    schemes: Mapping[str, Scheme],
    asked: Sequence[SchemeResult] = (),
    counted: Iterable[str] = (),
) -> CostList:
    """The list of ``cost``, which is the cost of ``product`` as ``quoted``.

    ``asked`` are the scheme answers on this very loan, ``counted`` the ids of those in the cost; every other answer
    that is met or unknown and would give yuan is a reduction still open. ``ValueError`` if the items do not come to the
    cost, which means that ``quoted``, ``counted`` and ``cost`` are not of one loan.
    """
    terms = product.terms
    assert terms is not None, product.id
    loan = quoted.loan(terms)
    balances = monthly_balances(loan, schedule(loan)) if loan else (quoted.principal,) * quoted.months
    used = _money_used(quoted, balances)
    items = []
    if loan:
        interest = tuple(Flow(payment.due_on, payment.interest) for payment in cost.schedule if payment.interest)
        name = Name("贷款利息", "Interest")
        items.append(
            _item("interest", ItemKind.INTEREST, name, product.lender.kind, interest, used, "product terms: rate")
        )
    for number, (fee, cite) in enumerate(fees_of(terms), start=1):
        guarantee = cite == GUARANTEE_TERMS or product.offers == "guarantee"
        kind = ItemKind.GUARANTEE_FEE if guarantee else ItemKind.FEE
        due = tuple(Flow(flow.on, -flow.yuan) for flow in fee_flows(fee, quoted, balances) if flow.yuan)
        items.append(_item(f"{kind}-{number}", kind, fee.name, fee.payee, due, used, cite))
    if terms.deposit:
        held = round_half_up(quoted.principal * terms.deposit)
        name = Name("保证金（期满退还）", "Deposit (returned at the end)")
        made = _item("deposit", ItemKind.DEPOSIT, name, product.lender.kind, (), used, "product terms: deposit")
        items.append(replace(made, held_yuan=held))
    ids = set(counted)
    preferences = tuple(_preference(each, schemes, used) for each in asked if each.scheme in ids)
    total = sum((item.yuan for item in items), ZERO) - sum((each.yuan for each in preferences), ZERO)
    if total != cost.total_yuan:
        raise ValueError(f"{product.id}: the items come to {total}, the cost is {cost.total_yuan}")
    return CostList(
        product=product.id,
        lender=product.lender.id,
        principal_yuan=quoted.principal,
        months=quoted.months,
        drawn_on=quoted.drawn_on,
        contract_annual_rate=quoted.annual_rate,
        items=tuple(items),
        preferences=preferences,
        reductions_open=tuple(_open(each, schemes, used) for each in asked if _is_open(each, ids)),
        total_yuan=total,
        total_annual_rate=_a_year(total, used),
        all_in_annual_rate=cost.all_in_annual_rate,
        repayments=tuple(Flow(payment.due_on, payment.principal) for payment in cost.schedule if payment.principal),
    )


def _money_used(quoted: Quote, balances: Sequence[Decimal]) -> Decimal:
    """Principal owed × years, by actual days over 365: what every item is divided by."""
    ends = [add_months(quoted.drawn_on, month) for month in range(quoted.months + 1)]
    days = [(last - first).days for first, last in pairwise(ends)]
    return sum((balance * part for balance, part in zip(balances, days, strict=True)), ZERO) / 365


def _a_year(yuan: Decimal, used: Decimal) -> Decimal:
    return (yuan / used).quantize(_RATE_STEP, rounding=ROUND_HALF_EVEN)


def _item(
    item_id: str, kind: ItemKind, name: Name, charged_by: str, due: tuple[Flow, ...], used: Decimal, cite: str
) -> CostItem:
    yuan = sum((flow.yuan for flow in due), ZERO)
    return CostItem(item_id, kind, name, charged_by, yuan, _a_year(yuan, used), due, cite)


def _preference(result: SchemeResult, schemes: Mapping[str, Scheme], used: Decimal) -> Preference:
    scheme, benefit = schemes[result.scheme], result.benefit
    yuan = (benefit.amount_yuan if benefit else None) or ZERO
    return Preference(
        scheme=scheme.id,
        name=scheme.name,
        yuan=yuan,
        annual_rate=_a_year(yuan, used),
        fee_ceiling=benefit.fee_annual_rate if benefit else None,
        due=benefit.flows if benefit else (),
        cite=scheme.cite,
        confirmed=result.confirmed,
    )


def _is_open(result: SchemeResult, counted: set[str]) -> bool:
    """Whether it may still lower this cost; what is met and known to give nothing does not."""
    if result.scheme in counted or result.benefit is None or result.benefit.fee_annual_rate is not None:
        return False
    return result.verdict in (Verdict.MET, Verdict.UNKNOWN) and result.benefit.amount_yuan != 0


def _open(result: SchemeResult, schemes: Mapping[str, Scheme], used: Decimal) -> OpenReduction:
    yuan = result.benefit.amount_yuan if result.benefit else None
    if result.verdict is Verdict.MET:
        reason = "Met, and not paid beside what the loan enjoys already"
    else:
        reason = "Open until known: " + "; ".join(result.settled_by)
    return OpenReduction(
        scheme=result.scheme,
        name=schemes[result.scheme].name,
        yuan=yuan,
        annual_rate=None if yuan is None else _a_year(yuan, used),
        settled_by=result.settled_by,
        reason=reason,
        confirmed=result.confirmed,
    )
