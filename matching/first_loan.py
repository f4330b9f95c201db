"""The right to be a first-time borrower: who has it under which scheme, and which loan would use it up for nothing.

Every place defines a first loan for itself, so nothing here knows what one is: a scheme that asks for the fact
``loan_first`` is asked, with its own definition, before and after the loan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from matching.evaluate_scheme import scheme_values
from matching.explain import explain
from matching.nodes import Condition
from matching.offers import Offers
from matching.option import Option, OptionWarning
from matching.parameters import ParameterBook
from matching.question import Case, Facts, ProductQuestion, SchemeQuestion
from matching.rulefile import Name
from matching.schemes import FIRST_LOAN as FACT
from matching.schemes import Scheme
from matching.status import Status
from matching.verdicts import Verdict
from models.evidence import Finding
from models.kinds import Scalar
from models.truth import Truth

#: The lenders whose loans make ``ever_borrowed`` true, as the catalogue counts them.
RECORDED_LENDERS = ("bank", "branchless_bank")
ZERO = Decimal(0)


@dataclass(frozen=True)
class FirstLoan:
    """Whether the firm's next loan would be its first under one scheme; ``None`` is unknown.

    ``stated``: the firm says so itself (with the proof the scheme asks for). ``definition`` are the conditions of the
    scheme's own definition with what was found, empty where it has none. ``proof`` is the document that settles it.
    """

    scheme: str
    first: bool | None
    stated: bool
    definition: tuple[Finding, ...]
    proof: Name
    cite: str


class Loss(StrEnum):
    """Why a loan does not earn the subsidy that its right could."""

    LENDER_NOT_COUNTED = "lender_not_counted"
    AMOUNT_ABOVE_LIMIT = "amount_above_limit"
    RATE_BELOW_TARGET = "rate_below_target"
    OTHER_CONDITION = "other_condition"
    NOT_COMBINED = "not_combined"


_WORDS: Mapping[Loss, Name] = {
    Loss.LENDER_NOT_COUNTED: Name("该贷款机构不在政策范围内", "the scheme does not count this kind of lender"),
    Loss.AMOUNT_ABOVE_LIMIT: Name("金额超过政策上限", "the amount is above the scheme's limit"),
    Loss.RATE_BELOW_TARGET: Name(
        "利率不高于目标利率，贴息为零", "the rate is at or below the target, so it pays nothing"
    ),
    Loss.OTHER_CONDITION: Name("该贷款不满足政策条件", "the loan fails a condition of the scheme"),
    Loss.NOT_COMBINED: Name("与其他政策不可兼得，未计入", "another scheme is counted instead"),
}


def first_loans(schemes: Iterable[Scheme], case: Case, parameters: ParameterBook) -> tuple[FirstLoan, ...]:
    """The firm's standing as a first-time borrower under every scheme that asks for it."""
    return tuple(_first_loan(scheme, asked, case, parameters) for scheme, asked in _asking(schemes))


def _asking(schemes: Iterable[Scheme]) -> list[tuple[Scheme, Condition]]:
    return [(scheme, scheme.asked_of_first_loan) for scheme in schemes if scheme.asked_of_first_loan]


def _first_loan(scheme: Scheme, asked: Condition, case: Case, parameters: ParameterBook) -> FirstLoan:
    definition: list[Finding] = []
    for each in scheme.definitions:
        if each.fact == FACT:
            for node in (each.true_when, each.false_when):
                definition += explain(node, case.firm, parameters, case.as_of).findings if node else ()
    proof = asked.settled_by or asked.spec.settled_by
    return FirstLoan(
        scheme=scheme.id,
        first=_right(scheme, case.firm, case, parameters),
        stated=case.firm.get(FACT) is not None,
        definition=tuple(dict.fromkeys(definition)),
        proof=Name(asked.settled_by_zh or asked.spec.settled_by_zh, proof),
        cite=asked.cite,
    )


def _right(scheme: Scheme, firm: Facts, case: Case, parameters: ParameterBook) -> bool | None:
    value = scheme_values(scheme, firm, parameters, case.as_of).get(FACT)
    return value if isinstance(value, bool) else None


def guarded(options: Sequence[Option], offers: Offers, case: Case, parameters: ParameterBook) -> tuple[Option, ...]:
    """The options, with a warning on each loan that would use up a first loan without earning its subsidy.

    Warned is only where the firm has the offer or may have it, has the right or may have it, would not have it after
    the loan, and could earn the subsidy now: with another eligible offer, or with the same one for a smaller amount.
    """
    warnings: dict[str, list[OptionWarning]] = {}
    lent = [option for option in options if _lends(option, offers)]
    for scheme, _ in _asking(offers.schemes.values()):
        if _right(scheme, case.firm, case, parameters) is False:
            continue
        better = _best(lent, scheme)
        for option in lent:
            loss = _loss(option, scheme.id)
            product = offers.products[option.id]
            if loss is None or not _uses_up(scheme, product.lender.kind, case, parameters):
                continue
            instead = better
            if instead is None and loss is Loss.AMOUNT_ABOVE_LIMIT:
                instead = _smaller(option, scheme, ProductQuestion(product, offers, parameters), case)
            if instead is not None:
                warnings.setdefault(option.id, []).append(_warning(scheme, loss, instead))
    return tuple(_with(option, warnings.get(option.id, [])) for option in options)


@dataclass(frozen=True)
class _Instead:
    option: str
    yuan: Decimal
    amount_yuan: Decimal | None = None


def _lends(option: Option, offers: Offers) -> bool:
    product = offers.products.get(option.id)
    lends = product is not None and product.terms is not None and product.terms.rate is not None
    return lends and option.status in (Status.ELIGIBLE, Status.UNKNOWN)


def _best(lent: Iterable[Option], scheme: Scheme) -> _Instead | None:
    """The eligible offer that earns most of the scheme, the cheaper of two that earn the same."""
    earned = [(_earned(option, scheme.id), option) for option in lent if option.status is Status.ELIGIBLE]
    paying = [(yuan, option) for yuan, option in earned if yuan]
    if not paying:
        return None
    yuan, option = min(paying, key=lambda each: (-each[0], _rate(each[1]), each[1].id))
    return _Instead(option.id, yuan)


def _smaller(option: Option, scheme: Scheme, question: ProductQuestion, case: Case) -> _Instead | None:
    """The same offer for the most the scheme allows, where it is then eligible and earns."""
    result = next(each for each in option.schemes if each.scheme == scheme.id)
    limits = [each.expected for each in result.findings if each.fact == "loan_amount_yuan" and each.op == "le"]
    limit = min((each for each in limits if isinstance(each, Decimal)), default=None)
    if limit is None:
        return None
    then = case.changed({"need_amount_yuan": limit})
    if question.standing(then).status is not Status.ELIGIBLE:
        return None
    again = SchemeQuestion(scheme, question.parameters, question).standing(then).result
    yuan = again.benefit.amount_yuan if again.verdict is Verdict.MET and again.benefit else None
    return _Instead(option.id, yuan, limit) if yuan else None


def _with(option: Option, warnings: list[OptionWarning]) -> Option:
    return option.warned(warnings) if warnings else option


def _rate(option: Option) -> Decimal:
    rate = option.cost.all_in_annual_rate if option.cost else None
    return Decimal(10) if rate is None else rate


def _earned(option: Option, scheme: str) -> Decimal:
    """Yuan the scheme pays on this option's loan, as counted in its cost."""
    if scheme not in option.stack:
        return ZERO
    result = next((each for each in option.schemes if each.scheme == scheme), None)
    return (result.benefit.amount_yuan if result and result.benefit else None) or ZERO


def _loss(option: Option, scheme: str) -> Loss | None:
    """Why the option's loan does not earn the scheme's subsidy; ``None`` where it does, or where that is unknown."""
    result = next((each for each in option.schemes if each.scheme == scheme), None)
    if result is None:
        return Loss.OTHER_CONDITION
    if result.verdict is Verdict.MET:
        amount = result.benefit.amount_yuan if result.benefit else None
        if amount is None or (amount and scheme in option.stack):
            return None
        return Loss.NOT_COMBINED if amount else Loss.RATE_BELOW_TARGET
    if result.verdict is Verdict.UNKNOWN:
        return None
    failing = {finding.fact for finding in result.findings if finding.truth is Truth.UNMET}
    if "loan_lender_kind" in failing:
        return Loss.LENDER_NOT_COUNTED
    return Loss.AMOUNT_ABOVE_LIMIT if "loan_amount_yuan" in failing else Loss.OTHER_CONDITION


def _uses_up(scheme: Scheme, lender: str, case: Case, parameters: ParameterBook) -> bool:
    """Whether the scheme's own definition no longer says first loan once this lender's loan is on record.

    What the firm states today says nothing about the day after. A scheme without a definition is taken to count every
    loan.
    """
    after: dict[str, Scalar | None] = {**case.firm, FACT: None}
    if lender in RECORDED_LENDERS:
        after["ever_borrowed"] = True
    return _right(scheme, after, case, parameters) is not True


def _warning(scheme: Scheme, loss: Loss, instead: _Instead) -> OptionWarning:
    why, amount = _WORDS[loss], instead.amount_yuan
    at = Name(f"（金额 {amount} 元）", f" for {amount} yuan") if amount else Name("", "")
    words = Name(
        f"此贷款会用掉“{scheme.name.zh}”的首贷资格而得不到贴息：{why.zh}。"
        f"改用 {instead.option}{at.zh}可得 {instead.yuan} 元。",
        f"This loan uses up the first loan of {scheme.id} without its subsidy: {why.en}. "
        f"{instead.option}{at.en} earns {instead.yuan} yuan.",
    )
    return OptionWarning("first_loan", scheme.id, loss.value, instead.yuan, instead.option, words, scheme.cite, amount)
