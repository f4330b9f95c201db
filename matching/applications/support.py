"""What public support a drawn loan takes up: the guarantee it rests on and the subsidies it may expect, in yuan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from matching.applications.wanted import Wanted
from matching.evaluate_scheme import evaluate_scheme
from matching.loans import Loan, schedule
from matching.offers import Offers
from matching.parameters import ParameterBook
from matching.products import Product
from matching.question import Facts
from matching.stacked import counted_on_loan
from models.kinds import Scalar

GUARANTEE, SUBSIDY, LOAN = "guarantee", "subsidy", "loan"


@dataclass(frozen=True)
class Support:
    """One scheme on one drawn loan: the guaranteed principal, or the subsidy over the whole term. ``yuan`` is ``None``
    where a subsidy is due and its amount is not known."""

    kind: str
    scheme: str
    yuan: Decimal | None


def support_of(
    product: Product,
    firm: Facts,
    wanted: Wanted,
    principal: Decimal,
    annual_rate: Decimal,
    months: int,
    drawn_on: date,
    offers: Offers,
    parameters: ParameterBook,
) -> tuple[Support, ...]:
    """The support of a loan of ``product`` on the terms it was drawn on, by the rules in force that day.

    ``firm``: its facts before this loan. Subsidies are the best legal set of those whose conditions are met; what is
    unknown is not promised. Raises ``RefusedInput`` for terms no loan can have.
    """
    terms = product.terms
    assert terms is not None, product.id
    loan = Loan(principal, annual_rate, months, drawn_on, terms.repayment, terms.day_count)
    values = {**firm, **wanted.need(principal).facts(), **_loan_facts(product, loan, wanted)}
    schemes = offers.schemes
    resting = (schemes.in_force(terms.guarantee.scheme, drawn_on),) if terms.guarantee else ()
    given = tuple(evaluate_scheme(each, values, parameters, drawn_on, loan) for each in resting)
    asked = tuple(
        evaluate_scheme(each, values, parameters, drawn_on, loan)
        for each in schemes.values()
        if each.offers == "interest_subsidy"
    )
    interest = sum((payment.interest for payment in schedule(loan)), Decimal(0))
    counted = counted_on_loan(schemes, given, asked, interest)
    guaranteed = tuple(Support(GUARANTEE, each.id, principal) for each in resting)
    paid = zip(counted.ids, counted.benefits, strict=True)
    return (*guaranteed, *(Support(SUBSIDY, scheme, benefit.amount_yuan) for scheme, benefit in paid))


def _loan_facts(product: Product, loan: Loan, wanted: Wanted) -> Mapping[str, Scalar | None]:
    return {
        "loan_amount_yuan": loan.principal,
        "loan_annual_rate": float(loan.annual_rate),
        "loan_contract_on": loan.drawn_on,
        "loan_lender_kind": product.lender.kind,
        "loan_purpose": wanted.use,
        "loan_term_months": loan.months,
        "owner_business_loan": False,
    }
