"""Scheme files: what they say, what their cases cover, how a faulty one is refused, and how dates and readings act."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from matching.benefits import GuaranteeTerms, RateToShare
from matching.cases import run_cases
from matching.evaluate_scheme import SchemeResult, evaluate_scheme
from matching.schemes import Scheme, SchemeBook, parse_scheme
from matching.verdicts import Verdict
from models.errors import DataFileError, NotFound, RefusedInput
from models.truth import Truth
from service.books.documents import read_yaml
from service.books.rulebook import CASES, facts, offers, parameters, rule_files
from service.books.seedbook import SEED

D = Decimal
FILES = rule_files("schemes")
FIRST_LOAN = "sy-first-loan-subsidy-2024"
AS_OF = date(2024, 10, 31)
LOAN = {
    "size_class": "small",
    "loan_first": True,
    "loan_lender_kind": "bank",
    "loan_amount_yuan": 1_000_000,
    "loan_annual_rate": "0.04",
    "loan_contract_on": "2024-03-01",
    "loan_term_months": 12,
}


def document(scheme_id: str) -> Any:
    (path,) = [path for path in FILES if path.stem == scheme_id]
    return read_yaml(path, SEED)


def ask(scheme: Scheme, as_of: date = AS_OF, **changed: object) -> SchemeResult:
    return evaluate_scheme(scheme, facts().read_values({**LOAN, **changed}), parameters(), as_of)


def reread(**readings: object) -> Scheme:
    """The first-loan subsidy with some points read otherwise."""
    changed = deepcopy(document(FIRST_LOAN))
    for reading in changed["readings"]:
        reading["value"] = readings.get(reading["id"], reading["value"])
    return parse_scheme(changed, facts(), parameters())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_scheme_has_cases_that_hold_and_leave_nothing_untried(path: Path) -> None:
    assert path.stem == document(path.stem)["id"], "the file is named after the scheme"
    cases = path.with_name(path.stem + CASES)
    report = run_cases(read_yaml(cases, SEED), offers().schemes[path.stem], facts(), parameters())
    assert report.failures == ()
    assert report.missing == ()
    assert report.tried >= 6


def test_the_first_loan_subsidy_says_what_its_text_says() -> None:
    # 000:83: 2024; commercial banks; at most ten million yuan; down to 70 % of the LPR; two points at most
    scheme = offers().schemes[FIRST_LOAN]
    assert (scheme.validity.since, scheme.validity.until) == (date(2024, 1, 1), date(2024, 12, 31))
    assert scheme.validity.selected_by == "loan_contract_on"
    assert isinstance(scheme.benefit, RateToShare)
    assert (scheme.benefit.share, scheme.benefit.cap) == (D("0.70"), D("0.02"))
    assert scheme.benefit.parameter == "lpr_1y"
    assert "000:83" in scheme.cite
    assert ask(scheme, loan_amount_yuan="10000000").verdict is Verdict.MET
    assert ask(scheme, loan_amount_yuan="10000000.01").verdict is Verdict.UNMET


def test_every_open_point_of_the_first_loan_subsidy_is_a_reading_that_says_so() -> None:
    readings = {reading.id: reading for reading in offers().schemes[FIRST_LOAN].readings}
    assert set(readings) == {"lenders", "larger_loans", "lpr_day", "months_at_most", "day_count", "payout"}
    assert all("source silent" in reading.note for reading in readings.values())


@pytest.mark.parametrize(
    ("readings", "changed", "amount"),
    [
        ({"larger_loans": "capped"}, {"loan_amount_yuan": 30_000_000}, "158500.00"),
        ({"larger_loans": "capped"}, {"loan_amount_yuan": 8_000_000}, "126800.00"),
        ({"lpr_day": "as_of"}, {}, "18300.00"),  # 3.10 % on 31 October instead of 3.45 % on 1 March
        ({"months_at_most": 24}, {"loan_term_months": 24}, "31700.00"),
        ({"day_count": "actual_360"}, {}, "16070.13"),  # 365 days from 1 March 2024
        ({"day_count": "actual_365"}, {}, "15850.00"),
        ({"payout": "with_interest"}, {}, "15850.00"),
    ],
)
def test_another_reading_gives_another_answer(
    readings: dict[str, object], changed: dict[str, object], amount: str
) -> None:
    result = ask(reread(**readings), **changed)
    assert result.verdict is Verdict.MET
    assert result.benefit is not None
    assert result.benefit.amount_yuan == D(amount)


def test_an_office_may_leave_out_banks_without_branches() -> None:
    assert ask(reread(lenders=["bank"]), loan_lender_kind="branchless_bank").verdict is Verdict.UNMET


def test_what_counts_as_a_first_loan_is_the_schemes_own_word() -> None:
    looser = deepcopy(document(FIRST_LOAN))
    del looser["defines"]["loan_first"]["false_when"]
    scheme = parse_scheme(looser, facts(), parameters())
    ours = offers().schemes[FIRST_LOAN]
    assert ask(ours, loan_first=None, ever_borrowed=False).verdict is Verdict.MET
    assert ask(ours, loan_first=None, ever_borrowed=True).verdict is Verdict.UNMET
    assert ask(ours, loan_first=None, ever_borrowed=None).verdict is Verdict.UNKNOWN
    assert ask(scheme, loan_first=None, ever_borrowed=True).verdict is Verdict.UNKNOWN
    assert ask(ours, loan_first=True, ever_borrowed=True).verdict is Verdict.MET, "a stated fact is not overruled"


def test_an_unknown_names_the_document_that_would_settle_it() -> None:
    result = ask(offers().schemes[FIRST_LOAN], loan_first=None, size_class=None)
    assert result.verdict is Verdict.UNKNOWN
    assert "loan_first" in result.missing
    assert "Credit report of the central bank (企业信用报告)" in result.settled_by
    assert result.benefit is not None, "what is at stake is shown"


def test_outside_its_dates_a_scheme_answers_so_and_names_its_successor() -> None:
    scheme = offers().schemes["cn-government-guarantee-2019"]
    expired = ask(scheme, loan_contract_on="2025-03-01")
    assert expired.verdict is Verdict.EXPIRED
    assert (expired.closed_on, expired.successor) == (date(2025, 2, 28), "cn-government-guarantee-2025")
    assert expired.findings[0].truth is Truth.UNMET
    assert expired.findings[0].actual == date(2025, 3, 1)
    early = ask(offers().schemes["cn-government-guarantee-2025"], loan_contract_on="2025-02-28")
    assert early.verdict is Verdict.NOT_YET
    assert early.opens_on == date(2025, 3, 1)
    assert early.benefit is None


def test_dates_come_before_conditions() -> None:
    scheme = offers().schemes[FIRST_LOAN]
    assert ask(scheme, loan_contract_on="2025-01-01", size_class="large").verdict is Verdict.EXPIRED


@pytest.mark.parametrize(
    ("day", "scheme"),
    [("2024-10-31", "2019"), ("2025-02-28", "2019"), ("2025-03-01", "2025"), ("2019-01-01", "2019")],
)
def test_the_guarantee_in_force_follows_the_succession(day: str, scheme: str) -> None:
    found = offers().schemes.in_force("cn-government-guarantee-2019", date.fromisoformat(day))
    assert found.id == f"cn-government-guarantee-{scheme}"


def test_a_bank_bears_a_fifth_of_every_guaranteed_loss() -> None:
    guarantees = [scheme for scheme in offers().schemes.values() if isinstance(scheme.benefit, GuaranteeTerms)]
    assert len(guarantees) == 8
    for scheme in guarantees:
        assert isinstance(scheme.benefit, GuaranteeTerms)
        assert scheme.benefit.shares["bank"] >= D("0.20"), "003:103"
        assert sum(scheme.benefit.shares.values()) == 1


def test_what_was_not_read_in_an_official_text_is_not_called_confirmed() -> None:
    unconfirmed = {scheme.id for scheme in offers().schemes.values() if not scheme.confirmed}
    assert unconfirmed == {
        "cn-government-guarantee-2019",
        "cn-guarantor-limits-2017",
        "cn-inclusive-loan-central-bank",
        "cn-inclusive-loan-supervisor",
        "cn-late-payment-interest-2025",
        "cn-late-payment-interest-agreed-2025",
        "cn-private-investment-guarantee-2026",
        "cn-re-guarantee",
        "cn-startup-loan-firm-2021",
        "cn-startup-loan-firm-2023",
        "cn-startup-loan-individual-2021",
        "cn-startup-loan-individual-2023",
        "dl-jinpu-first-loan-2021",
        "dl-jinpu-first-loan-2022",
        "sy-building-awards-2025",
        "sy-works-reserve-2025",
    }


def test_terms_nobody_published_are_never_met() -> None:
    unpublished = document(FIRST_LOAN)
    scheme = parse_scheme({**unpublished, "terms_published": False}, facts(), parameters())
    result = ask(scheme)
    assert result.verdict is Verdict.UNKNOWN
    assert result.settled_by == ("The office publishes the terms",)
    assert ask(scheme, loan_first=False).verdict is Verdict.UNMET


MINIMAL = """
id: a-scheme
kind: scheme
city: shenyang
zh: 政策
en: Scheme
offers: guarantee
office: {zh: 办, en: Office}
cite: "000:50"
confirmed: true
conditions:
  all:
    - {fact: size_class, op: in, value: [micro], cite: "000:50"}
documents: []
"""


def broken(tmp_path: Path, text: str) -> DataFileError:
    path = tmp_path / "broken.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataFileError) as refused:
        parse_scheme(read_yaml(path, tmp_path), facts(), parameters())
    return refused.value


@pytest.mark.parametrize(
    ("old", "new", "field", "line"),
    [
        ("city: shenyang", "town: shenyang", "town", 4),
        ("confirmed: true\n", "", "confirmed", 2),
        ("confirmed: true", "confirmed: maybe", "confirmed", 10),
        ("id: a-scheme", "id: A Scheme", "id", 2),
        ("offers: guarantee", "offers: money", "offers", 7),
        ("kind: scheme", "kind: product", "kind", 3),
        ("fact: size_class", "fact: size", "fact", 13),
        ("value: [micro]", "value: [tiny]", "value", 13),
        ('value: [micro], cite: "000:50"', "value: [micro]", "cite", 13),
        ("documents: []", "documents: [{zh: 合同}]", "en", 14),
        ("documents: []", "documents: none", "documents", 14),
        ("documents: []", 'documents: []\nvalid: {from: "2024-02-30"}', "from", 15),
        ("documents: []", "documents: []\nvalid: {from: 2024-02-02, until: 2024-02-01}", "until", 15),
        ("documents: []", "documents: []\nvalid: {selected_by: size_class}", "selected_by", 15),
        ("documents: []", "documents: []\nreadings: [{id: a, zh: 甲, en: A, value: 1, note: we think so}]", "note", 15),
        ("documents: []", "documents: []\nreadings: [{id: a, zh: 甲, en: A, value: 1, note: source silent}]", "id", 15),
        ("value: [micro]", "value: {reading: sizes}", "reading", 13),
        (
            "documents: []",
            "documents: []\ndefines: {size_class: {true_when: {fact: live, op: known}}}",
            "true_when",
            15,
        ),
    ],
)
def test_a_faulty_scheme_is_refused_with_file_line_and_what_to_do(
    tmp_path: Path, old: str, new: str, field: str, line: int
) -> None:
    assert old in MINIMAL
    error = broken(tmp_path, MINIMAL.replace(old, new))
    assert (error.file, error.field) == ("broken.yaml", field)
    assert 2 <= error.line <= line
    assert error.fix


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ("{kind: gift, cite: x}", "kind"),
        ("{kind: guarantee_fee_and_risk_share, cite: x, shares: {bank: 1}}", "fee_tiers"),
        (
            '{kind: guarantee_fee_and_risk_share, cite: x, shares: {bank: "0.2"}, fee_tiers: [{annual_rate: "0.01"}]}',
            "shares",
        ),
        (
            '{kind: guarantee_fee_and_risk_share, cite: x, shares: {bank: "0.1", us: "0.9"}, '
            'bank_share_at_least: "0.2", fee_tiers: [{annual_rate: "0.01"}]}',
            "shares",
        ),
        (
            "{kind: guarantee_fee_and_risk_share, cite: x, shares: {bank: 1}, "
            'fee_tiers: [{annual_rate: "0.01", below_yuan: 5}]}',
            "fee_tiers",
        ),
        (
            "{kind: rate_to_share_of_parameter, cite: x, parameter: shibor, share: 1, cap: 1, day: as_of, "
            "months_at_most: 12, day_count: monthly, payout: quarter_end}",
            "parameter",
        ),
        (
            "{kind: rate_to_share_of_parameter, cite: x, parameter: lpr_1y, share: 70, cap: 1, day: as_of, "
            "months_at_most: 12, day_count: monthly, payout: quarter_end}",
            "share",
        ),
    ],
)
def test_a_faulty_benefit_is_refused(tmp_path: Path, part: str, field: str) -> None:
    assert broken(tmp_path, f"{MINIMAL}benefit: {part}\n").field == field


def test_a_document_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    assert broken(tmp_path, "- id: a-scheme\n").field == "file"


def test_a_book_refuses_double_ids_and_one_sided_successions() -> None:
    plain = yaml.safe_load(MINIMAL)
    one = parse_scheme(plain, facts())
    with pytest.raises(DataFileError, match="used once"):
        SchemeBook([one, one])
    widow = parse_scheme({**plain, "superseded_by": "nobody"}, facts())
    with pytest.raises(DataFileError, match="supersedes a-scheme"):
        SchemeBook([widow])


@pytest.mark.parametrize("changed", [{"loan_annual_rate": "4.35"}, {"loan_amount_yuan": 0}, {"loan_term_months": 0}])
def test_a_loan_that_cannot_be_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(RefusedInput) as refused:
        ask(offers().schemes[FIRST_LOAN], **changed)
    assert refused.value.fix


def test_an_unknown_scheme_is_not_found() -> None:
    with pytest.raises(NotFound):
        offers().schemes.get_or_refuse("no-such-scheme")


def test_cases_say_what_they_leave_untried() -> None:
    (path,) = [path for path in FILES if path.stem == FIRST_LOAN]
    cases = read_yaml(path.with_name(path.stem + CASES), SEED)
    kept = [
        case for case in cases["cases"] if case["name"] not in ("a fen more", "a medium firm", "New Year's Day 2025")
    ]
    report = run_cases({**cases, "cases": kept}, offers().schemes[FIRST_LOAN], facts(), parameters())
    assert report.failures == ()
    missing = " | ".join(report.missing)
    assert "nothing next to 10000000 on the other side" in missing
    assert "no case fails size_class or sole_proprietor or owner_business_loan alone" in missing
    assert "nothing next to 2024-12-31 on the other side" in missing
    assert not report.passed


def test_a_case_that_does_not_hold_says_what_was_found() -> None:
    scheme = offers().schemes[FIRST_LOAN]
    cases = {
        "rule": FIRST_LOAN,
        "as_of": AS_OF,
        "given": LOAN,
        "cases": [{"name": "too good", "expect": {"verdict": "met", "annual_rate": "0.03"}}],
    }
    report = run_cases(cases, scheme, facts(), parameters())
    assert report.failures == ("too good: annual_rate is 0.015850, expected 0.03",)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"rule": "another"}, "rule"),
        ({"given": {"no_such_fact": 1}}, "no_such_fact"),
        ({"given": []}, "given"),
        ({"cases": [{"name": "odd", "change": {"size_class": "tiny"}, "expect": "met"}]}, "change"),
        ({"cases": [{"name": "odd", "expect": {"colour": "red"}}]}, "expect"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_faulty_cases_file_is_refused(changed: dict[str, object], field: str) -> None:
    cases = {"rule": FIRST_LOAN, "as_of": AS_OF, "given": LOAN, "cases": [{"name": "one", "expect": "met"}]}
    with pytest.raises(DataFileError) as refused:
        run_cases({**cases, **changed}, offers().schemes[FIRST_LOAN], facts(), parameters())
    assert refused.value.field == field
