"""What would settle each unknown: one document a fact, and the offers it could open, each of them asked again."""

from __future__ import annotations

from matching.needs import Need, read_need
from matching.options import OptionsAnswer, answer, options
from matching.status import Status
from service.books.rulebook import facts, parameters
from tests.test_near_miss import BOOK
from tests.test_options import AS_OF, CITY, FACTORY, MILLION

GOOD = {
    "insurance_months": 36,
    "insured_staff": 50,
    "tax_credit_grade": "A",
    "void_red_share": 0.0,
    "high_tech": True,
    "specialised_label": True,
}


def ask(**changed: object) -> OptionsAnswer:
    firm = facts().read_values({**FACTORY, **changed})
    return answer(firm, read_need(MILLION, facts()), CITY, parameters(), AS_OF, facts(), BOOK)


def test_each_unknown_names_its_document_in_both_languages_and_the_offers_it_alone_opens() -> None:
    found = {each.fact: each for each in ask(insurance_months=None).settles}
    one = found["insurance_months"]
    spec = facts()["insurance_months"]
    assert (one.document.en, one.document.zh) == (spec.settled_by, spec.settled_by_zh)
    assert "social-insurance-cloud-loan" in one.opens


def test_an_offer_with_two_unknowns_is_needed_by_both_and_opened_by_neither() -> None:
    found = {each.fact: each for each in ask(insurance_months=None, insured_staff=None).settles}
    for fact in ("insurance_months", "insured_staff"):
        assert "social-insurance-cloud-loan" in found[fact].needed_by
        assert "social-insurance-cloud-loan" not in found[fact].opens


def test_a_rules_own_document_is_named_where_it_asks_for_one() -> None:
    found = {each.fact: each for each in ask(ever_borrowed=None).settles}
    assert "企业信用报告" in found["loan_first"].document.en


def test_an_offer_that_something_else_shuts_is_opened_by_no_document() -> None:
    found = {each.fact: each for each in ask(insurance_months=None, dishonest_debtor=True).settles}
    assert "insurance_months" not in found or "social-insurance-cloud-loan" not in found["insurance_months"].needed_by


def test_those_that_open_most_come_first() -> None:
    counts = [len(each.opens) for each in ask(insurance_months=None, worst_loan_class=None).settles]
    assert counts == sorted(counts, reverse=True)


def test_what_is_said_to_open_an_offer_does_when_it_is_so() -> None:
    before = ask(**dict.fromkeys(GOOD))
    told = {each.fact: each for each in before.settles}
    for fact, value in GOOD.items():
        firm = facts().read_values({**FACTORY, **dict.fromkeys(GOOD), fact: value})
        found = options(firm, read_need(MILLION, facts()), CITY, parameters(), AS_OF)
        now = {option.id for option in found if option.status is Status.ELIGIBLE}
        was = {option.id for option in before.options if option.status is Status.ELIGIBLE}
        assert now - was <= set(told[fact].opens) if fact in told else now == was


def test_a_firm_nobody_knows_is_told_what_every_unknown_needs() -> None:
    found = answer({}, Need(), CITY, parameters(), AS_OF, facts(), BOOK)
    assert found.settles
    assert all(each.document.zh and each.document.en and each.needed_by for each in found.settles)
    listed = {offer for each in found.settles for offer in each.needed_by}
    for option in found.options:
        if option.status is Status.UNKNOWN and option.missing:
            assert option.id in listed, option.id
