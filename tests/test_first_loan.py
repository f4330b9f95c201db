"""The first-loan guard: who has the right under which definition, and which loan would spend it for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from matching.benefits import RateToShare
from matching.first_loan import Loss
from matching.needs import read_need
from matching.offers import Offers
from matching.option import Option
from matching.options import OptionsAnswer, answer
from matching.products import ProductBook
from matching.schemes import Scheme, SchemeBook, parse_scheme
from service.books.documents import read_yaml
from service.books.rulebook import facts, parameters, rule_files
from service.books.seedbook import SEED
from tests.test_near_miss import BOOK
from tests.test_options import AS_OF, CITY, FACTORY, FIRST_LOAN, MILLION, one

D = Decimal
#: The city's shelf with the one first-loan subsidy of 000:83 and nothing else to combine it with.
ALONE = Offers(
    CITY.products,
    SchemeBook(scheme for scheme in CITY.schemes.values() if scheme.id == FIRST_LOAN or scheme.offers == "guarantee"),
)


def rule(**parts: object) -> Offers:
    """The same shelf with the first-loan subsidy changed."""
    (path,) = [path for path in rule_files("schemes") if path.stem == FIRST_LOAN]
    scheme = parse_scheme({**read_yaml(path, SEED), **parts}, facts(), parameters())
    return swapped(ALONE, scheme)


def swapped(of: Offers, scheme: Scheme) -> Offers:
    """``of`` with ``scheme`` in the place of the one of the same id."""
    return Offers(of.products, SchemeBook([*(each for each in of.schemes.values() if each.id != scheme.id), scheme]))


def branches_only() -> Offers:
    """A rule of the kind other cities have: a loan counts only from a bank with branches."""
    (path,) = [path for path in rule_files("schemes") if path.stem == FIRST_LOAN]
    readings = [dict(each) for each in read_yaml(path, SEED)["readings"]]
    for reading in readings:
        if reading["id"] == "lenders":
            reading["value"] = ["bank"]
    return rule(readings=readings)


def ask(of: Offers = ALONE, need: Mapping[str, object] = MILLION, **changed: object) -> OptionsAnswer:
    firm = facts().read_values({**FACTORY, "void_red_share": 0.01, **changed})
    return answer(firm, read_need(need, facts()), of, parameters(), AS_OF, facts(), BOOK)


def told(found: OptionsAnswer, option_id: str) -> Option:
    return one(list(found.options), option_id)


@pytest.mark.parametrize(("ever_borrowed", "first"), [(False, True), (True, False), (None, None)])
def test_the_status_is_the_schemes_own_definition_with_its_proof(ever_borrowed: object, first: object) -> None:
    (status,) = ask(ever_borrowed=ever_borrowed).first_loan
    assert (status.scheme, status.first, status.stated) == (FIRST_LOAN, first, False)
    assert {finding.fact for finding in status.definition} == {"ever_borrowed"}
    assert "企业信用报告" in status.proof.en
    assert "000:83" in status.cite


def test_what_the_firm_states_with_its_credit_report_is_not_overruled() -> None:
    (status,) = ask(ever_borrowed=True, loan_first=True).first_loan
    assert (status.first, status.stated) == (True, True)


def test_a_loan_the_rule_does_not_count_is_warned_of_with_yuan_and_the_better_offer() -> None:
    found = ask(branches_only())
    (warning,) = told(found, "invoice-loan").warnings
    assert (warning.kind, warning.scheme, warning.loss) == ("first_loan", FIRST_LOAN, Loss.LENDER_NOT_COUNTED)
    instead = told(found, warning.instead)
    assert FIRST_LOAN in instead.stack
    assert instead.cost is not None
    assert warning.yuan_forgone == instead.cost.subsidy_yuan > 0
    assert str(warning.yuan_forgone) in warning.words.zh
    assert warning.instead in warning.words.en
    assert instead.warnings == ()


def test_under_the_citys_own_rule_that_loan_earns_and_nobody_is_warned() -> None:
    found = ask()
    assert FIRST_LOAN in told(found, "invoice-loan").stack
    assert all(option.warnings == () for option in found.options if FIRST_LOAN in option.stack)


def test_a_firm_without_the_right_loses_nothing() -> None:
    assert all(option.warnings == () for option in ask(branches_only(), ever_borrowed=True).options)


def test_without_a_loan_that_earns_there_is_nothing_to_forgo() -> None:
    of = branches_only()
    only = Offers(ProductBook([of.products["invoice-loan"]]), of.schemes)
    assert told(ask(only), "invoice-loan").warnings == ()


def test_a_rate_at_or_below_the_target_earns_nothing_and_is_warned_of() -> None:
    # down to 130 % of the LPR of 3.10 %, 4.03 %: a loan at 3.85 % has nothing to bring down, dearer ones have
    scheme = ALONE.schemes[FIRST_LOAN]
    assert isinstance(scheme.benefit, RateToShare)
    dear = replace(scheme, benefit=replace(scheme.benefit, share=D("1.3")))
    found = ask(swapped(ALONE, dear))
    option = told(found, "social-insurance-cloud-loan")
    (warning,) = option.warnings
    assert warning.loss == Loss.RATE_BELOW_TARGET
    assert option.cost is not None
    assert option.cost.contract_annual_rate == D("0.0385")
    assert option.stack == ()
    assert FIRST_LOAN in told(found, warning.instead).stack


def test_an_amount_above_the_limit_is_warned_of_with_the_amount_that_earns() -> None:
    found = ask(rule(limit={"yuan": 500000, "larger_loans": {"reading": "larger_loans"}, "cite": "x"}))
    option = told(found, "social-insurance-cloud-loan")
    (warning,) = option.warnings
    assert (warning.loss, warning.instead) == (Loss.AMOUNT_ABOVE_LIMIT, "social-insurance-cloud-loan")
    assert warning.instead_amount_yuan == 500_000
    # 3.85 % - 0.70 x 3.10 % = 1.68 points of half a million for a year
    assert warning.yuan_forgone == D("8400.00")
    assert "500000" in warning.words.zh


def test_a_lender_whose_loan_leaves_the_record_clean_uses_nothing_up() -> None:
    found = ask(branches_only(), need={"amount_yuan": "300000", "term_months": 12, "purpose": "working_capital"})
    lenders = {product.id: product.lender.kind for product in CITY.products.values()}
    for option in found.options:
        if option.warnings:
            assert lenders[option.id] == "branchless_bank", option.id


def test_a_rule_without_a_definition_counts_every_loan() -> None:
    of = branches_only()
    (path,) = [path for path in rule_files("schemes") if path.stem == FIRST_LOAN]
    document = {name: value for name, value in read_yaml(path, SEED).items() if name != "defines"}
    readings = [{**each, "value": ["bank"]} if each["id"] == "lenders" else each for each in document["readings"]]
    scheme = parse_scheme({**document, "readings": readings}, facts(), parameters())
    of = swapped(of, scheme)
    assert told(ask(of, loan_first=True), "invoice-loan").warnings
    assert not told(ask(of), "invoice-loan").warnings, "whether it is the first is unknown, so no other offer earns it"
