"""A step of a calculation as it is shown: what was worked out, the number, its unit and the clause it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Step:
    """``unit`` is yuan, per_year (a rate), share, months or date count; ``cite`` a clause, or a named reading."""

    zh: str
    en: str
    value: Decimal
    unit: str
    cite: str = ""
