"""The options of a firm: status, order, what is assumed and missing, subsidies by date, and Kleene's honesty."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.needs import Need, read_need
from matching.offers import Offers
from matching.option import Option, Status
from matching.options import PRICED, options
from matching.schemes import SchemeBook, parse_scheme
from models.errors import RefusedInput
from models.truth import Truth
from service.books.documents import read_yaml
from service.books.rulebook import facts, offers, parameters, rule_files
from service.books.seedbook import SEED

D = Decimal
AS_OF = date(2024, 10, 31)
FIRST_LOAN = "sy-first-loan-subsidy-2024"
CITY = offers().of_city("shenyang")
#: A sound small factory that has never borrowed.
FACTORY: dict[str, Any] = {
    "live": True,
    "size_class": "small",
    "sole_proprietor": False,
    "industry_section": "C",
    "dishonest_debtor": False,
    "worst_loan_class": "none",
    "ever_borrowed": False,
    "firm_age_months": 60,
    "insurance_months": 24,
    "social_insurance_arrears_months": 0,
    "insured_staff": 20,
    "sales_12m": "8000000",
    "leverage": 0.5,
    "invoicing_months": 30,
    "compensations_60m": 0,
}
MILLION = {"amount_yuan": "1000000", "term_months": 12, "purpose": "working_capital"}


def ask(
    need: dict[str, object] | None = None, as_of: date = AS_OF, of: Offers = CITY, **changed: object
) -> list[Option]:
    firm = facts().read_values({**FACTORY, **changed})
    return list(options(firm, read_need(MILLION if need is None else need, facts()), of, parameters(), as_of))


def one(found: list[Option], option_id: str) -> Option:
    (option,) = [option for option in found if option.id == option_id]
    return option


def test_every_product_and_scheme_is_answered_once() -> None:
    found = ask()
    assert sorted(option.id for option in found) == sorted([*CITY.products, *CITY.schemes])


def test_eligible_first_then_by_all_in_rate() -> None:
    found = ask()
    places = [list(Status).index(option.status) for option in found]
    assert places == sorted(places)
    for status in Status:
        rates = [option.cost.all_in_annual_rate for option in found if option.status is status and option.cost]
        known = [rate for rate in rates if rate is not None]
        assert known == sorted(known)
        assert rates[len(known) :] == [None] * (len(rates) - len(known))


def test_an_eligible_option_has_every_requirement_met_and_a_cost_that_adds_up() -> None:
    option = one(ask(), "social-insurance-cloud-loan")
    assert option.status is Status.ELIGIBLE
    assert {requirement.truth for requirement in option.requirements} == {Truth.MET}
    cost = option.cost
    assert cost is not None
    # LPR 3.10 % + 0.75 points, monthly interest on a million for 365 days of 360: 39,034.72
    assert (cost.principal_yuan, cost.contract_annual_rate) == (D(1_000_000), D("0.0385"))
    assert cost.interest_yuan == D("39034.72")
    # subsidy: 3.85 % - 0.70 x 3.10 % = 1.68 points for a year
    assert cost.subsidy_yuan == D("16800.00")
    assert cost.total_yuan == D("22234.72")
    assert option.stack == (FIRST_LOAN,)


@pytest.mark.parametrize(
    ("contract_on", "subsidy"),
    [("2024-12-31", "16800.00"), ("2025-01-01", "0"), ("2024-07-21", "17850.00"), ("2024-01-01", "17850.00")],
)
def test_the_subsidy_goes_by_the_day_of_the_contract(contract_on: str, subsidy: str) -> None:
    # on 21 July and 1 January the LPR was 3.45 %: the rate 4.20 % lies 1.785 points above the target
    option = one(ask({**MILLION, "contract_on": contract_on}), "social-insurance-cloud-loan")
    assert option.cost is not None
    assert option.cost.subsidy_yuan == D(subsidy)


def test_a_firm_whose_loans_nobody_knows_is_told_what_would_settle_the_subsidy() -> None:
    option = one(ask(ever_borrowed=None), "social-insurance-cloud-loan")
    assert option.cost is not None
    assert option.cost.subsidy_yuan == 0, "what is unknown is not counted"
    assert option.stack == ()
    (dropped,) = [each for each in option.dropped if each.scheme == FIRST_LOAN]
    assert "企业信用报告" in dropped.reason


def test_no_subsidy_on_what_no_bank_lends() -> None:
    found = ask(total_assets="9000000", top5_customer_share=0.4, confirmed_receivables="600000", receivables="2000000")
    for option in found:
        product = CITY.products.get(option.id)
        if product and option.cost and product.lender.kind not in ("bank", "branchless_bank"):
            assert option.cost.subsidy_yuan == 0, option.id


def test_unknown_is_neither_refusal_nor_yes() -> None:
    option = one(ask(insurance_months=None), "social-insurance-cloud-loan")
    assert option.status is Status.UNKNOWN
    assert option.missing == ("insurance_months",)
    assert option.settled_by == (facts()["insurance_months"].settled_by,)
    assert option.cost is not None, "a firm sees what is at stake"


def test_a_firm_nobody_knows_is_refused_nothing() -> None:
    found = options({}, Need(), CITY, parameters(), AS_OF)
    assert {option.status for option in found} <= {Status.UNKNOWN, Status.NOT_YET, Status.EXPIRED}
    for option in found:
        assert option.status is not Status.UNKNOWN or option.settled_by, option.id


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"insurance_months": 11}, Status.NEAR_MISS),
        ({"insurance_months": 12}, Status.ELIGIBLE),
        ({"insurance_months": 11, "insured_staff": 2}, Status.INELIGIBLE),
        ({"insurance_months": 11, "insured_staff": None}, Status.INELIGIBLE),
        ({"insurance_months": 12, "insured_staff": None}, Status.UNKNOWN),
    ],
)
def test_a_near_miss_lacks_one_thing_and_is_sure_of_the_rest(changed: dict[str, object], status: Status) -> None:
    option = one(ask(**changed), "social-insurance-cloud-loan")
    assert option.status is status
    assert (option.cost is not None) == (status in PRICED)


def test_an_any_group_is_one_requirement() -> None:
    option = one(
        ask(procurement_24m="0", works_24m="0", contract_performance="good"),
        "contract-loan",
    )
    assert option.status is Status.NEAR_MISS
    unmet = [requirement for requirement in option.requirements if requirement.truth is Truth.UNMET]
    assert [finding.fact for finding in unmet[0].findings] == ["procurement_24m", "works_24m"]


def test_terms_nobody_published_are_unknown_and_say_so() -> None:
    option = one(ask(), "steady-firm-loan")
    assert option.status is Status.UNKNOWN
    assert option.cost is None
    assert option.settled_by == ("The lender publishes its terms",)


def test_where_the_firm_states_no_need_the_usual_case_is_taken_and_named() -> None:
    option = one(ask({}), "social-insurance-cloud-loan")
    assert option.cost is not None
    assert option.cost.principal_yuan == 500_000
    assert option.assumed == ("need_amount_yuan", "need_term_months", "need_purpose", "need_security")
    assert one(ask(), "social-insurance-cloud-loan").assumed == ("need_security",)


def test_a_need_too_large_is_a_near_miss_priced_at_the_limit() -> None:
    option = one(ask({**MILLION, "amount_yuan": "3000000.01"}), "social-insurance-cloud-loan")
    assert option.status is Status.NEAR_MISS
    assert option.cost is not None
    assert option.cost.principal_yuan == 3_000_000
    assert one(ask({**MILLION, "amount_yuan": "3000000"}), "social-insurance-cloud-loan").status is Status.ELIGIBLE


def test_a_guaranteed_loan_rests_on_the_scheme_in_force_that_day() -> None:
    in_2024 = one(ask(), "guaranteed-sme-loan")
    in_2025 = one(ask({**MILLION, "contract_on": "2025-03-01"}), "guaranteed-sme-loan")
    assert in_2024.stack[0] == "cn-government-guarantee-2019"
    assert in_2025.stack[0] == "cn-government-guarantee-2025"
    assert in_2024.cost is not None
    assert in_2024.cost.guarantee_fee_yuan == D("10000.00")


def test_a_guaranteed_loan_fails_with_its_guarantee() -> None:
    farm = {"industry_section": "C", "size_class": "medium", "sole_proprietor": False}
    option = one(ask(**farm), "guaranteed-sme-loan")
    assert option.status is Status.INELIGIBLE
    assert [requirement.truth for requirement in option.requirements].count(Truth.UNMET) == 2


def test_dates_of_schemes_and_products() -> None:
    found = ask()
    later = one(found, "cn-government-guarantee-2025")
    assert (later.status, later.opens_on) == (Status.NOT_YET, date(2025, 3, 1))
    expired = one(ask(as_of=date(2025, 3, 1)), "cn-government-guarantee-2019")
    assert (expired.status, expired.successor) == (Status.EXPIRED, "cn-government-guarantee-2025")
    early = one(ask(as_of=date(2022, 12, 31)), "social-insurance-cloud-loan")
    assert (early.status, early.opens_on, early.cost) == (Status.NOT_YET, date(2023, 1, 1), None)


def test_before_any_rate_was_published_nothing_is_priced_and_nothing_breaks() -> None:
    assert all(option.cost is None for option in ask(as_of=date(2015, 1, 1)))


def test_a_subsidy_names_the_loan_it_was_asked_on() -> None:
    option = one(ask(), FIRST_LOAN)
    assert option.status is Status.ELIGIBLE
    assert option.through == next(each.id for each in ask() if each.cost and FIRST_LOAN in each.stack)
    assert option.benefit is not None
    assert option.benefit.amount_yuan is not None
    assert option.benefit.amount_yuan > 0


def with_twin(**parts: object) -> Offers:
    """The city's offers, and a second subsidy like the first-loan one but for ``parts``."""
    (path,) = [path for path in rule_files("schemes") if path.stem == FIRST_LOAN]
    document = {**read_yaml(path, SEED), "id": "a-poorer-subsidy", **parts}
    document["benefit"] = {**document["benefit"], "cap": "0.01"}
    twin = parse_scheme(document, facts(), parameters())
    return Offers(CITY.products, SchemeBook([*CITY.schemes.values(), twin]))


def test_of_two_subsidies_that_exclude_each_other_the_better_is_counted_and_the_other_says_why() -> None:
    clause = {"excludes": [FIRST_LOAN], "cite": "its clause 7"}
    option = one(ask(of=with_twin(stacking=clause)), "first-loan")
    assert option.stack == (FIRST_LOAN,)
    (dropped,) = [each for each in option.dropped if each.scheme == "a-poorer-subsidy"]
    assert (dropped.scheme, dropped.ruling, dropped.cite) == ("a-poorer-subsidy", "excluded", "its clause 7")
    assert "less" in dropped.reason
    assert option.next_best is not None
    assert option.next_best.ids == ("a-poorer-subsidy",)


def test_two_subsidies_on_which_the_texts_are_silent_are_both_counted_and_the_answer_says_so() -> None:
    option = one(ask(of=with_twin()), "first-loan")
    assert option.stack == ("a-poorer-subsidy", FIRST_LOAN)
    (pair,) = option.pairs
    assert (pair.words.zh, pair.words.en) == ("政策文本未排除", "not excluded by the texts")
    assert option.cost is not None
    paid = {result.scheme: result.benefit.amount_yuan for result in option.schemes if result.benefit}
    assert option.cost.subsidy_yuan == sum(paid[scheme] or 0 for scheme in option.stack)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"amount_yuan": "0"}, "amount_yuan"),
        ({"amount_yuan": "-5"}, "amount_yuan"),
        ({"amount_yuan": "NaN"}, "amount_yuan"),
        ({"amount_yuan": 1.5}, "amount_yuan"),
        ({"term_months": 0}, "term_months"),
        ({"term_months": 481}, "term_months"),
        ({"term_months": "a year"}, "term_months"),
        ({"purpose": "yachts"}, "purpose"),
        ({"security": "trust me"}, "security"),
        ({"contract_on": "2024-02-30"}, "contract_on"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_need_that_cannot_be_is_refused(raw: dict[str, object], field: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        read_need(raw, facts())
    assert refused.value.field == field
    assert refused.value.fix


ASKED = sorted({finding.fact for option in ask() for finding in option.findings} & set(FACTORY))


@given(st.sets(st.sampled_from(ASKED)))
@settings(max_examples=15, deadline=None)
def test_forgetting_facts_never_turns_a_yes_into_a_no_or_a_no_into_a_yes(forgotten: set[str]) -> None:
    before = {option.id: option.status for option in ask()}
    after = {option.id: option.status for option in ask(**dict.fromkeys(forgotten))}
    for option_id, status in after.items():
        if status is Status.ELIGIBLE:
            assert before[option_id] is Status.ELIGIBLE
        if before[option_id] is Status.ELIGIBLE:
            assert status in (Status.ELIGIBLE, Status.UNKNOWN)
