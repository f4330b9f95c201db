"""Which firms are prepaid business by their registered code, and which cells of an aggregate stay hidden."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import DataFileError
from scoring.columns import Columns
from scoring.prepaid import NONE, parse_prepaid, prepaid_industry
from scoring.small_cells import hidden
from service.books import rulebook
from service.books.documents import parse_yaml
from service.books.seedbook import SEED
from tests.side_firms import CODES, columns_of


@pytest.mark.parametrize(
    ("code", "industry"),
    [
        ("R8930", "gym"), ("O8040", "beauty"), ("K7010", "real_estate"), ("K7020", "property"), ("P8399", "tutoring"),
        ("O8020", "early_education"), ("E5012", "decoration"), ("E5011", NONE), ("K7030", NONE), ("P8391", NONE),
        ("P8310", NONE), ("C3311", NONE), ("R893", None), ("K70", None), ("E50", None), ("E49", NONE), ("A8930", None),
        ("K7099", NONE), ("8930", None), ("R89301", None), ("", None),
    ],
)  # fmt: skip
def test_the_industry_by_registered_code(code: str, industry: str | None) -> None:
    book = rulebook.prepaid_industries()
    assert book.of_code(code) == industry
    firms = Columns(2, {"industry_code": np.array([0, -1], np.int16)}, {"industry_code": (code,)})
    made = prepaid_industry(firms, book)
    assert made.values["prepaid_industry"].tolist() == [-1 if industry is None else book.codes.index(industry), -1]


def test_the_fact_has_the_codes_of_the_industries() -> None:
    assert rulebook.facts()["prepaid_industry"].codes == CODES["prepaid_industry"]
    assert prepaid_industry(columns_of([{}]), rulebook.prepaid_industries()).values["prepaid_industry"].tolist() == [-1]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("R8930: 健身休闲活动", "Z8930: 健身", "no class"),
        ("R8930: 健身休闲活动", "R893: 健身", "no class"),
        ("R8930: 健身休闲活动", "O8040: 美容", "another industry already"),
        ("id: gym", "id: beauty", "used once"),
        ("id: gym", "id: none", "used once"),
        ("    zh: 健身\n", "", "must say this"),
    ],
)
def test_a_faulty_industry_is_refused_at_its_line(before: str, after: str, says: str) -> None:
    text = (SEED / "prepaid_industries.yaml").read_text(encoding="utf-8")
    assert before in text
    document = parse_yaml(text.replace(before, after).encode(), "prepaid_industries.yaml")
    with pytest.raises(DataFileError, match=says) as refused:
        parse_prepaid(document, rulebook.industries())
    assert refused.value.file == "prepaid_industries.yaml"
    assert refused.value.line > 10


@pytest.mark.parametrize(
    ("counts", "gone"),
    [
        ([], []),
        ([10, 20], [False, False]),
        ([0, 20], [False, False]),
        ([4, 20, 30], [True, True, False]),
        ([4, 3, 30], [True, True, False]),
        ([1, 2, 5, 30], [True, True, True, False]),
        ([4], [True]),
        ([5], [False]),
    ],
)
def test_small_cells_are_hidden(counts: list[int], gone: list[bool]) -> None:
    assert hidden(counts, 5) == gone


@settings(deadline=None)
@given(counts=st.lists(st.integers(0, 40), max_size=12))
def test_no_small_cell_is_found_by_subtraction(counts: list[int]) -> None:
    gone = hidden(counts, 5)
    away = [count for count, each in zip(counts, gone, strict=True) if each]
    assert all(each for count, each in zip(counts, gone, strict=True) if 0 < count < 5)
    assert not any(each for count, each in zip(counts, gone, strict=True) if count == 0)
    if away and any(not each and count for count, each in zip(counts, gone, strict=True)):
        assert len(away) > 1
        assert sum(away) >= 5
