"""The options of one firm for one need: every product and scheme with its status, reasons, cost and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from matching.changes import ChangeBook
from matching.cost import Quote, cost_of
from matching.evaluate_scheme import SchemeResult, evaluate_scheme
from matching.facts import FactBook
from matching.first_loan import FirstLoan, first_loans, guarded
from matching.loans import schedule
from matching.near_miss import near_miss
from matching.needs import Need
from matching.offers import Offers
from matching.option import Option
from matching.parameters import ParameterBook
from matching.products import Terms
from matching.question import Case, Facts, ProductQuestion, ProductStanding, SchemeQuestion, Standing
from matching.schemes import Scheme
from matching.settles import Settles, settles
from matching.stacked import claimed_together, counted_on_loan
from matching.stacking import Resolution
from matching.status import Status, status_of
from matching.verdicts import open_facts

#: Best first.
_ORDER = tuple(Status)
#: Statuses worth a price: the firm has the offer, may have it, or lacks one thing.
PRICED = (Status.ELIGIBLE, Status.UNKNOWN, Status.NEAR_MISS)


@dataclass(frozen=True)
class OptionsAnswer:
    """The whole answer to one firm.

    ``settles``: what would settle each unknown. ``first_loan``: its standing as a first-time borrower, scheme by
    scheme. ``claims``: which of the eligible awards and grants, those not tied to a loan, may be claimed together.
    """

    options: tuple[Option, ...]
    settles: tuple[Settles, ...]
    first_loan: tuple[FirstLoan, ...]
    claims: Resolution


@dataclass(frozen=True)
class _Found:
    """An option beside the question it answers, so that the question can be asked again."""

    option: Option
    question: ProductQuestion | SchemeQuestion
    standing: Standing


def options(firm: Facts, need: Need, offers: Offers, parameters: ParameterBook, as_of: date) -> tuple[Option, ...]:
    """Every product and scheme of ``offers`` for a firm, best first.

    ``firm``: the firm's facts by id, absent or ``None`` is unknown, money in yuan. Loans are priced as if contracted on
    ``need.contract_on``, else on ``as_of``. Order: status, then all-in rate, then what has no rate, then id.
    ``RefusedInput`` if a value does not fit its fact, or a floating rate is asked for before its parameter began.
    """
    found = _all(Case(firm, need, as_of), offers, parameters)
    return tuple(each.option for each in found)


def answer(
    firm: Facts,
    need: Need,
    offers: Offers,
    parameters: ParameterBook,
    as_of: date,
    facts: FactBook,
    changes: ChangeBook,
) -> OptionsAnswer:
    """As :func:`options`, with the way to every shut offer, first-loan warnings and what would settle each unknown."""
    case = Case(firm, need, as_of)
    found = _all(case, offers, parameters)
    made = [_with_way(each, case, parameters, changes) for each in found]
    schemes = offers.schemes
    return OptionsAnswer(
        options=guarded(made, offers, case, parameters),
        settles=settles([(each.question, each.standing) for each in found], case, parameters, facts),
        first_loan=first_loans(schemes.values(), case, parameters),
        claims=claimed_together(schemes, [option for option in made if option.id in schemes]),
    )


def _with_way(found: _Found, case: Case, parameters: ParameterBook, changes: ChangeBook) -> Option:
    way = near_miss(found.question, found.standing, case, parameters, changes)
    return found.option if way is None else replace(found.option, near_miss=way)


def product_option(question: ProductQuestion, case: Case) -> Option:
    """One product for one case, as :func:`options` answers it."""
    return _of_product(question, case).option


def _all(case: Case, offers: Offers, parameters: ParameterBook) -> list[_Found]:
    products = [_of_product(ProductQuestion(each, offers, parameters), case) for each in offers.products.values()]
    products.sort(key=_rank)
    schemes = [_of_scheme(each, case, products, parameters) for each in offers.schemes.values()]
    return sorted((*products, *schemes), key=_rank)


def _rank(found: _Found) -> tuple[int, bool, Decimal, bool, str]:
    option = found.option
    rate = option.cost.all_in_annual_rate if option.cost else None
    return (_ORDER.index(option.status), rate is None, rate or Decimal(0), option.cost is None, option.id)


def _of_product(question: ProductQuestion, case: Case) -> _Found:
    product, terms = question.product, question.product.terms
    standing = question.standing(case)
    status, requirements = standing.status, standing.requirements
    option = Option(
        product.id, product.offers, status, requirements, assumed=standing.assumed, schemes=standing.guarantee
    )
    if status is Status.UNKNOWN:
        option = _with_open_ends(option, "" if terms else "The lender publishes its terms")
    if status is Status.NOT_YET:
        option = replace(option, opens_on=product.validity.since)
    if terms is not None and standing.quoted is not None and status in PRICED:
        option = _priced(option, question, standing, standing.quoted, terms, case)
    return _Found(option, question, standing)


def _priced(
    option: Option, question: ProductQuestion, standing: ProductStanding, quoted: Quote, terms: Terms, case: Case
) -> Option:
    """The option with its cost after the best legal set of subsidies."""
    schemes = question.offers.schemes
    asked = _subsidies(question, standing, quoted, terms, case)
    loan = quoted.loan(terms)
    interest = sum((payment.interest for payment in schedule(loan)), Decimal(0)) if loan else Decimal(0)
    counted = counted_on_loan(schemes, standing.guarantee, asked, interest)
    return replace(
        option,
        cost=cost_of(question.product, quoted, counted.benefits),
        stack=(*(result.scheme for result in standing.guarantee), *counted.ids),
        dropped=counted.dropped,
        schemes=(*standing.guarantee, *asked),
        next_best=counted.next_best,
        pairs=counted.pairs,
    )


def _subsidies(
    question: ProductQuestion, standing: ProductStanding, quoted: Quote, terms: Terms, case: Case
) -> tuple[SchemeResult, ...]:
    """Every interest subsidy asked about the quoted loan; none where nothing is lent."""
    loan = quoted.loan(terms)
    if loan is None:
        return ()
    return tuple(
        evaluate_scheme(
            scheme, case.need.claim(scheme, standing.loan_facts, case.as_of), question.parameters, case.as_of, loan
        )
        for scheme in question.offers.schemes.interest_subsidies
    )


def _of_scheme(scheme: Scheme, case: Case, products: Sequence[_Found], parameters: ParameterBook) -> _Found:
    """A subsidy is shown on the best-placed loan of this answer that it fits; any other scheme on the need itself."""
    through = None
    if scheme.offers == "interest_subsidy":
        asked = [(result, each) for each in products for result in each.option.schemes if result.scheme == scheme.id]
        best = min(asked, key=lambda pair: _standing(pair[0]), default=None)
        through = best[1].question if best else None
    assert not isinstance(through, SchemeQuestion)
    question = SchemeQuestion(scheme, parameters, through)
    standing = question.standing(case)
    result = standing.result
    option = Option(
        id=scheme.id,
        kind=scheme.offers,
        status=standing.status,
        requirements=result.requirements,
        benefit=result.benefit,
        schemes=(result,),
        missing=result.missing,
        settled_by=result.settled_by,
        through=through.id if through else "",
        opens_on=result.opens_on,
        successor=result.successor,
    )
    return _Found(option, question, standing)


def _standing(result: SchemeResult) -> int:
    return _ORDER.index(status_of(result.verdict, result.requirements))


def _with_open_ends(option: Option, unpublished: str) -> Option:
    found = open_facts(option.requirements)
    papers = [unpublished] if unpublished else []
    papers += [finding.settled_by for finding in found]
    return replace(
        option,
        missing=tuple(finding.fact for finding in found),
        settled_by=tuple(dict.fromkeys(papers)),
    )
