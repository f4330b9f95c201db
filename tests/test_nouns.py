"""Truth, dates, money and the stored form of each kind."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.dates import Window, add_months, days, from_days, month_end, parse_date, parse_span, whole_months
from models.errors import RefusedInput, shown
from models.kinds import UNKNOWNS, Kind, decode, encode, is_unknown
from models.money import (
    LARGEST_YUAN,
    from_fen,
    parse_yuan,
    round_down,
    round_half_up,
    to_fen,
)
from models.truth import Truth, all_of, any_of, negated

DATES = st.dates(date(1980, 1, 1), date(2100, 12, 31))


def test_kleene_tables() -> None:
    for left, right in product(Truth, Truth):
        both = {left, right}
        expected_all = Truth.UNMET if Truth.UNMET in both else Truth.UNKNOWN if Truth.UNKNOWN in both else Truth.MET
        expected_any = Truth.MET if Truth.MET in both else Truth.UNKNOWN if Truth.UNKNOWN in both else Truth.UNMET
        assert all_of([left, right]) is expected_all
        assert any_of([left, right]) is expected_any
        assert negated(all_of([left, right])) is any_of([negated(left), negated(right)])
    assert all_of([]) is Truth.MET
    assert any_of([]) is Truth.UNMET


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2023, 1, 31), 1, date(2023, 2, 28)),
        (date(2024, 4, 30), 1, date(2024, 5, 31)),
        (date(2024, 10, 31), -12, date(2023, 10, 31)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 12, 15), 1, date(2025, 1, 15)),
        (date(2024, 3, 30), -1, date(2024, 2, 29)),
    ],
)
def test_adding_months_keeps_month_ends(start: date, months: int, expected: date) -> None:
    assert add_months(start, months) == expected


@given(DATES, st.integers(1, 120))
def test_windows_back_to_back_share_no_day_and_lose_none(end: date, months: int) -> None:
    window = Window.back(month_end(end), months)
    earlier = window.before(months)
    assert earlier.end == window.start
    assert window.start == month_end(window.start)
    assert window.end in window
    assert window.start not in window
    assert window.start in earlier


@given(DATES, DATES)
def test_whole_months_never_counts_an_unfinished_month(start: date, end: date) -> None:
    months = whole_months(start, end)
    assert add_months(start, months) <= end < add_months(start, months + 1)


@given(DATES)
def test_days_and_back(day: date) -> None:
    assert from_days(days(day)) == day
    assert days(day + timedelta(1)) == days(day) + 1


@pytest.mark.parametrize(
    "text", ["2024-02-30", "2024-1-1", "20240101", "2024-01-01T00:00", "２０２４-01-01", "", "today"]
)
def test_a_date_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(RefusedInput) as caught:
        parse_date(text, "signed_on")
    assert caught.value.field == "signed_on"
    assert "2024-10-31" in caught.value.fix


def test_spans_are_months() -> None:
    assert parse_span("12m") == 12
    for text in ("12", "1y", "m", "-1m", "12 m", "12m\n"):
        with pytest.raises(RefusedInput):
            parse_span(text)


@pytest.mark.parametrize(
    "text", ["1e5", "NaN", "1,000", " 1", "1.234", "１２３", "--1", "", "1\n", "0x1", "Infinity", "9" * 15]
)
def test_an_amount_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(RefusedInput, match="amount"):
        parse_yuan(text)


def test_amounts_above_the_largest_are_refused() -> None:
    assert parse_yuan(str(LARGEST_YUAN)) == LARGEST_YUAN
    with pytest.raises(RefusedInput):
        parse_yuan(str(LARGEST_YUAN + 1))


@given(st.integers(-(10**15), 10**15))
def test_fen_to_yuan_and_back_loses_nothing(fen: int) -> None:
    assert to_fen(from_fen(fen)) == fen
    assert to_fen(parse_yuan(f"{from_fen(fen):f}")) == fen


def test_part_of_a_fen_needs_a_named_rounding() -> None:
    with pytest.raises(ValueError, match="named rule"):
        to_fen(Decimal("0.005"))
    assert round_half_up(Decimal("0.005")) == Decimal("0.01")
    assert round_down(Decimal("0.019")) == Decimal("0.01")
    assert round_down(Decimal("-0.019")) == Decimal("-0.01")


VALUES = {
    Kind.MONEY: Decimal("1234.56"),
    Kind.COUNT: 7,
    Kind.MONTHS: 0,
    Kind.NUMBER: 1.5,
    Kind.RATIO: 0.035,
    Kind.DATE: date(2024, 10, 31),
    Kind.CODE: "b",
    Kind.FLAG: False,
}


@pytest.mark.parametrize("kind", VALUES)
def test_each_kind_comes_back_and_unknown_stays_unknown(kind: Kind) -> None:
    codes = ("a", "b")
    stored = encode(kind, VALUES[kind], codes)
    assert decode(kind, stored, codes) == VALUES[kind]
    assert not is_unknown(kind, stored)
    assert is_unknown(kind, encode(kind, None, codes))
    assert decode(kind, UNKNOWNS[kind], codes) is None


def test_an_unlisted_code_is_not_unknown() -> None:
    with pytest.raises(ValueError, match="c"):
        encode(Kind.CODE, "c", ("a", "b"))


def test_text_has_no_number() -> None:
    with pytest.raises(ValueError, match="text"):
        encode(Kind.TEXT, "x")


def test_messages_cut_and_escape_what_they_quote() -> None:
    assert shown("a\nb") == "'a\\nb'"
    assert len(shown("x" * 1000)) == 80
