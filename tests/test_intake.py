"""Row checks: what passes is exact, what does not says where and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.dates import month_end, parse_date
from models.errors import RefusedInput
from models.money import from_fen, parse_yuan, to_fen
from scoring.feeds import Column, ColumnType
from scoring.intake import (
    CheckedRows,
    Chunk,
    Reason,
    Spoiled,
    check_rows,
    in_words,
    lake_order,
    lake_schema,
    match_header,
    settle,
)
from scoring.intake.columns import read_column
from service.books.seedbook import feeds
from tests.deliveries import PENALTY, PENALTY_HEADER, code, penalty

TODAY = date(2024, 10, 31)
FEED = feeds()[PENALTY]
MONEY = Column("amount_yuan", ColumnType.MONEY, "金额", "amount")
DATE = Column("decided_on", ColumnType.DATE, "日期", "day")
MONTH = Column("month", ColumnType.MONTH, "月份", "month")
NUMBER = Column("rate", ColumnType.DECIMAL, "率", "rate")
WHOLE = Column("staff", ColumnType.INTEGER, "人数", "staff", min=0, max=10)
FLAG = Column("late", ColumnType.FLAG, "逾期", "late")
TEXT = Column("name", ColumnType.TEXT, "名称", "name", max_length=5)


def checked(rows: Sequence[Mapping[str, str | None]], feed_id: str = PENALTY, **spoiled: Any) -> CheckedRows:
    names = list(dict.fromkeys(name for row in rows for name in row)) or list(PENALTY_HEADER)
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    return check_rows(feeds()[feed_id], Chunk(columns, np.arange(2, 2 + len(rows)), **spoiled), TODAY)


def faults(outcome: CheckedRows) -> list[tuple[int, str, Reason, str]]:
    return sorted(
        (int(row), fault.column, fault.reason, value)
        for fault in outcome.faults
        for row, value in zip(fault.rows, fault.values, strict=True)
    )


def parsed(column: Column, values: Sequence[Any], type_: Any = None) -> tuple[list[Any], list[Reason]]:
    outcome = read_column(column, pa.array(values, type_ or pa.string()))
    return outcome.values.to_pylist(), [reason for reason, mask in outcome.bad for _ in range(int(mask.sum()))]


def test_good_rows_take_storage_form() -> None:
    outcome = checked([penalty(1, criminal="是", amount_yuan="1234.5"), penalty(2, amount_yuan="")])
    first, second = outcome.records.to_pylist()
    assert first["amount_fen"] == 123450
    assert (first["criminal"], first["revision"], first["withdrawn_on"]) == (True, 1, None)
    assert first["observed_on"] == first["decided_on"] == date(2024, 2, 2)
    assert second["amount_fen"] is None
    assert outcome.rows.tolist() == [2, 3]
    expected = [field for field in lake_schema(FEED) if field.name not in ("received_at", "contested")]
    assert list(outcome.records.schema) == expected


@pytest.mark.parametrize(
    ("changes", "column", "reason"),
    [
        ({"uscc": "91210100000000001X"}, "uscc", Reason.USCC_CHECK),
        ({"uscc": ""}, "uscc", Reason.MISSING),
        ({"document_no": ""}, "document_no", Reason.MISSING),
        ({"decided_on": "2024-02-30"}, "decided_on", Reason.BAD_DATE),
        ({"decided_on": "2024/02/03"}, "decided_on", Reason.BAD_DATE),
        ({"decided_on": "2024-11-01"}, "decided_on", Reason.AFTER_RECEIPT),
        ({"severity": "严重"}, "severity", Reason.UNKNOWN_CODE),
        ({"criminal": "maybe"}, "criminal", Reason.BAD_FLAG),
        ({"amount_yuan": "-1"}, "amount_yuan", Reason.BELOW_MIN),
        ({"amount_yuan": "1.005"}, "amount_yuan", Reason.TOO_MANY_DECIMALS),
        ({"amount_yuan": "NaN"}, "amount_yuan", Reason.NOT_FINITE),
        ({"amount_yuan": "-Infinity"}, "amount_yuan", Reason.NOT_FINITE),
        ({"amount_yuan": "1,000"}, "amount_yuan", Reason.BAD_AMOUNT),
        ({"amount_yuan": "1e5"}, "amount_yuan", Reason.BAD_AMOUNT),
        ({"amount_yuan": "12万元"}, "amount_yuan", Reason.BAD_AMOUNT),
        ({"amount_yuan": "10000000000000.01"}, "amount_yuan", Reason.AMOUNT_LIMIT),
        ({"document_no": "x" * 81}, "document_no", Reason.TOO_LONG),
        ({"document_no": " x"}, "document_no", Reason.SURROUNDING_SPACE),
        ({"document_no": "x\u3000"}, "document_no", Reason.SURROUNDING_SPACE),
        ({"document_no": "a\x00b"}, "document_no", Reason.CONTROL_CHARACTER),
        ({"document_no": "a\nb"}, "document_no", Reason.CONTROL_CHARACTER),
        ({"document_no": "a\u202eb"}, "document_no", Reason.CONTROL_CHARACTER),
        ({"document_no": "乱\ufffd码"}, "document_no", Reason.CONTROL_CHARACTER),
        ({"revision": "0"}, "revision", Reason.BELOW_MIN),
        ({"withdrawn_on": "2024-01-01"}, "withdrawn_on", Reason.WITHDRAWN_BEFORE_START),
        ({"public_until": "2024-01-01"}, "public_until", Reason.ENDS_BEFORE_START),
    ],
)
def test_a_bad_cell_is_named_by_row_column_value_and_reason(
    changes: dict[str, str], column: str, reason: Reason
) -> None:
    outcome = checked([penalty(1), penalty(2, **changes)])
    assert faults(outcome) == [(3, column, reason, changes[column])]
    assert outcome.rows.tolist() == [2]
    assert outcome.rejected.tolist() == [3]
    assert (outcome.records.num_rows, outcome.read) == (1, 2)


def test_every_fault_of_a_row_is_told_and_the_row_counts_once() -> None:
    outcome = checked([penalty(1, uscc="x", severity="x", amount_yuan="x")])
    assert {fault.column for fault in outcome.faults} == {"uscc", "severity", "amount_yuan"}
    assert outcome.rejected.tolist() == [2]


def test_a_row_the_reader_spoiled_is_rejected_with_its_number() -> None:
    outcome = checked([penalty(1)], spoiled=(Spoiled(9, Reason.TOO_FEW_CELLS, "a,b"),))
    assert faults(outcome) == [(9, "", Reason.TOO_FEW_CELLS, "a,b")]
    assert outcome.read == 2


def test_blank_rows_are_no_rows() -> None:
    outcome = checked([penalty(1), dict.fromkeys(PENALTY_HEADER, ""), penalty(2)])
    assert outcome.read == 2
    assert outcome.rows.tolist() == [2, 4]


def test_a_shifted_row_is_rejected() -> None:
    good = penalty(1)
    shifted = dict(zip(PENALTY_HEADER, [good[name] for name in PENALTY_HEADER[1:]] + [""], strict=True))
    outcome = checked([good, shifted])
    assert {fault.column for fault in outcome.faults} >= {"uscc", "decided_on", "severity"}
    assert outcome.rejected.tolist() == [3]


def test_ends_before_start() -> None:
    row = {"uscc": code(1), "case_no": "c", "filed_on": "2024-05-02", "amount_yuan": "1", "closed_on": "2024-05-01"}
    assert faults(checked([row], "enforcement_case")) == [
        (2, "closed_on", Reason.ENDS_BEFORE_START, "2024-05-01"),
    ]
    assert faults(checked([row | {"closed_on": "2024-05-02"}], "enforcement_case")) == []


@pytest.mark.parametrize(
    ("header", "slug"),
    [
        ((*PENALTY_HEADER, "colour"), "unknown_column"),
        ((*PENALTY_HEADER, "处罚机关"), "repeated_column"),
        (PENALTY_HEADER[:3], "missing_column"),
        ((*PENALTY_HEADER, ""), "unnamed_column"),
    ],
)
def test_a_wrong_header_refuses_the_file(header: tuple[str, ...], slug: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        match_header(FEED, header)
    assert refused.value.code == slug


def test_chinese_labels_in_any_order_are_the_same_columns() -> None:
    header = [FEED.column(name).zh for name in reversed(PENALTY_HEADER)]
    assert [column.id for column in match_header(FEED, header)] == list(reversed(PENALTY_HEADER))


amounts = st.one_of(
    st.decimals(-(10**14), 10**14, places=2).map(str),
    st.from_regex(r"-?[0-9]{1,16}(\.[0-9]{0,3})?", fullmatch=True),
    st.text("0123456789.-+eE ", max_size=8),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(amounts, min_size=1, max_size=6))
def test_money_in_columns_is_money_in_rules(texts: list[str]) -> None:
    expected = []
    for text in texts:
        try:
            expected.append(to_fen(parse_yuan(text)))
        except RefusedInput:
            expected.append(None)
    assert parsed(MONEY, texts)[0] == expected


@settings(max_examples=200, deadline=None)
@given(st.integers(-(10**15), 10**15))
def test_every_double_that_names_fen_is_taken_exactly(fen: int) -> None:
    assert parsed(MONEY, [float(from_fen(fen))], pa.float64()) == ([fen], [])


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        (0.1 + 0.2, pa.float64(), Reason.TOO_MANY_DECIMALS),
        (1.005, pa.float64(), Reason.TOO_MANY_DECIMALS),
        (float("nan"), pa.float64(), Reason.NOT_FINITE),
        (float("inf"), pa.float64(), Reason.NOT_FINITE),
        (1e300, pa.float64(), Reason.AMOUNT_LIMIT),
        (2**62, pa.int64(), Reason.AMOUNT_LIMIT),
        (-(2**63), pa.int64(), Reason.AMOUNT_LIMIT),
        (2**64 - 1, pa.uint64(), Reason.BAD_NUMBER),
        (12345, pa.int32(), 1234500),
        (Decimal("12.34"), pa.decimal128(15, 2), 1234),
        (Decimal("-12.3400"), pa.decimal128(20, 4), -1234),
        (Decimal("12.3456"), pa.decimal128(20, 4), Reason.TOO_MANY_DECIMALS),
        (Decimal("10000000000000.01"), pa.decimal128(20, 2), Reason.AMOUNT_LIMIT),
        (Decimal("9" * 30), pa.decimal128(38, 2), Reason.AMOUNT_LIMIT),
        (Decimal(7), pa.decimal128(5, 0), 700),
    ],
)
def test_typed_money(value: Any, type_: Any, expected: Any) -> None:
    values, why = parsed(MONEY, [value, None], type_)
    assert values[1] is None
    if isinstance(expected, Reason):
        assert (values[0], why) == (None, [expected])
    else:
        assert (values[0], why) == (expected, [])


dates = st.one_of(
    st.dates(date(1800, 1, 1)).map(date.isoformat),
    st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]", fullmatch=True),
    st.text("0123456789-/ ", max_size=11),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(dates, min_size=1, max_size=6))
def test_dates_in_columns_are_dates_in_rules(texts: list[str]) -> None:
    expected = []
    for text in texts:
        try:
            day = parse_date(text)
            expected.append(day if day.year >= 1800 else None)
        except RefusedInput:
            expected.append(None)
    assert parsed(DATE, texts)[0] == expected


@settings(max_examples=100, deadline=None)
@given(st.dates(date(1800, 1, 1), date(9999, 11, 30)))
def test_a_month_is_stored_as_its_last_day(day: date) -> None:
    last = month_end(day)
    texts = [f"{day:%Y-%m}" if day.year >= 1000 else "", last.isoformat(), last.replace(day=1).isoformat()]
    assert parsed(MONTH, texts) == ([last] * 3, [])
    assert parsed(MONTH, [last, last.replace(day=1)], pa.date32()) == ([last] * 2, [])


@pytest.mark.parametrize("text", ["2024-13", "2024-00", "2024-1", "202410", "2024-10-15", "Oct-24", "1799-12"])
def test_a_wrong_month_is_refused(text: str) -> None:
    assert parsed(MONTH, [text]) == ([None], [Reason.BAD_MONTH])


def test_typed_days() -> None:
    midnight, noon = datetime(2024, 5, 1), datetime(2024, 5, 1, 12)
    assert parsed(DATE, [midnight, noon], pa.timestamp("ms")) == ([date(2024, 5, 1), None], [Reason.BAD_DATE])
    assert parsed(DATE, [date(2024, 5, 1), date(1, 1, 1)], pa.date32())[1] == [Reason.BAD_DATE]
    assert parsed(DATE, [date(2024, 5, 1)], pa.date64()) == ([date(2024, 5, 1)], [])


def test_numbers_within_range() -> None:
    assert parsed(WHOLE, ["0", "10", "-1", "11", "1.5", "", "٣"]) == (
        [0, 10, None, None, None, None, None],
        [Reason.BAD_NUMBER] * 2 + [Reason.BELOW_MIN, Reason.ABOVE_MAX],
    )
    assert parsed(WHOLE, [3.0, 3.5, float("nan")], pa.float64()) == ([3, None, None], [Reason.BAD_NUMBER] * 2)
    assert parsed(NUMBER, ["0.25", "1e-3", "1e999", "nan", "0x1"]) == (
        [0.25, 0.001, None, None, None],
        [Reason.NOT_FINITE, Reason.BAD_NUMBER, Reason.NOT_FINITE],
    )
    assert parsed(NUMBER, [Decimal("0.25"), None], pa.decimal128(9, 2)) == ([0.25, None], [])
    assert [str(value) for value in parsed(NUMBER, ["-0", "-0.0"])[0]] == ["0.0", "0.0"]


def test_flags_and_text() -> None:
    assert parsed(FLAG, ["true", "FALSE", "1", "0", "是", "否", None, "yes"]) == (
        [True, False, True, False, True, False, None, None],
        [Reason.BAD_FLAG],
    )
    assert parsed(FLAG, [1, 0, 2], pa.int8()) == ([True, False, None], [Reason.BAD_FLAG])
    assert parsed(TEXT, ["一二三四五", "一二三四五六"]) == (["一二三四五", None], [Reason.TOO_LONG])
    assert parsed(TEXT, ["好"], pa.dictionary(pa.int8(), pa.string()))[0] == ["好"]


@pytest.mark.parametrize(
    ("column", "values", "type_"),
    [
        (TEXT, [210102], pa.int64()),
        (MONEY, [1.5], pa.float32()),
        (MONEY, [[1]], pa.list_(pa.int64())),
        (DATE, [datetime(2024, 1, 1)], pa.timestamp("us", tz="UTC")),
        (DATE, [20240101], pa.int64()),
        (FLAG, [1.0], pa.float64()),
    ],
)
def test_a_type_that_cannot_carry_the_column_refuses_the_file(column: Column, values: list[Any], type_: Any) -> None:
    with pytest.raises(RefusedInput) as refused:
        parsed(column, values, type_)
    assert (refused.value.code, refused.value.field) == ("column_type", column.id)


def test_reasons_speak_both_languages() -> None:
    for reason in Reason:
        for column in (None, FEED.column("severity"), FEED.column("document_no")):
            assert all(in_words(reason, column))
    assert in_words(Reason.UNKNOWN_CODE, FEED.column("severity"))[1] == "one of minor, general, serious"
    assert "80" in in_words(Reason.TOO_LONG, FEED.column("document_no"))[0]


def test_the_record_id_is_a_promise() -> None:
    # If this changes, every landed record gets a new identity and every redelivery lands twice.
    said = {
        "amount_fen": "75007",
        "authority": "示范执法局",
        "criminal": "false",
        "decided_on": "2024-08-08",
        "document_no": "沈罚〔2024〕7号",
        "revision": "1",
        "severity": "general",
        "uscc": code(7),
    }
    line = "\x1f".join(f"{name}\x1f{value}" for name, value in said.items())
    outcome = checked([penalty(7)])
    assert outcome.records.column("record_id").to_pylist() == [sha256(line.encode()).hexdigest()[:32]]


def test_the_record_id_sees_content_not_spelling() -> None:
    plain = penalty(7, amount_yuan="750.5", criminal="否")
    other = penalty(7, amount_yuan="750.50", criminal="0", revision="1", withdrawn_on="")
    ids = checked(
        [plain, other, plain | {"revision": "2"}, plain | {"amount_yuan": "750.51"}, plain | {"authority": ""}]
    )
    same, again, *changed = ids.records.column("record_id").to_pylist()
    assert same == again
    assert len({same, *changed}) == 4


def test_records_lie_sorted_by_firm_then_id() -> None:
    records = checked([penalty(number) for number in (9, 3, 59, 53, 1)]).records
    ordered = records.take(pa.array(lake_order(records))).select(["uscc", "record_id"]).to_pylist()
    assert ordered == sorted(ordered, key=lambda row: (row["uscc"], row["record_id"]))
    # Ids that agree in the bits the fast way looks at.
    alike = pa.table({"uscc": ["B", "A", "A"], "record_id": ["0" * 32, "f" * 31 + "1", "f" * 31 + "0"]})
    assert lake_order(alike).tolist() == [2, 1, 0]


def test_rows_of_one_delivery_compared() -> None:
    rows = [
        penalty(1),
        penalty(1),  # identical: kept once
        penalty(2),
        penalty(2, amount_yuan="9"),  # same key and revision, other content: both ambiguous
        penalty(3),
        penalty(3, amount_yuan="9", revision="2"),  # another revision: both stand, contested
        penalty(4),
        penalty(2),  # a copy of an ambiguous row
    ]
    settled = settle(FEED, checked(rows).records)
    assert settled.kept.tolist() == [True, False, False, False, True, True, True, False]
    assert settled.ambiguous.tolist() == [False, False, True, True, False, False, False, True]
    assert settled.contested.tolist() == [False, False, False, False, True, True, False, False]
    assert settled.repeated == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 2)), max_size=9))
def test_settling_agrees_with_plain_python(drawn: list[tuple[int, int, int]]) -> None:
    rows = [penalty(number, revision=str(revision), amount_yuan=str(amount)) for number, revision, amount in drawn]
    settled = settle(FEED, checked(rows).records)
    for place, (number, revision, amount) in enumerate(drawn):
        contents = {one[2] for one in drawn if one[:2] == (number, revision)}
        revisions = {one[1] for one in drawn if one[0] == number}
        assert settled.ambiguous[place] == (len(contents) > 1)
        assert settled.kept[place] == (len(contents) == 1 and drawn.index((number, revision, amount)) == place)
        assert settled.contested[place] == (settled.kept[place] and len(revisions) > 1)
    assert settled.repeated + int(settled.kept.sum()) + int(settled.ambiguous.sum()) == len(drawn)
