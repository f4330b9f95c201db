"""Whom a need is sent to: the lending products it fits, ranked, one offer of each lender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from matching.applications.conversion import Cell, Conversions
from matching.applications.rank import MATCHED, Ranked, in_order, ranked
from matching.applications.rules import ApplicationRules
from matching.applications.wanted import Wanted
from matching.offers import Offers
from matching.option import Option
from matching.options import product_option
from matching.parameters import ParameterBook
from matching.products import Product
from matching.question import Case, Facts, ProductQuestion

#: Offers that put money in the firm's hands for a term and a rate.
LENDING = ("loan", "leasing", "factoring", "bridge_loan")


def cell_of(firm: Facts) -> Cell:
    """What makes the firm like others; what is unknown is an empty text."""
    size_class, section, grade = (str(firm.get(fact) or "") for fact in ("size_class", "industry_section", "grade"))
    return Cell(size_class, section, grade)


def matched(
    firm: Facts,
    wanted: Wanted,
    offers: Offers,
    parameters: ParameterBook,
    as_of: date,
    known: Conversions,
    weights: Mapping[str, Decimal],
    rules: ApplicationRules,
) -> tuple[Ranked, ...]:
    """Every lending product the firm meets or may meet, best first, each asked for as much of the range as it lends."""
    cell = cell_of(firm)
    found = []
    for product in offers.products.values():
        if product.offers in LENDING and product.terms is not None:
            ask = wanted.ask(product)
            option = option_asked(product, firm, wanted, ask, offers, parameters, as_of)
            if option.status in MATCHED:
                found.append(ranked(option, product.lender.id, ask, wanted.high, cell, known, weights, rules))
    return in_order(found)


def option_asked(
    product: Product, firm: Facts, wanted: Wanted, ask: Decimal, offers: Offers, parameters: ParameterBook, as_of: date
) -> Option:
    """The option of one product for ``ask`` yuan of the range."""
    question = ProductQuestion(product, offers, parameters)
    return product_option(question, Case(firm, replace(wanted.need(ask), contract_on=as_of), as_of))
