"""A number is written on one line: what ends in a line break, or holds any other sign, is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from matching.parameters import parse_reference
from matching.rulefile import RuleFile
from models.errors import DataFileError, RefusedInput
from models.marked import marked
from service.books.rulebook import facts

BROKEN = ["12\n", "12\r", "\n12", "12 ", " 12", "１２", "1e3", "+12", "12.", ".5", "1_000", "", "0x1f"]


@pytest.mark.parametrize("text", BROKEN)
@pytest.mark.parametrize("fact", ["insured_staff", "loan_term_months", "loan_annual_rate", "score", "sales_12m"])
def test_a_fact_is_a_plain_number(fact: str, text: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        facts().read_values({fact: text})
    assert refused.value.field == f"facts.{fact}"
    assert refused.value.fix


@pytest.mark.parametrize(
    ("name", "read"),
    [("share", lambda file: file.decimal("share", "0", "100")), ("yuan", lambda file: file.yuan("yuan"))],
)
@pytest.mark.parametrize("text", BROKEN)
def test_a_number_of_a_rule_file_is_plain(name: str, read: Callable[[RuleFile], Any], text: str) -> None:
    with pytest.raises(DataFileError) as refused:
        read(RuleFile(marked({name: text})))
    assert refused.value.field == name


@pytest.mark.parametrize("text", ["a-scheme\n", "a-scheme ", "A-scheme", "a--b", "-a", "a_b"])
def test_an_id_is_words_joined_by_hyphens(text: str) -> None:
    with pytest.raises(DataFileError):
        RuleFile(marked({"id": text})).identifier()


@pytest.mark.parametrize("text", ["0.7\n", "0.7 "])
def test_a_factor_of_a_parameter_is_a_plain_number(text: str) -> None:
    with pytest.raises(RefusedInput):
        parse_reference({"param": "lpr_1y", "times": text})
