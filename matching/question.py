"""One offer asked about one firm, in a form that can be asked again with other facts, another need or another day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Protocol

from matching.cost import Quote, quote
from matching.evaluate_product import evaluate_product
from matching.evaluate_scheme import SchemeResult, evaluate_scheme, scheme_values
from matching.needs import Need
from matching.offers import Offers
from matching.parameters import ParameterBook
from matching.products import Product
from matching.schemes import Scheme
from matching.status import Status, status_of
from matching.verdicts import Requirement, Requirements, Verdict, truth_of
from models.kinds import Scalar
from models.truth import Truth

Facts = Mapping[str, Scalar | None]

_NEED_PARTS: Mapping[str, str] = {
    "need_amount_yuan": "amount_yuan",
    "need_term_months": "term_months",
    "need_purpose": "purpose",
    "need_security": "security",
}


@dataclass(frozen=True)
class Case:
    """Who asks for what on which day. ``firm`` by fact id, absent or ``None`` is unknown, money in yuan."""

    firm: Facts
    need: Need
    as_of: date

    @property
    def contract_on(self) -> date:
        """The day the loan would be signed."""
        return self.need.contract_on or self.as_of

    def changed(self, values: Mapping[str, Scalar]) -> Case:
        """The case with some facts set otherwise, those of the need too; ``RefusedInput`` if no need can be so."""
        need = {_NEED_PARTS[fact]: value for fact, value in values.items() if fact in _NEED_PARTS}
        firm = {fact: value for fact, value in values.items() if fact not in _NEED_PARTS}
        changed = replace(self.need, **need) if need else self.need  # type: ignore[arg-type]
        return Case({**self.firm, **firm}, changed, self.as_of)


@dataclass(frozen=True)
class Standing:
    """Where a firm stands with one offer. ``rules`` are the conditions asked, each with the facts it was asked of."""

    status: Status
    verdict: Verdict
    requirements: tuple[Requirement, ...]
    rules: tuple[tuple[Requirements, Facts], ...]
    values: Facts


class Question(Protocol):
    """An offer that can be asked about any case."""

    @property
    def id(self) -> str: ...

    def standing(self, case: Case) -> Standing:
        """The full answer of the offer, dates included."""
        ...

    def openings(self, case: Case) -> tuple[date, ...]:
        """The first days of the rules it rests on, and the day a once-only rule opens again to the firm."""
        ...


@dataclass(frozen=True)
class ProductStanding(Standing):
    """``quoted`` is the loan it is priced on (``None``: no terms, or outside its dates), ``loan_facts`` firm and loan.

    ``assumed`` are the facts of the need that the product's usual case filled in.
    """

    assumed: tuple[str, ...]
    quoted: Quote | None
    loan_facts: Facts
    guarantee: tuple[SchemeResult, ...]


@dataclass(frozen=True)
class ProductQuestion:
    """One product, with the guarantee scheme it rests on."""

    product: Product
    offers: Offers
    parameters: ParameterBook
    #: The first case asked, with its answer: what changes are measured against, and asked for again and again.
    _first: list[tuple[Case, ProductStanding]] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def id(self) -> str:
        return self.product.id

    def openings(self, case: Case) -> tuple[date, ...]:
        terms = self.product.terms
        since = [self.product.validity.since]
        scheme = self.offers.schemes[terms.guarantee.scheme] if terms and terms.guarantee else None
        while scheme:
            since.append(scheme.validity.since)
            scheme = self.offers.schemes[scheme.superseded_by] if scheme.superseded_by else None
        since += [result.once.opens_on for result in self.standing(case).guarantee if result.once]
        return tuple(day for day in since if day)

    def standing(self, case: Case) -> ProductStanding:
        if self._first and self._first[0][0] is case:
            return self._first[0][1]
        found = self._asked(case)
        if not self._first:
            self._first.append((case, found))
        return found

    def _asked(self, case: Case) -> ProductStanding:
        product, terms = self.product, self.product.terms
        stated, assumed = case.need.on(product)
        values: Facts = {**case.firm, **stated}
        result = evaluate_product(product, values, self.parameters, case.as_of)
        requirements, verdict = result.requirements, result.verdict
        rules: list[tuple[Requirements, Facts]] = [(product.requirements, values)]
        quoted, guarantee, loan_facts = None, tuple[SchemeResult, ...](), case.firm
        if terms and verdict not in (Verdict.EXPIRED, Verdict.NOT_YET):
            amount, months = stated["need_amount_yuan"], stated["need_term_months"]
            assert isinstance(amount, Decimal), product.id
            assert isinstance(months, int), product.id
            quoted = quote(product, amount, months, case.contract_on, self.parameters)
            loan_facts = {**case.firm, **_loan_facts(product, quoted, stated)}
            values = {**values, **loan_facts}
            if terms.guarantee:
                scheme = self.offers.schemes.in_force(terms.guarantee.scheme, case.contract_on)
                claim = case.need.claim(scheme, loan_facts, case.as_of)
                guarantee = (evaluate_scheme(scheme, claim, self.parameters, case.as_of, quoted.loan(terms)),)
                requirements = (*requirements, Requirement(_truth(guarantee[0].verdict), guarantee[0].findings))
                verdict = Verdict(truth_of(requirements).value)
                defined = scheme_values(scheme, claim, self.parameters, case.as_of)
                rules += _rules(scheme, defined, guarantee[0])
        status = status_of(verdict, requirements)
        return ProductStanding(
            status, verdict, requirements, tuple(rules), values, assumed, quoted, loan_facts, guarantee
        )


@dataclass(frozen=True)
class SchemeStanding(Standing):
    """``result`` is the scheme's own answer, with its benefit."""

    result: SchemeResult


@dataclass(frozen=True)
class SchemeQuestion:
    """One scheme, asked about the loan of ``through`` where it is named, else about the need itself."""

    scheme: Scheme
    parameters: ParameterBook
    through: ProductQuestion | None = None

    @property
    def id(self) -> str:
        return self.scheme.id

    def openings(self, case: Case) -> tuple[date, ...]:
        once = self.standing(case).result.once if self.scheme.once else None
        own = (self.scheme.validity.since, once.opens_on if once else None)
        through = self.through.openings(case) if self.through else ()
        return (*(day for day in own if day), *through)

    def standing(self, case: Case) -> SchemeStanding:
        """As :meth:`Question.standing`; a loan that cannot be quoted on the case's day counts as unknown."""
        loan, facts = None, _need_as_loan(case)
        if self.through:
            product = self.through.standing(case)
            facts = dict(product.loan_facts)
            if product.quoted and self.through.product.terms:
                loan = product.quoted.loan(self.through.product.terms)
        claim = case.need.claim(self.scheme, facts, case.as_of)
        result = evaluate_scheme(self.scheme, claim, self.parameters, case.as_of, loan)
        values = scheme_values(self.scheme, claim, self.parameters, case.as_of)
        status = status_of(result.verdict, result.requirements)
        rules = tuple(_rules(self.scheme, values, result))
        shown = {**case.need.facts(), **values}
        return SchemeStanding(status, result.verdict, result.requirements, rules, shown, result)


def _rules(scheme: Scheme, values: Facts, result: SchemeResult) -> Iterator[tuple[Requirements, Facts]]:
    """The conditions a scheme asked: its own, and what its once-only rule came to."""
    yield scheme.requirements, values
    if result.once and result.once.asked:
        yield result.once.asked, result.once.values


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


def _need_as_loan(case: Case) -> dict[str, Scalar | None]:
    """The firm's facts with a loan as its need describes it; what the need leaves open is as the firm states it."""
    stated: dict[str, Scalar | None] = {
        "loan_amount_yuan": case.need.amount_yuan,
        "loan_term_months": case.need.term_months,
        "loan_purpose": case.need.purpose,
        "loan_contract_on": case.contract_on,
    }
    known = {fact: value for fact, value in stated.items() if value is not None}
    return {"owner_business_loan": False, **case.firm, **known}
