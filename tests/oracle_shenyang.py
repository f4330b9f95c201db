"""What five schemes of Shenyang give, in plain Python from their source lines alone, and firms to ask about.

Written from the text, never from the scheme files: an oracle that reads what it checks checks nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any

from models.money import from_fen, to_fen

D = Decimal
Oracle = Callable[[dict[str, Any]], tuple[bool, Decimal | None]]


def fen(amount: Decimal) -> Decimal:
    return amount.quantize(D("0.01"), ROUND_DOWN)


def first_loan_000_83(firm: dict[str, Any]) -> tuple[bool, Decimal | None]:
    lpr = next(rate for day, rate in LPR_2024 if day <= firm["loan_contract_on"])
    small = firm["size_class"] in ("micro", "small") or firm["sole_proprietor"] or firm["owner_business_loan"]
    bank = firm["loan_lender_kind"] in ("bank", "branchless_bank")
    met = small and bank and firm["loan_first"] and firm["loan_amount_yuan"] <= 10_000_000
    subsidy = min(max(firm["loan_annual_rate"] - D("0.7") * lpr, D(0)), D("0.02"))
    months = min(firm["loan_term_months"], 12)
    return met, fen((firm["loan_amount_yuan"] * subsidy * months / 12).quantize(D("1e-9")))


#: One-year LPR of 2024, newest first.
LPR_2024 = (
    (date(2024, 10, 21), D("0.0310")),
    (date(2024, 7, 22), D("0.0335")),
    (date(2023, 8, 21), D("0.0345")),
)


def building_000_98(firm: dict[str, Any]) -> tuple[bool, Decimal | None]:
    yi = 100_000_000
    out, before = firm["claim_building_output_yuan"], firm["claim_building_output_best_before_yuan"]
    awards = [0]
    if out > 25 * yi and not before > 25 * yi:
        awards.append(200_000)
    if out > 50 * yi and not before > 50 * yi:
        awards.append(300_000)
    if 75 * yi <= out <= 100 * yi and not before >= 75 * yi:
        awards.append(400_000)
    if out > 20 * yi and firm["claim_building_output_growth"] > D("0.15"):
        awards.append(100_000)
    if firm["claim_newly_registered"] and out >= 5 * yi:
        awards.append(100_000)
    met = max(awards) > 0 and firm["industry_section"] == "E" and firm["claim_in_statistics"]
    return met, D(max(awards))


def science_000_94(firm: dict[str, Any]) -> tuple[bool, Decimal | None]:
    growth, revenue = firm["claim_revenue_growth"], firm["revenue"]
    met = firm["claim_in_statistics"] and firm["industry_section"] == "M" and growth >= D("0.10")
    # 不超过: what the office set, and never more than the share or the sum.
    decided = firm["claim_award_set_yuan"]
    if growth >= D("0.20"):
        return met, min(decided, fen(max(revenue, D(0)) * 3 / 1000), D(300_000))
    return met, min(decided, fen(max(revenue, D(0)) * 2 / 1000), D(200_000))


def insurer_000_96(firm: dict[str, Any]) -> tuple[bool, Decimal | None]:
    line = firm["claim_insured_line"] in ("first_set", "new_material")
    met = firm["claim_institution_kind"] == "insurer" and firm["claim_insured_technology_firm"] and line
    return met, min(fen(firm["claim_insured_risk_yuan"] / 200), max(300_000 - firm["claim_enjoyed_yuan"], D(0)))


def relending_000_85(firm: dict[str, Any]) -> tuple[bool, Decimal | None]:
    own, everybody = firm["claim_relending_yuan"], firm["claim_relending_yuan"] + firm["others"]
    met = firm["claim_institution_kind"] == "local_bank" and own > 0
    return met, fen(3_000_000 * own / everybody) if everybody else D(0)


def money(*lines: int) -> Callable[[random.Random], Decimal]:
    """An amount near one of the lines: on it, a fen beside it, or somewhere up to twice as far."""

    def draw(rng: random.Random) -> Decimal:
        line = to_fen(D(rng.choice(lines)))
        return from_fen(rng.choice([line, line - 1, line + 1, rng.randint(0, 2 * line)]))

    return draw


def part(*values: str) -> Callable[[random.Random], Decimal]:
    """A fraction on one of the values or a ten-thousandth beside it, or any up to 0.4."""
    return lambda rng: rng.choice(
        [D(rng.choice(values)) + rng.randint(-1, 1) * D("0.0001"), D(rng.randint(0, 4000)) / 10_000]
    )


def one_of(*values: Any) -> Callable[[random.Random], Any]:
    return lambda rng: rng.choice(values)


_MONEY_IN_BUILDING = money(500_000_000, 2_000_000_000, 2_500_000_000, 5_000_000_000, 7_500_000_000, 10_000_000_000)
ORACLES: dict[str, tuple[Oracle, dict[str, Callable[[random.Random], Any]]]] = {
    "sy-first-loan-subsidy-2024": (
        first_loan_000_83,
        {
            "size_class": one_of("micro", "small", "medium"),
            "sole_proprietor": one_of(False, False, True),
            "owner_business_loan": one_of(False, False, True),
            "loan_first": one_of(True, True, False),
            "loan_lender_kind": one_of("bank", "branchless_bank", "micro_lender"),
            "loan_amount_yuan": lambda rng: max(money(10_000_000)(rng), D("0.01")),
            "loan_annual_rate": part("0.0217", "0.02345", "0.02415", "0.0417", "0.04345", "0.04415"),
            "loan_contract_on": one_of(date(2024, 1, 1), date(2024, 7, 21), date(2024, 7, 22), date(2024, 10, 21)),
            "loan_term_months": lambda rng: rng.randint(1, 36),
        },
    ),
    "sy-building-awards-2024": (
        building_000_98,
        {
            "industry_section": one_of("E", "E", "E", "C"),
            "claim_in_statistics": one_of(True, True, True, False),
            "claim_building_output_yuan": _MONEY_IN_BUILDING,
            "claim_building_output_best_before_yuan": _MONEY_IN_BUILDING,
            "claim_building_output_growth": part("0.15"),
            "claim_newly_registered": one_of(False, False, True),
            "claim_on": one_of(date(2024, 12, 31)),
        },
    ),
    "sy-science-service-award-2024": (
        science_000_94,
        {
            "industry_section": one_of("M", "M", "M", "C"),
            "claim_in_statistics": one_of(True, True, True, False),
            "claim_revenue_growth": part("0.10", "0.20"),
            "revenue": money(100_000_000),
            "claim_award_set_yuan": lambda rng: max(money(200_000, 300_000)(rng), D(0)),
            "claim_on": one_of(date(2024, 12, 31)),
        },
    ),
    "sy-insurer-award-2024": (
        insurer_000_96,
        {
            "claim_institution_kind": one_of("insurer", "insurer", "local_bank"),
            "claim_insured_technology_firm": one_of(True, True, False),
            "claim_insured_line": one_of("first_set", "new_material", "other"),
            "claim_insured_risk_yuan": money(60_000_000),
            "claim_enjoyed_yuan": one_of(D(0), D("299999.99"), D(300_000), D(100_000)),
            "claim_on": one_of(date(2024, 6, 3)),
        },
    ),
    "sy-relending-award-2024": (
        relending_000_85,
        {
            "claim_institution_kind": one_of("local_bank", "local_bank", "other_bank"),
            "claim_relending_yuan": lambda rng: rng.choice([D(0), money(300_000_000)(rng)]),
            "others": money(900_000_000),
        },
    ),
}
