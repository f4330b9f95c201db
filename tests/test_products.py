"""The product shelf: what it covers, that it is plainly invented, that its cases leave nothing untried, bad files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from matching.cases import run_cases
from matching.evaluate_product import evaluate_product
from matching.facts import Source
from matching.nodes import leaves
from matching.offers import Offers
from matching.products import ProductBook, parse_product
from matching.schemes import SchemeBook
from matching.verdicts import Verdict
from models.errors import DataFileError, NotFound
from service.books.documents import read_yaml
from service.books.rulebook import CASES, facts, offers, parameters, rule_files
from service.books.seedbook import SEED

FILES = rule_files("products")
SHELF = offers().products


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_product_has_cases_that_hold_and_leave_nothing_untried(path: Path) -> None:
    product = SHELF[path.stem]
    report = run_cases(read_yaml(path.with_name(path.stem + CASES), SEED), product, facts(), parameters())
    assert report.failures == ()
    assert report.missing == ()
    assert report.tried >= (12 if product.terms else 1)


def test_no_cases_stand_without_their_rule() -> None:
    rules = {path.stem for path in (*FILES, *rule_files("schemes"))}
    cases = {path.name.removesuffix(CASES) for path in SEED.rglob(f"*{CASES}")}
    assert cases == rules


def test_the_shelf_covers_every_kind_the_sources_name() -> None:
    loans = [product for product in SHELF.values() if product.offers == "loan"]
    assert len(loans) >= 24
    named = {product.name.zh for product in SHELF.values()}
    assert {
        "社保云贷",
        "助保贷",
        "稳企贷",
        "合同贷",
        "专精特新贷",
        "技改贷",
        "网上快易贷",
        "供应链贷",
        "无还本续贷",
    } <= named
    tags = {tag for product in SHELF.values() for tag in product.tags}
    wanted = {"startup", "green", "first_loan", "renewal", "mortgage", "equipment", "sole_proprietor", "agriculture"}
    assert wanted | {"trade", "contract", "technology", "supply_chain", "data_based", "receivables"} <= tags


def test_every_kind_of_lender_offers_something() -> None:
    kinds = {product.lender.kind: product.offers for product in SHELF.values()}
    assert set(kinds) == set(facts()["loan_lender_kind"].codes) - {"other"}
    by_kind = {
        "leasing": "leasing",
        "factoring": "factoring",
        "bridge_fund": "bridge_loan",
        "guarantor": "guarantee",
        "insurer": "insurance",
        "equity_fund": "equity",
    }
    assert {kind: kinds[kind] for kind in by_kind} == by_kind


def test_every_lender_and_product_says_that_it_is_invented() -> None:
    for product in SHELF.values():
        assert product.origin == "invented for the demo city"
        assert "虚构" in product.lender.name.zh
        assert "(invented)" in product.lender.name.en


def test_a_kind_without_published_terms_makes_nobody_eligible() -> None:
    unpublished = {product.id for product in SHELF.values() if product.terms is None}
    assert unpublished == {"steady-firm-loan", "online-quick-loan"}
    for product_id in unpublished:
        result = evaluate_product(SHELF[product_id], {}, parameters(), parameters()["lpr_1y"].last_confirmed)
        assert result.verdict is Verdict.UNKNOWN


def test_conditions_ask_about_the_firm_and_limits_about_the_need() -> None:
    for product in SHELF.values():
        assert {leaf.spec.source for leaf in leaves(product.conditions)} <= {Source.ITEM, Source.DERIVED}
        if product.limits:
            assert {leaf.spec.source for leaf in leaves(product.limits)} == {Source.NEED}


def test_rates_stay_within_reason() -> None:
    for product in SHELF.values():
        rate = product.terms.rate if product.terms else None
        if rate:
            assert rate.high <= (0 if product.offers == "equity" else 0.12), product.id
            assert (rate.parameter == "lpr_1y") == (product.lender.kind in ("bank", "branchless_bank", "equity_fund"))


MINIMAL = """id: a-loan
kind: product
offers: loan
zh: 贷款
en: A loan
lender: {id: a-bank, zh: 甲银行（虚构）, en: A Bank (invented), kind: bank}
origin: invented for the demo city
amount_yuan: {min: 10000, max: 100000, typical: 50000}
term_months: {min: 3, max: 24, typical: 12}
rate: {over: lpr_1y, min: "0.01", max: "0.02", typical: "0.015"}
repayment: equal_instalments
security: credit
purposes: [working_capital]
conditions:
  all:
    - {fact: live, op: is, value: true, cite: c1}
fees:
  - {zh: 费, en: Fee, charged: drawdown, payee: bank, rate: "0.01"}
"""


def minimal(**changed: Any) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(MINIMAL)
    return {name: value for name, value in {**document, **changed}.items() if value is not None}


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("offers: loan", "offers: gift", "offers"),
        ("kind: bank}", "kind: pawnshop}", "kind"),
        ("id: a-loan", "id: a loan", "id"),
        ("id: a-bank", "id: A Bank", "id"),
        ("min: 10000", "min: 10000.001", "min"),
        ("min: 10000", "min: -1", "min"),
        ("typical: 50000", "typical: 500000", "typical"),
        ("min: 3", "min: 0", "min"),
        ("min: 3", "min: 3.5", "min"),
        ("over: lpr_1y", "over: shibor", "over"),
        ('typical: "0.015"', "typical: 1.5%", "typical"),
        ('max: "0.02"', 'max: "4.35"', "max"),
        ("repayment: equal_instalments", "repayment: whenever", "repayment"),
        ("security: credit", "security: trust", "security"),
        ("purposes: [working_capital]", "purposes: [yachts]", "value"),
        ("purposes: [working_capital]", "purposes: working_capital", "purposes"),
        ("fact: live", "fact: need_amount_yuan", "value"),
        ("{fact: live, op: is, value: true", "{fact: need_purpose, op: is, value: trade", "conditions"),
        ('payee: bank, rate: "0.01"', "payee: bank", "rate"),
        ('payee: bank, rate: "0.01"', 'payee: bank, rate: "0.01", yuan: 5', "rate"),
        ("charged: drawdown", "charged: sometimes", "charged"),
        ("rate: {over", "raten: {over", "raten"),
        ("offers: loan", "offers: guarantee", "rate"),
        ("term_months:", "note: x\nterm_month:", "term_month"),
    ],
)
def test_a_faulty_product_is_refused_with_file_and_field(tmp_path: Path, old: str, new: str, field: str) -> None:
    assert old in MINIMAL
    path = tmp_path / "broken.yaml"
    path.write_text(MINIMAL.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataFileError) as refused:
        parse_product(read_yaml(path, tmp_path), facts(), parameters())
    assert (refused.value.file, refused.value.field) == ("broken.yaml", field)
    assert refused.value.line > 0
    assert refused.value.fix


def test_a_loan_without_a_rate_is_refused() -> None:
    with pytest.raises(DataFileError, match="says its rate"):
        parse_product(minimal(rate=None), facts())


def test_a_book_refuses_double_ids_and_lenders_told_in_two_ways() -> None:
    one = parse_product(minimal(), facts())
    with pytest.raises(DataFileError, match="used once"):
        ProductBook([one, one])
    renamed = {"id": "a-bank", "zh": "乙银行（虚构）", "en": "B Bank (invented)", "kind": "bank"}
    with pytest.raises(DataFileError, match="describes this lender otherwise"):
        ProductBook([one, parse_product(minimal(id="another", lender=renamed), facts())])


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ({"scheme": "no-such-scheme", "fee_annual_rate": "0.01"}, "no such guarantee scheme"),
        ({"scheme": "sy-first-loan-subsidy-2024", "fee_annual_rate": "0.01"}, "no such guarantee scheme"),
        ({"scheme": "cn-government-guarantee-2019", "fee_annual_rate": "0.0101"}, "allows 0.01 a year"),
    ],
)
def test_a_guaranteed_loan_keeps_to_its_scheme(link: dict[str, str], why: str) -> None:
    product = parse_product(minimal(guarantee=link), facts())
    with pytest.raises(DataFileError, match=why):
        Offers(ProductBook([product]), offers().schemes)


def test_a_city_sees_its_own_schemes_and_the_national_ones() -> None:
    assert {scheme.city for scheme in offers().of_city("shenyang").schemes.values()} == {"shenyang", "national"}
    assert {scheme.city for scheme in offers().of_city("nowhere").schemes.values()} == {"national"}
    assert Offers(ProductBook(), SchemeBook()).of_city("shenyang").products == {}


def test_an_unknown_product_is_not_found() -> None:
    with pytest.raises(NotFound):
        SHELF.get_or_refuse("no-such-product")
