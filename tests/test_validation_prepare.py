"""Columns, targets, folds and descriptions of a data set to validate on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas import DataFrame, Series

from models.errors import DataFileError, RefusedInput
from scoring.validation import Description, folds, later_rows, parse_description, prepare, suspects
from scoring.validation.column_kinds import NumberColumn, TextColumn, typed
from scoring.validation.special_codes import KIND, codes_apart
from service.books.documents import parse_yaml

ROWS = 60
OUTCOME = ["1" if row % 4 == 0 else "0" for row in range(ROWS)]


def table(**columns: Any) -> DataFrame:
    return DataFrame({"y": OUTCOME, "x": [str(row % 7) for row in range(ROWS)], **columns})


def described(**more: Any) -> Description:
    return Description("t", **{"target": "y", **more})


def kind(values: list[str], special: tuple[float, ...] = (), forced: str = "") -> Any:
    return typed(Series(values, dtype=str), special, (), forced)


def test_numbers_categories_and_what_is_left_out() -> None:
    random = np.random.default_rng(0)
    amounts = [str(each) for each in random.integers(10, 10**7, 50)]
    assert isinstance(kind(amounts), NumberColumn), "different amounts are no identifier"
    assert kind([str(row) for row in range(100, 150)]) == "identifier"
    assert kind([str(each) for each in random.permutation(50)]) == "identifier"
    assert kind([f"{row * 7919 % 900_000 + 100_000}" for row in range(50)]) == "identifier"
    assert kind([f"firm {row}" for row in range(50)]) == "identifier"
    assert kind(["2024-10-31"] * 25 + ["2024/1/2"] * 25) == "date"
    assert kind(["7"] * 50) == "constant"
    assert kind(["", "NA", "?"] * 20) == "empty"
    assert kind([f"note {row // 2 * (row < 48) or row} about it" for row in range(50)]) == "text"
    found = kind(["批发业", "零售业 ", "none", "NULL", ""] * 10)
    assert isinstance(found, TextColumn)
    assert list(found.values[:5]) == ["批发业", "零售业", "none", None, None]


def test_one_value_or_missing_is_information() -> None:
    assert isinstance(kind(["1", ""] * 20), NumberColumn)


def test_numbers_with_a_few_words_among_them_name_the_words() -> None:
    found = kind(["1.5", "2", "-3e2", "inf"] * 10 + ["unknown"])
    assert isinstance(found, NumberColumn)
    assert "unknown" in found.odd
    assert np.isnan(found.values[[3, 40]]).all()
    assert isinstance(kind(["1", "2", "x"] * 20), TextColumn)


def test_what_the_description_says_of_a_type_wins() -> None:
    assert isinstance(kind(["1", "2"] * 20, forced="category"), TextColumn)
    assert isinstance(kind([str(row) for row in range(40)], forced="number"), NumberColumn)


def test_special_codes_stay_in_place_until_a_model_takes_them_apart() -> None:
    data = prepare(table(a=["-9", "-8", "5", "", "1"] * 12), described(special={"*": (-9.0, -8.0, -7.0)}))
    assert data.special == {"a": (-9.0, -8.0)}
    assert data.X["a"].iloc[0] == -9.0
    apart = codes_apart(data.X, data.special)
    assert list(apart["a" + KIND][:5]) == ["-9", "-8", "known", None, "known"]
    assert np.isnan(apart["a"][:2]).all()
    assert apart["a"].iloc[2] == 5.0
    assert data.X["a"].iloc[0] == -9.0, "the table itself is not changed"


def test_the_rarer_value_is_the_default_unless_another_is_named() -> None:
    data = prepare(table(), described())
    assert (data.bad, int(data.y.sum())) == ("1", 15)
    data = prepare(table(), described(bad="0"))
    assert (data.bad, int(data.y.sum())) == ("0", 45)


def test_rows_without_a_target_are_left_out_and_counted() -> None:
    rows = table()
    rows.loc[[1, 2], "y"] = ""
    data = prepare(rows, described())
    assert data.y.size == ROWS - 2
    assert ("no_target", "y", "2") in [(each.code, each.column, each.said) for each in data.notices]


def test_everything_left_out_is_named_with_its_reason() -> None:
    rows = table(no=[str(row) for row in range(ROWS)], k=["1"] * ROWS, lost=[str(row % 5) for row in range(ROWS)])
    data = prepare(rows, described(leaks={"lost": "written off later"}))
    assert {(each.column, each.why, each.said) for each in data.left_out} == {
        ("y", "target", ""),
        ("lost", "leak", "written off later"),
        ("no", "identifier", ""),
        ("k", "constant", ""),
    }
    assert list(data.X.columns) == ["x"]


def test_copies_share_a_unit_and_a_coarse_table_has_none() -> None:
    random = np.random.default_rng(1)
    value = [f"{each:.6f}" for each in random.random(ROWS)]
    value[30] = value[2]
    rows = table(a=value)
    rows.loc[30, "x"] = rows.loc[2, "x"]
    data = prepare(rows, described())
    assert data.units[30] == data.units[2]
    assert len(set(data.units)) == ROWS - 1
    assert [each.said for each in data.notices if each.code == "copies"] == ["1"]
    assert len(set(prepare(table(), described()).units)) == ROWS


@pytest.mark.parametrize(
    "leaky", [[f"{int(each) * 5 + row % 3}" for row, each in enumerate(OUTCOME)],
              ["lost" if each == "1" else "" for each in OUTCOME],
              ["written off" if each == "1" else f"state {row % 3}" for row, each in enumerate(OUTCOME)]],
    ids=["values", "presence", "category"],
)  # fmt: skip
def test_a_column_that_tells_the_outcome_is_suspected(leaky: list[str]) -> None:
    data = prepare(table(leaky=leaky), described())
    assert [each.column for each in suspects(data)] == ["leaky"]
    assert suspects(prepare(table(), described())) == ()


@pytest.mark.parametrize(
    ("columns", "more", "code"),
    [
        ({}, {"target": "z"}, "no_such_column"),
        ({}, {"target": ""}, "no_target"),
        ({}, {"drop": {"gone": "because"}}, "no_such_column"),
        ({"y": ["0"] * ROWS}, {}, "one_class_target"),
        ({"y": [""] * ROWS}, {}, "one_class_target"),
        ({"y": [str(row % 3) for row in range(ROWS)]}, {}, "many_class_target"),
        ({"y": [str(row % 2) for row in range(ROWS)]}, {}, "even_target"),
        ({}, {"bad": "yes"}, "no_such_value"),
        ({"x": ["1"] * ROWS}, {}, "no_columns"),
        ({"w": ["0"] * ROWS}, {"weight": "w"}, "bad_weight"),
        ({"t": ["soon"] * ROWS}, {"time": "t"}, "bad_time"),
    ],
    ids=lambda each: each if isinstance(each, str) else None,
)
def test_what_cannot_be_validated_is_refused(columns: dict[str, Any], more: dict[str, Any], code: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        prepare(table().assign(**columns), described(**more))
    assert refused.value.code == code
    assert refused.value.fix


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(RefusedInput, match="no rows"):
        prepare(DataFrame({"y": [], "x": []}), described())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.integers(2, 6), st.integers(1, 3), st.integers(1, 4))
def test_folds_judge_each_row_once_a_repeat_and_never_part_a_unit(
    seed: int, count: int, repeats: int, size: int
) -> None:
    random = np.random.default_rng(seed)
    units = np.unique(random.integers(0, 120 // size, 120), return_inverse=True)[1]
    y = (random.random(units.max() + 1) < 0.4).astype(np.int64)[units]
    if min(len(set(units[y == 1])), len(set(units[y == 0]))) < count:
        with pytest.raises(RefusedInput, match="classes"):
            folds(y, units, count, repeats, seed)
        return
    parts = folds(y, units, count, repeats, seed)
    for repeat in range(repeats):
        tested = np.concatenate([part.test for part in parts if part.repeat == repeat])
        assert sorted(tested) == list(range(120))
    for part in parts:
        assert not set(units[part.train]) & set(units[part.test])
        assert set(y[part.test]) == {0, 1}
    again = folds(y, units, count, repeats, seed)
    assert all((one.test == other.test).all() for one, other in zip(parts, again, strict=True))


def test_folds_keep_the_rate() -> None:
    y = (np.arange(1000) % 20 == 0).astype(np.int64)
    for part in folds(y, np.arange(1000), 5, 2, 1):
        assert y[part.test].sum() == 10


def test_later_rows_are_judged_by_earlier_ones() -> None:
    time = np.array([1.0, 2, 3, np.nan, 4, 5])
    y = np.array([0, 1, 0, 1, 1, 0])
    part = later_rows(time, 3.0, y)
    assert (list(part.train), list(part.test)) == ([0, 1], [2, 4, 5])
    with pytest.raises(RefusedInput, match="both classes"):
        later_rows(time, 5.0, y)


def test_a_description_is_read_whole() -> None:
    text = """
id: loans
zh: 贷款
en: Loans
target: {column: 是否违约, bad: 是}
leaks: {written_off: after the loss}
ids: [no]
group: firm
categorical: [行业]
time: {column: year, from: 2020}
special: {"*": [-9, -8.5]}
directions: {age: lower_is_riskier, debt: higher_is_riskier}
folds: 4
"""
    found = parse_description(parse_yaml(text.encode(), "loans.yaml"))
    assert (found.target, found.bad, found.folds, found.repeats) == ("是否违约", "是", 4, 2)
    assert found.special == {"*": (-9.0, -8.5)}
    assert found.directions == {"age": -1, "debt": 1}
    assert (found.time, found.time_from) == ("year", 2020.0)
    assert found.columns["written_off"] == "leaks"


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("colour: red", "colour"),
        ("target: y", "target"),
        ("target: {bad: 1}", "target"),
        ("leaks: [a]", "leaks"),
        ("leaks: {a: ''}", "a"),
        ("ids: no", "ids"),
        ("time: {column: t}", "from"),
        ("time: {column: t, from: soon}", "from"),
        ("special: {a: -9}", "a"),
        ("special: {a: [x]}", "a"),
        ("directions: {a: up}", "a"),
        ("folds: 1", "folds"),
        ("repeats: many", "repeats"),
        ("synthetic: maybe", "synthetic"),
    ],
)
def test_a_faulty_description_names_file_line_and_field(line: str, field: str) -> None:
    with pytest.raises(DataFileError) as wrong:
        parse_description(parse_yaml(f"id: x\n{line}\n".encode(), "x.yaml"))
    assert (wrong.value.file, wrong.value.line, wrong.value.field) == ("x.yaml", 2, field)
