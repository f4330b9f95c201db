"""Money is Decimal yuan in rules and integer fen in storage; every rounding has a name."""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from models.errors import RefusedInput

FEN_PER_YUAN = 100
#: Largest amount the product holds: 10 trillion yuan, well inside int64 fen.
LARGEST_YUAN = Decimal("10000000000000")
_FEN = Decimal("0.01")
_AMOUNT = re.compile(r"-?\d{1,14}(\.\d{1,2})?", re.ASCII)


def parse_yuan(text: str, field: str = "amount_yuan") -> Decimal:
    """Yuan from text such as ``1234.50``; no exponent, no separator, at most two decimals."""
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
        raise RefusedInput(
            "bad_amount",
            field,
            text,
            "An amount is yuan with at most two decimals.",
            "Write it like 3000000 or 1234.50.",
        )
    amount = Decimal(text)
    if abs(amount) > LARGEST_YUAN:
        raise RefusedInput(
            "bad_amount", field, text, f"No amount exceeds {LARGEST_YUAN} yuan.", "Check the unit: yuan."
        )
    return amount


def to_fen(yuan: Decimal) -> int:
    """Exact fen of an amount that has no part of a fen."""
    fen = yuan * FEN_PER_YUAN
    whole = int(fen)
    if fen != whole:
        raise ValueError(f"{yuan} yuan is not a whole number of fen; round it by a named rule first")
    return whole


def from_fen(fen: int) -> Decimal:
    """Yuan with two decimals."""
    return Decimal(fen).scaleb(-2)


def round_half_up(yuan: Decimal) -> Decimal:
    """To the fen, ties away from zero: the commercial rule, used for interest and fees."""
    return yuan.quantize(_FEN, rounding=ROUND_HALF_UP)


def round_down(yuan: Decimal) -> Decimal:
    """To the fen, toward zero: used for subsidies, so that public money is never paid above the rule."""
    return yuan.quantize(_FEN, rounding=ROUND_DOWN)
