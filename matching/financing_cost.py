"""The cost list of a loan (企业贷款综合融资成本清单): what is charged, by whom, what is saved, and what could still be.

Bank and firm fill it in together: interest and every other item with who charges it, all on one footing a year,
preferences enjoyed and reductions still open. The footing is yuan divided by the money used over time (principal
owed × days/365), so that the items add up to the whole; the all-in rate of the firm's dated flows stands beside it.

A list is made from a draft (``matching/drafted_cost.py``) or from an option (``matching/option_cost.py``);
``matching/charged_cost.py`` has both sides' confirmation and what was charged in the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from matching.all_in import Flow
from matching.rulefile import Name
from models.dates import add_months

ZERO = Decimal(0)

#: Who may charge an item: the kinds of lender, payees of the product shelf, and offices and firms beside a loan.
CHARGERS = (
    *("bank", "branchless_bank", "micro_lender", "leasing", "factoring", "bridge_fund", "equity_fund"),
    *("guarantor", "insurer", "lessor", "factor", "pool"),
    *("appraiser", "registry", "notary", "lawyer", "auditor", "other"),
)


class ItemKind(StrEnum):
    """Interest, a guarantee's fee, any other charge (appraisal, registration, notary …), or a deposit held."""

    INTEREST = "interest"
    GUARANTEE_FEE = "guarantee_fee"
    FEE = "fee"
    DEPOSIT = "deposit"


class When(StrEnum):
    """When an item falls due: with the repayments; once with the drawdown; each year in advance; at the end; on one
    day; or it is held over the term.
    """

    INSTALMENTS = "instalments"
    DRAWDOWN = "drawdown"
    YEARLY = "yearly"
    MATURITY = "maturity"
    ON_DAY = "on_day"
    HELD = "held"


@dataclass(frozen=True)
class CostItem:
    """One line: ``yuan`` over the term, who charges it, the same a year, and when it falls due.

    ``charged_by`` is one of ``CHARGERS``, ``charger`` the name where one is told; ``rate`` the share asked for
    (``None``: a sum). A deposit costs no yuan of its own: ``held_yuan`` is what the firm cannot use meanwhile.
    """

    id: str
    kind: ItemKind
    name: Name
    charged_by: str
    charger: str
    when: When
    rate: Decimal | None
    yuan: Decimal
    annual_rate: Decimal
    due: tuple[Flow, ...]
    cite: str
    held_yuan: Decimal = ZERO


@dataclass(frozen=True)
class Preference:
    """Something that lowers the cost, a scheme (``scheme`` names it) or the lender's own.

    ``yuan`` is what it takes off the items above: nothing for a guarantee scheme, which bounds the fee, or for a
    preference that the rate or a fee has in it already.
    """

    id: str
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
    """What could still lower the cost: what it would give (``None``: not known yet) and what is in the way."""

    scheme: str
    name: Name
    yuan: Decimal | None
    annual_rate: Decimal | None
    settled_by: tuple[str, ...]
    reason: Name
    confirmed: bool


@dataclass(frozen=True)
class CostList:
    """The list of one loan of one product. ``total_*`` are items less preferences; rates are fractions a year.

    ``all_in_annual_rate`` is the compound rate of the firm's flows, ``None`` where nothing is lent, as are
    ``repayment`` and ``day_count``.
    """

    product: str
    lender: str
    principal_yuan: Decimal
    months: int
    drawn_on: date
    contract_annual_rate: Decimal | None
    repayment: str | None
    day_count: str | None
    items: tuple[CostItem, ...]
    preferences: tuple[Preference, ...]
    reductions_open: tuple[OpenReduction, ...]
    total_yuan: Decimal
    total_annual_rate: Decimal
    all_in_annual_rate: Decimal | None
    repayments: tuple[Flow, ...]

    @property
    def ends_on(self) -> date:
        """The last day of the term."""
        return add_months(self.drawn_on, self.months)

    @property
    def due(self) -> dict[str, tuple[Flow, ...]]:
        """What is promised by id of item (paid by the firm) and of preference (paid to it), in list order."""
        items = {item.id: item.due for item in self.items}
        return items | {each.id: each.due for each in self.preferences}

    @property
    def received(self) -> frozenset[str]:
        """Ids of what is paid to the firm: the preferences."""
        return frozenset(each.id for each in self.preferences)

    @property
    def principal_flows(self) -> tuple[Flow, ...]:
        """The drawdown, the repayments, and deposits held and returned; none where nothing is lent."""
        if not self.repayments:
            return ()
        flows = [Flow(self.drawn_on, self.principal_yuan)]
        flows += [Flow(flow.on, -flow.yuan) for flow in self.repayments]
        for item in self.items:
            if item.held_yuan:
                flows += [Flow(self.drawn_on, -item.held_yuan), Flow(self.ends_on, item.held_yuan)]
        return tuple(flows)

    @property
    def flows(self) -> tuple[Flow, ...]:
        """Every promised flow as the firm sees it: what ``all_in_annual_rate`` is the rate of."""
        paid = [Flow(flow.on, -flow.yuan) for item in self.items for flow in item.due]
        received = [flow for each in self.preferences for flow in each.due]
        return (*self.principal_flows, *paid, *received) if self.repayments else ()
