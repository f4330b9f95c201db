"""Faulty terms are refused by name, and every kind is documented."""

from __future__ import annotations

import re
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from matching.benefit_terms import KINDS
from models.errors import DataFileError
from service.books.documents import parse_yaml
from tests.benefit_terms_said import CAPPED, EQUITY, INSURER, LOAN, POOL, ask, fixed, flag, part, terms

DOCUMENTED = (Path(__file__).parents[1] / "docs" / "benefits.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"kind": "gift"}, "kind"),
        ({"kind": "fixed"}, "yuan"),
        ({"kind": "fixed", "yuan": 0}, "yuan"),
        ({"kind": "fixed", "yuan": 1, "share": 1}, "share"),
        ({"kind": "share_of_amount", "of": "sales", "share": "0.1"}, "of"),
        ({"kind": "share_of_amount", "of": "insured_staff", "share": "0.1"}, "of"),
        ({"kind": "share_of_amount", "of": "sales_12m", "share": "1.1"}, "share"),
        ({"kind": "share_of_amount", "of": "sales_12m", "share": "1", "cap_yuan": 1, "floor_yuan": 2}, "floor_yuan"),
        ({"kind": "per_unit", "of": "sales_12m", "yuan_each": 1}, "of"),
        ({**INSURER, "per": "week"}, "per"),
        ({"kind": "tiers", "counting": "lowest", "tiers": [part("live", fixed(1))]}, "counting"),
        ({"kind": "tiers", "counting": "highest", "tiers": []}, "tiers"),
        ({"kind": "tiers", "counting": "highest", "tiers": [part("live", {"kind": "pool"})]}, "kind"),
        ({"kind": "tiers", "counting": "highest", "tiers": [part("live", {})]}, "kind"),
        ({"kind": "staged", "stages": [part("live", fixed(1))]}, "id"),
        ({"kind": "staged", "stages": [part("live", fixed(1), id="a"), part("live", fixed(1), id="a")]}, "stages"),
        (
            {
                "kind": "split_years",
                "of": fixed(1),
                "parts": [{"share": "0.5", "when": flag("live"), "zh": "a", "en": "a"}],
            },
            "parts",
        ),
        ({**EQUITY, "return_cap": {"parameter": "shibor"}}, "parameter"),
        ({**EQUITY, "return_cap": {"parameter": "lpr_1y", "on": "size_class"}}, "on"),
        ({**POOL, "contribution": {"low": "0.02", "high": "0.01"}}, "low"),
        ({**POOL, "pool_yuan": 5, "pool": "sales_12m"}, "pool"),
        ({**POOL, "waterfall": POOL["waterfall"][:2]}, "waterfall"),  # type: ignore[index]
        ({**POOL, "waterfall": POOL["waterfall"][:3]}, "waterfall"),  # type: ignore[index]
        ({**POOL, "waterfall": POOL["waterfall"][2:] * 2}, "waterfall"),  # type: ignore[index]
        ({**POOL, "waterfall": [{"bearer": "bank", "share": "1", "up_to": "heaven"}]}, "up_to"),
        ({"kind": "points_off", "points": "0.01", **LOAN, "enjoyed": "sales_12m"}, "enjoyed"),
        ({"kind": "points_off", "points": "0.01", **LOAN, "payout": "never"}, "payout"),
        ({**CAPPED, "beyond_caps": "province"}, "compensation_caps"),
        ({**CAPPED, "compensation_caps": {"heaven": "0.1"}}, "compensation_caps"),
        ({**CAPPED, "compensation_caps": None}, "beyond_caps"),
    ],
)
def test_faulty_terms_are_refused_by_name(parts: dict[str, Any], field: str) -> None:
    with pytest.raises(DataFileError) as refused:
        terms(**parts)
    assert refused.value.field == field
    assert refused.value.fix


def test_every_kind_has_its_chapter_and_a_worked_example() -> None:
    assert [kind for kind in KINDS if f"## `{kind}`" not in DOCUMENTED] == []
    assert {example["benefit"]["kind"] for example in worked_examples()} == set(KINDS)


def worked_examples() -> list[dict[str, Any]]:
    blocks = re.findall(r"^```yaml\n(.*?)^```", DOCUMENTED, re.MULTILINE | re.DOTALL)
    return [parse_yaml(block.encode(), "docs/benefits.md") for block in blocks]


@pytest.mark.parametrize("example", worked_examples(), ids=lambda example: example["benefit"]["kind"])
def test_every_worked_example_of_the_documentation_holds(example: dict[str, Any]) -> None:
    made = ask(terms(**example["benefit"]), **example["given"])
    for name, wanted in example["gives"].items():
        found = getattr(made, name)
        assert found == (None if wanted is None else D(str(wanted))), name
