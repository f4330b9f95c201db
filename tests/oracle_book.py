"""What five more schemes give, in plain Python from their source lines alone: with those of Shenyang and Fushun they
cover the ten schemes that ask and distinguish most.

Each oracle answers ``None`` where the text gives nothing, else the least and the most it may come to, in yuan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

D = Decimal
WAN, YI = 10_000, 100_000_000
Firm = Mapping[str, Any]
Bounds = tuple[Decimal, Decimal] | None
FLAG = (True, False)


def talent_team(firm: Firm) -> Bounds:
    """003:49 顶尖 500、800、1000万元; 003:51 杰出 300、400、500万元; 003:53 领军 100、200、300万元."""
    sums = {"top": (500, 800, 1000), "outstanding": (300, 400, 500), "leading": (100, 200, 300)}
    steps = ("first", "second", "third")
    level, step = firm["claim_talent_level"], firm["claim_team_step"]
    if not firm["private_owned"] or level not in sums or step not in steps:
        return None
    paid = D(sums[level][steps.index(step)] * WAN)
    return paid, paid


def quality_award(firm: Firm) -> Bounds:
    """003:139-147: for the first time; 100, 80, 50, 10 and 5万元."""
    sums = {"china": 100, "governor_gold": 80, "governor_silver": 50, "mayor_gold": 10, "mayor_silver": 5}
    if not firm["claim_award_first_time"] or firm["claim_quality_award"] not in sums:
        return None
    paid = D(sums[firm["claim_quality_award"]] * WAN)
    return paid, paid


def building_2025(firm: Firm) -> Bounds:
    """沈政发〔2025〕3号: 首次超过25亿元不足100亿元最高40万元; 首次超过100亿元最高300万元; 按照最高项.

    超过20亿元且增幅超过15% 10万元; 当年新注册达到5亿元以上 10万元. What the office set is never passed.
    """
    out, before = firm["claim_building_output_yuan"], firm["claim_building_output_best_before_yuan"]
    if firm["industry_section"] != "E":
        return None
    certain, ceilings = [], []
    if 25 * YI < out < 100 * YI and before <= 25 * YI:
        ceilings.append(40 * WAN)
    if out > 100 * YI and before <= 100 * YI:
        ceilings.append(300 * WAN)
    if out > 20 * YI and firm["claim_building_output_growth"] > D("0.15"):
        certain.append(10 * WAN)
    if firm["claim_newly_registered"] and out >= 5 * YI:
        certain.append(10 * WAN)
    if not (certain or ceilings):
        return None
    least = max(certain, default=0)
    if firm["claim_award_set_yuan"] is None:
        return D(least), D(max(certain + ceilings))
    paid = max([least, *(min(firm["claim_award_set_yuan"], each) for each in ceilings)])
    return D(paid), D(paid)


def innovation_platform(firm: Firm) -> Bounds:
    """004:13: 民营企业, 首次认定, 国家级和省级分别最高200万元、50万元."""
    most = {"national": 200 * WAN, "provincial": 50 * WAN}.get(firm["claim_platform_level"])
    platform = firm["claim_platform_kind"] != "none"
    if not (firm["private_owned"] and platform and firm["claim_award_first_time"] and most):
        return None
    decided = firm["claim_award_set_yuan"]
    return (D(0), D(most)) if decided is None else (D(min(decided, most)),) * 2


def investment_guarantee(firm: Firm) -> Bounds:
    """财金〔2026〕6号: 中小微, 中长期, 单户不高于2000万元, 无异常、失信、重大事故、偷漏税; the fee, at most 1 %."""
    barred = ("abnormal_operation", "dishonest_debtor", "serious_violation")
    barred += ("claim_restricted_business", "claim_tax_evasion_36m")
    met = firm["private_owned"] and firm["size_class"] != "large" and not any(firm[each] for each in barred)
    met = met and firm["loan_term_months"] > 12 and firm["loan_amount_yuan"] <= 2000 * WAN
    met = met and firm["loan_purpose"] in ("fixed_assets", "technical_upgrade", "working_capital")
    if not met or firm["accident_grade"] in ("major", "extraordinary"):
        return None
    fee = (firm["loan_amount_yuan"] * firm["loan_term_months"] / 1200).quantize(D("0.01"), ROUND_HALF_UP)
    return fee, fee


def _beside(*lines: int) -> tuple[Decimal, ...]:
    return tuple(D(line) + step for line in lines for step in (D("-0.01"), D(0), D("0.01")))


_OUTPUT = _beside(5 * YI, 20 * YI, 25 * YI, 100 * YI)
#: By scheme: the oracle, the day asked, and for each fact the values to draw from, both sides of every number.
ORACLES: Mapping[str, tuple[Callable[[Firm], Bounds], date, Mapping[str, tuple[Any, ...]]]] = {
    "fs-talent-team": (
        talent_team,
        date(2021, 6, 30),
        {
            "private_owned": FLAG,
            "claim_talent_level": ("top", "outstanding", "leading", "other"),
            "claim_team_step": ("first", "second", "third", "none"),
        },
    ),
    "fs-quality-award": (
        quality_award,
        date(2021, 6, 30),
        {
            "claim_quality_award": (
                *("china", "china_nomination", "governor_gold", "governor_silver"),
                *("mayor_gold", "mayor_silver", "other", "none"),
            ),
            "claim_award_first_time": FLAG,
        },
    ),
    "sy-building-awards-2025": (
        building_2025,
        date(2025, 12, 31),
        {
            "industry_section": ("E", "E", "E", "C"),
            "claim_building_output_yuan": (*_OUTPUT, D(60 * YI)),
            "claim_building_output_best_before_yuan": (D(0), *_OUTPUT),
            "claim_building_output_growth": (D("0.15"), D("0.1501"), D("-0.02")),
            "claim_newly_registered": FLAG,
            "claim_award_set_yuan": (None, D(0), D(7 * WAN), *_beside(10 * WAN, 40 * WAN, 300 * WAN)),
            "claim_on": (date(2025, 6, 30),),
        },
    ),
    "lc-innovation-platform": (
        innovation_platform,
        date(2024, 6, 3),
        {
            "private_owned": (True, True, False),
            "claim_platform_kind": ("key_laboratory", "industrial_design_centre", "other", "none"),
            "claim_award_first_time": (True, True, False),
            "claim_platform_level": ("national", "provincial", "city", "none"),
            "claim_award_set_yuan": (None, D(0), *_beside(50 * WAN, 200 * WAN)),
        },
    ),
    "cn-private-investment-guarantee-2026": (
        investment_guarantee,
        date(2026, 6, 3),
        {
            "private_owned": (True,) * 9 + (False,),
            "size_class": ("micro", "small", "medium", "medium", "large"),
            "loan_purpose": ("fixed_assets", "technical_upgrade", "working_capital", "trade"),
            "loan_term_months": (12, 13, 13, 36, 61),
            "abnormal_operation": (False,) * 9 + (True,),
            "dishonest_debtor": (False,) * 9 + (True,),
            "serious_violation": (False,) * 9 + (True,),
            "claim_restricted_business": (False,) * 9 + (True,),
            "claim_tax_evasion_36m": (False,) * 9 + (True,),
            "accident_grade": ("none", "none", "none", "ordinary", "larger", "major", "extraordinary"),
            "loan_amount_yuan": (*_beside(2000 * WAN), D("333333.33"), D("0.01")),
            "loan_contract_on": (date(2026, 6, 3),),
        },
    ),
}
