"""What an application is worth to a bank for each yuan lent, a year: margin less expected loss, each number told."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from matching.applications.rules import BankValue
from models.money import round_half_up


@dataclass(frozen=True)
class RiskAdjusted:
    """``annual_rate`` = (rate − funding) − PD × LGD, a fraction of a year; ``yuan`` the same on the amount.

    ``None`` where the probability of default or the rate is unknown: an unknown risk is neither none nor the worst.
    """

    rate: Decimal | None
    funding: Decimal
    margin: Decimal | None
    pd: Decimal | None
    loss_given_default: Decimal
    expected_loss: Decimal | None
    annual_rate: Decimal | None
    yuan: Decimal | None
    confirmed: bool


def risk_adjusted(
    rate: Decimal | None, pd: Decimal | None, security: str, amount: Decimal, terms: BankValue
) -> RiskAdjusted:
    """The value of lending ``amount`` yuan at ``rate`` a year on ``security``; ``pd`` is for twelve months."""
    lost = terms.loss_given_default[security]
    margin = None if rate is None else rate - terms.funding_annual_rate
    expected = None if pd is None else pd * lost
    value = None if margin is None or expected is None else margin - expected
    yuan = None if value is None else round_half_up(value * amount)
    return RiskAdjusted(rate, terms.funding_annual_rate, margin, pd, lost, expected, value, yuan, terms.confirmed)
