"""The state's own rules and the Jinpu first-loan rule against the numbers of their documents."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_DOWN, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.benefits import GuaranteeTerms, PointsOff, RateToShare, ShareOfInterest
from matching.evaluate_scheme import SchemeResult, evaluate_scheme
from matching.schemes import Scheme
from matching.verdicts import Verdict
from models.kinds import Scalar
from service.books.rulebook import facts, offers, parameters

D = Decimal
NATIONAL = {scheme.id: scheme for scheme in offers().schemes.values() if scheme.city == "national"}
SPECIAL = {
    "cn-private-investment-guarantee-2026": ("0.40", 20_000_000),
    "cn-technology-guarantee-2024-specialised": ("0.40", 30_000_000),
    "cn-technology-guarantee-2024-high-tech": ("0.35", 30_000_000),
    "cn-technology-guarantee-2024-technology-sme": ("0.30", 30_000_000),
}
INVESTMENT = {
    "private_owned": True,
    "size_class": "medium",
    "claim_priority_chain": True,
    "loan_purpose": "fixed_assets",
    "loan_lender_kind": "bank",
    "loan_annual_rate": "0.04",
    "loan_term_months": 24,
    "loan_contract_on": "2026-03-02",
    "loan_amount_yuan": 10_000_000,
    "claim_subsidised_principal_yuan": 0,
}


def ask(scheme_id: str, as_of: date = date(2026, 6, 3), **stated: object) -> SchemeResult:
    values: dict[str, Scalar | None] = facts().read_values(stated)
    return evaluate_scheme(offers().schemes[scheme_id], values, parameters(), as_of)


def paid(result: SchemeResult) -> Decimal | None:
    assert result.benefit is not None
    return result.benefit.amount_yuan


def guarantee(scheme: Scheme) -> GuaranteeTerms:
    assert isinstance(scheme.benefit, GuaranteeTerms)
    return scheme.benefit


@pytest.mark.parametrize(("scheme_id", "numbers"), SPECIAL.items())
def test_the_special_plans_raise_the_funds_share_and_its_cap(scheme_id: str, numbers: tuple[str, int]) -> None:
    # 财金〔2026〕6号, 财金〔2024〕60号: at most 40 % of a loss instead of 20 %, compensation ends at 5 % instead of 4 %
    terms = guarantee(NATIONAL[scheme_id])
    assert terms.shares["national_fund"] == D(numbers[0])
    assert terms.compensation_caps == {"national_fund": D("0.05")}
    assert terms.shares["bank"] == D("0.20")
    assert terms.fee_rate(D(numbers[1])) == D("0.01")
    limits = [finding.expected for finding in ask(scheme_id).findings if finding.fact == "loan_amount_yuan"]
    assert limits == [numbers[1]]


def test_the_ordinary_terms_of_the_fund_stand_beside_them() -> None:
    terms = guarantee(NATIONAL["cn-re-guarantee"])
    assert terms.shares["national_fund"] == D("0.20")
    assert terms.compensation_caps == {"national_fund": D("0.04")}


def test_a_years_losses_beyond_the_funds_cap_fall_to_the_guarantor() -> None:
    terms = guarantee(NATIONAL["cn-private-investment-guarantee-2026"])
    within = terms.year_of_losses(D(100_000_000), D(5_000_000))
    assert within == {"national_fund": D(2_000_000), "guarantor": D(2_000_000), "bank": D(1_000_000)}
    beyond = terms.year_of_losses(D(100_000_000), D(6_000_000))
    assert beyond == {"national_fund": D(2_000_000), "guarantor": D(2_800_000), "bank": D(1_200_000)}


def test_the_investment_subsidy_pays_one_and_a_half_points_and_at_most_one_and_a_half_million() -> None:
    # 年化1.5个百分点、不超过2年、单户5000万元; 单户最多可享受贴息150万元
    scheme = NATIONAL["cn-sme-loan-subsidy-2026"]
    assert isinstance(scheme.benefit, PointsOff)
    assert (scheme.benefit.points, scheme.benefit.months_at_most) == (D("0.015"), 24)
    assert paid(ask(scheme.id, **INVESTMENT)) == 300_000
    assert paid(ask(scheme.id, **{**INVESTMENT, "loan_amount_yuan": 80_000_000})) == 1_500_000


@pytest.mark.parametrize(
    ("day", "scheme_id", "most"),
    [
        ("2025-03-16", "cn-service-loan-subsidy-2025", 10_000),
        ("2025-12-31", "cn-service-loan-subsidy-2025", 10_000),
        ("2026-01-01", "cn-service-loan-subsidy-2026", 100_000),
        ("2026-12-31", "cn-service-loan-subsidy-2026", 100_000),
    ],
)
def test_a_service_loan_falls_under_the_edition_of_its_day(day: str, scheme_id: str, most: int) -> None:
    loan = {
        "industry_section": "H",
        "claim_service_loan_use": True,
        "claim_loan_overdue_or_bad": False,
        "loan_lender_kind": "bank",
        "loan_amount_yuan": 50_000_000,
        "loan_annual_rate": "0.04",
        "loan_term_months": 12,
        "loan_contract_on": day,
        "claim_subsidised_principal_yuan": 0,
    }
    editions = ("cn-service-loan-subsidy-2025", "cn-service-loan-subsidy-2026")
    answers = {each: ask(each, date(2027, 1, 4), **loan) for each in editions}
    assert [each for each, result in answers.items() if result.verdict is Verdict.MET] == [scheme_id]
    assert paid(answers[scheme_id]) == most


def test_central_subsidies_name_each_other_for_the_stacking() -> None:
    tagged = {scheme.id for scheme in NATIONAL.values() if "central-interest-subsidy" in scheme.stacking.tags}
    assert tagged == {scheme.id for scheme in NATIONAL.values() if scheme.offers == "interest_subsidy"}
    assert NATIONAL["cn-sme-loan-subsidy-2026"].stacking.excludes == ("central-interest-subsidy",)
    first_loan = offers().schemes["sy-first-loan-subsidy-2024"]
    assert "central-interest-subsidy" not in first_loan.stacking.tags, "a city's money is no central subsidy"


@pytest.mark.parametrize(
    ("borrower", "limits"), [("individual", (200_000, 300_000, 36)), ("firm", (3_000_000, 4_000_000, 24))]
)
def test_start_up_loans_change_their_arithmetic_in_2023(borrower: str, limits: tuple[int, int, int]) -> None:
    older, newer = (NATIONAL[f"cn-startup-loan-{borrower}-{year}"] for year in (2021, 2023))
    assert isinstance(older.benefit, RateToShare)
    assert (older.benefit.parameter, older.benefit.share, older.benefit.plus) == ("lpr_1y", 1, D("-0.015"))
    assert isinstance(newer.benefit, ShareOfInterest)
    assert newer.benefit.share == D("0.50")
    assert older.benefit.months_at_most == newer.benefit.months_at_most == limits[2]
    assert (older.superseded_by, newer.supersedes) == (newer.id, (older.id,))
    for scheme, limit in zip((older, newer), limits, strict=False):
        asked = [finding.expected for finding in ask(scheme.id).findings if finding.fact == "loan_amount_yuan"]
        assert asked == [limit]


def test_the_four_meanings_of_small_are_kept_apart() -> None:
    tax = {"claim_restricted_business": False, "claim_taxable_income_yuan": 3_000_000, "claim_average_staff": 300}
    low_profit = ask("cn-small-low-profit", **tax, claim_average_assets_yuan=50_000_000, size_class="medium")
    assert low_profit.verdict is Verdict.MET, "a medium firm by size may be small by tax"
    line = {"size_class": "small", "credit_line": 15_000_000}
    assert ask("cn-inclusive-loan-supervisor", **line).verdict is Verdict.UNMET
    assert ask("cn-inclusive-loan-central-bank", **line).verdict is Verdict.MET


@pytest.mark.parametrize("name", ["income", "staff", "assets"])
def test_the_tax_thresholds_are_dated_parameters(name: str) -> None:
    values = {"income": 3_000_000, "staff": 300, "assets": 50_000_000}
    found = parameters().on(f"small_low_profit_{name}", date(2027, 12, 31))
    assert (found.value, found.confirmed) == (values[name], True)
    assert not parameters().on(f"small_low_profit_{name}", date(2028, 1, 1)).confirmed


@pytest.mark.parametrize(
    ("multiple", "small", "client", "group", "verdict"),
    [
        (10, False, 0.10, 0.15, Verdict.MET),
        ("10.01", False, 0.10, 0.15, Verdict.UNMET),
        (15, True, 0.10, 0.15, Verdict.MET),
        ("15.01", True, 0.10, 0.15, Verdict.UNMET),
        (10, False, 0.1001, 0.15, Verdict.UNMET),
        (10, False, 0.10, 0.1501, Verdict.UNMET),
        (12, None, 0.10, 0.15, Verdict.UNKNOWN),
    ],
)
def test_a_guarantor_stays_within_ten_or_fifteen_times_its_net_assets_and_a_tenth_a_client(
    multiple: object, small: bool | None, client: float, group: float, verdict: Verdict
) -> None:
    # Articles 15 to 17 of the rules on guarantors (domain.md C4)
    stated = {"claim_guarantor_multiple": multiple, "claim_guarantor_mainly_small": small}
    stated |= {"claim_guarantor_client_share": client, "claim_guarantor_group_share": group}
    found = ask("cn-guarantor-limits-2017", claim_guarantor=True, claim_guarantor_for_holder=False, **stated)
    assert found.verdict is verdict


def test_a_government_backed_guarantor_keeps_eighty_and_fifty_per_cent() -> None:
    # 财金〔2025〕11号: 支小支农 ≥ 80% of amount; ≤500万 single-firm ≥ 50%
    shares = {"claim_guarantor_small_farm_share": 0.80, "claim_guarantor_small_ticket_share": 0.50}
    assert ask("cn-guarantor-quotas-2025", claim_guarantor=True, **shares).verdict is Verdict.MET
    for share, value in (("small_farm", 0.7999), ("small_ticket", 0.4999)):
        short = {**shares, f"claim_guarantor_{share}_share": value}
        assert ask("cn-guarantor-quotas-2025", claim_guarantor=True, **short).verdict is Verdict.UNMET


@given(yuan=st.integers(1, 10**9), days=st.integers(1, 3650))
@settings(max_examples=40, deadline=None)
def test_late_payment_costs_five_in_ten_thousand_a_day(yuan: int, days: int) -> None:
    stated = {"size_class": "micro", "claim_late_payer": "large_firm", "claim_late_interest_agreed": False}
    found = ask(
        "cn-late-payment-interest-2025", **stated, claim_late_payment_product_yuan=yuan * days, claim_on="2026-01-31"
    )
    assert found.benefit is not None
    assert found.benefit.amount_yuan == (D(yuan * days) * 5 / 10_000).quantize(D("0.01"), ROUND_DOWN)
    assert found.unconfirmed == ("cn-late-payment-interest-2025: The first day, 2025-06-01",)


def test_what_rests_on_background_knowledge_is_unconfirmed_and_says_which_number() -> None:
    unconfirmed = {scheme.id for scheme in offers().schemes.values() if not scheme.confirmed}
    ours = {each for each in unconfirmed if each.startswith(("cn-", "dl-"))}
    assert ours == {
        "cn-government-guarantee-2019",
        "cn-re-guarantee",
        "cn-private-investment-guarantee-2026",
        "cn-startup-loan-firm-2021",
        "cn-startup-loan-firm-2023",
        "cn-startup-loan-individual-2021",
        "cn-startup-loan-individual-2023",
        "cn-inclusive-loan-supervisor",
        "cn-inclusive-loan-central-bank",
        "cn-guarantor-limits-2017",
        "cn-late-payment-interest-2025",
        "cn-late-payment-interest-agreed-2025",
        "dl-jinpu-first-loan-2021",
        "dl-jinpu-first-loan-2022",
    }
    for scheme_id in ours - {"dl-jinpu-first-loan-2021", "dl-jinpu-first-loan-2022"}:
        assert NATIONAL[scheme_id].unconfirmed, f"{scheme_id} does not say what is unconfirmed"


def test_an_answer_that_rests_on_an_unconfirmed_number_names_it() -> None:
    result = ask("cn-inclusive-loan-central-bank", size_class="small", credit_line=15_000_000)
    assert result.verdict is Verdict.MET
    assert any("20 million" in said for said in result.unconfirmed)
    assert ask("cn-sme-loan-subsidy-2026", **INVESTMENT).unconfirmed == ()


JINPU = {
    "claim_registered_in_jinpu": True,
    "claim_taxpayer_in_jinpu": True,
    "claim_matched_on_platform": True,
    "loan_first": True,
    "loan_lender_kind": "bank",
    "claim_loan_form": "cash",
    "claim_property_or_platform": False,
    "loan_purpose": "working_capital",
    "loan_amount_yuan": 10_000_000,
    "size_class": "small",
}


@pytest.mark.parametrize(
    ("day", "older", "newer"),
    [
        ("2021-06-30", Verdict.NOT_YET, Verdict.NOT_YET),
        ("2021-07-01", Verdict.UNKNOWN, Verdict.NOT_YET),
        ("2021-12-31", Verdict.UNKNOWN, Verdict.NOT_YET),
        ("2022-01-01", Verdict.EXPIRED, Verdict.UNKNOWN),
    ],
)
def test_jinpus_edition_is_that_of_the_loans_day(day: str, older: Verdict, newer: Verdict) -> None:
    asked = {**JINPU, "loan_contract_on": day}
    answers = [ask(f"dl-jinpu-first-loan-{year}", date(2022, 3, 1), **asked) for year in (2021, 2022)]
    assert [answer.verdict for answer in answers] == [older, newer]
    if older is Verdict.EXPIRED:
        assert answers[0].successor == "dl-jinpu-first-loan-2022"
    assert all(answer.benefit is None for answer in answers), "what share is paid was not found"


@pytest.mark.parametrize(
    ("changed", "older", "newer"),
    [
        ({"size_class": "medium"}, Verdict.UNMET, Verdict.UNKNOWN),
        ({"loan_amount_yuan": "10000000.01"}, Verdict.UNMET, Verdict.UNKNOWN),
        ({"loan_amount_yuan": "30000000.01"}, Verdict.UNMET, Verdict.UNMET),
        ({"claim_taxpayer_in_jinpu": False}, Verdict.UNMET, Verdict.UNKNOWN),
        ({"loan_lender_kind": "branchless_bank"}, Verdict.UNKNOWN, Verdict.UNMET),
        ({"claim_loan_form": "bill_discount"}, Verdict.UNMET, Verdict.UNMET),
        ({"claim_property_or_platform": True}, Verdict.UNMET, Verdict.UNMET),
    ],
)
def test_the_two_editions_of_jinpu_differ(changed: dict[str, object], older: Verdict, newer: Verdict) -> None:
    for year, day, verdict in ((2021, "2021-09-01", older), (2022, "2022-09-01", newer)):
        asked = {**JINPU, "loan_contract_on": day, **changed}
        assert ask(f"dl-jinpu-first-loan-{year}", date(2022, 10, 10), **asked).verdict is verdict
