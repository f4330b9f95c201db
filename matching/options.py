"""The options of one firm for one need: every product and scheme with its status, reasons, cost and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from matching.cost import Quote, cost_of, quote
from matching.evaluate_product import evaluate_product
from matching.evaluate_scheme import SchemeResult, evaluate_scheme
from matching.needs import Need
from matching.offers import Offers
from matching.option import Dropped, Option, Status, status_of
from matching.parameters import ParameterBook
from matching.products import Product, Terms
from matching.schemes import Scheme
from matching.verdicts import Requirement, Verdict, open_facts, truth_of
from models.kinds import Scalar
from models.truth import Truth

Facts = Mapping[str, Scalar | None]

#: Statuses worth a price: the firm has the offer, may have it, or lacks one thing.
PRICED = (Status.ELIGIBLE, Status.UNKNOWN, Status.NEAR_MISS)


def options(firm: Facts, need: Need, offers: Offers, parameters: ParameterBook, as_of: date) -> tuple[Option, ...]:
    """Every product and scheme of ``offers`` for a firm, best first.

    ``firm``: the firm's facts by id, absent or ``None`` is unknown, money in yuan. Loans are priced as if contracted on
    ``need.contract_on``, else on ``as_of``. Order: status, then all-in rate, then what has no rate, then id.
    ``RefusedInput`` if a value does not fit its fact, or a floating rate is asked for before its parameter began.
    """
    made = [_of_product(product, firm, need, offers, parameters, as_of) for product in offers.products.values()]
    made.sort(key=_rank)
    made += [_of_scheme(scheme, firm, need, made, parameters, as_of) for scheme in offers.schemes.values()]
    return tuple(sorted(made, key=_rank))


def _rank(option: Option) -> tuple[int, bool, Decimal, bool, str]:
    rate = option.cost.all_in_annual_rate if option.cost else None
    return (list(Status).index(option.status), rate is None, rate or Decimal(0), option.cost is None, option.id)


def _of_product(
    product: Product, firm: Facts, need: Need, offers: Offers, parameters: ParameterBook, as_of: date
) -> Option:
    stated, assumed = need.on(product)
    result = evaluate_product(product, {**firm, **stated}, parameters, as_of)
    requirements, verdict, terms = result.requirements, result.verdict, product.terms
    quoted = None
    guarantee: tuple[SchemeResult, ...] = ()
    facts: Facts = firm
    if terms and verdict not in (Verdict.EXPIRED, Verdict.NOT_YET):
        on = need.contract_on or as_of
        amount, months = Decimal(str(stated["need_amount_yuan"])), int(str(stated["need_term_months"]))
        quoted = quote(product, amount, months, on, parameters)
        facts = {**firm, **_loan_facts(product, quoted, stated)}
        if terms.guarantee:
            scheme = offers.schemes.in_force(terms.guarantee.scheme, on)
            guarantee = (evaluate_scheme(scheme, facts, parameters, as_of, quoted.loan(terms)),)
            requirements = (*requirements, Requirement(_truth(guarantee[0].verdict), guarantee[0].findings))
            verdict = Verdict(truth_of(requirements).value)
    status = status_of(verdict, requirements)
    option = Option(product.id, product.offers, status, requirements, assumed=assumed, schemes=guarantee)
    if status is Status.UNKNOWN:
        option = _with_open_ends(option, "" if terms else "The lender publishes its terms")
    if status is Status.NOT_YET:
        option = replace(option, opens_on=product.validity.since)
    if terms is None or quoted is None or status not in PRICED:
        return option
    asked = _subsidies(offers, facts, parameters, as_of, quoted, terms)
    counted, dropped = best_of(asked)
    return replace(
        option,
        cost=cost_of(product, quoted, [result.benefit for result in counted if result.benefit]),
        stack=tuple(result.scheme for result in (*guarantee, *counted)),
        dropped=dropped,
        schemes=(*guarantee, *asked),
    )


def _truth(verdict: Verdict) -> Truth:
    """A guarantee outside its dates is no guarantee."""
    return Truth.UNMET if verdict in (Verdict.EXPIRED, Verdict.NOT_YET) else Truth(verdict.value)


def _loan_facts(product: Product, quoted: Quote, stated: Facts) -> dict[str, Scalar | None]:
    return {
        "loan_amount_yuan": quoted.principal,
        "loan_annual_rate": None if quoted.annual_rate is None else float(quoted.annual_rate),
        "loan_contract_on": quoted.drawn_on,
        "loan_lender_kind": product.lender.kind,
        "loan_purpose": stated["need_purpose"],
        "loan_term_months": quoted.months,
        "owner_business_loan": False,
    }


def _subsidies(
    offers: Offers, facts: Facts, parameters: ParameterBook, as_of: date, quoted: Quote, terms: Terms
) -> tuple[SchemeResult, ...]:
    """Every interest subsidy asked about the quoted loan; none where nothing is lent."""
    loan = quoted.loan(terms)
    if loan is None:
        return ()
    subsidies = (scheme for scheme in offers.schemes.values() if scheme.offers == "interest_subsidy")
    return tuple(evaluate_scheme(scheme, facts, parameters, as_of, loan) for scheme in subsidies)


def best_of(asked: Sequence[SchemeResult]) -> tuple[tuple[SchemeResult, ...], tuple[Dropped, ...]]:
    """The subsidies counted on one loan, and those left out with the reason.

    Of those met, the one that pays most: no rule read so far says that two may be combined. An unknown one is never
    counted.
    """
    met = [result for result in asked if result.verdict is Verdict.MET]
    met.sort(key=lambda result: (-_amount(result), result.scheme))
    dropped = [Dropped(result.scheme, f"{met[0].scheme} pays more; no rule lets both be paid") for result in met[1:]]
    dropped += [
        Dropped(result.scheme, "open until known: " + "; ".join(result.settled_by))
        for result in asked
        if result.verdict is Verdict.UNKNOWN
    ]
    return tuple(met[:1]), tuple(dropped)


def _amount(result: SchemeResult) -> Decimal:
    return (result.benefit.amount_yuan if result.benefit else None) or Decimal(0)


def _of_scheme(
    scheme: Scheme, firm: Facts, need: Need, products: Sequence[Option], parameters: ParameterBook, as_of: date
) -> Option:
    """A subsidy is shown on the best-placed loan of this answer that it fits; any other scheme on the need itself."""
    through = ""
    asked = [(result, option.id) for option in products for result in option.schemes if result.scheme == scheme.id]
    if asked and scheme.offers == "interest_subsidy":
        result, through = min(asked, key=lambda each: _standing(each[0]))
    else:
        result = evaluate_scheme(scheme, {**firm, **_need_as_loan(need, as_of)}, parameters, as_of)
    option = Option(
        id=scheme.id,
        kind=scheme.offers,
        status=status_of(result.verdict, result.requirements),
        requirements=result.requirements,
        benefit=result.benefit,
        schemes=(result,),
        missing=result.missing,
        settled_by=result.settled_by,
        through=through,
        opens_on=result.opens_on,
        successor=result.successor,
    )
    return option


def _standing(result: SchemeResult) -> int:
    return list(Status).index(status_of(result.verdict, result.requirements))


def _need_as_loan(need: Need, as_of: date) -> dict[str, Scalar | None]:
    return {
        "loan_amount_yuan": need.amount_yuan,
        "loan_term_months": need.term_months,
        "loan_purpose": need.purpose,
        "loan_contract_on": need.contract_on or as_of,
        "owner_business_loan": False,
    }


def _with_open_ends(option: Option, unpublished: str) -> Option:
    found = open_facts(option.requirements)
    papers = [unpublished] if unpublished else []
    papers += [finding.settled_by for finding in found]
    return replace(
        option,
        missing=tuple(finding.fact for finding in found),
        settled_by=tuple(dict.fromkeys(papers)),
    )
