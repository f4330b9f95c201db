"""What a bank says when it drafts a cost list: the terms of one loan, its fees, preferences and open reductions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from matching.all_in import Flow
from matching.financing_cost import CHARGERS, ZERO, ItemKind, When
from matching.loans import LONGEST_MONTHS, DayCount, Loan, Repayment
from matching.rulefile import Name
from models.dates import add_months
from models.errors import RefusedInput

#: An appraisal may be paid before the drawdown, but not years before it.
_BEFORE_DRAWDOWN = timedelta(days=366)
#: Subsidies are paid after the loan has ended, too; nobody promises one for later than this.
_MONTHS_AFTER_END = 60


@dataclass(frozen=True)
class DraftFee:
    """A charge beside interest: ``rate`` is a share of the principal (yearly: of what is owed), ``yuan`` a sum.

    Exactly one of the two is given. ``on`` is the day where ``when`` is ``ON_DAY``. ``charger`` names who it is.
    """

    name: Name
    kind: ItemKind
    charged_by: str
    when: When
    rate: Decimal | None = None
    yuan: Decimal | None = None
    on: date | None = None
    charger: str = ""
    cite: str = ""


@dataclass(frozen=True)
class DraftPreference:
    """Something that lowers the cost; ``due`` is what the firm receives and when, beside the items."""

    scheme: str
    name: Name
    due: tuple[Flow, ...] = ()
    fee_ceiling: Decimal | None = None
    cite: str = ""
    confirmed: bool = True


@dataclass(frozen=True)
class DraftReduction:
    """What could still lower the cost: ``yuan`` over the term (``None``: not known), and what is in the way."""

    scheme: str
    name: Name
    reason: Name
    yuan: Decimal | None = None
    settled_by: tuple[str, ...] = ()
    confirmed: bool = True


@dataclass(frozen=True)
class Draft:
    """The terms of one loan, or of one guarantee or insurance (``annual_rate`` is ``None``: nothing is lent).

    ``deposit`` is the yuan held from the drawdown to the end. ``RefusedInput`` names the first part that cannot be: a
    negative fee, one outside the loan's time, a charger nobody knows, a scheme named twice.
    """

    product: str
    lender: str
    lender_kind: str
    principal: Decimal
    months: int
    drawn_on: date
    annual_rate: Decimal | None
    repayment: Repayment
    day_count: DayCount
    fees: tuple[DraftFee, ...] = ()
    deposit: Decimal = ZERO
    preferences: tuple[DraftPreference, ...] = ()
    reductions_open: tuple[DraftReduction, ...] = ()
    cite: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.months <= LONGEST_MONTHS:
            rule = f"A term is 1 to {LONGEST_MONTHS} months."
            raise RefusedInput("bad_term", "months", self.months, rule, "Give the term in whole months.")
        _ = self.loan  # refuses terms no loan can have
        if not 0 <= self.deposit < self.principal:
            rule = "A deposit is not below zero and less than the principal."
            raise RefusedInput("bad_amount", "deposit_yuan", self.deposit, rule, "Give the yuan held.")
        for number, fee in enumerate(self.fees):
            self._check_fee(fee, f"fees.{number}")
        for number, each in enumerate(self.preferences):
            _check_name(each.name, f"preferences.{number}")
            for flow in each.due:
                self._check_received(flow, f"preferences.{number}")
        for number, still in enumerate(self.reductions_open):
            _check_name(still.name, f"reductions_open.{number}")
            if still.yuan is not None:
                _check_amount(still.yuan, f"reductions_open.{number}.yuan")
        _check_once("preferences", [each.scheme for each in self.preferences])
        enjoyed = [each.scheme for each in self.preferences]
        _check_once("reductions_open", enjoyed + [each.scheme for each in self.reductions_open])

    @property
    def loan(self) -> Loan | None:
        """The loan; ``None`` where nothing is lent."""
        if self.annual_rate is None:
            return None
        return Loan(self.principal, self.annual_rate, self.months, self.drawn_on, self.repayment, self.day_count)

    @property
    def ends_on(self) -> date:
        """The last day of the term."""
        return add_months(self.drawn_on, self.months)

    def _check_fee(self, fee: DraftFee, field: str) -> None:
        _check_name(fee.name, field)
        check_charger(fee.charged_by, fee.charger, field)
        if (fee.rate is None) == (fee.yuan is None):
            rule = "A fee is a rate or a sum."
            raise RefusedInput("rate_or_sum", f"{field}.rate", fee.rate, rule, "Give exactly one of rate and yuan.")
        if fee.yuan is not None:
            _check_amount(fee.yuan, f"{field}.yuan")
        if fee.rate is not None and not 0 <= fee.rate < 1:
            rule = "A rate is a fraction from 0 to below 1."
            raise RefusedInput("bad_rate", f"{field}.rate", fee.rate, rule, "Write 1 % as 0.01.")
        if (fee.on is not None) != (fee.when is When.ON_DAY):
            rule = "A day is named for a fee on a day, and for no other."
            raise RefusedInput("day_or_rule", f"{field}.on", fee.on, rule, "Give `on`, or another `when`.")
        if fee.on is not None and fee.on > self.ends_on:
            rule = f"The loan ends on {self.ends_on}; no fee falls due after it."
            raise RefusedInput("fee_after_end", f"{field}.on", fee.on, rule, "Check the day, or the term.")
        if fee.on is not None and fee.on < self.drawn_on - _BEFORE_DRAWDOWN:
            rule = f"The loan is drawn on {self.drawn_on}; a fee falls due at most a year before."
            raise RefusedInput("fee_before_loan", f"{field}.on", fee.on, rule, "Check the day.")

    def _check_received(self, flow: Flow, field: str) -> None:
        _check_amount(flow.yuan, f"{field}.yuan")
        last = add_months(self.ends_on, _MONTHS_AFTER_END)
        if not self.drawn_on <= flow.on <= last:
            rule = f"A preference is paid between the drawdown and {last}."
            raise RefusedInput("bad_date", f"{field}.on", flow.on, rule, "Check the day.")


def check_charger(charged_by: str, charger: str, field: str = "") -> None:
    """Refuse a charger nobody knows, and another one without a name."""
    place = f"{field}." if field else ""
    if charged_by not in CHARGERS:
        known = ", ".join(CHARGERS)
        rule = "An item says who charges it, by a known kind."
        raise RefusedInput("unknown_charger", f"{place}charged_by", charged_by, rule, f"One of {known}.")
    if charged_by == "other" and not charger.strip():
        rule = "A charger of no known kind is named."
        raise RefusedInput("unknown_charger", f"{place}charger", charger, rule, "Give the name of who charges it.")


def _check_name(name: Name, field: str) -> None:
    if not name.zh.strip():
        raise RefusedInput("no_name", f"{field}.zh", name.zh, "An item has a name.", "Write what it is for.")


def _check_amount(yuan: Decimal, field: str) -> None:
    if yuan < 0:
        rule = "An amount is not below zero."
        raise RefusedInput("negative_amount", field, yuan, rule, "Name what lowers the cost under preferences.")


def _check_once(field: str, schemes: Iterable[str]) -> None:
    seen: set[str] = set()
    for scheme in schemes:
        if scheme in seen:
            raise RefusedInput("named_twice", field, scheme, "A scheme is named once.", "Remove one of the two.")
        if scheme:
            seen.add(scheme)
