"""Guarantees: what the fee may come to, who bears what share of a loss, and where compensation ends in a year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from matching.benefits.benefit import ZERO, Asked, Benefit
from matching.steps import Step
from models.errors import RefusedInput
from models.money import round_down, round_half_up

#: How the bearers of a loss are written in answers.
BEARERS: Mapping[str, str] = {
    "bank": "银行",
    "guarantor": "担保机构",
    "guarantee_system": "担保体系",
    "province": "省级再担保",
    "national_fund": "国家融资担保基金",
    "government": "政府风险补偿",
    "pool": "助保金池",
    "firm": "企业",
}


@dataclass(frozen=True)
class FeeTier:
    """A fee ceiling per year for amounts below ``below_yuan``; ``None`` for every amount."""

    annual_rate: Decimal
    below_yuan: Decimal | None = None


@dataclass(frozen=True)
class GuaranteeTerms:
    """The fee a guarantee may cost at most, and who bears what share of a loss (shares sum to one).

    ``fee_relief`` is the share of the fee that somebody else pays. ``compensation_caps`` end a bearer's part in a
    year's losses: it bears its share of them only up to that fraction of the volume guaranteed in the year, and what
    lies beyond falls to ``beyond_caps``.
    """

    fee_tiers: tuple[FeeTier, ...]
    shares: Mapping[str, Decimal]
    cite: str
    fee_paid_by: str = "firm"
    fee_relief: Decimal = ZERO
    compensation_caps: Mapping[str, Decimal] = field(default_factory=dict)
    beyond_caps: str = ""

    kind = "guarantee_fee_and_risk_share"

    def fee_rate(self, amount: Decimal) -> Decimal:
        """The ceiling for ``amount`` before any relief: that of the first tier it lies below."""
        return next(tier.annual_rate for tier in self.fee_tiers if tier.below_yuan is None or amount < tier.below_yuan)

    def worked_out(self, asked: Asked) -> Benefit:
        amount = asked.number("loan_amount_yuan")
        if amount is None:
            return Benefit(self.kind, shares=self.shares, missing=("loan_amount_yuan",))
        return self.on_amount(amount, asked.months("loan_term_months"))

    def on_amount(self, amount: Decimal, months: int | None) -> Benefit:
        """Fee ceiling (for ``months``, unknown without them) and the split of a loss of the whole amount."""
        ceiling = self.fee_rate(amount)
        steps = [Step("年担保费率上限", "Fee ceiling per year", ceiling, "per_year", self.cite)]
        rate = ceiling * (1 - self.fee_relief)
        if self.fee_relief:
            steps += [
                Step("减免比例", "Share of the fee relieved", self.fee_relief, "share", self.cite),
                Step("减免后费率上限", "Fee ceiling after relief", rate, "per_year", self.cite),
            ]
        fee = None if months is None else round_half_up(amount * rate * months / 12)
        if fee is not None:
            formula = ("担保费上限 = 金额 × 费率 × 月数/12", "Fee at most = amount × rate × months/12")
            steps.append(Step(*formula, fee, "yuan", self.cite))
        for bearer, yuan in split(amount, self.shares).items():
            steps.append(
                Step(
                    f"全损时{BEARERS.get(bearer, bearer)}承担",
                    f"Of a total loss {bearer} bears",
                    yuan,
                    "yuan",
                    self.cite,
                )
            )
        for bearer, cap in self.compensation_caps.items():
            named = BEARERS.get(bearer, bearer)
            formula = (f"{named}年度代偿率上限", f"Compensation rate of a year up to which {bearer} bears its share")
            steps.append(Step(*formula, cap, "share", self.cite))
        return Benefit(
            self.kind,
            fee_annual_rate=rate,
            fee_yuan=fee,
            shares=self.shares,
            steps=tuple(steps),
            missing=() if months is not None else ("loan_term_months",),
        )

    def year_of_losses(self, guaranteed_yuan: Decimal, lost_yuan: Decimal) -> dict[str, Decimal]:
        """Who bears what of a year's losses on a volume guaranteed; the parts sum to the losses.

        A capped bearer pays ``share × min(losses, cap × volume)``, down to the fen. ``RefusedInput`` for amounts below
        zero or losses above the volume.
        """
        if not 0 <= lost_yuan <= guaranteed_yuan:
            rule = "Losses lie between zero and the volume guaranteed."
            raise RefusedInput("bad_amount", "lost_yuan", lost_yuan, rule, "Give both in yuan for one year.")
        borne = split(lost_yuan, self.shares)
        for bearer, cap in self.compensation_caps.items():
            most = round_down(self.shares[bearer] * cap * guaranteed_yuan)
            beyond = max(borne[bearer] - most, ZERO)
            borne[bearer] -= beyond
            borne[self.beyond_caps] += beyond
        return borne


def split(amount: Decimal, shares: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """``amount`` by ``shares``, each rounded half up to the fen, the last bearer taking what the roundings leave."""
    parts: dict[str, Decimal] = {}
    for bearer, share in list(shares.items())[:-1]:
        parts[bearer] = round_half_up(amount * share)
    parts[list(shares)[-1]] = amount - sum(parts.values(), ZERO)
    return parts
