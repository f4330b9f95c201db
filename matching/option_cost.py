"""The cost list of an option: what the options answer reckoned, line by line, for bank and firm to sign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from matching.cost import GUARANTEE_TERMS, Cost, Quote, fees_of
from matching.cost_draft import Draft, DraftFee, DraftPreference, DraftReduction
from matching.drafted_cost import listed
from matching.evaluate_scheme import SchemeResult
from matching.financing_cost import ZERO, CostList, ItemKind, When
from matching.loans import schedule
from matching.option import Option
from matching.products import Fee, Product
from matching.question import Case, ProductQuestion
from matching.rulefile import Name
from matching.schemes import Scheme
from matching.stacked import counted_on_loan, open_words
from matching.verdicts import Verdict
from models.errors import RefusedInput
from models.money import round_half_up

_NOT_BESIDE = Name("条件已满足，不与本笔已享受的优惠并付", "Met, and not paid beside what the loan enjoys already")


def cost_list_of_option(option: Option, question: ProductQuestion, case: Case) -> CostList:
    """The list of a priced option for a product: ``option`` is the answer of ``question`` in ``case``.

    ``RefusedInput`` (``no_cost``) for an option without a cost: out of reach, or terms not published.
    """
    standing, terms, schemes = question.standing(case), question.product.terms, question.offers.schemes
    if option.cost is None or standing.quoted is None or terms is None:
        rule = "This option has no cost: it is out of reach, or its terms are not published."
        raise RefusedInput("no_cost", "option", option.id, rule, "Choose an option with a cost.")
    loan = standing.quoted.loan(terms)
    interest = sum((payment.interest for payment in schedule(loan)), ZERO) if loan else ZERO
    asked = option.schemes[len(standing.guarantee) :]
    counted = counted_on_loan(schemes, standing.guarantee, asked, interest)
    # Counted benefits are cut to the interest of the loan; the answers of the schemes are not.
    cut = dict(zip(counted.ids, counted.benefits, strict=True))
    results = [replace(each, benefit=cut.get(each.scheme, each.benefit)) for each in option.schemes]
    return cost_list(question.product, standing.quoted, option.cost, schemes, results, option.stack)


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
    ids = set(counted)
    made = listed(
        Draft(
            product=product.id,
            lender=product.lender.id,
            lender_kind=product.lender.kind,
            principal=quoted.principal,
            months=quoted.months,
            drawn_on=quoted.drawn_on,
            annual_rate=quoted.annual_rate,
            repayment=terms.repayment,
            day_count=terms.day_count,
            fees=tuple(_fee(fee, cite, product.offers) for fee, cite in fees_of(terms)),
            deposit=round_half_up(quoted.principal * terms.deposit),
            preferences=tuple(_preference(each, schemes) for each in asked if each.scheme in ids),
            reductions_open=tuple(_open(each, schemes) for each in asked if _is_open(each, ids)),
            cite="product terms",
        )
    )
    if (made.total_yuan, made.all_in_annual_rate) != (cost.total_yuan, cost.all_in_annual_rate):
        raise ValueError(f"{product.id}: the items come to {made.total_yuan}, the cost is {cost.total_yuan}")
    return made


def _fee(fee: Fee, cite: str, offers: str) -> DraftFee:
    guarantee = cite == GUARANTEE_TERMS or offers == "guarantee"
    return DraftFee(
        name=fee.name,
        kind=ItemKind.GUARANTEE_FEE if guarantee else ItemKind.FEE,
        charged_by=fee.payee,
        when=When(fee.charged.value),
        rate=fee.rate or None,
        yuan=None if fee.rate else fee.yuan,
        cite=cite,
    )


def _preference(result: SchemeResult, schemes: Mapping[str, Scheme]) -> DraftPreference:
    scheme, benefit = schemes[result.scheme], result.benefit
    return DraftPreference(
        scheme=scheme.id,
        name=scheme.name,
        due=benefit.flows if benefit else (),
        fee_ceiling=benefit.fee_annual_rate if benefit else None,
        cite=scheme.cite,
        confirmed=result.confirmed,
    )


def _is_open(result: SchemeResult, counted: set[str]) -> bool:
    """Whether it may still lower this cost; what is met and known to give nothing does not."""
    if result.scheme in counted or result.benefit is None or result.benefit.fee_annual_rate is not None:
        return False
    return result.verdict in (Verdict.MET, Verdict.UNKNOWN) and result.benefit.amount_yuan != 0


def _open(result: SchemeResult, schemes: Mapping[str, Scheme]) -> DraftReduction:
    scheme = schemes[result.scheme]
    yuan: Decimal | None = result.benefit.amount_yuan if result.benefit else None
    met = result.verdict is Verdict.MET
    reason = _NOT_BESIDE if met else open_words(scheme, result)
    return DraftReduction(scheme.id, scheme.name, reason, yuan, result.settled_by, result.confirmed)
