"""From a draft to the cost list: every item dated, added up, put on one footing a year, and the all-in rate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise

from matching.all_in import Flow, all_in_rate
from matching.cost import Quote, fee_flows
from matching.cost_draft import Draft, DraftFee, DraftPreference, DraftReduction
from matching.financing_cost import ZERO, CostItem, CostList, ItemKind, OpenReduction, Preference, When
from matching.loans import monthly_balances, schedule
from matching.products import Charged, Fee
from matching.rulefile import Name
from models.dates import add_months
from models.errors import RefusedInput
from models.money import round_half_up

_RATE_STEP = Decimal("0.000001")


def listed(draft: Draft) -> CostList:
    """The list of ``draft``. ``RefusedInput`` (``no_rate``) where the charges leave nothing of the loan."""
    loan = draft.loan
    payments = schedule(loan) if loan else ()
    balances = monthly_balances(loan, payments) if loan else (draft.principal,) * draft.months
    footing = _Footing(draft, balances)
    items = []
    if loan:
        interest = [Flow(payment.due_on, payment.interest) for payment in payments]
        name = Name("贷款利息", "Interest")
        made = footing.item("interest", ItemKind.INTEREST, name, draft.lender_kind, When.INSTALMENTS, interest)
        items.append(replace(made, rate=draft.annual_rate, cite=draft.cite))
    for number, fee in enumerate(draft.fees, start=1):
        due = _fee_due(fee, draft, balances)
        made = footing.item(f"{fee.kind}-{number}", fee.kind, fee.name, fee.charged_by, fee.when, due)
        items.append(replace(made, charger=fee.charger, rate=fee.rate, cite=fee.cite))
    if draft.deposit:
        name = Name("保证金（期满退还）", "Deposit (returned at the end)")
        made = footing.item("deposit", ItemKind.DEPOSIT, name, draft.lender_kind, When.HELD, ())
        items.append(replace(made, held_yuan=draft.deposit, cite=draft.cite))
    preferences = [footing.preference(number, each) for number, each in enumerate(draft.preferences, start=1)]
    total = sum((item.yuan for item in items), ZERO) - sum((each.yuan for each in preferences), ZERO)
    whole = CostList(
        product=draft.product,
        lender=draft.lender,
        principal_yuan=draft.principal,
        months=draft.months,
        drawn_on=draft.drawn_on,
        contract_annual_rate=draft.annual_rate,
        repayment=draft.repayment.value if loan else None,
        day_count=draft.day_count.value if loan else None,
        items=tuple(items),
        preferences=tuple(preferences),
        reductions_open=tuple(footing.reduction(each) for each in draft.reductions_open),
        total_yuan=total,
        total_annual_rate=footing.a_year(total),
        all_in_annual_rate=None,
        repayments=tuple(Flow(payment.due_on, payment.principal) for payment in payments if payment.principal),
    )
    if not loan:
        return whole
    rate = all_in_rate(whole.flows)
    if rate is None:
        rule = "What is charged leaves nothing of the loan, so it has no annual rate."
        raise RefusedInput("no_rate", "fees", str(total), rule, "Check fees and deposit: amounts are yuan.")
    return replace(whole, all_in_annual_rate=rate.effective)


@dataclass(frozen=True)
class _Footing:
    """What every amount is divided by: principal owed × years, by actual days over 365."""

    draft: Draft
    balances: Sequence[Decimal]

    @property
    def used(self) -> Decimal:
        ends = [add_months(self.draft.drawn_on, month) for month in range(self.draft.months + 1)]
        days = [(last - first).days for first, last in pairwise(ends)]
        return sum((balance * part for balance, part in zip(self.balances, days, strict=True)), ZERO) / 365

    def a_year(self, yuan: Decimal) -> Decimal:
        return (yuan / self.used).quantize(_RATE_STEP, rounding=ROUND_HALF_EVEN)

    def item(
        self, item_id: str, kind: ItemKind, name: Name, charged_by: str, when: When, due: Iterable[Flow]
    ) -> CostItem:
        kept = tuple(flow for flow in due if flow.yuan)
        yuan = sum((flow.yuan for flow in kept), ZERO)
        return CostItem(item_id, kind, name, charged_by, "", when, None, yuan, self.a_year(yuan), kept, "")

    def preference(self, number: int, each: DraftPreference) -> Preference:
        kept = tuple(flow for flow in each.due if flow.yuan)
        yuan = sum((flow.yuan for flow in kept), ZERO)
        return Preference(
            id=each.scheme or f"preference-{number}",
            scheme=each.scheme,
            name=each.name,
            yuan=yuan,
            annual_rate=self.a_year(yuan),
            fee_ceiling=each.fee_ceiling,
            due=kept,
            cite=each.cite,
            confirmed=each.confirmed,
        )

    def reduction(self, each: DraftReduction) -> OpenReduction:
        rate = None if each.yuan is None else self.a_year(each.yuan)
        return OpenReduction(each.scheme, each.name, each.yuan, rate, each.settled_by, each.reason, each.confirmed)


def _fee_due(fee: DraftFee, draft: Draft, balances: Sequence[Decimal]) -> Iterable[Flow]:
    rate, yuan = fee.rate or ZERO, fee.yuan or ZERO
    if fee.on is not None:
        return (Flow(fee.on, round_half_up(draft.principal * rate + yuan)),)
    asked = Fee(fee.name, Charged(fee.when.value), fee.charged_by, rate, yuan)
    quoted = Quote(draft.principal, draft.months, draft.drawn_on, draft.annual_rate, None, None, ())
    return (Flow(flow.on, -flow.yuan) for flow in fee_flows(asked, quoted, balances))
