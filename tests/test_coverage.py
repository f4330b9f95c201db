"""Every line of the five city texts is served, or its gap is named; the page that says so is current."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from bench import coverage
from service.books.rulebook import facts, offers

LINES = coverage.lines()
SERVED = coverage.cited()
BENEFITS = Counter(line.at for line in LINES if line.kind == "benefit")


@pytest.mark.parametrize("at", BENEFITS)
def test_each_benefit_of_a_line_has_a_rule_that_cites_it(at: str) -> None:
    rules = SERVED.get(at, [])
    assert len(rules) >= BENEFITS[at], f"{at} names {BENEFITS[at]} benefits, and these rules cite it: {rules}"


def test_each_way_of_working_names_the_feature_or_the_gap() -> None:
    for line in LINES:
        said = bool(line.feature or line.gap)
        assert said == (line.kind == "process"), f"{line.at} {line.zh}"


def test_a_feature_names_only_facts_products_and_parts_that_exist() -> None:
    parts = {"service_class", "superseded_by"}
    known = {*facts(), *offers().products, *parts}
    for line in LINES:
        for name in re.findall(r"\b[a-z]+(?:[_-][a-z]+)*_[a-z_]+\b|\b[a-z]+-[a-z]+-loan\b", line.feature):
            assert name in known, f"{line.at} {name}"


def test_lines_are_well_formed_and_none_stands_twice() -> None:
    for line in LINES:
        assert coverage.CITATION.fullmatch(line.at), line
        assert line.kind in coverage.KINDS, line
        assert line.zh, line
        assert line.en, line
    named = Counter((line.at, line.zh) for line in LINES)
    assert [entry for entry, times in named.items() if times > 1] == []
    assert {line.city for line in LINES} == {"shenyang", "fushun", "liaocheng"}
    assert {line.at[:3] for line in LINES} == set(coverage.sources())


@pytest.mark.parametrize(
    ("at", "zh"),
    [
        ("000:46", "融资清单每季度推送"),
        ("000:46", "信贷周调度、月分析"),
        ("000:63", "免申即享、直达快享"),
        ("000:120", "两书同达、信用修复初审即时办结"),
        ("000:122", "政企直通车、惠帮企@链上沈阳平台"),
        ("002:24", "小微企业名录"),
        ("003:178", "以最新制定的相应政策为准"),
    ],
)
def test_the_known_mechanisms_stand_in_the_list(at: str, zh: str) -> None:
    (line,) = [line for line in LINES if (line.at, line.zh) == (at, zh)]
    assert line.kind == "process"


def test_a_citation_of_a_range_serves_each_of_its_lines_and_a_comment_none() -> None:
    document = {"cite": "003:27–29; 000:83", "note": "003:103", "conditions": {"all": [{"cite": "004:5 小升规"}]}}
    assert list(coverage._citations(document)) == ["003:27", "003:28", "003:29", "000:83", "004:5"]


def test_a_scheme_of_one_city_does_not_serve_the_text_of_another() -> None:
    assert any("sy-first-loan-subsidy-2024" in rule for rule in SERVED["000:83"])
    assert not any(
        rule.startswith("`sy-") for at, rules in SERVED.items() if at[:3] in ("003", "004") for rule in rules
    )


def test_the_page_is_current() -> None:
    assert coverage.PAGE.read_text(encoding="utf-8") == coverage.render(), "run python -m bench.coverage"
