"""Liaocheng's instruments against their text (004), number by number."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from matching.benefits import InKind, SplitYears, Tiers
from matching.evaluate_scheme import SchemeResult, evaluate_scheme
from matching.verdicts import Verdict
from service.books.rulebook import facts, offers, parameters

D = Decimal
SCHEMES = {scheme.id: scheme for scheme in offers().schemes.values() if scheme.city == "liaocheng"}
#: What the text names without a sum, a share or a rule that was found.
NO_TERMS = {
    "lc-smart-upgrade": "004:8",
    "lc-science-award": "004:12",
    "lc-research-fund": "004:12",
    "lc-quality-award": "004:14",
    "lc-standards-award": "004:14",
    "lc-state-rent": "004:17",
    "lc-contributions-deferred": "004:17",
    "lc-guarantee-fee-award": "004:19",
    "lc-guarantee-loss-compensation": "004:19",
    "lc-talent": "004:20",
    "lc-staff-training": "004:20",
    "lc-senior-worker": "004:20",
}


def ask(scheme_id: str, as_of: date = date(2024, 6, 3), **stated: object) -> SchemeResult:
    return evaluate_scheme(SCHEMES[scheme_id], facts().read_values(stated), parameters(), as_of)


def paid(result: SchemeResult) -> Decimal | None:
    assert result.verdict is Verdict.MET
    assert result.benefit is not None
    return result.benefit.amount_yuan


def bounds(result: SchemeResult) -> tuple[Decimal | None, ...]:
    assert result.verdict is Verdict.MET
    assert result.benefit is not None
    return result.benefit.amount_yuan, result.benefit.at_least_yuan, result.benefit.at_most_yuan


def test_each_cites_its_line_its_document_and_its_office() -> None:
    for scheme in SCHEMES.values():
        assert scheme.cite.startswith("004:"), scheme.id
        assert "聊政办字〔2022〕44号" in scheme.cite, scheme.id
        assert scheme.office.zh.startswith("市"), scheme.id
        assert scheme.validity.since == date(2023, 1, 1), scheme.id
        assert scheme.validity.until is None, f"{scheme.id}: the text names no last day"
        assert "no last day" in scheme.note, scheme.id


def test_a_firm_newly_above_scale_gets_half_at_once_and_half_when_it_grows() -> None:
    # 004:5 分两年给予最高10万元，升规纳统当年50%，连续两年营业收入保持增长另外50%
    benefit = SCHEMES["lc-newly-above-scale"].benefit
    assert isinstance(benefit, SplitYears)
    assert [part.share for part in benefit.parts] == [D("0.50"), D("0.50")]
    new = {"claim_newly_above_scale": True}
    whole = {**new, "claim_award_set_yuan": 100_000}
    assert paid(ask("lc-newly-above-scale", **whole, claim_revenue_grew_two_years=False)) == 50_000
    assert paid(ask("lc-newly-above-scale", **whole, claim_revenue_grew_two_years=True)) == 100_000
    assert bounds(ask("lc-newly-above-scale", **new, claim_revenue_grew_two_years=False)) == (None, 0, 50_000)
    assert bounds(ask("lc-newly-above-scale", **new, claim_revenue_grew_two_years=True)) == (None, 0, 100_000)
    open_half = ask("lc-newly-above-scale", **whole)
    assert open_half.benefit is not None
    assert (open_half.benefit.at_least_yuan, open_half.benefit.at_most_yuan) == (50_000, 100_000)
    assert open_half.benefit.missing == ("claim_revenue_grew_two_years",)


@pytest.mark.parametrize(("level", "yuan"), [("national", 2_000_000), ("provincial", 500_000)])
def test_a_platform_recognised_for_the_first_time(level: str, yuan: int) -> None:
    # 004:13 国家级和省级分别最高200万元、50万元
    assert isinstance(SCHEMES["lc-innovation-platform"].benefit, Tiers)
    stated: dict[str, object] = {"private_owned": True, "claim_platform_kind": "engineering_research_centre"}
    first = ask("lc-innovation-platform", **stated, claim_award_first_time=True, claim_platform_level=level)
    assert bounds(first) == (None, 0, yuan)
    stated["claim_award_set_yuan"] = yuan
    assert (
        paid(ask("lc-innovation-platform", **stated, claim_award_first_time=True, claim_platform_level=level)) == yuan
    )
    again = ask("lc-innovation-platform", **stated, claim_award_first_time=False, claim_platform_level=level)
    assert again.verdict is Verdict.UNMET


def test_a_strong_town() -> None:
    assert bounds(ask("lc-strong-town", claim_strong_town=True)) == (None, 0, 500_000)  # 004:6 最高50万元
    assert paid(ask("lc-strong-town", claim_strong_town=True, claim_award_set_yuan=500_000)) == 500_000


def test_sums_called_the_most_are_open_until_the_office_sets_them() -> None:
    stated = {
        "lc-newly-above-scale": {"claim_newly_above_scale": True, "claim_revenue_grew_two_years": True},
        "lc-strong-town": {"claim_strong_town": True},
    }
    for scheme_id, facts_of in stated.items():
        benefit = ask(scheme_id, **facts_of).benefit
        assert benefit is not None
        assert benefit.missing == ("claim_award_set_yuan",)
        assert any(step.zh.startswith("最高") for step in benefit.steps)


def test_land_is_given_in_kind_with_its_percentages() -> None:
    # 004:16 土地取得成本; 70% of the national minimum; 70% of the local base price; 容积率2.0
    floor, ratio = SCHEMES["lc-land-floor"].benefit, SCHEMES["lc-plot-ratio"].benefit
    assert isinstance(floor, InKind)
    assert floor.given.zh.count("70%") == 2
    assert "土地取得成本" in floor.given.zh
    assert isinstance(ratio, InKind)
    assert "2.0" in ratio.given.zh
    granted = ask("lc-land-floor", claim_priority_industry=True, claim_land_saving=True)
    assert paid(granted) is None


@pytest.mark.parametrize(("scheme_id", "line"), NO_TERMS.items())
def test_where_the_text_gives_no_terms_there_is_no_sum(scheme_id: str, line: str) -> None:
    scheme = SCHEMES[scheme_id]
    assert line in scheme.cite
    assert not scheme.terms_published
    assert scheme.benefit is None


def test_the_list_of_those_without_terms_is_whole() -> None:
    assert {scheme.id for scheme in SCHEMES.values() if not scheme.terms_published} == set(NO_TERMS)
    assert len(SCHEMES) == len(NO_TERMS) + 7


def test_before_2023_nothing_of_it_holds() -> None:
    for scheme_id in SCHEMES:
        assert ask(scheme_id, date(2022, 12, 31)).verdict is Verdict.NOT_YET
