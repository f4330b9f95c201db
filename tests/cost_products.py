"""A product of a test, from which costs and cost lists are reckoned."""

from __future__ import annotations

from datetime import date
from typing import Any

from matching.products import Product, parse_product
from service.books.rulebook import facts

ON = date(2024, 10, 31)  # LPR 3.10 %


def product(**changed: Any) -> Product:
    """A loan of an invented bank at LPR + 0.9 points without fees; a part changed to ``None`` is left out."""
    parts: dict[str, Any] = {
        "id": "a-loan",
        "kind": "product",
        "offers": "loan",
        "zh": "贷款",
        "en": "A loan",
        "lender": {"id": "a-bank", "zh": "甲银行（虚构）", "en": "A Bank (invented)", "kind": "bank"},
        "origin": "test",
        "amount_yuan": {"min": 10_000, "max": 10_000_000, "typical": 1_000_000},
        "term_months": {"min": 1, "max": 36, "typical": 12},
        "rate": {"over": "lpr_1y", "min": "0.005", "max": "0.015", "typical": "0.009"},
        "repayment": "bullet",
        "day_count": "monthly",
        "security": "credit",
        "purposes": ["working_capital"],
        "conditions": {"all": []},
    }
    parts.update(changed)
    return parse_product({name: value for name, value in parts.items() if value is not None}, facts())
