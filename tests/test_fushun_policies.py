"""Fushun's implementing rules (003) and the reply of 2023 (001): every number against its line, awards against oracles.

The oracles are straight Python written from the lines quoted beside them, never from the scheme files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.evaluate_scheme import SchemeResult, evaluate_scheme
from matching.schemes import Scheme
from matching.verdicts import Verdict
from models.dates import add_months
from service.books.documents import read_yaml
from service.books.rulebook import facts, offers, parameters, rule_files
from service.books.seedbook import SEED

D = Decimal
FILES = [path for path in rule_files("schemes") if path.parent.name == "fushun"]
IN_FORCE = date(2021, 6, 30)

#: For each scheme that states a number: the line, its words, and the numbers the file takes from them.
QUOTED: Mapping[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "fs-incubator": (("003:27", "给予 20 万、10 万元的专项支持", ("200000", "100000")),),
    "fs-makerspace": (("003:29", "分别给予 20 万元、10 万元奖励", ("200000", "100000")),),
    "fs-trade-promotion-costs": (("003:39", "最高不超过70%-100%补助", ()),),  # 100 %: a share of one
    "fs-talent-package": (
        ("003:43", "500万元项目经费支持、200万元购房补贴", ("5000000", "2000000")),
        ("003:43", "5年期每年20万元薪酬补贴", ("200000", "1000000")),
        ("003:45", "300万元项目经费支持、100万元购房补贴", ("3000000", "1000000")),
        ("003:45", "5年期每年10万元薪酬补贴", ("100000", "500000")),
        ("003:47", "100万元项目经费支持、60万元购房补贴", ("1000000", "600000")),
        ("003:47", "5年期每年5万元薪酬补贴", ("50000", "250000")),
    ),
    "fs-talent-team": (
        ("003:49", "分别给予500万元、800万元、1000万元", ("5000000", "8000000", "10000000")),
        ("003:51", "分别给予300万元、400万元、500万元", ("3000000", "4000000", "5000000")),
        ("003:53", "分别给予100万元、200万元、300万元", ("1000000", "2000000", "3000000")),
    ),
    "fs-academician-workstation": (
        ("003:61", "一次性给予100万元资助", ("1000000",)),
        ("003:61", "另给予一次性30万元资助", ("300000",)),
    ),
    "fs-postdoc-station": (("003:63", "分别一次性给予50万元、20万元建站经费资助", ("500000", "200000")),),
    "fs-postdoc-entrants": (("003:63", "一次性给予5万元资助", ("50000",)),),
    "fs-school-graduates": (
        ("003:67", "年输送80人以上", ("80",)),
        ("003:67", "签订3年劳动合同", ("36",)),
        ("003:67", "每人1000元标准", ("1000",)),
    ),
    "fs-ipo-domestic": (
        ("003:75", "最高给予 300 万元", ("3000000",)),
        ("003:77", "给予 100 万元补助", ("1000000",)),
        ("003:79", "给予 100 万元补助", ("1000000",)),
        ("003:81", "给予 100 万元补助", ("1000000",)),
    ),
    "fs-ipo-overseas": (("003:83", "超过 1 亿元，一次性补助 300 万元", ("100000000", "3000000")),),
    "fs-refinancing": (("003:85", "超过 5 亿元人民币，一次性补助 50 万元", ("500000000", "500000")),),
    "fs-backdoor-domestic": (("003:87", "超过 1 亿元人民币的，一次性补助 300 万元", ("100000000", "3000000")),),
    "fs-backdoor-overseas-or-transfer": (
        ("003:89", "超过 1 亿元人民币，一次性补助 300 万元", ("100000000", "3000000")),
    ),
    "fs-neeq-listing": (("003:91", "一次性补助 150 万元", ("1500000",)),),
    "fs-regional-exchange": (
        ("003:95", "补助 20 万元", ("200000",)),
        ("003:95", "超过 300 万元的，一次性补助 10 万元", ("3000000", "100000")),
    ),
    "fs-growth-board-fee": (("003:97", "每家成长板企业挂牌 5000 元", ("5000",)),),
    "fs-state-guarantee": (("003:103", "不低于 20%", ("0.20",)),),
    "fs-proprietor-to-firm": (("003:115", "资金扶持 2000 元", ("2000",)),),
    "fs-newly-above-scale": (("003:117", "每户 5 万元奖励", ("50000",)),),
    "fs-care-home-operation": (("003:129", "每床每月补贴 150 元", ("150",)),),
    "fs-care-home-insurance": (("003:131", "由省财政补助 60 元,市财政补助 30 元", ("60", "30")),),
    "fs-quality-award": (
        ("003:141", "奖励资金 100 万元", ("1000000",)),
        ("003:143", "奖励资金 80 万元", ("800000",)),
        ("003:145", "奖励资金 50 万元", ("500000",)),
        ("003:147", "奖励资金 10 万元、银奖称号的奖励资金 5 万元", ("100000", "50000")),
    ),
    "fs-technology-transfer": (
        ("003:153", "实际研发投入额的 10%，最高奖励 50 万元", ("0.10", "500000")),
        ("003:153", "实际交易额的 5%，最高奖励 20 万元", ("0.05", "200000")),
        ("003:153", "实际交易额的 3%，给予最高 20 万元", ("0.03", "200000")),
    ),
    "fs-science-platform": (("003:155", "分别一次性给予 200 万元、50 万元奖励", ("2000000", "500000")),),
    "fs-high-tech": (("003:157", "一次性奖励 10 万元", ("100000",)),),
    "fs-technology-sme": (
        ("003:165", "连续三年列入", ("3",)),
        ("003:165", "每户 2 万元奖励资金", ("20000",)),
        ("003:165", "三年内只可申请一次", ("36",)),
    ),
    "fs-innovation-voucher": (("003:172", "支出额度 50%、最高 20 万元", ("0.50", "200000")),),
}
UNITS = {"": D(1), "万": D(10_000), "亿": D(100_000_000), "%": D("0.01"), "年内": D(12), "年劳动": D(12)}
WORDS = ("cite", "zh", "en", "id", "kind", "fact", "op", "of", "counting", "per")


def document(scheme_id: str) -> Any:
    (path,) = [path for path in FILES if path.stem == scheme_id]
    return read_yaml(path, SEED)


def said(words: str) -> list[Decimal]:
    """The numbers of a quotation, in yuan, fractions, months or as counted."""
    found = re.findall(r"(\d+|三)\s*(万|亿|%|年内|年劳动)?", words)
    return [D(number.replace("三", "3")) * UNITS[unit] for number, unit in found]


def written(part: Any, readings: Mapping[str, Any]) -> Iterator[Decimal]:
    """Every number a scheme's part holds; 0 and 1 of "more than nothing" and "each" are left out."""
    if isinstance(part, dict):
        if set(part) == {"reading"}:
            yield from written(readings[part["reading"]], readings)
            return
        for name, value in part.items():
            if name not in WORDS:
                yield from written(value, readings)
    elif isinstance(part, list):
        for each in part:
            yield from written(each, readings)
    elif not isinstance(part, bool) and re.fullmatch(r"\d+(\.\d+)?", str(part)) and D(str(part)) not in (0, 1):
        yield D(str(part))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_number_of_a_file_is_a_number_of_its_text(path: Path) -> None:
    raw = document(path.stem)
    readings = {reading["id"]: reading["value"] for reading in raw.get("readings", ())}
    taken = set()
    for line, words, numbers in QUOTED.get(path.stem, ()):
        assert line in raw["cite"]
        for number in map(D, numbers):
            assert number in (*said(words), prod(said(words))), f"{line}: {words}"
            taken.add(number)
    assert taken == {each for name in ("conditions", "benefit", "once") for each in written(raw.get(name), readings)}


def test_a_quotation_is_read_as_people_read_it() -> None:
    assert said("超过 5 亿元人民币，一次性补助 50 万元") == [D(500_000_000), D(500_000)]
    assert said("支出额度 50%") == [D("0.5")]
    assert said("连续三年列入") == [D(3)]
    assert said("三年内") == said("3年劳动合同") == [D(36)]


def test_what_is_given_in_kind_keeps_its_numbers() -> None:
    land, fee = document("fs-industrial-land-floor")["benefit"], document("fs-arbitration-fee-relief")["benefit"]
    assert land["zh"].count("70%") == land["en"].count("70%") == 1, "003:109 最低标准》的 70% 执行"
    assert fee["zh"].count("三个工作日") == fee["en"].count("three working days") == 2, "003:176 三个工作日, twice"


def test_graduates_count_from_the_day_the_text_names() -> None:
    (first,) = [each for each in document("fs-school-graduates")["conditions"]["all"] if each["op"] == "ge"][:1]
    assert (first["value"], first["cite"]) == (date(2018, 9, 25), "003:67 2018年9月25日以后")


def test_the_rules_hold_three_years_and_say_what_their_dates_rest_on() -> None:
    # 003:190 自印发之日起施行，有效期 3 年; 001:19 2020年……相继发布
    for path in FILES:
        scheme = offers().schemes[path.stem]
        if not scheme.cite.startswith("003"):
            assert scheme.validity.until is None
            continue
        assert scheme.validity.since == date(2020, 1, 1)
        assert scheme.validity.until == add_months(date(2020, 1, 1), 36) - timedelta(days=1)
        notes = {reading.id: reading.note for reading in scheme.readings}
        assert all(line in notes["first_day"] for line in ("source silent", "003:190", "001:19"))
        assert "source silent" in notes["last_day"]
        assert "003:178" in scheme.note, "a later policy overrides"


def test_what_has_no_terms_is_never_met() -> None:
    unpublished = {path.stem for path in FILES if not offers().schemes[path.stem].terms_published}
    planned = {path.stem for path in FILES if offers().schemes[path.stem].planned}
    assert planned == {"fs-cross-border-trade-support", "fs-cross-border-trade-fund", "fs-export-credit-insurance-pool"}
    assert unpublished - planned == {
        *("fs-credit-risk-compensation", "fs-state-guarantee", "fs-investment-attraction", "fs-model-family-farm"),
        *("fs-model-cooperative", "fs-quality-nomination", "fs-first-set-insurance", "fs-science-prize"),
        *("fs-trainee-subsidy", "fs-social-insurance-loan"),
    }
    for scheme_id in unpublished:
        assert offers().schemes[scheme_id].benefit is None


@pytest.mark.parametrize("scheme_id", ["fs-high-tech", "fs-technology-sme"])
@pytest.mark.parametrize(
    "fault",
    [{"abnormal_operation": True}, {"serious_violation": True}, {"claim_title_revoked": True}]
    + [{"tax_credit_grade": grade} for grade in "CD"],
    ids=str,
)
def test_bad_credit_excludes(scheme_id: str, fault: dict[str, object]) -> None:
    clean = {
        **{"private_owned": True, "high_tech": scheme_id == "fs-high-tech", "claim_tech_sme_years": 3},
        **{"abnormal_operation": False, "serious_violation": False, "claim_title_revoked": False},
        "tax_credit_grade": "M",
    }
    assert ask(scheme_id, clean).verdict is Verdict.MET
    assert ask(scheme_id, {**clean, **fault}).verdict is Verdict.UNMET


def ask(scheme_id: str, values: Mapping[str, object], as_of: date = IN_FORCE) -> SchemeResult:
    scheme: Scheme = offers().schemes[scheme_id]
    return evaluate_scheme(scheme, facts().read_values(values), parameters(), as_of)


# ---------------------------------------------------------------- oracles: yuan, or None where the text gives nothing
Facts = Mapping[str, Any]
WAN = 10_000


def talent_package(firm: Facts) -> Decimal | None:
    """003:41-57: private hosts; three levels; home and five years' pay only for those brought in."""
    package = {"top": (500, 200, 20), "outstanding": (300, 100, 10), "leading": (100, 60, 5)}
    if not firm["private_owned"] or firm["claim_talent_level"] not in package:
        return None
    project, home, pay = package[firm["claim_talent_level"]]
    if not firm["claim_talent_introduced"]:
        return D(project * WAN)
    return D((project + home + min(firm["claim_talent_salary_years"], 5) * pay) * WAN)


def domestic_listing(firm: Facts) -> Decimal | None:
    """003:75-81: a million for each stage; the last needs the approval and the listing."""
    listed = firm["claim_ipo_approved"] and firm["claim_ipo_listed"]
    stages = [firm["claim_ipo_tutoring_confirmed"], firm["claim_ipo_application_accepted"], listed]
    return D(100 * WAN * sum(stages)) if firm["private_owned"] and any(stages) else None


def regional_exchange(firm: Facts) -> Decimal | None:
    """003:93-95: the standard board; and, on whatever board, a first share issue above three million."""
    board = firm["claim_regional_board"]
    total = 20 * WAN if board == "standard" else 0
    if board != "none" and firm["claim_first_share_issue"] and D(firm["claim_raised_yuan"]) > 300 * WAN:
        total += 10 * WAN
    return D(total) if firm["private_owned"] and total else None


def technology_transfer(firm: Facts) -> Decimal | None:
    """003:153: firms 10 % of the R&D to 500,000; universities and institutes 5 %, agencies 3 % to 200,000."""
    kind = firm["claim_applicant_kind"]
    if kind == "enterprise" and firm["private_owned"]:
        base, percent, cap = D(firm["claim_project_rd_yuan"]), 10, 50 * WAN
    elif kind in ("university", "research_institute", "transfer_agency"):
        base, percent, cap = D(firm["claim_transfer_contract_yuan"]), 3 if kind == "transfer_agency" else 5, 20 * WAN
    else:
        return None
    return min((base * percent / 100).quantize(D("0.01"), ROUND_DOWN), D(cap)) if base > 0 else None


def technology_sme(firm: Facts) -> Decimal | None:
    """003:165-170: three years in the register, no valid high-tech title, four exclusions by credit."""
    excluded = firm["high_tech"] or firm["claim_title_revoked"] or firm["tax_credit_grade"] in ("C", "D")
    listed = firm["abnormal_operation"] or firm["serious_violation"]
    fits = firm["private_owned"] and firm["claim_tech_sme_years"] >= 3
    return D(2 * WAN) if fits and not excluded and not listed else None


FLAG = (True, False)
ORACLES: Mapping[str, tuple[Callable[[Facts], Decimal | None], dict[str, tuple[Any, ...]]]] = {
    "fs-talent-package": (
        talent_package,
        {
            "private_owned": FLAG,
            "claim_talent_level": ("top", "outstanding", "leading", "other"),
            "claim_talent_introduced": FLAG,
            "claim_talent_salary_years": (0, 1, 4, 5, 6),
        },
    ),
    "fs-ipo-domestic": (
        domestic_listing,
        {
            "private_owned": FLAG,
            "claim_ipo_tutoring_confirmed": FLAG,
            "claim_ipo_application_accepted": FLAG,
            "claim_ipo_approved": FLAG,
            "claim_ipo_listed": FLAG,
        },
    ),
    "fs-regional-exchange": (
        regional_exchange,
        {
            "private_owned": FLAG,
            "claim_regional_board": ("standard", "growth", "other", "none"),
            "claim_first_share_issue": FLAG,
            "claim_raised_yuan": ("0", "3000000", "3000000.01", "9000000"),
        },
    ),
    "fs-technology-transfer": (
        technology_transfer,
        {
            "private_owned": FLAG,
            "claim_applicant_kind": (
                *("enterprise", "university", "research_institute", "transfer_agency", "vocational_school", "other"),
            ),
            "claim_project_rd_yuan": ("0", "0.01", "4999999.90", "5000000", "5000000.10", "123456.78"),
            "claim_transfer_contract_yuan": ("0", "0.01", "3999999.80", "4000000", "6666666", "6666667", "98765.43"),
        },
    ),
    "fs-technology-sme": (
        technology_sme,
        {
            "private_owned": FLAG,
            "claim_tech_sme_years": (0, 2, 3, 4),
            "high_tech": FLAG,
            "claim_title_revoked": FLAG,
            "abnormal_operation": FLAG,
            "serious_violation": FLAG,
            "tax_credit_grade": ("A", "B", "M", "C", "D"),
        },
    ),
}


@pytest.mark.parametrize("scheme_id", ORACLES)
def test_the_rule_and_the_text_agree_on_every_firm(scheme_id: str) -> None:
    oracle, domains = ORACLES[scheme_id]
    for chosen in product(*domains.values()):
        firm = dict(zip(domains, chosen, strict=True))
        found, expected = ask(scheme_id, firm), oracle(firm)
        assert found.verdict is (Verdict.UNMET if expected is None else Verdict.MET), firm
        assert (found.benefit.amount_yuan if found.benefit else None) == expected, firm


@pytest.mark.parametrize("scheme_id", ORACLES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_an_unknown_fact_leaves_open_exactly_what_it_decides(scheme_id: str, data: st.DataObject) -> None:
    oracle, domains = ORACLES[scheme_id]
    firm = {fact: data.draw(st.sampled_from(domain), fact) for fact, domain in domains.items()}
    unknown = data.draw(st.sets(st.sampled_from(sorted(domains)), min_size=1, max_size=3), "unknown")
    choices = product(*(domains[fact] for fact in sorted(unknown)))
    possible = {oracle({**firm, **dict(zip(sorted(unknown), each, strict=True))}) for each in choices}
    found = ask(scheme_id, {**firm, **dict.fromkeys(unknown)})
    if possible == {None}:
        assert found.verdict is Verdict.UNMET
        return
    assert found.verdict is (Verdict.UNKNOWN if None in possible else Verdict.MET)
    assert found.benefit is not None
    paid = {amount for amount in possible if amount is not None}
    assert found.benefit.amount_yuan in (*paid, None)
    if found.verdict is Verdict.MET:
        assert (found.benefit.amount_yuan is None) == (len(paid) > 1), "a known sum is told, an open one is not"
    assert found.benefit.at_most_yuan is None or max(paid) <= found.benefit.at_most_yuan


@pytest.mark.parametrize(
    ("day", "verdict"),
    [
        *(("2019-12-31", Verdict.NOT_YET), ("2020-01-01", Verdict.MET), ("2022-12-31", Verdict.MET)),
        *(("2023-01-01", Verdict.EXPIRED), ("2026-11-22", Verdict.EXPIRED)),
    ],
)
def test_outside_its_three_years_the_award_says_so(day: str, verdict: Verdict) -> None:
    found = ask(
        "fs-postdoc-station", {"private_owned": True, "claim_postdoc_station": "workstation"}, date.fromisoformat(day)
    )
    assert found.verdict is verdict
    assert found.closed_on == (date(2022, 12, 31) if verdict is Verdict.EXPIRED else None)
