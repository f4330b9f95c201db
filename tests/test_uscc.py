"""The unified social credit code: one check for one code, one for columns, and an independent oracle."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.cn import uscc as oracle

from models.uscc import ALPHABET, check_character, check_uscc
from scoring.intake.faults import Reason
from scoring.intake.words import usccs, valid_usccs

letters = st.text(st.sampled_from(ALPHABET), min_size=17, max_size=17)
digits_first = st.builds(
    str.__add__, st.from_regex(r"[0-9]{8}", fullmatch=True), st.text(st.sampled_from(ALPHABET), min_size=9, max_size=9)
)
anything = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.text(st.sampled_from(ALPHABET + "IOZSV０"), min_size=16, max_size=19),
    letters.map(lambda first: first + check_character(first)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(anything, max_size=8))
def test_column_check_agrees_with_single_check(codes: list[str | None]) -> None:
    column = pa.array(codes, pa.string())
    expected = [code is not None and check_uscc(code).valid for code in codes]
    assert valid_usccs(column).tolist() == expected
    # The same on a slice, whose buffers do not start at zero.
    assert valid_usccs(column[1:]).tolist() == expected[1:]


@settings(max_examples=150, deadline=None)
@given(digits_first, st.sampled_from(ALPHABET))
def test_agrees_with_stdnum_where_it_applies(first: str, last: str) -> None:
    assert check_uscc(first + last).valid == oracle.is_valid(first + last)
    assert oracle.is_valid(first + check_character(first))


@settings(max_examples=100, deadline=None)
@given(letters, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_any_single_wrong_character_is_found(first: str, place: int, other: str) -> None:
    code = first + check_character(first)
    changed = code[:place] + other + code[place + 1 :]
    assert check_uscc(changed).valid == (changed == code)


@settings(max_examples=100, deadline=None)
@given(letters, st.integers(0, 16))
def test_neighbours_swapped_are_found(first: str, place: int) -> None:
    code = first + check_character(first)
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert check_uscc(swapped).valid == (swapped == code)


@pytest.mark.parametrize("start", ["N2210100", "A1210100", "Y3210102", "91210100"])
def test_letters_are_allowed_in_the_first_eight_places(start: str) -> None:
    first = start + "MA0QQ5X2W"
    assert check_uscc(first + check_character(first)).valid


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("9121010000000001", Reason.USCC_LENGTH),
        ("９１２１０１０００００００００１８Ｇ", Reason.USCC_CHARACTER),
        ("91210100000000I18G", Reason.USCC_CHARACTER),
        ("91210100 0000000186", Reason.USCC_LENGTH),
        ("91210100000000001a", Reason.USCC_CHARACTER),
        ("911100001000000001", Reason.USCC_CHECK),
    ],
)
def test_says_why_not(code: str, reason: Reason) -> None:
    (found, mask), *rest = usccs(pa.array([code])).bad
    assert (found, mask.tolist(), rest) == (reason, [True], [])


def test_unknown_is_not_wrong() -> None:
    parsed = usccs(pa.array([None, "91210100"], pa.string()))
    assert [mask.tolist() for _, mask in parsed.bad] == [[False, True]]
