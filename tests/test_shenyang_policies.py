"""Shenyang's schemes against their texts: every number by a quotation, five schemes by an oracle of plain Python."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from matching.evaluate_scheme import SchemeResult, evaluate_scheme
from matching.schemes import Scheme
from matching.stacking import Candidate, pair_of
from matching.verdicts import Verdict
from service.books.documents import read_yaml
from service.books.rulebook import facts, offers, parameters, rule_files
from service.books.seedbook import SEED
from tests.oracle_shenyang import ORACLES, fen

D = Decimal
OURS = [path for path in rule_files("schemes") if path.parent.name == "shenyang"]
FIRST_LOAN, BUILDING = "sy-first-loan-subsidy-2024", "sy-building-awards-2024"
SCIENCE, INSURER, EQUITY = "sy-science-service-award-2024", "sy-insurer-award-2024", "sy-support-fund-equity-2024"

#: A few characters of the source line around each number. The year stands in the title of the plan (000:1).
PLAN = "沈阳市2024年"
QUOTED: dict[str, tuple[str, ...]] = {
    FIRST_LOAN: ("对2024年从商业银行机构", "1000万元以内", "的70%", "最高不超过2％"),
    "sy-relending-award-2024": (PLAN, "300万元地方专项资金"),
    EQUITY: (PLAN, "不超过500万元", "期限不超过3年"),
    SCIENCE: (PLAN, "达到10%、20%", "2‰、3‰", "20万元、30万元"),
    INSURER: (PLAN, "额度的0.5%", "不超过30万元"),
    BUILDING: (
        *(PLAN, "超过25亿元、50亿元、75 亿以上100亿元以下", "给予20万元、30万元、40 万元"),
        *("超过 20 亿元", "超过 15%", "一次性给予10万元", "达到5亿元以上", "一次性奖励10万元"),
    ),
    "sy-six-taxes-half-2023": ("自2023年1月1日至2027年12月31日", "减半征收"),
    "sy-small-low-profit-tax-2023": ("自2023年1月1日至2027年12月31日", "减按25%", "按20%的税率"),
    "sy-advanced-manufacturing-vat-2023": ("自2023年1月1日至2027年12月31日", "加计5%"),
    "sy-vat-small-scale-relief-2023": ("自2023年1月1日至2027年12月31日",),
    "sy-unemployment-insurance-rate": ("总费率为1%", "2025年4月30日", "单位缴费费率0.5%"),
    "sy-works-reserve-2024": (PLAN, "超过400万元", "预留40%以上"),
    "sy-small-works-2024": (PLAN, "400万以下"),
    "sy-low-voltage-connection": ("提升至200千瓦",),
    "sy-building-awards-2025": (
        *("首次超过25亿元不足100亿元", "最高40万元", "首次超过100亿元", "最高300万元"),
        *("超过20亿元且增幅超过15%", "给予10万元", "达到5亿元以上"),
    ),
    "sy-industry-growth-quarter-2025": ("2025年一季度", "超过1000万元", "最高150万元"),
    "sy-industry-growth-year-2025": ("2025年全年", "超过1亿元", "最高750万元"),
    "sy-software-growth-quarter-2025": ("2025年一季度", "超过1000万元", "最高30万元"),
    "sy-software-growth-year-2025": ("2025年全年", "超过5000万元", "最高100万元"),
    "sy-works-reserve-2025": ("400万元", "40%"),
}
#: Numbers no text gives: each stands under a reading of its scheme, or asks that there be any business at all.
NOT_IN_THE_TEXT: dict[str, set[object]] = {
    FIRST_LOAN: {D(12)},
    "sy-government-guarantee-2024": {D("0.01"), D("0.20"), D("0.80")},
    "sy-relending-award-2024": {D(0)},
    "sy-unemployment-insurance-rate": {D("0.015"), D(0)},
    "sy-building-awards-2025": {date(2025, 1, 1), date(2025, 12, 31), D(1)},
    "sy-industry-growth-quarter-2025": {D(1)},
    "sy-industry-growth-year-2025": {D(1)},
    "sy-software-growth-quarter-2025": {D(1)},
    "sy-software-growth-year-2025": {D(1)},
    "sy-works-reserve-2025": {date(2025, 1, 1)},
}
#: Numbers of the text that a file holds in words: what is given in kind, and the parts of a sum it states worked out.
IN_WORDS: dict[str, set[object]] = {
    "sy-works-reserve-2024": {D("0.40")},
    "sy-works-reserve-2025": {D("0.40")},
    "sy-small-low-profit-tax-2023": {D("0.25")},
    "sy-unemployment-insurance-rate": {D("0.01"), D("0.005")},
}
PLANNED = {"sy-district-sme-funds-2024", "sy-government-fund-investment-2024", "sy-vocational-school-award-2024"}
UNPUBLISHED = {
    *("sy-sole-proprietor-services-2024", "sy-base-rent-relief-2024", "sy-incubator-support-2024"),
    *("sy-guidance-station-subsidy-2024", "sy-startup-guaranteed-loan-2024", "sy-sme-cultivation-2024"),
    *("sy-pilot-plant-equity-2024", "sy-enterprise-services-2024", "sy-pool-loan-2024", "sy-steady-firm-loan-2024"),
    *("sy-listing-reserve-2024", "sy-overseas-exhibitions-2024", "sy-overseas-listing-2024"),
    *("sy-sme-development-fund-2024", "sy-innovation-platforms-2024", "sy-private-investment-list-2024"),
    *("sy-infrastructure-reits-2024", "sy-outstanding-private-firm-2024", "sy-innovation-voucher"),
    "sy-vat-small-scale-relief-2023",
}
#: Lines of the two texts of Shenyang that name something a firm may receive.
LINES = {
    *("000:14", "000:16", "000:19", "000:21", "000:37", "000:39", "000:42", "000:46", "000:48", "000:50", "000:53"),
    *("000:72", "000:83", "000:85", "000:87", "000:90", "000:92", "000:94", "000:96", "000:98", "000:102", "000:106"),
    *("000:112", "000:114", "000:122", "002:14", "002:31"),
}

_DAY = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日")
_SPAN = {"一季度": ((1, 1), (3, 31)), "全年": ((1, 1), (12, 31)), "": ((1, 1), (12, 31))}
_YEAR = re.compile(r"(\d{4})年(一季度|全年)?")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*(万|亿|%|％|‰|年)?")
_UNIT = {"万": D(10_000), "亿": D(100_000_000), "%": D("0.01"), "％": D("0.01"), "‰": D("0.001"), "年": D(12), "": D(1)}


def numbers_in(quotation: str) -> set[object]:
    """Yuan, fractions, months and days a quotation names; a year alone is its first and last day."""
    if "减半" in quotation:
        return {D("0.5")}
    found: set[object] = {date(*map(int, parts)) for parts in _DAY.findall(quotation)}
    rest = _DAY.sub("", quotation)
    for year, span in _YEAR.findall(rest):
        found |= {date(int(year), *day) for day in _SPAN[span]}
    for digits, unit in _NUMBER.findall(_YEAR.sub("", rest)):
        found.add(D(digits) * _UNIT[unit])
    return found


def numbers_of(node: Any) -> Iterator[object]:
    """Every number and day in a part of a scheme's file, wherever it stands."""
    if isinstance(node, dict):
        for name, each in node.items():
            if name not in ("cite", "zh", "en", "note", "reading", "id"):
                yield from numbers_of(each)
    elif isinstance(node, list):
        for each in node:
            yield from numbers_of(each)
    elif isinstance(node, date):
        yield node
    elif isinstance(node, int) and not isinstance(node, bool):
        yield D(node)
    elif isinstance(node, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", node):
        yield date.fromisoformat(node)
    elif isinstance(node, str) and re.fullmatch(r"-?\d+(\.\d+)?", node):
        yield D(node)


def file_of(scheme_id: str) -> Any:
    (path,) = [path for path in OURS if path.stem == scheme_id]
    return read_yaml(path, SEED)


def held(scheme_id: str) -> set[object]:
    document = file_of(scheme_id)
    parts = [document.get(part, {}) for part in ("valid", "limit", "conditions", "benefit", "readings", "once")]
    return {number for part in parts for number in numbers_of(part)}


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_every_number_of_a_file_stands_in_its_text_or_under_a_reading(path: Path) -> None:
    # A scheme without terms of its own has the plan's year alone.
    named = {number for quotation in QUOTED.get(path.stem, (PLAN,)) for number in numbers_in(quotation)}
    assert held(path.stem) <= named | NOT_IN_THE_TEXT.get(path.stem, set())


@pytest.mark.parametrize("scheme_id", QUOTED)
def test_every_number_of_a_text_stands_in_its_file(scheme_id: str) -> None:
    named = {number for quotation in QUOTED[scheme_id] for number in numbers_in(quotation)}
    assert named - IN_WORDS.get(scheme_id, set()) <= held(scheme_id)


def test_numbers_kept_in_words_are_there() -> None:
    for scheme_id in ("sy-works-reserve-2024", "sy-works-reserve-2025"):
        assert "40%" in file_of(scheme_id)["benefit"]["zh"]
    assert D("0.25") - D("0.25") * D("0.20") == reading("sy-small-low-profit-tax-2023", "relief_share")
    assert D("0.02") - D("0.005") == reading("sy-unemployment-insurance-rate", "employer_relief")
    assert "总费率为1%" in file_of("sy-unemployment-insurance-rate")["benefit"]["cite"]


def reading(scheme_id: str, reading_id: str) -> Decimal:
    (found,) = [each for each in offers().schemes[scheme_id].readings if each.id == reading_id]
    return D(found.value)


def test_every_line_that_promises_something_has_a_scheme() -> None:
    cites = {offers().schemes[path.stem].cite for path in OURS}
    assert {cite for cite in cites if cite.startswith("00")} == LINES
    assert cites - LINES == {"沈政发〔2025〕3号", "沈政办发〔2025〕1号"}
    assert all(offers().schemes[path.stem].city == "shenyang" for path in OURS)


def test_what_has_no_terms_gives_nothing_and_is_never_met() -> None:
    schemes = [offers().schemes[path.stem] for path in OURS]
    assert {scheme.id for scheme in schemes if scheme.planned} == PLANNED
    assert {scheme.id for scheme in schemes if not scheme.terms_published} == UNPUBLISHED
    for scheme in schemes:
        if scheme.id in PLANNED | UNPUBLISHED:
            assert scheme.benefit is None
            assert not scheme.grantable


def test_every_open_point_is_a_reading_that_says_so() -> None:
    for path in OURS:
        for each in offers().schemes[path.stem].readings:
            assert "source silent" in each.note, f"{path.stem}: {each.id}"


# ---- what a scheme answers


def ask(scheme_id: str, as_of: date = date(2025, 6, 30), **given: object) -> SchemeResult:
    return evaluate_scheme(offers().schemes[scheme_id], facts().read_values(given), parameters(), as_of)


BUILDER = {
    "industry_section": "E",
    "claim_in_statistics": True,
    "claim_building_output_yuan": 2_600_000_000,
    "claim_building_output_best_before_yuan": 2_000_000_000,
    "claim_building_output_growth": "0.10",
    "claim_newly_registered": False,
}


def test_the_building_award_follows_the_year_of_the_output() -> None:
    old = ask(BUILDING, **BUILDER, claim_on="2024-12-31")
    new = ask("sy-building-awards-2025", **BUILDER, claim_on="2024-12-31")
    assert (old.verdict, new.verdict) == (Verdict.MET, Verdict.NOT_YET)
    old = ask(BUILDING, **BUILDER, claim_on="2025-01-01")
    new = ask("sy-building-awards-2025", **BUILDER, claim_on="2025-01-01")
    assert (old.verdict, new.verdict) == (Verdict.EXPIRED, Verdict.MET)
    assert old.successor == "sy-building-awards-2025"
    assert offers().schemes.in_force(BUILDING, date(2025, 1, 1)).id == "sy-building-awards-2025"


def test_that_one_building_award_succeeds_the_other_is_said_to_be_our_inference() -> None:
    scheme = offers().schemes["sy-building-awards-2025"]
    assert not scheme.confirmed
    assert "our inference" in scheme.note
    assert ask(scheme.id, **BUILDER, claim_on="2025-05-01").unconfirmed


@pytest.mark.parametrize(
    ("kind", "quarter", "year"), [("industry", 1_500_000, 7_500_000), ("software", 300_000, 1_000_000)]
)
def test_awards_for_a_quarter_and_for_the_year_may_both_be_had(kind: str, quarter: int, year: int) -> None:
    first, second = (offers().schemes[f"sy-{kind}-growth-{part}-2025"] for part in ("quarter", "year"))
    pair = pair_of(*(Candidate(each.id, D(1), each.offers, each.stacking) for each in (first, second)))
    assert pair.allowed
    assert "可兼得" in pair.cite
    for scheme, ceiling in ((first, quarter), (second, year)):
        benefit = evaluate_scheme(
            scheme,
            facts().read_values(
                {
                    "industry_section": "C",
                    "industry_code": "I6513",
                    "claim_q1_industrial_output_rise_yuan": 900_000_000,
                    "claim_year_industrial_output_rise_yuan": 900_000_000,
                    "claim_q1_revenue_rise_yuan": 900_000_000,
                    "claim_year_revenue_rise_yuan": 900_000_000,
                    "claim_q1_above_city_growth": True,
                    "claim_year_above_city_growth": True,
                    "claim_on": "2025-03-31",
                }
            ),
            parameters(),
            date(2025, 6, 30),
        ).benefit
        assert benefit is not None
        assert (benefit.amount_yuan, benefit.at_most_yuan) == (None, D(ceiling)), "a ceiling is no promise"


# ---- oracles: see tests/oracle_shenyang.py


def drawn(draws: dict[str, Callable[[random.Random], Any]], rng: random.Random) -> dict[str, Any]:
    return {fact: draw(rng) for fact, draw in draws.items()}


def as_asked(firm: dict[str, Any]) -> dict[str, Any]:
    asked = dict(firm)
    if "others" in asked:
        asked["claim_relending_all_banks_yuan"] = asked["claim_relending_yuan"] + asked.pop("others")
    return facts().read_values(asked)


def answer(scheme: Scheme, asked: dict[str, Any]) -> SchemeResult:
    return evaluate_scheme(scheme, asked, parameters(), date(2024, 12, 31))


@pytest.mark.parametrize("scheme_id", ORACLES)
def test_an_oracle_written_from_the_text_gives_the_same_answer(scheme_id: str) -> None:
    rng, (oracle, draws), scheme = random.Random(scheme_id), ORACLES[scheme_id], offers().schemes[scheme_id]
    met_times = 0
    for _ in range(600):
        firm = drawn(draws, rng)
        met, amount = oracle(firm)
        result = answer(scheme, as_asked(firm))
        assert result.verdict is (Verdict.MET if met else Verdict.UNMET), firm
        if met:
            met_times += 1
            assert result.benefit is not None
            assert result.benefit.amount_yuan == amount, firm
    assert 60 < met_times < 600, "both answers are drawn often"


@pytest.mark.parametrize("scheme_id", ORACLES)
def test_hiding_a_fact_never_turns_an_answer_round(scheme_id: str) -> None:
    rng, (_, draws), scheme = random.Random(scheme_id), ORACLES[scheme_id], offers().schemes[scheme_id]
    for _ in range(150):
        known = as_asked(drawn(draws, rng))
        hidden = rng.choice(list(known))
        full, less = answer(scheme, known), answer(scheme, {**known, hidden: None})
        assert less.verdict in (full.verdict, Verdict.UNKNOWN), hidden
        if full.verdict is Verdict.MET and full.benefit and less.benefit and less.benefit.amount_yuan is not None:
            assert less.benefit.amount_yuan == full.benefit.amount_yuan, hidden


def test_equity_is_capped_in_yuan_and_years_and_its_return_by_the_lpr() -> None:
    # 000:87: 500 万元, 3 年, 不高于 1 年期 LPR (3.10 % on the last day of 2024)
    firm = {"size_class": "small", "claim_operating_difficulty": True, "claim_growth_expected": True}
    for asked, stake, months in ((4_999_999, 4_999_999, 35), (5_000_001, 5_000_000, 37), (5_000_000, 5_000_000, 36)):
        result = ask(EQUITY, date(2024, 12, 31), **firm, loan_amount_yuan=asked, loan_term_months=months)
        assert result.benefit is not None
        assert result.benefit.funding_yuan == stake
        assert result.benefit.fee_yuan == fen(stake * D("0.031") * min(months, 36) / 12)
