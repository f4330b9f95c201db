"""Terms of benefits as a scheme's file would state them, and facts put to them: what the tests of the kinds share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from matching.benefit_terms import benefit_of, parse_benefit
from matching.benefits import Benefit, BenefitTerms
from matching.loans import Loan, Repayment
from matching.rulefile import RuleFile
from models.marked import marked
from service.books.rulebook import facts, parameters

D = Decimal
AS_OF = date(2024, 10, 31)  # LPR 3.10 %
LOAN = {"months_at_most": 24, "day_count": "monthly", "payout": "quarter_end"}
MONEY = st.decimals("0", "100000000000", places=2)
YUAN = st.decimals("0.01", "1000000000", places=2)
SHARES = st.decimals("0", "1", places=5)
FLAGS = st.sampled_from([True, False, None])


def terms(**parts: Any) -> BenefitTerms:
    raw = {name: str(part) if isinstance(part, Decimal) else part for name, part in parts.items()}
    return parse_benefit(RuleFile(marked({"benefit": {"cite": "text:1", **raw}})), facts(), parameters())


def ask(of: BenefitTerms, loan: Loan | None = None, **values: Any) -> Benefit:
    return benefit_of(of, facts().read_values(values), parameters(), AS_OF, loan)


def of_amount(share: str = "0.005", **parts: Any) -> BenefitTerms:
    return terms(kind="share_of_amount", of="sales_12m", share=share, **parts)


def flag(fact: str) -> dict[str, Any]:
    return {"fact": fact, "op": "is", "value": True}


def part(fact: str, give: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"when": flag(fact), "give": dict(give), "zh": "档", "en": "Part", **more}


def fixed(yuan: int | str | Decimal) -> dict[str, Any]:
    return {"kind": "fixed", "yuan": str(yuan)}


def floor_fen(yuan: Fraction) -> Decimal:
    """The oracle's own rounding: down to the fen, in whole numbers."""
    return D((yuan * 100).__floor__()) / 100


def points(points: str = "0.015", **more: Any) -> BenefitTerms:
    return terms(kind="points_off", points=points, **{**LOAN, **more})


def interest_share(share: str = "0.50", **more: Any) -> BenefitTerms:
    return terms(kind="share_of_interest", share=share, **{**LOAN, **more})


def a_loan(principal: str | Decimal, rate: str = "0.04", months: int = 12, **more: Any) -> Loan:
    return Loan(D(principal), D(rate), months, date(2024, 5, 31), **{"repayment": Repayment.INTEREST_MONTHLY, **more})


INSURER = {
    "kind": "capped_per_payee",
    "of": "need_amount_yuan",
    "share": "0.005",
    "cap_yuan": 300_000,
    "payee": "insurer",
    "per": "year",
    "enjoyed": "claim_enjoyed_yuan",
}


EQUITY = {"kind": "equity", "cap_yuan": 5_000_000, "months_at_most": 36, "return_cap": {"parameter": "lpr_1y"}}


POT = {"kind": "pro_rata_pot", "pot_yuan": 3_000_000, "by": "need_amount_yuan", "total": "sales_12m"}


POOL = {
    "kind": "pool",
    "multiple": "10",
    "contribution": {"low": "0.01", "high": "0.025"},
    "waterfall": [
        {"bearer": "firm", "share": "1", "up_to": "contribution"},
        {"bearer": "pool", "share": "1", "up_to": "pool"},
        {"bearer": "bank", "share": "0.40"},
        {"bearer": "government", "share": "0.60"},
    ],
}


CAPPED = {
    "kind": "guarantee_fee_and_risk_share",
    "fee_tiers": [{"annual_rate": "0.01"}],
    "shares": {"guarantor": "0.40", "province": "0.20", "national_fund": "0.20", "bank": "0.20"},
    "compensation_caps": {"national_fund": "0.04", "province": "0.05"},
    "beyond_caps": "guarantor",
}
